"""Real processes that tune: killed at any step they end with the same weights, bit for bit; and in groups."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from clika.jobs.folder import JobFolder
from clika.jobs.group_launch import Machines, group_command
from clika.jobs.learning_curve import learning_curve
from clika.training.adapter import adapter_note
from clika.training.recipe import Recipe, Tuning
from clika.training.task import TrainingTask
from clika.workers.train import END, TASK, write_task
from tests.training.taught import plain_recipe, small_model, small_samples

ROOT = Path(__file__).resolve().parents[2]
# 44 samples in batches of 16: 3 steps an epoch, 6 in all. With dropout, which must come back as it was.
RECIPE = plain_recipe(dropout=0.2, batch_size=16, epochs=2, learning_rate=5e-3)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return small_model(tmp_path_factory.mktemp("models") / "tiny")


def submitted(folder: Path, model: Path, recipe: Recipe = RECIPE, **changes: Any) -> Path:
    """A folder with a task in it, saved after every step."""
    task = TrainingTask(
        str(model), "tiny", small_samples()[::5], recipe, folder / "out", device="cpu", save_seconds=0
    )
    write_task(folder, replace(task, **changes))
    return folder


def run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=ROOT)


def worker(folder: Path, failpoints: str = "") -> "subprocess.CompletedProcess[str]":
    return run([sys.executable, "-m", "clika.workers.train", str(folder), "--failpoints", failpoints])


def tuned(folder: Path) -> dict[str, torch.Tensor]:
    (file,) = (folder / "out/tuned").glob("*.safetensors")
    return load_file(file)


def test_killed_at_any_step_it_resumes_and_ends_with_identical_weights(model: Path, tmp_path: Path) -> None:
    whole = submitted(tmp_path / "whole", model)
    assert worker(whole).returncode == 0
    killed = submitted(tmp_path / "killed", model)
    # At the first step nothing is on disk yet; then amid a save, after a rename, and with the step done but not saved.
    for failpoint in (
        "train.stepped=kill@1",
        "train.state_written=kill@2",
        "train.state_renamed=kill@1",
        "train.stepped=kill@2",
        "train.saved=kill@1",
    ):
        assert worker(killed, failpoint).returncode == -signal.SIGKILL, failpoint
        assert not (killed / END).exists()
    done = worker(killed)
    assert done.returncode == 0, done.stderr
    one, other = tuned(whole), tuned(killed)
    assert one.keys() == other.keys()
    assert all(torch.equal(one[name], other[name]) for name in one)
    losses = [[(p.step, p.loss) for p in learning_curve(folder)] for folder in (whole, killed)]
    assert losses[0] == losses[1]
    assert [step for step, _ in losses[0]] == [1, 2, 3, 4, 5, 6]
    record = json.loads((killed / END).read_text())["record"]
    # The second run began anew, the others went on after what the one before had saved.
    assert record["resumed_at"] == [1, 2, 3, 4]
    assert not (killed / "out/state").exists()


def test_sigterm_saves_the_step_and_a_task_that_is_done_is_not_done_again(
    model: Path, tmp_path: Path
) -> None:
    folder = submitted(tmp_path / "job", model, save_seconds=1e9)
    stopped = worker(folder, "train.stepped=term@2")
    assert stopped.returncode == 143, stopped.stderr
    assert "what was learned is on disk" in stopped.stderr
    assert worker(folder).returncode == 0
    assert json.loads((folder / END).read_text())["record"]["resumed_at"] != []
    before = (folder / "out/tuned/adapter_model.safetensors").stat().st_mtime_ns
    assert worker(folder, "train.stepped=kill").returncode == 0
    assert (folder / "out/tuned/adapter_model.safetensors").stat().st_mtime_ns == before


def another_recipe(folder: Path, model: Path) -> None:
    submitted(folder, model, replace(RECIPE, tuning=Tuning.LORA_ALL, rank=2))


def no_model(folder: Path, model: Path) -> None:
    submitted(folder, folder / "nowhere")


@pytest.mark.parametrize(
    ("change", "said"),
    [(no_model, "nowhere is no folder"), (another_recipe, "of another model, recipe or other samples")],
)
def test_what_cannot_be_done_ends_with_a_sentence(
    change: Callable[[Path, Path], None], said: str, model: Path, tmp_path: Path
) -> None:
    folder = submitted(tmp_path / "job", model)
    assert worker(folder, "train.saved=kill").returncode == -signal.SIGKILL
    change(folder, model)
    done = worker(folder)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    failure = JobFolder(folder).error()
    assert failure is not None
    assert said in failure.sentence


def test_a_damaged_task_and_a_full_disk_are_said(model: Path, tmp_path: Path) -> None:
    folder = submitted(tmp_path / "job", model)
    full = worker(folder, "train.state_written=full")
    assert full.returncode == 1
    assert "make room" in full.stderr
    (folder / TASK).write_text("{")
    assert "is no JSON" in worker(folder).stderr


def launched(folder: Path, processes: int) -> None:
    done = run(group_command(folder, "clika.workers.train", [str(folder)], processes, on_cpu=True))
    assert done.returncode == 0, done.stderr


GROUP = replace(RECIPE, dropout=0.0, learning_rate=1e-3, micro_batch_tokens=1500)


@pytest.fixture(scope="module")
def groups(model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[Tuning, Path]:
    """What two processes made of the task, by LoRA and in full."""
    made = {}
    for tuning in (Tuning.LORA_ATTENTION, Tuning.FULL):
        made[tuning] = submitted(tmp_path_factory.mktemp("group"), model, replace(GROUP, tuning=tuning))
        launched(made[tuning], 2)
    return made


@pytest.mark.parametrize("tuning", [Tuning.LORA_ATTENTION, Tuning.FULL])
def test_two_processes_end_with_the_weights_of_one(
    tuning: Tuning, groups: dict[Tuning, Path], model: Path, tmp_path: Path
) -> None:
    alone = submitted(tmp_path / "alone", model, replace(GROUP, tuning=tuning))
    assert worker(alone).returncode == 0
    one, other = tuned(alone), tuned(groups[tuning])
    assert one.keys() == other.keys()
    # They add up in another order, and AdamW makes much of a gradient that is nearly 0 (at most 6 steps of 1e-3).
    within = 1e-5 if tuning is Tuning.LORA_ATTENTION else 1e-4
    assert max(float((one[name] - other[name]).abs().max()) for name in one) < within
    losses = [[point.loss for point in learning_curve(folder)] for folder in (alone, groups[tuning])]
    assert losses[0] == pytest.approx(losses[1], abs=1e-4)
    note = adapter_note(groups[tuning] / "out/tuned")
    assert note is not None
    assert (note["record"]["processes"], note["record"]["sharded"]) == (2, tuning is Tuning.FULL)


@pytest.mark.long
def test_two_machines_end_with_the_weights_of_one_with_two_processes(
    groups: dict[Tuning, Path], model: Path, tmp_path: Path
) -> None:
    folder = submitted(tmp_path / "machines", model, replace(GROUP, tuning=Tuning.LORA_ATTENTION))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    # Two launchers that know of each other by an address alone stand for two machines with a shared folder.
    both = [
        subprocess.Popen(
            group_command(
                folder, "clika.workers.train", [str(folder)], 1, True, Machines(2, rank, "127.0.0.1", port)
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
            cwd=ROOT,
        )
        for rank in (0, 1)
    ]
    said = [one.communicate()[0] for one in both]
    assert [one.returncode for one in both] == [0, 0], said
    one, other = tuned(folder), tuned(groups[Tuning.LORA_ATTENTION])
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.long
def test_a_killed_group_that_shards_its_weights_resumes_and_ends_the_same(
    groups: dict[Tuning, Path], model: Path, tmp_path: Path
) -> None:
    folder = submitted(tmp_path / "killed", model, replace(GROUP, tuning=Tuning.FULL))
    armed = [str(folder), "--failpoints", "train.stepped=kill@3"]
    assert run(group_command(folder, "clika.workers.train", armed, 2, on_cpu=True)).returncode != 0
    assert not (folder / END).exists()
    launched(folder, 2)
    assert json.loads((folder / END).read_text())["record"]["resumed_at"] == [2]
    one, other = tuned(groups[Tuning.FULL]), tuned(folder)
    assert all(torch.equal(one[name], other[name]) for name in one)
