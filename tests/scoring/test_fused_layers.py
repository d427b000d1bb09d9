"""A fused layer says what transformers' own layer says, and stands only where it does."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from clika.scoring import fused_layers, quicker_layers
from clika.scoring.fused_layers import FusedLayer, fuse_layers
from clika.scoring.packed_linear import can_pack
from clika.scoring.transformers_scorer import TransformersScorer
from tests.models import tiny_model
from tests.scoring.asking import asked, letters, scored

pytestmark = pytest.mark.skipif(not can_pack(), reason="this build of torch has no prepacked oneDNN layers")

FORMS = ("llama", "mistral", "qwen2", "qwen3")


def network_of(
    folder: Path, family: str = "llama", dtype: torch.dtype = torch.float32, **changes: Any
) -> Any:
    """A tiny model with norms that scale: a fresh one's are all ones, and would hide that they were left out."""
    network: Any = AutoModelForCausalLM.from_pretrained(tiny_model(folder, family, **changes))
    torch.manual_seed(1)
    for name, values in network.named_parameters():
        if "norm" in name or name.endswith("bias"):
            values.data = 0.5 + torch.rand_like(values)
    return network.to(dtype).eval()


@pytest.mark.parametrize("family", FORMS)
@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-4), (torch.bfloat16, 0.25)])
def test_a_model_says_the_same_with_padding_behind_a_cache_and_where_it_is_read(
    family: str, dtype: torch.dtype, within: float, tmp_path: Path
) -> None:
    network = network_of(tmp_path / family, family, dtype)
    prefix, rows = torch.arange(10, 19)[None], torch.arange(30, 42).view(2, 6)
    mask = torch.ones(2, 15, dtype=torch.long)
    mask[1, -2:] = 0
    read = torch.tensor([[5], [3]])

    def said(last: FusedLayer | None) -> list[torch.Tensor]:
        cache = DynamicCache(config=network.config)
        with torch.inference_mode():
            whole = network(torch.cat((prefix.expand(2, -1), rows), 1), attention_mask=mask).logits
            alone = network(prefix.expand(2, -1), past_key_values=cache, use_cache=True).logits
            if last is not None:
                last.positions = read
            behind = network(
                rows,
                attention_mask=mask,
                position_ids=torch.arange(9, 15).expand(2, 6),
                past_key_values=cache,
                logits_to_keep=read,
            ).logits
            if last is not None:
                last.positions = read + 9
            skipped = network(torch.cat((prefix.expand(2, -1), rows), 1), attention_mask=mask).logits
            if last is not None:
                last.positions = torch.tensor([[8, 2], [4, 4]])
            unpadded = network(prefix.expand(2, -1)).logits
            if last is not None:
                # As many as there are, in another order.
                last.positions = torch.tensor([[2, 0, 1], [0, 2, 2]])
            short = network(prefix[:, :3].expand(2, -1)).logits
        found = [one.float().log_softmax(-1) for one in (whole, alone, behind, skipped, unpadded, short)]
        picked = torch.take_along_dim(found[3], read[..., None] + 9, dim=1)
        several = torch.take_along_dim(found[4], torch.tensor([[8, 2], [4, 4]])[..., None], dim=1)
        all_read = (found[5][0], found[5][1, [0, 2]])
        return [found[0][mask > 0], found[1], found[2], picked, several, *all_read]

    before = said(None)
    count, last = fuse_layers(network)
    assert count == len(network.model.layers) == 2
    assert last is network.model.layers[1]
    for one, other in zip(said(last), before, strict=True):
        assert torch.allclose(one, other, atol=within)


@pytest.mark.parametrize("width", [1, 2])
def test_rows_of_one_token_see_the_prefix_that_they_share(width: int, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    prefix, rows = (
        list(range(10, 27)),
        [[place + 40 * step for step in range(width)] for place in range(5, 9)],
    )

    def said(fast: bool) -> torch.Tensor:
        causal = TransformersScorer.load(str(folder), device="cpu", fast=fast)._causal
        assert causal.shares_prefix is fast
        if fast:
            assert isinstance(causal.last_layer, FusedLayer)
        read = torch.full((len(rows), 1), width - 1)
        with torch.inference_mode():
            cache = causal.prefix_cache(prefix)
            return causal.read_logits(rows, read, cache, len(prefix)).log_softmax(-1)

    assert torch.allclose(said(True), said(False), atol=1e-4)


def test_a_layer_of_another_form_with_a_hook_or_that_does_not_agree_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fuse_layers(network_of(tmp_path / "gelu", hidden_act="gelu")) == (0, None)
    assert fuse_layers(network_of(tmp_path / "gemma2", "gemma2")) == (0, None)
    assert fuse_layers(nn.Linear(2, 2)) == (0, None)
    hooked = network_of(tmp_path / "hooked")
    hooked.model.layers[1].mlp.up_proj.register_forward_hook(lambda *_: None)
    assert fuse_layers(hooked) == (1, None)
    assert isinstance(hooked.model.layers[0], FusedLayer)
    halved = network_of(tmp_path / "halved")
    whole = halved.model.rotary_emb.forward
    monkeypatch.setattr(
        halved.model.rotary_emb, "forward", lambda *a, **b: tuple(one[..., :4] for one in whole(*a, **b))
    )
    # transformers' own layer would not take them either.
    monkeypatch.setattr(LlamaDecoderLayer, "forward", lambda self, states, **_: states)
    assert fuse_layers(halved) == (0, None)
    monkeypatch.undo()
    monkeypatch.setattr(fused_layers._Norm, "_written", lambda self, given, into: into.copy_(given))
    assert fuse_layers(network_of(tmp_path / "other")) == (0, None)


def test_weights_that_are_not_finite_still_show(tmp_path: Path) -> None:
    network = network_of(tmp_path / "model")
    with torch.no_grad():
        network.model.layers[0].mlp.up_proj.weight[3, 3] = torch.nan
    fuse_layers(network)
    with torch.inference_mode():
        assert network(torch.arange(5)[None]).logits.isnan().all()


def test_a_model_that_does_not_agree_as_a_whole_is_computed_with_packed_layers_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    folder = str(tiny_model(tmp_path / "model"))
    expected = letters(scored(TransformersScorer.load(folder, device="cpu", fast=False), asked(2)))

    def spoilt(network: Any) -> tuple[int, FusedLayer | None]:
        count, last = fuse_layers(network)
        network.model.norm.weight.data *= 2
        return count, last

    monkeypatch.setattr(quicker_layers, "fuse_layers", spoilt)
    with caplog.at_level(logging.WARNING):
        scorer = TransformersScorer.load(folder, device="cpu")
    assert "does not agree with its quicker layers" in caplog.text
    assert scorer.record.fused_layers == 0
    assert scorer.record.packed_layers > 0
    assert scorer._causal.shares_prefix
    assert letters(scored(scorer, asked(2))) == pytest.approx(expected, abs=1e-4)
