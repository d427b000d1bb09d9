"""A recipe says what it is, refuses what cannot be, and follows transformers' schedules."""

import json
import math
from typing import Any

import pytest
import torch
from transformers import get_scheduler

from clika.errors import JobError, UsageError
from clika.training.recipe import Recipe, Schedule, Tuning


def test_the_defaults_are_the_papers() -> None:
    recipe = Recipe()
    assert (recipe.tuning, recipe.rank, recipe.alpha, recipe.dropout) == (Tuning.LORA_ATTENTION, 128, 16, 0.1)
    assert (recipe.rate, recipe.schedule, recipe.batch_size, recipe.epochs) == (2e-4, Schedule.COSINE, 32, 3)
    assert Recipe(tuning=Tuning.FULL).rate == 2e-5
    assert Recipe(tuning=Tuning.FULL, learning_rate=1e-5).rate == 1e-5
    # 10,200 samples / 32 = 318.75, 319 steps an epoch
    assert recipe.steps(10_200) == 957


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"tuning": "lora"}, "tuning 'lora'; known: lora-attention, lora-all, full"),
        ({"rank": 0}, "rank 0; a whole number from 1 on"),
        ({"rank": 1.5}, "rank 1.5; a whole number"),
        ({"batch_size": True}, "batch size True"),
        ({"alpha": 0}, "alpha 0; a number above 0"),
        ({"alpha": math.nan}, "alpha nan"),
        ({"dropout": 1.0}, "dropout 1.0; from 0 to below 1"),
        ({"learning_rate": 2}, "learning rate 2; above 0 and below 1"),
        ({"weight_decay": -0.1}, "weight decay -0.1; 0 or more"),
        ({"precision": "float16"}, "precision 'float16'; known: float32, bfloat16"),
        ({"gradient_checkpointing": 1}, "gradient checkpointing 1; true or false"),
        ({"gradient_checkpointing": True, "shared_prefix": "always"}, "give up one of the two"),
    ],
)
def test_what_cannot_be_is_refused(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Recipe(**changes)


def test_a_recipe_survives_its_json_and_refuses_other_keys() -> None:
    recipe = Recipe(tuning=Tuning.LORA_ALL, dropout=0.0, seed=5)
    assert Recipe.from_json(recipe.to_json()) == recipe
    values = json.loads(recipe.to_json())
    for text, said in (
        (json.dumps({**values, "droput": 0.1}), "unknown key 'droput'"),
        (json.dumps({**values, "version": 2}), "version 2"),
        (json.dumps({**values, "rank": "8"}), "rank '8'"),
        ("[]", "not list"),
        ("{", "no JSON"),
    ):
        with pytest.raises(JobError, match=said):
            Recipe.from_json(text)


@pytest.mark.parametrize("schedule", [str(one) for one in Schedule])
@pytest.mark.parametrize("warmup", [0, 3])
def test_the_learning_rate_is_that_of_transformers(schedule: str, warmup: int) -> None:
    recipe = Recipe(schedule=Schedule(schedule), warmup_steps=warmup)
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=recipe.rate)
    name = "constant_with_warmup" if schedule == "constant" else schedule
    theirs = get_scheduler(name, optimizer, warmup, 10)
    for step in range(10):
        assert recipe.rate_at(step, 10) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        theirs.step()
