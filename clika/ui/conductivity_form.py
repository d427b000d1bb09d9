"""From what the form of the Conductivity tab says to a plan, and back: every value is checked here, whoever sent it."""

import math
import re
from dataclasses import dataclass
from pathlib import Path

from clika.conductivity_jobs import Plan, Wishes, conductivity_plan
from clika.datasets.fictional_world import NameStyle, WorldKind, WorldSettings
from clika.errors import UsageError
from clika.jobs.conductivity_spec import ConductivityJob
from clika.languages import ENGLISH, LANGUAGES
from clika.training.recipe import Recipe
from clika.ui.new_run import checkpoints, sent_text, sent_texts, sent_whole

CONTINENTS, CITIES = "continents", "cities"
MOST_SIZE = 10**9
_NUMBER = re.compile(r"[0-9]*\.?[0-9]+(e-?[0-9]{1,3})?", re.IGNORECASE)
_STANDARD = Recipe()


@dataclass(frozen=True, slots=True)
class ConductivityForm:
    """The form's values in the order of its fields, as a browser sends them: nothing is checked yet.

    ``world_folder``, ``name``, ``learning_rate`` and ``side_effects`` may be empty: a world from the seed, the
    model's own name, the paper's rate, and none.
    """

    model: object = ""
    languages: object = ("de",)
    tuning: object = str(_STANDARD.tuning)
    epochs: object = _STANDARD.epochs
    until_gates: object = 0
    looks: object = 3
    seed: object = 0
    style: object = str(NameStyle.COINED)
    kind: object = CONTINENTS
    continents: object = 20
    places: object = 20
    world_folder: object = ""
    direction: object = "en-x"
    control: object = False
    side_effects: object = ""
    name: object = ""
    rank: object = _STANDARD.rank
    alpha: object = _STANDARD.alpha
    dropout: object = _STANDARD.dropout
    learning_rate: object = ""
    schedule: object = str(_STANDARD.schedule)
    batch_size: object = _STANDARD.batch_size
    precision: object = str(_STANDARD.precision)
    recipe_seed: object = _STANDARD.seed
    gradient_checkpointing: object = _STANDARD.gradient_checkpointing
    device: object = "auto"
    processes: object = 1

    @classmethod
    def of(cls, job: ConductivityJob) -> "ConductivityForm":
        """The form that asks for a job."""
        recipe = Recipe.from_json(job.recipe)
        of_recipe = ("rank", "alpha", "dropout", "batch_size", "epochs", "gradient_checkpointing")
        of_job = (
            *(
                "model",
                "until_gates",
                "looks",
                "seed",
                "style",
                "continents",
                "places",
                "direction",
                "control",
            ),
            *("device", "processes"),
        )
        return cls(
            **{name: getattr(recipe, name) for name in of_recipe},
            **{name: str(getattr(recipe, name)) for name in ("tuning", "schedule", "precision")},
            **{name: getattr(job, name) for name in of_job},
            learning_rate="" if recipe.learning_rate is None else repr(recipe.learning_rate),
            recipe_seed=recipe.seed,
            name="" if job.name == Path(job.model).name else job.name,
            languages=(job.language,),
            kind=CITIES if job.one_hop else CONTINENTS,
            world_folder=job.world_folder or "",
            side_effects=job.side_effects or "",
        )

    def plan(self) -> Plan:
        """A job a language. Raises UsageError, with value, rule and remedy, for values that cannot be."""
        models = checkpoints(self.model)
        if len(models) > 1:
            raise UsageError(f"{len(models)} models; a tuning has one: queue it again for the next")
        wanted = sent_texts("languages", self.languages)
        known = [code for code in LANGUAGES if code in wanted and code != ENGLISH]
        folder = sent_text("world's folder", self.world_folder).strip()
        if folder and not _is_folder(folder):
            raise UsageError(f"no folder {folder!r}; give the one that holds a world's train and test files")
        return conductivity_plan(
            models[0],
            sent_text("name", self.name).strip() or None,
            (*known, *(code for code in wanted if code not in known)),
            self.recipe(),
            WorldSettings(_whole_from_0("seed", self.seed)) if folder else self._world(),
            Path(folder).expanduser() if folder else None,
            Wishes(
                direction=sent_text("direction", self.direction),
                control=self.control is True,
                looks=sent_whole("looks", self.looks),
                until_gates=sent_whole("epochs until the gates hold", self.until_gates),
                side_effects=sent_text("side effects", self.side_effects) or None,
                device=sent_text("device", self.device),
                processes=sent_whole("processes", self.processes),
            ),
        )

    def recipe(self) -> Recipe:
        """How the model is tuned. Raises UsageError as the recipe does."""
        rate = sent_text("learning rate", self.learning_rate).strip()
        if rate and not _NUMBER.fullmatch(rate):
            raise UsageError(f"learning rate {rate!r}; write a number such as 2e-4, or leave it empty")
        return Recipe(
            # The recipe checks what kinds there are.
            tuning=sent_text("tuning", self.tuning),  # type: ignore[arg-type]
            rank=sent_whole("rank", self.rank),
            alpha=_number("alpha", self.alpha),
            dropout=_number("dropout", self.dropout),
            learning_rate=float(rate) if rate else None,
            schedule=sent_text("schedule", self.schedule),  # type: ignore[arg-type]
            batch_size=sent_whole("batch size", self.batch_size),
            epochs=sent_whole("epochs", self.epochs),
            precision=sent_text("precision", self.precision),  # type: ignore[arg-type]
            gradient_checkpointing=self.gradient_checkpointing is True,
            seed=sent_whole("recipe's seed", self.recipe_seed),
        )

    def _world(self) -> WorldSettings:
        style = sent_text("style", self.style)
        if style not in set(NameStyle):
            raise UsageError(f"style {style!r}; known: {', '.join(NameStyle)}")
        if self.kind not in (CONTINENTS, CITIES):
            raise UsageError(f"kind of world {self.kind!r}; known: {CONTINENTS}, {CITIES}")
        return WorldSettings(
            seed=_whole_from_0("seed", self.seed),
            continents=_whole_from_0("continents", self.continents),
            places=_whole_from_0("places", self.places),
            style=NameStyle(style),
            kind=WorldKind.FOUNDING_YEARS if self.kind == CITIES else WorldKind.CONTINENTS,
        )


def _is_folder(written: str) -> bool:
    try:
        return "\0" not in written and Path(written).expanduser().is_dir()
    except (OSError, RuntimeError):  # a name too long for the disk, a home that nobody has
        return False


def _whole_from_0(name: str, value: object) -> int:
    number = sent_whole(name, value)
    if not 0 <= number <= MOST_SIZE:
        raise UsageError(f"{name} {number}; a whole number from 0 to {MOST_SIZE:,}")
    return number


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{name} {value!r}; write a number")
    return float(value)
