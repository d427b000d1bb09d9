"""Attention within rows is transformers' own, value for value and gradient for gradient."""

import pytest
import torch
from torch import nn
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from clika.training.row_attention import row_attention


def inputs(dtype: torch.dtype) -> tuple[list[torch.Tensor], torch.Tensor]:
    """(query, key, value) of 3 rows, 4 heads over 2, 5 wide after 2 ids before; and a causal mask."""
    torch.manual_seed(1)
    shapes = (3, 4, 5, 8), (3, 2, 7, 8), (3, 2, 7, 8)
    made = [torch.randn(*shape).to(dtype).requires_grad_() for shape in shapes]
    seen = torch.ones(5, 7, dtype=torch.bool).tril(2)
    mask = torch.zeros(3, 1, 5, 7, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)
    return made, mask


@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_it_says_and_learns_what_torchs_does(dtype: torch.dtype, within: float) -> None:
    given, mask = inputs(dtype)
    module = nn.Module()
    module.num_key_value_groups = 2
    plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
    expected, _ = plain(module, *given, mask, scaling=0.3)
    with row_attention():
        own = ALL_ATTENTION_FUNCTIONS["sdpa"]
        found, _ = own(module, *given, mask, scaling=0.3)
        assert own is not plain
        # nothing is masked and something drops out: not ours
        torch.manual_seed(2)
        one, _ = own(module, *given, mask, dropout=0.5, scaling=0.3)
    torch.manual_seed(2)
    other, _ = plain(module, *given, mask, dropout=0.5, scaling=0.3)
    assert torch.equal(one, other)
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is plain
    assert torch.allclose(found.float(), expected.float(), atol=within)
    said = torch.randn(expected.shape).to(dtype)
    mine = torch.autograd.grad(found, given, said)
    theirs = torch.autograd.grad(expected, given, said)
    for a, b in zip(mine, theirs, strict=True):
        assert (a - b).float().norm() <= within * b.float().norm()
