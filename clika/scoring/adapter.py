"""A LoRA adapter put on a base model that the user names: never on the one that the adapter names itself.

Every key of its file must have a place in this base, and every place a key: peft only warns where they do not match.
"""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from peft import LoraConfig, PeftModel, set_peft_model_state_dict
from safetensors import SafetensorError
from safetensors.torch import load_file

from clika.errors import ModelError

CONFIGURATION, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"

# What is read of a configuration, all that an adapter made here has. The rest must stand at peft's default: some of
# it changes the base at loading, imports classes by name, or matches module names by regular expressions.
_READ = (
    "r",
    "target_modules",
    "lora_alpha",
    "lora_dropout",
    "bias",
    "fan_in_fan_out",
    "use_rslora",
    "use_dora",
    "modules_to_save",
    "layers_to_transform",
    "lora_bias",
)
_OF_NO_MEANING = (
    "base_model_name_or_path",
    "revision",
    "peft_version",
    "peft_type",
    "task_type",
    "inference_mode",
    "auto_mapping",
    "init_lora_weights",
)
# Other beginnings change the base model's own weights.
_BEGINNINGS = (None, True, False, "gaussian", "orthogonal")


def adapter_fingerprint(folder: Path) -> str:
    """16 hexadecimal digits of an adapter's weights and of what its configuration says of them.

    The base that it names does not count. Raises ModelError where the folder is no adapter.
    """
    whole = hashlib.sha256(json.dumps(_configuration(folder), sort_keys=True).encode())
    try:
        with (folder / WEIGHTS).open("rb") as stream:
            whole.update(hashlib.file_digest(stream, "sha256").digest())
    except OSError as error:
        raise _no_adapter(folder, error) from error
    return whole.hexdigest()[:16]


def with_adapter(network: Any, folder: Path) -> Any:
    """The network with the adapter of a folder on it, for answering; its own weights stay as they are.

    Raises ModelError for what is no LoRA adapter in safetensors, for one whose keys or shapes are not this
    network's, and for settings that would change the base or look for code.
    """
    values = _configuration(folder)
    try:
        weights = load_file(folder / WEIGHTS)
        adapted = PeftModel(network, LoraConfig(**values, inference_mode=True), autocast_adapter_dtype=False)
        found: Any = set_peft_model_state_dict(adapted, weights)
    except (OSError, SafetensorError, ValueError, TypeError, KeyError, RuntimeError) as error:
        # A shape that does not match is a RuntimeError, a module that is not there a ValueError.
        raise _no_adapter(folder, error) from error
    lacking = sorted(key for key in found.missing_keys if "lora_" in key)  # the base's own keys miss as well
    strange = sorted(found.unexpected_keys)
    if lacking or strange:
        what = f"holds {strange[0]!r}, which it has not" if strange else f"lacks {lacking[0]!r}"
        raise ModelError(
            f"the adapter {folder} does not fit {type(network).__name__}: it {what} ({len(strange)} keys too many,"
            f" {len(lacking)} missing); give the base model that it was trained on"
        )
    return adapted.eval()


def _configuration(folder: Path) -> dict[str, Any]:
    """What counts of a configuration, sorted. Raises ModelError for one with anything else in it."""
    try:
        values = json.loads((folder / CONFIGURATION).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _no_adapter(folder, error) from error
    kind = values.get("peft_type") if isinstance(values, dict) else None
    if kind != "LORA":
        raise ModelError(f"the adapter {folder} is of type {kind!r}; only LORA is read: give such an adapter")
    modules = values.get("target_modules")
    if not isinstance(modules, list) or not all(isinstance(name, str) for name in modules):
        # A text would be a regular expression over every module's name, and some of those never end.
        raise ModelError(
            f"the adapter {folder} has target_modules {modules!r}; a list of names is needed: write one there"
        )
    standard = asdict(LoraConfig())
    changed = [
        name
        for name, value in values.items()
        if name not in (*_READ, *_OF_NO_MEANING) and (value or None) != (standard.get(name) or None)
    ]
    if values.get("init_lora_weights") not in _BEGINNINGS:
        changed.append("init_lora_weights")
    if changed:
        raise ModelError(
            f"the adapter {folder} sets {changed[0]!r} to {values[changed[0]]!r}, which is not read; give a plain"
            f" LoRA adapter"
        )
    return {
        name: sorted(values[name]) if name == "target_modules" else values[name]
        for name in _READ
        if name in values
    }


def _no_adapter(folder: Path, error: Exception) -> ModelError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return ModelError(
        f"the adapter {folder} cannot be put on this model ({said}); an adapter is a folder with {CONFIGURATION} and"
        f" {WEIGHTS} of this model, as peft's save_pretrained writes it"
    )
