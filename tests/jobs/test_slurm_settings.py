"""How a job is put into Slurm: what is refused, what the batch script says, what of it a shell would read."""

import shlex
import subprocess
from pathlib import Path

import pytest

from clika.cli import main
from clika.errors import JobError, UsageError
from clika.jobs.folder import JobFolder
from clika.jobs.queue import JobState, queued_job, queued_jobs, resume, running, submitted
from clika.jobs.slurm_record import SlurmJob, slurm_job, write_slurm_job
from clika.jobs.slurm_script import batch_script, submission_environment, worker_command
from clika.jobs.slurm_settings import ArrayOver, SlurmSettings, launcher_of
from clika.jobs.supervisor import Supervisor
from tests.scripted_worker import scripted_job
from tests.stores import made_up_questions, seal_questions

NASTY = ("a b", "$(id)", "`id`", "a;id", "a\n#SBATCH --uid=0", "'", '"', "a\\b", "../x", "", "-p", "é")


def script(tmp_path: Path, settings: SlurmSettings, **changes: object) -> str:
    job = scripted_job(**changes)  # type: ignore[arg-type]
    folder = JobFolder.of(tmp_path / "store", job)
    environment = submission_environment(job, {"PATH": "/bin", "SECRET": "made-up", "HF_TOKEN": "made-up"})
    return batch_script(folder, job, settings, environment, worker_command(folder, ""))


@pytest.mark.parametrize("value", NASTY)
@pytest.mark.parametrize("name", ["partition", "account", "qos", "gpu_type", "constraint", "memory", "time"])
def test_a_value_that_a_shell_or_sbatch_could_read_otherwise_is_refused(name: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"Slurm's {name}"):
        SlurmSettings(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "line", ["array=0-99", "wrap=id", "output=/etc/passwd", "export=ALL", "uid=0", "signal=9"]
)
def test_an_option_that_the_script_needs_for_itself_is_refused(line: str) -> None:
    with pytest.raises(UsageError, match="can be added"):
        SlurmSettings(extra=(line,))


@pytest.mark.parametrize("value", NASTY[:8])
def test_a_further_option_takes_no_value_with_signs_of_a_shell(value: str) -> None:
    with pytest.raises(UsageError, match="mean something"):
        SlurmSettings(extra=(f"comment={value}",))


@pytest.mark.parametrize(
    ("time", "seconds"),
    [
        ("5", 5 * 60),
        ("10:30", 10 * 60 + 30),
        ("04:00:00", 4 * 3600),
        ("1-12", (24 + 12) * 3600),
        ("2-00:30", 48 * 3600 + 30 * 60),
        ("1-01:01:01", 25 * 3600 + 61),
    ],
)
def test_a_time_limit_is_read_as_slurm_reads_it(time: str, seconds: int) -> None:
    assert SlurmSettings(time=time).time_limit_seconds == seconds


def test_settings_that_cannot_be_say_why() -> None:
    for settings, word in (
        ({"time": "1"}, "is 60 s and a worker is told 60 s before"),
        ({"cpus": 0}, "cpus 0"),
        ({"requeues": -1}, "requeues -1"),
        ({"seconds_to_end": 0}, "seconds to end 0"),
    ):
        with pytest.raises(UsageError, match=word):
            SlurmSettings(**settings)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="'mps' in Slurm"):
        SlurmSettings().fitted(scripted_job(device="mps"))


def test_settings_are_read_back_and_unknown_keys_and_versions_refused() -> None:
    settings = SlurmSettings("a,b", "1-00", constraint="a&b", array=ArrayOver.LANGUAGES, extra=("nice=5",))
    text = settings.to_json()
    assert SlurmSettings.from_json(text) == settings
    for changed, word in (
        (text.replace('"qos"', '"qqos"'), "unknown key 'qqos'"),
        (text.replace('"version": 1', '"version": 2'), "version 2"),
        (text.replace('"slurm"', '"pbs"'), "kind 'pbs'"),
        (text.replace("null", "5"), "cannot be read"),
        ("[", "cannot be read"),
        (text.replace("a,b", "$(id)"), "cannot be: Slurm's partition"),
    ):
        with pytest.raises(JobError, match=word.replace("$(", r"\$\(")):
            SlurmSettings.from_json(changed)


def test_the_script_asks_for_what_the_settings_say_and_is_sound_bash(tmp_path: Path) -> None:
    settings = SlurmSettings(
        "main", "04:00:00", "lab", "high", "a100|h100", "a100", "64G", 8, extra=("exclusive", "nice=5")
    )
    text = script(tmp_path, settings, device="cuda", gpus_per_replica=2, replicas=4)
    asked = {line.removeprefix("#SBATCH ") for line in text.splitlines() if line.startswith("#SBATCH ")}
    assert {
        "--partition=main", "--time=04:00:00", "--account=lab", "--qos=high", "--constraint=a100|h100",
        "--gres=gpu:a100:2", "--mem=64G", "--cpus-per-task=8", "--array=0-3", "--exclusive", "--nice=5",
        "--requeue", "--signal=B:USR1@60", "--output=slurm-%a.log",
    } <= asked  # fmt: skip
    assert not any("gres" in line for line in script(tmp_path, settings, device="cpu").splitlines())
    subprocess.run(["bash", "-n"], input=text, text=True, check=True)


def test_no_token_and_nothing_else_of_the_environment_stands_in_the_script(tmp_path: Path) -> None:
    text = script(tmp_path, SlurmSettings(), model="owner/name")
    assert "made-up" not in text
    assert "HF_TOKEN" not in text
    job = scripted_job(model="owner/name")
    given = {"PATH": "/bin", "SECRET": "s", "HF_TOKEN": "t", "SBATCH_PARTITION": "p", "SLURM_CONF": "/c"}
    environment = submission_environment(job, given)
    assert environment.keys() == {"PATH", "HF_TOKEN", "SLURM_CONF", "PYTHONPATH"}
    assert "HF_TOKEN" not in submission_environment(scripted_job(model=str(tmp_path)), given)


def test_a_folder_of_any_name_is_one_word_to_the_shell(tmp_path: Path) -> None:
    place = tmp_path / "a b'c\"%d$(touch pwned);\n#SBATCH --array=0-9\nid"
    text = script(place, SlurmSettings())
    (before, _, rest) = text.partition("# Written by CLiKA")
    assert "touch" not in before
    line = next(part for part in shlex.split(rest, comments=True) if part.startswith(str(place)))
    assert line == str(JobFolder.of(place / "store", scripted_job()).path)


def test_a_state_is_told_from_what_was_last_heard_of_slurm(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job(replicas=2), SlurmSettings("main"))
    assert launcher_of(one.folder) == SlurmSettings("main")
    for tasks, state in (
        ({0: "PENDING", 1: "PENDING"}, JobState.SUBMITTED),
        ({0: "RUNNING", 1: "PENDING"}, JobState.RUNNING),
        ({0: "COMPLETING", 1: "COMPLETED"}, JobState.RUNNING),
        ({0: "REQUEUED", 1: "FAILED"}, JobState.SUBMITTED),
        ({0: "TIMEOUT", 1: "GONE"}, JobState.INTERRUPTED),
    ):
        write_slurm_job(one.folder, SlurmJob("7", tasks))
        assert queued_job(one.folder).state is state
    assert resume(tmp_path, queued_job(one.folder)).state is JobState.QUEUED
    assert slurm_job(one.folder) is None
    assert launcher_of(one.folder) is not None
    write_slurm_job(one.folder, SlurmJob("8", {0: "PENDING", 1: "RUNNING"}, "Resources"))
    assert slurm_job(one.folder) == SlurmJob("8", {0: "PENDING", 1: "RUNNING"}, "Resources")
    assert SlurmJob("8", {0: "PENDING", 1: "RUNNING"}, "Resources").sentence() == (
        "Slurm job 8: 1 PENDING, 1 RUNNING (Resources)"
    )
    with pytest.raises(UsageError, match="is running; wait"):
        resume(tmp_path, queued_job(one.folder))
    assert submitted(tmp_path, scripted_job()).state is JobState.RUNNING  # left as it is
    assert running(one.folder)


def test_the_same_job_without_slurm_is_the_same_job_on_this_machine(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job(), SlurmSettings("main"))
    again = submitted(tmp_path, scripted_job())
    assert again.job_id == one.job_id
    assert launcher_of(again.folder) is None


def test_the_command_line_keeps_the_settings_beside_the_job(tmp_path: Path) -> None:
    store = tmp_path / "store"
    seal_questions(store, made_up_questions())
    command = ["evaluate", "--store", str(store), "--model", "owner/name", "--template", "english"]
    slurm = ["--launcher", "slurm", "--partition", "main", "--gpus", "2", "--array", "languages"]
    more = [
        "--languages",
        "en,de",
        "--sbatch",
        "nice=5",
        "--sbatch",
        "exclusive",
        "--requeues",
        "3",
        "--queue",
    ]
    assert main([*command, *slurm, *more]) == 0
    (one,) = queued_jobs(store)
    assert one.job is not None
    assert (one.job.replicas, one.job.gpus_per_replica) == (2, 2)
    assert launcher_of(one.folder) == SlurmSettings(
        "main", array=ArrayOver.LANGUAGES, requeues=3, extra=("nice=5", "exclusive")
    )


def test_an_option_of_slurm_without_slurm_is_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["evaluate", "--store", str(tmp_path), "--model", "owner/name", "--partition", "main"]
    assert main(command) == 2
    assert "--partition belongs to --launcher slurm" in capsys.readouterr().err
    assert main([*command, "--launcher", "slurm", "--gpu-type", "$(id)"]) == 2
    assert "Slurm's gpu_type '$(id)'" in capsys.readouterr().err


def test_a_cluster_that_this_machine_does_not_submit_to_is_told(tmp_path: Path) -> None:
    one = submitted(tmp_path, scripted_job(), SlurmSettings("main"))
    Supervisor(tmp_path, {"PATH": str(tmp_path)}, devices=("cpu",)).look()
    error = queued_job(one.folder).folder.error()
    assert error is not None
    assert "no squeue on this machine" in error.sentence
