"""Rows behind a shared prefix get what torch's attention gives them over the prefix and their own keys put together."""

from pathlib import Path

import pytest
import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, DynamicCache
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

from clika.scoring.shared_prefix import SharedPrefix, attention_behind
from tests.models import tiny_model

ROWS, HEADS, WIDTH, SIZE, SKIPPED = 3, 4, 5, 8, 7


@pytest.mark.parametrize("groups", [1, 2, 4])
@pytest.mark.parametrize(("dtype", "within"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
def test_it_is_attention_over_the_prefix_and_the_rows_own(
    groups: int, dtype: torch.dtype, within: float
) -> None:
    torch.manual_seed(groups)
    query = torch.randn(ROWS, WIDTH, HEADS, SIZE).transpose(1, 2).to(dtype)  # as models lay it out
    key, before_keys = (torch.randn(n, groups, m, SIZE).to(dtype) for n, m in ((ROWS, WIDTH), (1, SKIPPED)))
    value, before_values = (torch.randn(n, groups, m, 6).to(dtype) for n, m in ((ROWS, WIDTH), (1, SKIPPED)))
    seen = torch.ones(WIDTH, WIDTH, dtype=torch.bool).tril().repeat(ROWS, 1, 1, 1)
    seen[1, :, :, 3] = False  # somebody's padding
    whole = torch.cat((torch.ones(ROWS, 1, WIDTH, SKIPPED, dtype=torch.bool), seen), dim=-1)
    keys, values = (
        torch.cat((before.expand(ROWS, -1, -1, -1), own), dim=2).repeat_interleave(HEADS // groups, dim=1)
        for before, own in ((before_keys, key), (before_values, value))
    )
    expected = functional.scaled_dot_product_attention(
        query.float(), keys.float(), values.float(), attn_mask=whole, scale=0.3
    )
    own = torch.zeros(seen.shape, dtype=dtype).masked_fill_(~seen, torch.finfo(dtype).min)
    found = attention_behind(query, key, value, before_keys[0], before_values[0], own, 0.3)
    assert found.shape == (ROWS, WIDTH, HEADS, 6)
    assert found.dtype == dtype
    assert torch.allclose(found.transpose(1, 2).float(), expected, atol=within)


def test_a_model_says_the_same_behind_it_and_the_cache_stays_as_it_was(tmp_path: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path / "qwen2", "qwen2")).eval()
    cache = DynamicCache(config=network.config)
    prefix = torch.arange(10, 19)[None]
    rows = torch.arange(30, 42).view(2, 6)
    mask = torch.ones(2, 15, dtype=torch.long)
    mask[1, -2:] = 0
    positions = torch.arange(9, 15).expand(2, 6)
    plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
    with torch.inference_mode():
        network(prefix, past_key_values=cache, use_cache=True)
        expected = network(torch.cat((prefix.expand(2, -1), rows), 1), attention_mask=mask).logits[:, 9:]
        kept = cache.layers[0].keys.clone()
        for _ in range(2):
            shared = SharedPrefix(cache)
            with shared.within():
                found = network(
                    rows, attention_mask=mask, position_ids=positions, past_key_values=shared.cache
                ).logits
            assert torch.allclose(found[mask[:, 9:] > 0], expected[mask[:, 9:] > 0], atol=1e-5)
    assert torch.equal(cache.layers[0].keys, kept)
    assert cache.get_seq_length() == 9
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is plain


def test_a_mask_that_leaves_the_prefix_out_is_refused(tmp_path: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path / "llama")).eval()
    cache = DynamicCache(config=network.config)
    with torch.inference_mode():
        network(torch.arange(7)[None], past_key_values=cache, use_cache=True)
        shared = SharedPrefix(cache)
        with shared.within(), pytest.raises(ValueError, match=r"prefix has 7 and its rows 1 of their own"):
            network(
                torch.arange(30, 33)[:, None],
                attention_mask=torch.ones(3, 1, 1, 1, dtype=torch.bool),
                position_ids=torch.full((3, 1), 7),
                past_key_values=shared.cache,
            )


def test_where_not_everybody_sees_the_prefix_torch_computes(tmp_path: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path / "llama")).eval()
    cache = DynamicCache(config=network.config)
    rows = torch.arange(30, 42).view(2, 6)
    mask = torch.ones(2, 13, dtype=torch.long)
    mask[0, 2] = 0  # a hole in the prefix, for one of them
    positions = torch.arange(7, 13).expand(2, 6)
    with torch.inference_mode():
        network(torch.arange(7)[None], past_key_values=cache, use_cache=True)
        found = []
        for given in (SharedPrefix(cache), None):
            if given is not None:
                with given.within():
                    said = network(
                        rows, attention_mask=mask, position_ids=positions, past_key_values=given.cache
                    )
            else:
                for layer in cache.layers:
                    layer.keys, layer.values = (
                        one.expand(2, -1, -1, -1) for one in (layer.keys, layer.values)
                    )
                said = network(rows, attention_mask=mask, position_ids=positions, past_key_values=cache)
            found.append(said.logits)
    assert torch.allclose(*found, atol=1e-5)


def test_outside_of_a_cache_of_its_own_it_refuses_and_torchs_attention_comes_back(tmp_path: Path) -> None:
    network = AutoModelForCausalLM.from_pretrained(tiny_model(tmp_path / "llama")).eval()
    cache = DynamicCache(config=network.config)
    with torch.inference_mode():
        network(torch.arange(7)[None], past_key_values=cache, use_cache=True)
        plain = ALL_ATTENTION_FUNCTIONS["sdpa"]
        with pytest.raises(ValueError, match="without a cache"), SharedPrefix(cache).within():
            network(torch.arange(5)[None])
    assert ALL_ATTENTION_FUNCTIONS["sdpa"] is plain
    with pytest.raises(ValueError, match="more than all keys"):
        SharedPrefix(DynamicCache(config=network.config))
