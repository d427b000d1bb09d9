"""What learns: an adapter put into a model by peft, or the model itself; and how it is saved.

An adapter is saved in peft's own layout and loads without CLiKA. Beside it stands which base it was made for,
by content: an adapter on another base means nothing, and peft does not notice.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from torch import nn

from clika.errors import ModelError
from clika.training.recipe import Recipe, Tuning
from clika.training.targets import Targets, targets

VERSION = 1
NOTE = "clika.json"
"""Which base an adapter was made for, and how."""


def with_adapter(network: Any, recipe: Recipe, name: str) -> tuple[PeftModel, Targets]:
    """The model with fresh LoRA layers in it, which alone learn; drawn from the recipe's seed.

    The layers are put into ``network`` itself. Raises ModelError where the model has no layers for them.
    """
    if recipe.tuning is Tuning.FULL:
        raise ModelError("full tuning has no adapter; train the model itself")
    chosen = targets(network, recipe.tuning, name)
    configuration = LoraConfig(
        r=recipe.rank,
        lora_alpha=recipe.alpha,  # type: ignore[arg-type] # peft divides it by the rank: a float will do
        lora_dropout=recipe.dropout,
        target_modules=list(chosen.names),
        fan_in_fan_out=chosen.transposed,
        bias="none",
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(recipe.seed)
    return get_peft_model(network, configuration), chosen


def learning_weights(network: nn.Module) -> dict[str, nn.Parameter]:
    """The weights that learn, by name, in the model's order."""
    return {name: weight for name, weight in network.named_parameters() if weight.requires_grad}


def save_tuned(
    folder: Path, model: Any, tokenizer: Any, note: Mapping[str, Any], weights: dict[str, torch.Tensor] | None
) -> None:
    """Put the adapter, or the whole model with its tokenizer, into a folder that appears complete or not at all.

    ``weights`` are a whole model's where its own are spread over processes. An older folder of that name is
    taken away first. Raises OSError where there is no room.
    """
    made = folder.with_name(f".{folder.name}.{os.getpid()}.unfinished")
    for unfinished in folder.parent.glob(f".{folder.name}.*.unfinished"):
        shutil.rmtree(unfinished, ignore_errors=True)  # of a process that was killed while it wrote
    made.mkdir(parents=True)
    try:
        if isinstance(model, PeftModel):
            model.save_pretrained(str(made))
        else:
            model.save_pretrained(str(made), state_dict=weights)
            tokenizer.save_pretrained(str(made))
        text = json.dumps({"version": VERSION, **note}, indent=1, ensure_ascii=False)
        (made / NOTE).write_text(text, "utf-8")
        for path in made.iterdir():
            _flush(path)
        _flush(made)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True)  # a full disk gets its room back
        raise
    shutil.rmtree(folder, ignore_errors=True)
    made.rename(folder)
    _flush(folder.parent)


def adapter_note(folder: Path) -> dict[str, Any] | None:
    """What stands beside an adapter about its base and recipe; None for one that was not made here.

    Raises ModelError where it cannot be read or is of another version.
    """
    try:
        note = json.loads((folder / NOTE).read_text("utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ModelError(f"{folder / NOTE} cannot be read ({error}); tune the model again") from error
    if not isinstance(note, dict) or note.pop("version", None) != VERSION:
        raise ModelError(
            f"{folder / NOTE} is of another version of CLiKA; tune the model again with this one"
        )
    return note


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
