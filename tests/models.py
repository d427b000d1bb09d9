"""Tiny random models in folders, made from scratch with a tokenizer trained on the spot. No download.

They answer nothing sensibly; weights are wide (standard deviation 0.3), so that a wrong mask or position
shows in the first digits of a log-probability.
"""

from enum import StrEnum
from pathlib import Path
from typing import Any

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast


class TinyTokenizer(StrEnum):
    """``plain``: byte-level BPE, no special token added. ``bos``: adds ``<s>``. ``merging``: makes ``:A`` one token."""

    PLAIN = "plain"
    BOS = "bos"
    MERGING = "merging"


_TEXTS = (
    "Question:Which city is the capital of Germany?\nA. Paris\nB. Berlin\nC. Rome\nD. Warsaw\nE. Madrid\nAnswer:",
    "Premise:Die Sonne ging auf.\nQuestion:Was geschah danach?\nA. Es wurde hell.\nB. Es wurde dunkel.\nAnswer:",
    "Question:מהי בירת צרפת?\nA. פריז\nB. לונדון\nAnswer:",
    "Question:法国的首都是哪里?\nA. 巴黎\nB. 柏林\nAnswer:",
)
# cl100k's rule, shortened: one character that is no letter joins the letters after it.
_JOINING = Regex(r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s+")

_SIZE: dict[str, Any] = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "max_position_embeddings": 1024,
    "initializer_range": 0.3,
}
_FAMILIES: dict[str, dict[str, Any]] = {
    "llama": {"num_key_value_heads": 2},
    "mistral": {"num_key_value_heads": 2, "sliding_window": 48},
    "qwen2": {"num_key_value_heads": 2},
    "qwen3": {"num_key_value_heads": 2, "head_dim": 8},
    "gemma2": {"num_key_value_heads": 2, "head_dim": 8, "sliding_window": 48},
    "gemma3_text": {
        "num_key_value_heads": 2,
        "head_dim": 8,
        "sliding_window": 48,
        "layer_types": ["sliding_attention", "full_attention"],
    },
    "olmo2": {"num_key_value_heads": 2, "eos_token_id": 1},
    "gpt2": {"n_positions": 1024},
    "opt": {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "gpt_neox": {},
    "bloom": {},
    "falcon": {"alibi": True},
    "phi": {},
    "phi3": {"num_key_value_heads": 2, "eos_token_id": 1},
    "mixtral": {"num_key_value_heads": 2, "num_local_experts": 4},
    "qwen3_moe": {
        "num_key_value_heads": 2,
        "head_dim": 8,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
    },
    "mamba": {"state_size": 8},
    # Hybrids: a short convolution, a state space, or a linear attention in one layer, attention in the other.
    "lfm2": {"num_key_value_heads": 2, "layer_types": ["conv", "full_attention"]},
    "granitemoehybrid": {
        "num_key_value_heads": 2,
        "layer_types": ["mamba", "attention"],
        "num_local_experts": 2,
        "num_experts_per_tok": 1,
        "mamba_n_heads": 4,
        "mamba_d_head": 16,
        "mamba_d_state": 16,
        "mamba_chunk_size": 16,
    },
    "qwen3_next": {
        "num_key_value_heads": 2,
        "head_dim": 8,
        "num_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 32,
        "shared_expert_intermediate_size": 32,
        "layer_types": ["linear_attention", "full_attention"],
        "linear_num_value_heads": 4,
        "linear_num_key_heads": 2,
        "linear_key_head_dim": 8,
        "linear_value_head_dim": 8,
    },
}
RECURRENT = frozenset({"mamba", "lfm2", "granitemoehybrid", "qwen3_next"})
"""Families with layers that keep a running state instead of keys and values."""
FAMILIES = tuple(_FAMILIES)


def tiny_tokenizer(kind: TinyTokenizer = TinyTokenizer.PLAIN) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of at most 420 tokens, trained on four short prompts."""
    tokenizer = Tokenizer(models.BPE())
    texts = list(_TEXTS)
    if kind is TinyTokenizer.MERGING:
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [
                pre_tokenizers.Split(_JOINING, "isolated"),
                pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
            ]
        )
        texts += [f"Answer:{letter}. {letter} {letter}" for letter in "ABCDEFGH"] * 40
    else:
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        texts += [f"Answer:{letter}. option" for letter in "ABCDEFGH"]
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        texts,
        trainers.BpeTrainer(
            vocab_size=420,
            special_tokens=["<s>", "</s>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    if kind is TinyTokenizer.BOS:
        tokenizer.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
        )
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")


def tiny_model(
    folder: Path,
    family: str = "llama",
    *,
    seed: int = 0,
    tokenizer: TinyTokenizer = TinyTokenizer.PLAIN,
    **changes: Any,
) -> Path:
    """A model of one of FAMILIES saved in ``folder``, which is returned; ``changes`` go into its config."""
    words = tiny_tokenizer(tokenizer)
    wanted = {"vocab_size": len(words), "pad_token_id": None, **_SIZE, **_FAMILIES[family], **changes}
    config = AutoConfig.for_model(family, **wanted)
    torch.manual_seed(seed)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def tiny_llama(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A Llama of about 30,000 parameters in ``folder``."""
    return tiny_model(folder, "llama", seed=seed, **changes)


def tiny_gpt2(folder: Path, seed: int = 0, **changes: Any) -> Path:
    """A GPT-2 of about 70,000 parameters in ``folder``."""
    return tiny_model(folder, "gpt2", seed=seed, **changes)
