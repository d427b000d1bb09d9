"""verify says what was lost, and nothing of what a job is just sealing."""

from pathlib import Path

import pytest

from clika.database import soundness as looked
from clika.database.index import Index
from clika.database.soundness import soundness
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

RUN = made_up_run("tiny")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path, made_up_questions())
    seal_predictions(tmp_path, RUN, predictions(RUN, {("0", "en"): 0}))
    return tmp_path


def test_what_is_sealed_while_it_looks_is_not_missing(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = looked.sound_tables

    def reading(folder: Path) -> object:
        if folder.parent.name == "jobs":
            seal_predictions(
                store, RUN, predictions(RUN, {("2", "en"): 2})
            )  # just before its shards are read
        return read(folder)

    with Index.open(store) as index:
        seal_predictions(store, RUN, predictions(RUN, {("1", "en"): 1}))  # after the index was opened
        found = soundness(index)
        assert (found.rows - len(made_up_questions()), found.damaged, found.faults) == (2, 0, ())
        monkeypatch.setattr(looked, "sound_tables", reading)
        again = soundness(index)
        assert (again.rows - len(made_up_questions()), again.faults) == (3, ())


def test_a_writers_lost_manifest_is_missed_unless_its_first_shard_is_under_way(store: Path) -> None:
    (folder,) = (store / "jobs").iterdir()
    (manifest,) = folder.glob("manifest-*.jsonl")
    (folder / "manifest-other.jsonl").write_bytes(b"")
    kept = manifest.read_bytes()
    manifest.unlink()
    with Index.open(store) as index:
        (fault,) = soundness(index).faults
        assert "no manifest that vouches for them" in fault
        (folder / "job.json").write_text("{}")  # a job that is not done: its line may be on its way
        assert soundness(index).faults == ()
        (folder / "done.json").write_text("{}")
        assert len(soundness(index).faults) == 1
        manifest.write_bytes(kept)
        assert soundness(index).faults == ()
