"""LoRA beside a frozen layer, computed in one: what peft's layer says and learns, and peft's again when it is closed."""

from pathlib import Path
from typing import Any

import pytest
import torch

from clika.scoring.packed_linear import can_pack
from clika.training.adapted_linear import AdaptedLayers
from clika.training.adapter import learning_weights, with_adapter
from clika.training.frozen_linear import prepack_frozen_layers
from tests.training.taught import opened, plain_recipe, roughened, small_model

pytestmark = pytest.mark.skipif(not can_pack(), reason="this build of torch has no prepacked oneDNN layers")

IDS = torch.arange(3, 43).view(2, 20)


def adapted(folder: Path, family: str, **how: Any) -> tuple[Any, Any]:
    """(network, peft's model) with an adapter that says something, on packed layers."""
    network, _ = opened(small_model(folder, family))
    model, _ = with_adapter(network, plain_recipe(family, **how), "tiny")
    roughened(learning_weights(network))
    assert prepack_frozen_layers(network)
    return network, model


def learned(network: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """(logits, all gradients in one row), with the same draws each time."""
    torch.manual_seed(4)
    network.zero_grad()
    logits = network(input_ids=IDS).logits
    logits.square().mean().backward()
    return logits.detach(), torch.cat([w.grad.flatten() for w in learning_weights(network).values()])


@pytest.mark.parametrize("family", ["llama", "gpt2"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_it_says_and_learns_what_pefts_layers_do(family: str, dropout: float, tmp_path: Path) -> None:
    network, _ = adapted(tmp_path, family, dropout=dropout)
    network.train()
    expected = learned(network)
    layers = AdaptedLayers(network)
    assert (
        layers.count == {"llama": 4, "gpt2": 2}[family]
    )  # two layers of queries and values, or of both in one
    found = learned(network)
    for one, other in zip(found, expected, strict=True):
        assert (one - other).norm() < 1e-5 * other.norm()
    layers.close()
    again = learned(network)
    assert all(torch.equal(one, other) for one, other in zip(again, expected, strict=True))


def test_an_adapter_that_is_switched_off_or_merged_says_nothing_more(tmp_path: Path) -> None:
    network, model = adapted(tmp_path, "llama")
    network.eval()
    with torch.no_grad(), model.disable_adapter():
        base = network(input_ids=IDS).logits
    AdaptedLayers(network)
    with torch.no_grad():
        with model.disable_adapter():
            assert torch.equal(network(input_ids=IDS).logits, base)
        assert not torch.allclose(network(input_ids=IDS).logits, base)


def test_in_bfloat16_the_weights_that_learn_and_their_gradients_stay_float32(tmp_path: Path) -> None:
    network, _ = opened(small_model(tmp_path, "llama"))
    network.to(torch.bfloat16)
    with_adapter(network, plain_recipe(), "tiny")
    roughened(learning_weights(network))
    assert prepack_frozen_layers(network)
    network.train()
    with torch.autocast("cpu", torch.bfloat16):
        expected = learned(network)
        AdaptedLayers(network)
        found = learned(network)
    assert {
        weight.grad.dtype for weight in learning_weights(network).values() if weight.grad is not None
    } == {torch.float32}
    for one, other in zip(found, expected, strict=True):
        assert (one - other).float().norm() < 0.05 * other.float().norm()
