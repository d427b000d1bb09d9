"""However samples are batched, padded or shared: the same loss, id for id, and the same gradients."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.nn import functional

from clika.training.adapter import learning_weights, with_adapter
from clika.training.answer_loss import AnswerLoss
from clika.training.examples import Example
from clika.training.micro_batches import (
    MicroBatch,
    crowded_micro_batch,
    packed_micro_batches,
    shared_length,
)
from clika.training.packing import shared_by
from clika.training.quickest import drops_out
from tests.models import FAMILIES, RECURRENT
from tests.training.taught import made_examples, opened, plain_recipe, roughened, small_model, small_samples

# Sliding windows, positions by a bias, or states that leak from sample to sample.
UNPACKED = RECURRENT | {"mistral", "gemma2", "gemma3_text", "bloom", "falcon"}
# Their last layer has no part of its own that is given hidden states and nothing else.
UNTRIMMED = frozenset({"bloom", "opt", "mamba", "lfm2", "granitemoehybrid"})


def of(members: Sequence[int], alone: torch.Tensor, examples: Sequence[Example]) -> torch.Tensor:
    """Losses of all examples, in order, in the order of ``members``."""
    each = alone.detach().split([example.labelled for example in examples])
    return torch.cat([each[member] for member in members])


def gradient(network: torch.nn.Module) -> torch.Tensor:
    """All the gradients in one row; they are taken away."""
    found = [weight.grad for weight in learning_weights(network).values()]
    whole = torch.cat([one.flatten() for one in found if one is not None])
    network.zero_grad()
    return whole


def plainly(network: torch.nn.Module, examples: list[Example]) -> torch.Tensor:
    """Nats of the labelled ids by the plain model, one sample at a time."""
    found = []
    for example in examples:
        ids = torch.tensor(example.ids)
        logits = network(input_ids=ids[None]).logits[0, example.start - 1 : -1]
        found.append(functional.cross_entropy(logits, ids[example.start :], reduction="none"))
    return torch.cat(found)


@pytest.mark.parametrize("family", FAMILIES)
def test_batched_and_shared_give_what_the_plain_model_gives_one_at_a_time(
    family: str, tmp_path: Path
) -> None:
    network, tokenizer = opened(small_model(tmp_path / family, family))
    examples = made_examples(tokenizer, small_samples()[::37])
    with_adapter(network, plain_recipe(family), family)
    roughened(learning_weights(network))
    network.train()
    assert not drops_out(network)
    alone = plainly(network, examples)
    alone.sum().backward()
    expected = gradient(network)
    loss = AnswerLoss(network)
    everybody = tuple(range(len(examples)))
    prefix = shared_length(examples)
    assert prefix > 50  # Alpaca's words, and the instruction's heading
    single = loss.alone(examples, everybody)
    assert loss.agrees(examples, MicroBatch(everybody, prefix), single) == (family not in RECURRENT)
    batches = [MicroBatch(everybody, 0)]
    if family not in RECURRENT:
        batches.append(MicroBatch(everybody, prefix))
    if family not in UNPACKED:
        for length, branches in ((0, False), (0, True), (prefix, False), (prefix, True)):
            batches += packed_micro_batches(everybody, examples, 10_000, length, branches)
    for trims in (False, True) if family not in UNTRIMMED else (False,):
        loss.trim(trims)
        for batch in batches:
            together = loss.losses(examples, batch)
            together.sum().backward()
            assert torch.allclose(together, of(batch.members, alone, examples), rtol=0, atol=1e-5)
            found = gradient(network)
            assert (found - expected).norm() < 1e-5 * expected.norm()
    loss.close()
    with torch.no_grad():
        assert torch.allclose(plainly(network, examples), alone, atol=1e-6), "the hooks are out again"


def test_a_wrong_prefix_and_a_wrong_branch_are_noticed(tmp_path: Path) -> None:
    network, tokenizer = opened(small_model(tmp_path / "llama"))
    examples = made_examples(tokenizer, small_samples()[::37])
    loss = AnswerLoss(network)
    everybody = tuple(range(len(examples)))
    single = loss.alone(examples, everybody)
    assert not loss.agrees(examples, MicroBatch(everybody, shared_length(examples) + 2), single)
    batch = crowded_micro_batch(everybody, examples, 0, branches=False)
    assert batch.packing is not None
    assert loss.agrees(examples, batch, single)
    (row, one), (same, other), *others = batch.packing.paths
    assert row == same
    # two ids more than they share: the second sample's stand where the first's should
    common = shared_by(examples[batch.members[0]], examples[batch.members[1]]) + 2
    wrong = ((row, one), (row, (*one[:common], *other[common:])), *others)
    assert not loss.agrees(examples, replace(batch, packing=replace(batch.packing, paths=wrong)), single)
