"""What a model takes of the quick ways, and what it is spared because it would say something else."""

from pathlib import Path
from typing import Any

import pytest
import torch

from clika.training.adapter import with_adapter
from clika.training.learner import Learner, learner
from clika.training.quickest import drops_out
from clika.training.ranks import Ranks
from clika.training.recipe import SharedPrefix
from clika.training.task import TrainingTask
from tests.training.taught import opened, plain_recipe, small_model, small_samples


def ready(scratch: Path, family: str = "llama", changes: dict[str, Any] | None = None, **how: Any) -> Learner:
    folder = small_model(scratch / family, family, **(changes or {}))
    recipe = plain_recipe(family, **how)
    task = TrainingTask(str(folder), "tiny", small_samples()[::6], recipe, scratch / "out", device="cpu")
    return learner(task, folder, Ranks("cpu"))


@pytest.mark.parametrize(
    ("family", "changes", "packs"),
    [
        ("llama", {}, True),
        ("gpt2", {}, True),
        ("gpt_neox", {}, True),
        ("falcon", {"alibi": False}, True),
        ("phi", {}, True),
        ("qwen3_moe", {}, True),
        ("mistral", {"sliding_window": 1024}, True),
        # wider than any sample it has to be; positions by a bias; not told positions; states that leak
        ("mistral", {"sliding_window": 48}, False),
        ("falcon", {"alibi": True}, False),
        ("bloom", {}, False),
        ("lfm2", {}, False),
        ("mamba", {}, False),
    ],
)
def test_models_that_see_only_what_a_mask_shows_them_are_packed(
    family: str, changes: dict[str, Any], packs: bool, tmp_path: Path
) -> None:
    made = ready(tmp_path, family, changes)
    assert (made.packed_rows, made.shared_branches) == (packs, packs)


def test_above_dropout_0_samples_are_packed_and_share_only_when_asked_for(tmp_path: Path) -> None:
    for wanted, shares in ((SharedPrefix.EXACT, False), (SharedPrefix.ALWAYS, True)):
        made = ready(tmp_path, dropout=0.1, shared_prefix=wanted)
        assert made.packed_rows
        assert (made.prefix_length > 50, made.shared_branches) == (shares, shares)
        assert made.exact_prefix == (not shares)
    apart = ready(tmp_path, shared_prefix=SharedPrefix.NEVER)
    assert (apart.packed_rows, apart.shared_branches, apart.prefix_length) == (True, False, 0)


def test_with_gradient_checkpointing_samples_are_packed_and_nothing_else(tmp_path: Path) -> None:
    made = ready(tmp_path, gradient_checkpointing=True)
    assert made.packed_rows
    assert (made.shared_branches, made.prefix_length, made.loss.trims) == (False, 0, False)
    assert not made.loss.attends_in_rows


def test_what_drops_out_is_noticed_wherever_it_stands(tmp_path: Path) -> None:
    quiet, _ = opened(small_model(tmp_path / "quiet"))
    assert not drops_out(quiet)
    attention, _ = opened(small_model(tmp_path / "attention", attention_dropout=0.1))
    assert drops_out(attention)
    inside, _ = opened(small_model(tmp_path / "inside", "gpt2", resid_pdrop=0.1))
    assert drops_out(inside)
    with_adapter(quiet, plain_recipe(dropout=0.1), "tiny")
    assert drops_out(quiet)


def test_a_way_that_teaches_something_else_is_not_taken(tmp_path: Path) -> None:
    made = ready(tmp_path)
    weights = tuple(made.weights.values())
    alone = made.loss.alone(made.examples, (0, 1, 2), weights)
    batch = made.micro_batches([0, 1, 2], 2000)[0]
    assert made.loss.agrees(made.examples, batch, alone)
    turned = torch.randn_like(alone.learned[0])
    alone.learned[0].add_(turned)
    assert not made.loss.agrees(made.examples, batch, alone)
    alone.learned[0].sub_(turned)
    alone.losses[1][0] += 0.01
    assert not made.loss.agrees(made.examples, batch, alone)
