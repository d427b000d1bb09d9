"""What an adapter_config.json may say, before peft is asked: names of modules, never patterns that match them.

The settings that count are checked again where the adapter is put on its base (clika/scoring/adapter.py).
"""

import re
from pathlib import Path
from typing import Any

from clika.checkpoints.json_files import read_object
from clika.errors import CheckpointRefusedError

CONFIGURATION, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_MOST_BYTES = 1 << 20
_MOST_RANK = 8192
_MODULE = re.compile(r"[A-Za-z0-9_]+(\.[A-Za-z0-9_]+)*")
# Read by peft as patterns, or as a way to other files and classes.
_NOT_READ = ("exclude_modules", "layers_pattern", "rank_pattern", "alpha_pattern", "target_parameters",
             "loftq_config", "corda_config", "eva_config", "layer_replication", "trainable_token_indices",
             "megatron_config", "megatron_core", "runtime_config", "arrow_config", "alora_invocation_tokens")  # fmt: skip
_MAY_STAND = {"megatron_core": "megatron.core"}


def checked_adapter(folder: Path) -> dict[str, Any]:
    """A folder's adapter_config.json. Raises CheckpointRefusedError for one that is not taken."""
    values = read_object(folder / CONFIGURATION, _MOST_BYTES)
    kind = values.get("peft_type")
    if kind != "LORA":
        raise CheckpointRefusedError(
            "adapter-type", f"the adapter is of type {str(kind)[:40]!r}", "give a plain LoRA adapter"
        )
    modules = values.get("target_modules")
    if not isinstance(modules, list) or not modules or not all(_is_module(name) for name in modules):
        raise CheckpointRefusedError(
            "adapter-pattern",
            f"target_modules is {str(modules)[:60]!r}; a text is a regular expression, and some never end",
            "write a list of module names there",
        )
    saved = values.get("modules_to_save")
    if saved and (not isinstance(saved, list) or not all(_is_module(name) for name in saved)):
        raise CheckpointRefusedError(
            "adapter-pattern", f"modules_to_save is {str(saved)[:60]!r}", "write a list of module names there"
        )
    for name in _NOT_READ:
        value = values.get(name)
        if value and value != _MAY_STAND.get(name, ...) and not _is_runtime_default(name, value):
            raise CheckpointRefusedError(
                "adapter-setting",
                f"the adapter sets {name!r} to {str(value)[:60]!r}, which is not read",
                "give a plain LoRA adapter",
            )
    rank = values.get("r")
    if not isinstance(rank, int) or isinstance(rank, bool) or not 1 <= rank <= _MOST_RANK:
        raise CheckpointRefusedError(
            "adapter-rank", f"the adapter's rank is {str(rank)[:40]}", f"give one from 1 to {_MOST_RANK}"
        )
    return values


def _is_module(name: Any) -> bool:
    return isinstance(name, str) and len(name) < 200 and _MODULE.fullmatch(name) is not None


def _is_runtime_default(name: str, value: Any) -> bool:
    return name == "runtime_config" and isinstance(value, dict) and not any(value.values())
