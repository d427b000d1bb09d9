"""Which layers get an adapter, in every family: found from the model, or refused with what to do instead."""

from pathlib import Path

import pytest
import torch

from clika.errors import ModelError
from clika.training.adapter import learning_weights, with_adapter
from clika.training.recipe import Tuning
from clika.training.targets import targets
from tests.models import FAMILIES
from tests.training.taught import opened, plain_recipe, small_model

QUERIES_AND_VALUES = ("q_proj", "v_proj")
LLAMA_LINEAR = ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")
ONE_LAYER = {
    "gpt2": ("c_attn",),
    "gpt_neox": ("query_key_value",),
    "bloom": ("query_key_value",),
    "falcon": ("query_key_value",),
    "phi3": ("qkv_proj",),
}
HYBRIDS = ("lfm2", "granitemoehybrid", "qwen3_next")  # attention in one of their two layers
EXPERTS = ("mixtral", "qwen3_moe", "granitemoehybrid", "qwen3_next")
NEOX_LINEAR = ("dense", "dense_4h_to_h", "dense_h_to_4h", "query_key_value")
ALL_LINEAR = {
    "gpt2": ("c_attn", "c_fc", "c_proj"),
    "opt": ("fc1", "fc2", "k_proj", "out_proj", "q_proj", "v_proj"),
    "gpt_neox": NEOX_LINEAR,
    "bloom": NEOX_LINEAR,
    "falcon": NEOX_LINEAR,
    "phi": ("dense", "fc1", "fc2", "k_proj", "q_proj", "v_proj"),
    "phi3": ("down_proj", "gate_up_proj", "o_proj", "qkv_proj"),
    "mamba": ("in_proj", "x_proj"),
    "lfm2": ("in_proj", "k_proj", "out_proj", "q_proj", "v_proj", "w1", "w2", "w3"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_attention_of_every_family_is_found_and_all_its_adapters_learn(
    family: str, tmp_path: Path
) -> None:
    network, _ = opened(small_model(tmp_path / family, family))
    if family == "mamba":
        with pytest.raises(
            ModelError, match="called dt_proj, in_proj, out_proj, x_proj: use tuning 'lora-all'"
        ):
            targets(network, Tuning.LORA_ATTENTION, family)
        return
    _, found = with_adapter(network, plain_recipe(), family)
    assert found.names == ONE_LAYER.get(family, QUERIES_AND_VALUES)
    # 2 layers, or 1 that has attention, times the names
    assert found.count == (1 if family in HYBRIDS else 2) * len(found.names)
    assert found.transposed == (family == "gpt2")
    network(input_ids=torch.arange(9)[None]).logits.sum().backward()
    learning = learning_weights(network)
    assert len(learning) == 2 * found.count
    assert [name for name, weight in learning.items() if weight.grad is None] == []


@pytest.mark.parametrize("family", FAMILIES)
def test_all_linear_layers_are_found_or_refused(family: str, tmp_path: Path) -> None:
    network, _ = opened(small_model(tmp_path / family, family))
    if family in EXPERTS:
        with pytest.raises(
            ModelError, match=r"blocks of three dimensions .* use tuning 'lora-attention' or 'full'"
        ):
            targets(network, Tuning.LORA_ALL, family)
        return
    found = targets(network, Tuning.LORA_ALL, family)
    assert found.names == ALL_LINEAR.get(family, LLAMA_LINEAR)
    assert found.left_out == (("dt_proj", "out_proj") if family == "mamba" else ())
    assert not any("head" in name for name in found.names)


def test_the_same_seed_draws_the_same_adapter(tmp_path: Path) -> None:
    drawn = []
    for seed in (1, 1, 2):
        torch.manual_seed(99)
        network, _ = opened(small_model(tmp_path / f"{len(drawn)}"))
        with_adapter(network, plain_recipe(seed=seed), "tiny")
        drawn.append(next(iter(learning_weights(network).values())))
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
