"""What a config.json may say: its sizes are bounded before anything is built from them, and nothing leads to code."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clika.checkpoints.json_files import read_object
from clika.checkpoints.model_types import causal_model_types, model_types
from clika.errors import CheckpointRefusedError

CONFIGURATION = "config.json"
_MOST_BYTES = 4 << 20
_MOST_DEPTH = 8
_MOST_ITEMS = 20_000
_PLAIN = re.compile(r"[a-z0-9_]{1,40}")
_SAVE_AGAIN = "give the configuration that belongs to these weights"

# The largest value of each size, by what its key is called in any family: some ten times the largest known model's.
_SIZES: tuple[tuple[str, int], ...] = (
    (r"(n_)?vocab(ulary)?_size(_\w+)?", 4_000_000),
    (r"hidden_size(_\w+)?|n_embd|d_model|dim|model_dim|word_embed_proj_dim|embedding_size|n_embed", 131_072),
    (r"(\w+_)?intermediate_size|n_inner|ffn_dim|d_ff|ffn_hidden_size|(\w+_)?ffn_dim", 2_097_152),
    (r"(num|n)_(hidden_)?layers?(_\w+)?|(num|n)_\w*layers|n_layer", 1_024),
    (r"(num|n)_(\w+_)?(heads?|head_kv)|multi_query_group_num", 8_192),
    (r"(\w+_)?head_dim|kv_channels|d_kv|qk_\w*dim", 65_536),
    (r"(num|n)_(\w+_)?experts(_\w+)?|moe_num_experts", 8_192),
    (r"num_labels|num_(return_)?sequences|num_beams", 100_000),
    (r"(\w+_)?rank|\w*_r", 131_072),
    (r"(max|n)_positions?(_embeddings)?|n_ctx|max_sequence_length|seq_length|max_seq_len", 100_000_000),
    (r"(mamba_)?(d_state|d_conv|state_size|expand|conv_kernel|n_groups|chunk_size)|time_step_rank", 131_072),
)  # fmt: skip
_COMPILED = tuple((re.compile(pattern), most) for pattern, most in _SIZES)
_LARGEST = 1 << 40
_AT_LEAST_ONE = frozenset(
    {
        "num_hidden_layers",
        "num_layers",
        "n_layers",
        "n_layer",
        "hidden_size",
        "n_embd",
        "d_model",
        "vocab_size",
    }
)


def checked_config(folder: Path, sides: frozenset[int] = frozenset(), causal: bool = True) -> dict[str, Any]:
    """A folder's config.json. Raises CheckpointRefusedError for one that is not taken.

    ``sides`` are the lengths of its weights' sides: a size is believed, however large, where a weight has it.
    ``causal`` asks for a causal language model, and not for any model that transformers knows.

    ``auto_map`` (code of the model's own) is ignored where transformers knows the model type itself; attention
    implementations by a plain name are ignored too: the loader names its own.
    """
    config = read_object(folder / CONFIGURATION, _MOST_BYTES)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or not model_type:
        raise CheckpointRefusedError(
            "config-type", f"{CONFIGURATION} names no model_type", "save the model again with save_pretrained"
        )
    known = causal_model_types() if causal else model_types() | causal_model_types()
    if known and model_type not in known:
        if "auto_map" in config:
            code = (
                str(next(iter(config["auto_map"].values()), ""))
                if isinstance(config["auto_map"], dict)
                else ""
            )
            raise CheckpointRefusedError(
                "config-code",
                f"model type {model_type[:60]!r} needs the model's own code ({code[:80]!r}), which is never run",
                "give a model of a type that this transformers knows as a causal language model",
            )
        raise CheckpointRefusedError(
            "config-type",
            f"model type {model_type[:60]!r} is no causal language model that this transformers knows",
            "give a decoder-only model of a known type, or a newer transformers to this program",
        )
    if "transformers_weights" in config:
        raise CheckpointRefusedError(
            "config-weights",
            "transformers_weights names another file of weights",
            "take transformers_weights out",
        )
    quantisation = config.get("quantization_config")
    if quantisation:
        method = quantisation.get("quant_method") if isinstance(quantisation, dict) else quantisation
        raise CheckpointRefusedError(
            "config-quantised",
            f"the weights are quantised ({str(method)[:40]!r}), and such kernels are code from elsewhere",
            "give the model in float32, bfloat16 or float16",
        )
    for items, (key, value, depth) in enumerate(_values(config, 0)):
        if items > _MOST_ITEMS or depth > _MOST_DEPTH:
            raise CheckpointRefusedError(
                "config-large", f"{CONFIGURATION} has too many values or is nested too deep", _SAVE_AGAIN
            )
        _check_value(key, value, sides)
    return config


def _values(value: Any, depth: int, key: str = "") -> Iterator[tuple[str, Any, int]]:
    """Every (key, value, depth): of a list's parts the key is the list's."""
    yield key, value, depth
    if depth > _MOST_DEPTH:
        return
    if isinstance(value, Mapping):
        for name, part in value.items():
            yield from _values(part, depth + 1, name)
    elif isinstance(value, list):
        for part in value:
            yield from _values(part, depth + 1, key)


def _check_value(key: str, value: Any, sides: frozenset[int]) -> None:
    if key.endswith(("_implementation", "_implementation_internal", "_kernel")) and isinstance(value, str):
        if not _PLAIN.fullmatch(value):
            raise CheckpointRefusedError(
                "config-kernel",
                f"{key} is {value[:60]!r}, which would load code from elsewhere",
                f"take {key} out",
            )
        return
    for pattern, most in _COMPILED:
        if not pattern.fullmatch(key):
            continue
        if value is None or isinstance(value, Mapping | list):
            return
        # Some families write -1 or 0 for "none", and factors as fractions.
        if isinstance(value, str) and value != "auto":
            raise _size(key, value, f"it must be a number up to {most:,}")
        least = 1 if key in _AT_LEAST_ONE else -1
        if isinstance(value, int | float) and value not in sides and not least <= value <= most:
            raise _size(key, value, f"it must lie between {max(0, least)} and {most:,}")
        return
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and abs(value) > _LARGEST
        and key not in _HUGE
    ):
        raise _size(key, value, f"no number may exceed {_LARGEST:,}")


# Limits that tokenizers and rotary embeddings write as "no limit".
_HUGE = frozenset(
    {"model_max_length", "max_length", "rope_theta", "theta", "original_max_position_embeddings"}
)


def _size(key: str, value: Any, rule: str) -> CheckpointRefusedError:
    return CheckpointRefusedError("config-size", f"{key} is {str(value)[:40]}; {rule}", _SAVE_AGAIN)
