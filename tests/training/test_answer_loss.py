"""However samples are batched, padded or shared: the same loss, id for id, and the same gradients."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional

from clika.training.adapter import learning_weights, with_adapter
from clika.training.answer_loss import AnswerLoss, drops_out
from clika.training.examples import Example
from clika.training.micro_batches import MicroBatch, shared_length
from tests.models import FAMILIES, RECURRENT
from tests.training.taught import made_examples, opened, plain_recipe, roughened, small_model, small_samples


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
    assert loss.shares(examples, prefix) == (family not in RECURRENT)
    for length in (0, prefix) if family not in RECURRENT else (0,):
        together = loss.losses(examples, MicroBatch(everybody, length))
        together.sum().backward()
        assert torch.allclose(together, alone, rtol=0, atol=1e-5)
        found = gradient(network)
        assert (found - expected).norm() < 1e-5 * expected.norm()
    loss.close()
    with torch.no_grad():
        assert torch.allclose(plainly(network, examples), alone, atol=1e-6), "the hook is out again"


def test_a_wrong_prefix_is_noticed(tmp_path: Path) -> None:
    network, tokenizer = opened(small_model(tmp_path / "llama"))
    examples = made_examples(tokenizer, small_samples()[::37])
    loss = AnswerLoss(network)
    assert not loss.shares(examples, shared_length(examples) + 2)


def test_what_drops_out_is_noticed_wherever_it_stands(tmp_path: Path) -> None:
    quiet, _ = opened(small_model(tmp_path / "quiet"))
    assert not drops_out(quiet)
    attention, _ = opened(small_model(tmp_path / "attention", attention_dropout=0.1))
    assert drops_out(attention)
    inside, _ = opened(small_model(tmp_path / "inside", "gpt2", resid_pdrop=0.1))
    assert drops_out(inside)
    with_adapter(quiet, plain_recipe(dropout=0.1), "tiny")
    assert drops_out(quiet)
