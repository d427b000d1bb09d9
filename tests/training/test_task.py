"""A task survives its JSON, refuses what cannot be, and is known by all that moves a weight."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clika.errors import JobError, UsageError
from clika.prompts.instruction import InstructionForm
from clika.training.recipe import Recipe
from clika.training.task import TrainingTask
from tests.training.taught import small_samples

TASK = TrainingTask("model", "tiny", small_samples()[::20], Recipe(), Path("/tmp/out"), look_at=(0, 1))


def test_a_task_survives_its_json() -> None:
    for task in (TASK, replace(TASK, form=InstructionForm.CHAT, device="cpu", save_seconds=0.0)):
        assert TrainingTask.from_json(task.to_json()) == task


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"more": 1}, "has the unknown key 'more'"),
        ({"recipe": None}, "a recipe is an object"),
        ({"version": 2}, "version 2"),
        ({"sample_keys": ["text"]}, "other keys"),
        ({"samples": [["translation"]]}, "cannot be"),
        ({"device": "tpu"}, "device 'tpu'"),
    ],
)
def test_what_is_no_task_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(JobError, match=said):
        TrainingTask.from_json(json.dumps({**json.loads(TASK.to_json()), **changes}))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"samples": ()}, "no samples"),
        ({"model": " "}, "the model is empty"),
        ({"look_at": (7,)}, "look at step 7: this task has steps 0 to 3"),  # 11 samples: 1 step an epoch
        ({"save_seconds": -1}, "save seconds -1"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        replace(TASK, **changes)


def test_its_digest_changes_with_all_that_moves_a_weight_and_nothing_else() -> None:
    same = [
        TASK,
        replace(TASK, name="other", output=Path("/other"), look_at=(), save_seconds=1.0, device="cpu"),
    ]
    assert len({task.digest("weights") for task in same}) == 1
    other = [
        replace(TASK, recipe=Recipe(seed=1)),
        replace(TASK, samples=TASK.samples[1:]),
        replace(TASK, form=InstructionForm.ALPACA),
    ]
    assert (
        len({TASK.digest("weights"), TASK.digest("more"), *(task.digest("weights") for task in other)}) == 5
    )
