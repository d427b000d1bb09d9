"""Prepacked layers say what torch's own say, and take nothing over that they should leave."""

import os
import subprocess
import sys

import pytest
import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from clika.scoring.packed_linear import PackedLinear, can_pack, pack_linear_layers, padded_rows

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


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("rows", [5, 64])
def test_what_is_done_with_the_result_besides_is_done(dtype: torch.dtype, rows: int) -> None:
    torch.manual_seed(rows)
    layer = nn.Linear(48, 40).to(dtype)
    packed = PackedLinear.of((layer,))
    given, other = torch.randn(2, rows, 48).to(dtype), torch.randn(2, rows, 40).to(dtype)
    with torch.inference_mode():
        plain = layer(given).float()
        kept = other.clone()
        for found, expected in (
            (packed(given, plus=other), plain + other),
            (packed(given, times=other), plain * other),
            (packed(given, silu=True), nn.functional.silu(plain)),
        ):
            assert found.shape == plain.shape
            assert torch.allclose(found.float(), expected, atol=1e-5 if dtype is torch.float32 else 0.1)
        assert torch.equal(other, kept)


def test_layers_of_one_input_are_one_layer_and_few_numbers_of_rows_serve_all() -> None:
    torch.manual_seed(0)
    layers = [nn.Linear(48, 16), nn.Linear(48, 24, bias=False)]
    given = torch.randn(3, 48)
    with torch.inference_mode():
        expected = torch.cat([layer(given) for layer in layers], dim=-1)
        assert torch.allclose(PackedLinear.of(layers)(given), expected, atol=1e-5)
    assert {padded_rows(rows, torch.bfloat16) for rows in range(1, 65)} == {32, 64}
    assert {padded_rows(rows, torch.float32) for rows in range(1, 33)} == {16, 32}


_TWICE = """
import torch
from clika.scoring.packed_linear import PackedLinear, keep_programs
KEEP and keep_programs()
layer = PackedLinear(torch.randn(8, 8), None)
with torch.inference_mode():
    for steps in list(range(1, 1101)) * 2:
        layer(torch.randn(16 * steps, 8))
"""


@pytest.mark.parametrize(
    ("keep", "least", "most"), [("we", 1100, 1150), ("nobody", 2200, 2250), ("person", 2200, 2250)]
)
def test_a_program_is_written_once_however_many_shapes_there_are(keep: str, least: int, most: int) -> None:
    environment = {**os.environ, "ONEDNN_VERBOSE": "2"}
    environment.pop("ONEDNN_PRIMITIVE_CACHE_CAPACITY", None)
    if keep == "person":
        environment["ONEDNN_PRIMITIVE_CACHE_CAPACITY"] = "1024"
    command = [sys.executable, "-c", _TWICE.replace("KEEP", str(keep != "nobody"))]
    said = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    written = [line for line in said.splitlines() if "create:cache_miss" in line and "inner_product" in line]
    assert least <= len(written) <= most
