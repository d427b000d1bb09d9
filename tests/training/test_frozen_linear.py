"""Frozen layers prepacked for oneDNN say and pass back what the plain ones do; everything else stays."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from clika.scoring.packed_linear import can_pack
from clika.training.frozen_linear import FrozenLinear, prepack_frozen_layers
from clika.training.learner import room_to_prepack

pytestmark = pytest.mark.skipif(not can_pack(), reason="this build of torch has no packed layers")


def frozen(*layers: nn.Module) -> nn.Sequential:
    network = nn.Sequential(*layers)
    network.requires_grad_(False)
    return network


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("layer", ["linear", "no bias", "conv1d"])
def test_forward_and_backward_agree_with_the_plain_layer(layer: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    made = {
        "linear": lambda: nn.Linear(24, 40),
        "no bias": lambda: nn.Linear(24, 40, bias=False),
        "conv1d": lambda: Conv1D(40, 24),
    }[layer]()
    plain = made.to(dtype).requires_grad_(False)
    network = frozen(plain)
    assert prepack_frozen_layers(network) == 1
    assert isinstance(network[0], FrozenLinear)
    found = []
    turned = torch.randn(3, 7, 40).to(dtype)
    given = torch.randn(3, 7, 24).to(dtype)
    for module in (plain, network):
        inputs = given.clone().requires_grad_()
        outputs = module(inputs)
        outputs.backward(turned)
        found.append((outputs.detach().float(), inputs.grad.float()))  # type: ignore[union-attr]
    within = 1e-5 if dtype is torch.float32 else 0.1
    for one, other in zip(*found, strict=True):
        assert torch.allclose(one, other, rtol=0, atol=within)


def test_what_learns_is_hooked_or_is_another_layer_stays() -> None:
    learns, hooked, other = nn.Linear(8, 8), nn.Linear(8, 8), nn.LayerNorm(8)
    network = nn.Sequential(learns, hooked, other)
    network[1:].requires_grad_(False)
    hooked.register_forward_hook(lambda module, inputs, outputs: outputs)
    assert prepack_frozen_layers(network) == 0
    assert list(network) == [learns, hooked, other]


def test_a_model_that_would_fill_the_memory_three_times_is_not_prepacked() -> None:
    assert room_to_prepack(held=4 << 30, memory=16 << 30)
    assert not room_to_prepack(held=5 << 30, memory=16 << 30)
    assert not room_to_prepack(held=1, memory=None)


def test_a_layer_whose_packed_form_disagrees_stays() -> None:
    network = frozen(nn.Linear(8, 8))
    with torch.no_grad():
        network[0].weight.fill_(float("nan"))  # type: ignore[operator, union-attr]
    assert prepack_frozen_layers(network) == 0
