"""What a tuning will take, said before anything starts: samples, steps, time and memory. An estimate, and called one."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.conductivity_jobs import Plan
from clika.errors import JobError, UsageError
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.devices import placement
from clika.training.memory import TuningMemory, tuning_memory
from clika.training.recipe import Recipe
from clika.ui.job_markup import duration
from clika.ui.jobs_watch import JobView
from clika.ui.run_estimate import size
from clika.ui.tuning_watch import TuningWatch


@dataclass(frozen=True, slots=True)
class PastTuning:
    """The speed of an earlier tuning; ``times_larger`` is how many times the weights the model at hand has."""

    name: str
    samples_per_s: float
    times_larger: float = 1.0


@dataclass(frozen=True, slots=True)
class TuningEstimate:
    """Of one plan. ``past`` and ``memory`` are None where nothing is known, ``cannot`` where this machine can."""

    plan: Plan
    past: PastTuning | None
    memory: TuningMemory | None
    local: bool
    devices: tuple[str, ...]
    cannot: str | None

    @property
    def samples(self) -> int:
        """How many samples all jobs together teach, at most."""
        return self.plan.counts.total * self.plan.epochs * len(self.plan.jobs)

    @property
    def seconds(self) -> float | None:
        """What teaching them takes; None where nothing like it has been taught in this store."""
        if self.past is None:
            return None
        return self.samples / self.past.samples_per_s * self.past.times_larger

    def pairs(self) -> list[tuple[str, str]]:
        """Name and sentence of each line, for a person."""
        plan, jobs = self.plan, len(self.plan.jobs)
        at_most = "at most " if plan.jobs[0].until_gates else ""
        epochs = f"{at_most}{plan.epochs} epoch{'s' if plan.epochs > 1 else ''}"
        steps = f"{at_most}{plan.steps:,} of {plan.recipe.batch_size} samples, {epochs}"
        each = f"; each of {jobs} languages, one after the other" if jobs > 1 else ""
        found = ", ".join(self.devices)
        asked = plan.world.shape
        return [
            ("Samples", f"{plan.counts.sentence()}, an epoch{each}"),
            ("Steps", steps),
            ("World", f"{asked.candidates} candidates, {asked.places} places, chance {asked.chance:.4g}"),
            ("Time", self._time()),
            ("Memory", self._memory()),
            ("Devices here", f"{found}. {self.cannot}" if self.cannot else found),
        ]

    def _time(self) -> str:
        if self.past is None or self.seconds is None:
            return "unknown yet: no model has been tuned in this store before"
        at_most = "at most " if self.plan.jobs[0].until_gates else ""
        said = f"{at_most}{duration(self.seconds)}, if as fast as {self.past.name} was"
        if self.past.times_larger != 1.0:
            said += f", a model with {1 / self.past.times_larger:.2g} times the weights"
        return f"{said}; the looks come on top"

    def _memory(self) -> str:
        memory = self.memory
        if memory is None:
            why = "the files say nothing that can be read" if self.local else "the checkpoint is not here yet"
            return f"unknown: {why}"
        weights = f"{memory.weights:,} weights × {memory.bytes_a_weight} bytes"
        learning = (
            f"{memory.learning:,} of an adapter × 16 (weight, gradient, AdamW's two moments)"
            if memory.adapter
            else f"{memory.learning:,} that learn × 12 (gradient, AdamW's two moments)"
        )
        return f"at least {size(memory.total)} = {weights} + {learning}; what a micro-batch computes comes on top"


def tuning_estimate(
    plan: Plan, views: Sequence[JobView], tunings: TuningWatch, devices: Sequence[str]
) -> TuningEstimate:
    """What a plan comes to; ``views`` as job_views orders them, whose tunings tell the speed."""
    job = plan.jobs[0]
    folder = Path(job.model)
    local = folder.is_dir()
    memory = tuning_memory(folder, plan.recipe) if local else None
    past = past_tuning(job, None if memory is None else memory.weights, views, tunings)
    return TuningEstimate(plan, past, memory, local, tuple(devices), _why_not(job, devices))


def past_tuning(
    job: ConductivityJob, weights: int | None, views: Sequence[JobView], tunings: TuningWatch
) -> PastTuning | None:
    """The newest tuning of the same model, best of the same kind; else of another one whose weights are known.

    The speed of another model is taken to fall as its weights rise.
    """
    recipe = Recipe.from_json(job.recipe)
    found: list[tuple[int, PastTuning]] = []
    for view in views:
        other = view.one.job
        if not isinstance(other, ConductivityJob):
            continue
        points = tunings.curve(view.one.folder.path).points
        if not points or not points[-1].samples_per_s > 0:
            continue
        name, speed = view.one.request.name, points[-1].samples_per_s
        try:
            alike = Recipe.from_json(other.recipe)
        except JobError:
            continue
        if other.model == job.model:
            same = (alike.tuning, alike.precision) == (recipe.tuning, recipe.precision)
            found.append((0 if same else 1, PastTuning(name, speed)))
        elif weights is not None and Path(other.model).is_dir():
            theirs = tuning_memory(Path(other.model), alike)
            if theirs is not None:
                found.append((2, PastTuning(name, speed, weights / theirs.weights)))
    return min(found, key=lambda one: one[0])[1] if found else None


def _why_not(job: ConductivityJob, devices: Sequence[str]) -> str | None:
    try:
        placement(job, devices, ())
    except (JobError, UsageError) as error:
        return str(error)
    return None
