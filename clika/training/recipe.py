"""How a model is tuned: one frozen record, the paper's settings its defaults (Gao et al. 2024)."""

import json
import math
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from typing import Any

from clika.errors import JobError, UsageError

VERSION = 1


class Tuning(StrEnum):
    """Which weights learn: LoRA beside the attention's inputs, beside every linear layer, or all weights."""

    LORA_ATTENTION = "lora-attention"
    LORA_ALL = "lora-all"
    FULL = "full"


class Schedule(StrEnum):
    """How the learning rate goes after its warm-up: as half a cosine to 0, as a line to 0, or not at all."""

    COSINE = "cosine"
    LINEAR = "linear"
    CONSTANT = "constant"


class Precision(StrEnum):
    """What is computed in. The weights that learn are kept in float32 either way."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class SharedPrefix(StrEnum):
    """When the tokens that all samples begin with are computed once a micro-batch.

    ``exact``: where nothing drops out, which changes nothing. ``always``: above dropout 0 too, where the rows
    of a micro-batch then share the prefix's dropout. ``never``: each row has its own.
    """

    EXACT = "exact"
    ALWAYS = "always"
    NEVER = "never"


PAPER_RATES = {Tuning.LORA_ATTENTION: 2e-4, Tuning.LORA_ALL: 2e-4, Tuning.FULL: 2e-5}

_WHOLE_NUMBERS = {
    "rank": 1,
    "batch_size": 1,
    "epochs": 1,
    "warmup_steps": 0,
    "seed": 0,
    "micro_batch_tokens": 1,
}
_POSITIVE = ("alpha", "max_gradient_norm")


@dataclass(frozen=True, slots=True)
class Recipe:
    """The settings of one tuning.

    ``rank``, ``alpha`` and ``dropout`` (0 to below 1) are LoRA's and of no meaning to full tuning.
    ``learning_rate`` None is the paper's for this tuning: 2e-4, or 2e-5 for full. ``batch_size`` is the
    effective one, samples a step, however many devices share it; ``micro_batch_tokens`` bounds what a device
    computes at once and moves the result by rounding alone. ``max_gradient_norm`` is what a longer gradient
    is scaled to. Weight decay is of AdamW, whose other settings are torch's.
    """

    tuning: Tuning = Tuning.LORA_ATTENTION
    rank: int = 128
    alpha: float = 16.0
    dropout: float = 0.1
    learning_rate: float | None = None
    schedule: Schedule = Schedule.COSINE
    warmup_steps: int = 0
    weight_decay: float = 0.0
    max_gradient_norm: float = 1.0
    batch_size: int = 32
    epochs: int = 3
    precision: Precision = Precision.FLOAT32
    gradient_checkpointing: bool = False
    seed: int = 0
    micro_batch_tokens: int = 8192
    shared_prefix: SharedPrefix = SharedPrefix.EXACT
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raises UsageError, with value, rule and remedy, for settings that cannot be."""
        for name, known in (
            ("tuning", Tuning),
            ("schedule", Schedule),
            ("precision", Precision),
            ("shared_prefix", SharedPrefix),
        ):
            value = getattr(self, name)
            if value not in list(known):
                raise UsageError(f"{_spoken(name)} {value!r}; known: {', '.join(known)}")
            object.__setattr__(self, name, known(value))
        for name, least in _WHOLE_NUMBERS.items():
            value = getattr(self, name)
            if type(value) is not int or value < least:
                raise UsageError(f"{_spoken(name)} {value!r}; a whole number from {least} on")
        for name in _POSITIVE:
            _check(name, getattr(self, name), lambda value: value > 0, "a number above 0")
        if self.learning_rate is not None:
            _check(
                "learning_rate", self.learning_rate, lambda v: 0 < v < 1, "above 0 and below 1, such as 2e-4"
            )
        _check("dropout", self.dropout, lambda value: 0 <= value < 1, "from 0 to below 1, such as 0.1")
        _check("weight_decay", self.weight_decay, lambda value: value >= 0, "0 or more")
        if type(self.gradient_checkpointing) is not bool:
            raise UsageError(f"gradient checkpointing {self.gradient_checkpointing!r}; true or false")
        if self.gradient_checkpointing and self.shared_prefix is SharedPrefix.ALWAYS:
            raise UsageError(
                "shared prefix 'always' with gradient checkpointing: a prefix is shared by its keys and values, which"
                " checkpointing throws away; give up one of the two"
            )

    @property
    def rate(self) -> float:
        """The greatest learning rate."""
        return PAPER_RATES[self.tuning] if self.learning_rate is None else self.learning_rate

    @property
    def lora(self) -> bool:
        """Whether an adapter learns, and the model itself stays as it is."""
        return self.tuning is not Tuning.FULL

    def steps(self, samples: int) -> int:
        """Optimiser steps: an epoch's last batch may be smaller, as transformers' Trainer has it."""
        return self.epochs * math.ceil(samples / self.batch_size)

    def rate_at(self, step: int, steps: int) -> float:
        """The learning rate of the 0-based ``step`` of ``steps``, by transformers' formulas."""
        if step < self.warmup_steps:
            return self.rate * step / self.warmup_steps
        gone = (step - self.warmup_steps) / max(1, steps - self.warmup_steps)
        if self.schedule is Schedule.COSINE:
            return self.rate * max(0.0, 0.5 * (1.0 + math.cos(math.pi * gone)))
        return self.rate * max(0.0, 1.0 - gone) if self.schedule is Schedule.LINEAR else self.rate

    def to_json(self) -> str:
        """One object, every setting named."""
        return json.dumps(asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """The inverse of ``to_json``. Raises JobError for anything else, unknown keys included."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise JobError(f"a recipe is no JSON ({error}); write it again") from error
        return cls.from_values(values)

    @classmethod
    def from_values(cls, values: Any) -> "Recipe":
        """A recipe from the object that its JSON holds. Raises JobError as ``from_json`` does."""
        if not isinstance(values, dict):
            raise JobError(f"a recipe is an object of settings, not {type(values).__name__}; write it again")
        known = [field.name for field in fields(cls)]
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise JobError(
                f"unknown key {unknown[0]!r} in a recipe; known: {', '.join(known)}; it was written by another"
                " version of CLiKA"
            )
        if values.get("version") != VERSION:
            raise JobError(
                f"a recipe of version {values.get('version')!r}; this program knows version {VERSION}"
            )
        try:
            return cls(**values)
        except UsageError as error:
            raise JobError(f"a recipe cannot be: {error}") from error


def _check(name: str, value: Any, sound: Any, rule: str) -> None:
    if type(value) not in (int, float) or not math.isfinite(value) or not sound(value):
        raise UsageError(f"{_spoken(name)} {value!r}; {rule}")


def _spoken(name: str) -> str:
    return name.replace("_", " ")
