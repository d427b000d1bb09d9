"""What the tests of this room teach: samples of a small world, and models in which nothing drops out."""

import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from clika.datasets.fictional_samples import Sample, samples
from clika.datasets.fictional_world import WorldSettings, made_world
from clika.prompts.instruction import InstructionForm
from clika.scoring.checkpoint import loaded, silent_transformers
from clika.training.examples import Example, examples
from clika.training.recipe import Recipe, Tuning
from tests.models import TinyTokenizer, tiny_model

NOTHING_DROPS_OUT: dict[str, dict[str, Any]] = {
    "gpt2": {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    "opt": {"dropout": 0.0},
}


def small_samples(language: str = "de", continents: int = 2, places: int = 4) -> tuple[Sample, ...]:
    """2 continents of 4 places: (8 + 2) x 10 + 8 x 10 + 4 x 10 = 220 samples."""
    return samples(made_world(WorldSettings(0, continents, places)), language)


def small_model(folder: Path, family: str = "llama", **changes: Any) -> Path:
    """A tiny model of a family in which nothing drops out by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tiny_model(folder, family, **{**NOTHING_DROPS_OUT.get(family, {}), **changes})


def opened(folder: Path) -> tuple[Any, Any]:
    """(model, tokenizer) in float32."""
    with silent_transformers():
        return loaded(folder, "float32")


def made_examples(tokenizer: Any, taught: tuple[Sample, ...], name: str = "tiny") -> list[Example]:
    """In Alpaca's form."""
    return examples(taught, tokenizer, name, InstructionForm.ALPACA, 1024, len(tokenizer))


def roughened(weights: dict[str, nn.Parameter]) -> None:
    """Give an adapter weights that change what the model says: fresh ones say nothing and half have no gradient."""
    torch.manual_seed(7)
    for weight in weights.values():
        nn.init.normal_(weight, std=0.1)


def plain_recipe(family: str = "llama", **changes: Any) -> Recipe:
    """LoRA of rank 4 without dropout, on what the family has."""
    tuning = Tuning.LORA_ALL if family == "mamba" else Tuning.LORA_ATTENTION
    return Recipe(**{"tuning": tuning, "rank": 4, "alpha": 8.0, "dropout": 0.0, **changes})


__all__ = [
    "TinyTokenizer",
    "made_examples",
    "opened",
    "plain_recipe",
    "roughened",
    "small_model",
    "small_samples",
]
