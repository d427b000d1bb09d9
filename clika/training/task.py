"""What a process that tunes is told: the model, what to teach it, how, and where the result goes."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from clika.datasets.fictional_samples import Purpose, Sample, TranslationDirection
from clika.errors import JobError, UsageError
from clika.prompts.instruction import InstructionForm
from clika.training.recipe import Recipe

VERSION = 1
DEVICES = ("cpu", "cuda", "mps", "auto")


@dataclass(frozen=True, slots=True)
class TrainingTask:
    """Tune a model on samples by a recipe.

    ``model`` is a folder or a Hub id, ``name`` what people see. ``output`` is a folder of this task alone: what
    a killed process left there is gone on with, and ``output/tuned`` is the adapter or the model. ``form`` None
    is the model's own chat where it has one, else Alpaca's. ``look_at`` are the steps after which the caller
    looks at the model (0 is the untuned one); after the last step it always does. ``save_seconds`` is how often
    what has been learned is put on disk, at least; it moves no weight.
    """

    model: str
    name: str
    samples: tuple[Sample, ...]
    recipe: Recipe
    output: Path
    form: InstructionForm | None = None
    device: Literal["cpu", "cuda", "mps", "auto"] = "auto"
    look_at: tuple[int, ...] = ()
    save_seconds: float = 60.0
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raises UsageError for what cannot be."""
        for name in ("model", "name"):
            if not getattr(self, name).strip():
                raise UsageError(f"the {name} is empty; write one")
        if not self.samples:
            raise UsageError("no samples to teach; give at least one")
        if self.device not in DEVICES:
            raise UsageError(f"device {self.device!r}; known: {', '.join(DEVICES)}")
        if self.save_seconds < 0:
            raise UsageError(
                f"save seconds {self.save_seconds}; 0 saves after every step, more saves less often"
            )
        steps = self.recipe.steps(len(self.samples))
        beyond = [step for step in self.look_at if not 0 <= step <= steps]
        if beyond:
            raise UsageError(f"look at step {beyond[0]}: this task has steps 0 to {steps}; name one of them")

    def digest(self, fingerprint: str) -> str:
        """64 hexadecimal digits of all that moves a weight, the model's content ``fingerprint`` included."""
        made_of = [fingerprint, asdict(self.recipe), self.form, [asdict(sample) for sample in self.samples]]
        return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()

    def to_json(self) -> str:
        """One object; the samples are rows of values in the order of ``sample_keys``."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        values["samples"] = [[getattr(sample, key) for key in _SAMPLE_KEYS] for sample in self.samples]
        values |= {"sample_keys": _SAMPLE_KEYS, "recipe": asdict(self.recipe), "output": str(self.output)}
        return json.dumps(values, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "TrainingTask":
        """The inverse of ``to_json``. Raises JobError for anything else, unknown keys included."""
        try:
            values = json.loads(text)
        except ValueError as error:
            raise JobError(f"a training task is no JSON ({error}); write it again") from error
        if not isinstance(values, dict):
            raise JobError(f"a training task is an object, not {type(values).__name__}; write it again")
        known = {field.name for field in fields(cls)} | {"sample_keys"}
        wrong = sorted(set(values) ^ known)
        if wrong:
            what = "lacks" if wrong[0] in known else "has the unknown"
            raise JobError(
                f"a training task {what} key {wrong[0]!r}; it was written by another version of CLiKA"
            )
        if values["version"] != VERSION:
            raise JobError(f"a training task of version {values['version']!r}; this program knows {VERSION}")
        if values.pop("sample_keys") != list(_SAMPLE_KEYS):
            raise JobError(f"a training task's samples have other keys than {', '.join(_SAMPLE_KEYS)}")
        try:
            return cls(
                **{
                    **values,
                    "samples": tuple(_sample(row) for row in values["samples"]),
                    "recipe": Recipe.from_values(values["recipe"]),
                    "output": Path(values["output"]),
                    "form": None if values["form"] is None else InstructionForm(values["form"]),
                    "look_at": tuple(values["look_at"]),
                }
            )
        except (TypeError, ValueError, UsageError) as error:
            raise JobError(f"a training task cannot be ({error}); write it again") from error


_SAMPLE_KEYS = [field.name for field in fields(Sample)]


def _sample(row: Sequence[Any]) -> Sample:
    values = dict(zip(_SAMPLE_KEYS, row, strict=True))
    values["purpose"] = Purpose(values["purpose"])
    if values["direction"] is not None:
        values["direction"] = TranslationDirection(values["direction"])
    return Sample(**values)
