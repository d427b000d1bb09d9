"""The head in parts: the same losses and gradients as from all logits at once."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional

from clika.training import head_loss
from clika.training.head_loss import frozen_and_last, head_losses
from tests.training.taught import opened, small_model


@pytest.mark.parametrize("at_once", [1, 70, 10_000])  # logits of 1, 3 and all of 11 positions
def test_losses_and_gradients_are_those_of_all_logits(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_loss, "_AT_ONCE", {"cpu": at_once})
    torch.manual_seed(0)
    head = nn.Linear(8, 23).requires_grad_(False)
    hidden = torch.randn(11, 8, requires_grad=True)
    wanted = torch.randint(23, (11,))
    expected = functional.cross_entropy(head(hidden), wanted, reduction="none")
    found = head_losses(hidden, head, wanted)
    assert torch.allclose(found, expected, atol=1e-6)
    weighted = torch.rand(11)
    (one,) = torch.autograd.grad((expected * weighted).sum(), hidden)
    (other,) = torch.autograd.grad((found * weighted).sum(), hidden)
    assert torch.allclose(one, other, atol=1e-6)


def test_a_head_that_learns_or_whose_logits_are_capped_or_scaled_is_asked_whole(tmp_path: Path) -> None:
    plain, _ = opened(small_model(tmp_path / "plain"))
    assert not frozen_and_last(plain)
    assert frozen_and_last(plain.requires_grad_(False))
    capped, _ = opened(small_model(tmp_path / "capped", "gemma2", final_logit_softcapping=30.0))
    assert not frozen_and_last(capped.requires_grad_(False))
    uncapped, _ = opened(small_model(tmp_path / "uncapped", "gemma2", final_logit_softcapping=None))
    assert frozen_and_last(uncapped.requires_grad_(False))
    scaled, _ = opened(small_model(tmp_path / "scaled", "granitemoehybrid", logits_scaling=2.0))
    assert not frozen_and_last(scaled.requires_grad_(False))
