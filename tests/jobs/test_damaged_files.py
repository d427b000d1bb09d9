"""A job's small files, damaged: queue, page and supervisor go on, and the job says what to do."""

from pathlib import Path

import pytest

from clika.cli import main as command_line
from clika.jobs.queue import JobState, queued_job, submitted
from tests.jobs.looking import looked_until_state, scripted_supervisor, table
from tests.scripted_worker import scripted_job
from tests.stores import made_up_questions, seal_questions

NAMES = (
    "done.json",
    "error-0.json",
    "wanted.json",
    "processes.json",
    "progress-0.json",
    "heartbeat-0",
    "job.json",
)
GARBAGE = {
    "no text": b"\xff\xfe\x00",
    "empty": b"",
    "a list": b"[]",
    "an object": b"{}",
    "null": b"null",
    "wrong values": b'{"wanted": 7, "order": "x", "done": "x", "replicas": [{"process": {"pid": -1}}]}',
    "no process": b'{"version": 1, "replicas": [{"process": {"pid": 1e99, "started": 0}, "devices": [0]}]}',
}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path / "store", made_up_questions(count=4))
    return tmp_path / "store"


@pytest.mark.parametrize("content", GARBAGE.values(), ids=GARBAGE.keys())
def test_no_damaged_file_of_a_job_stops_page_or_supervisor(
    store: Path, content: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    one = submitted(store, scripted_job(name="damaged", limit=1))
    for name in NAMES:
        (one.folder.path / name).write_bytes(content)
    assert queued_job(one.folder).state in set(JobState)
    for arguments in (["list"], ["list", "--format", "json"], ["show", one.job_id]):
        assert command_line(["jobs", *arguments, "--store", str(store)]) == 0
    assert one.job_id in capsys.readouterr().out
    other = submitted(store, scripted_job(name="sound"))
    supervisor = scripted_supervisor(store)
    looked_until_state(supervisor, other, JobState.DONE)
    again = submitted(store, scripted_job(name="damaged", limit=1))
    looked_until_state(supervisor, again, JobState.DONE)
    assert len(table(store)) == 4 * 3


def test_a_specification_that_says_something_else_than_was_submitted_is_named(store: Path) -> None:
    one = submitted(store, scripted_job(limit=2))
    path = one.folder.path / "job.json"
    path.write_text(path.read_text().replace('"limit": 2', '"limit": 3'))
    found = queued_job(one.folder)
    assert (found.state, found.job) == (JobState.FAILED, None)
    assert "is not what was submitted" in (found.fault or "")
