"""How much memory a tuning takes at least, from the headers of the checkpoint's files alone: nothing is loaded."""

from dataclasses import dataclass
from math import prod
from pathlib import Path

from clika.scoring.weight_headers import weight_shapes
from clika.training.layer_names import ATTENTION_INPUTS, ROUTERS
from clika.training.recipe import Precision, Recipe, Tuning

_NO_LAYERS = ("embed", "wte", "wpe", "lm_head", "norm", "ln_", "conv")
GRADIENT_AND_MOMENTS = 12
"""Bytes beside each weight that learns: its gradient and AdamW's two moments, in float32."""


@dataclass(frozen=True, slots=True)
class TuningMemory:
    """``weights`` are the checkpoint's numbers, of ``bytes_a_weight`` each; ``learning`` those that learn.

    An ``adapter`` stands beside the checkpoint, in float32; without one the checkpoint's own weights learn.
    """

    weights: int
    bytes_a_weight: int
    learning: int
    adapter: bool

    @property
    def total(self) -> int:
        """Bytes, without the activations of a micro-batch and without copies of frozen layers laid out anew."""
        a_learning_one = GRADIENT_AND_MOMENTS + (4 if self.adapter else 0)
        return self.weights * self.bytes_a_weight + self.learning * a_learning_one


def tuning_memory(folder: Path, recipe: Recipe) -> TuningMemory | None:
    """Of tuning the checkpoint in a folder; None where its files cannot be read or have no layer of a known name.

    LoRA of rank r beside a layer of (a, b) has r x (a + b) numbers.
    """
    shapes = weight_shapes(folder)
    weights = sum(prod(shape) for shape in shapes.values())
    if not weights:
        return None
    if not recipe.lora:
        return TuningMemory(weights, 4, weights, adapter=False)
    layers = {
        name.removesuffix(".weight"): shape
        for name, shape in shapes.items()
        if name.endswith(".weight") and len(shape) == 2 and not any(part in name for part in _NO_LAYERS)
    }
    there = {name.rpartition(".")[2] for name in layers}
    reached = there - ROUTERS
    if recipe.tuning is Tuning.LORA_ATTENTION:
        reached = set(next((names for names in ATTENTION_INPUTS if there.issuperset(names)), ()))
    learning = sum(
        recipe.rank * sum(shape) for name, shape in layers.items() if name.rpartition(".")[2] in reached
    )
    if not learning:
        return None
    return TuningMemory(weights, 2 if recipe.precision is Precision.BFLOAT16 else 4, learning, adapter=True)
