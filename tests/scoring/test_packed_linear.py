"""Prepacked layers say what torch's own say, and take nothing over that they should leave."""

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from clika.scoring.packed_linear import PackedLinear, can_pack, pack_linear_layers

pytestmark = pytest.mark.skipif(not can_pack(), reason="this build of torch has no prepacked oneDNN layers")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_packed_layer_gives_what_the_layer_gave(dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(48, 96), nn.Linear(96, 40, bias=False), Conv1D(24, 40)).to(dtype).eval()
    given = torch.randn(3, 17, 48).to(dtype)
    with torch.inference_mode():
        before = network(given)
        assert pack_linear_layers(network) == 3
        after = network(given)
    assert all(isinstance(layer, PackedLinear) for layer in network)
    assert after.dtype == dtype
    assert torch.allclose(before.float(), after.float(), atol=1e-5 if dtype is torch.float32 else 0.05)


def test_hooked_layers_subclasses_and_other_dtypes_are_left() -> None:
    class Other(nn.Linear):
        pass

    hooked = nn.Linear(8, 8)
    hooked.register_forward_pre_hook(lambda module, inputs: None)
    network = nn.Sequential(hooked, Other(8, 8), nn.Linear(8, 8).double())
    assert pack_linear_layers(network) == 0


def test_a_weight_that_is_not_finite_still_shows() -> None:
    network = nn.Sequential(nn.Linear(8, 8))
    with torch.no_grad():
        network[0].weight[3, 3] = torch.nan
    pack_linear_layers(network)
    with torch.inference_mode():
        assert network(torch.ones(2, 8))[:, 3].isnan().all()
