"""A store with tunings in it, as their worker leaves them, without a model: scripted answers, sealed for real."""

import math
from collections.abc import Callable
from pathlib import Path

from clika.conductivity.asking import world_answers
from clika.conductivity.sealed_measures import measure_folder, seal_measure
from clika.conductivity.world_questions import conductivity_run
from clika.conductivity_jobs import Plan
from clika.datasets.fictional_items import RelationItem
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.folder import JobEnd, JobFolder, Progress
from clika.jobs.learning_curve import LearningCurve
from clika.jobs.queue import submitted
from clika.records import ModelRef, Run, TrainingPoint
from clika.ui.conductivity_form import ConductivityForm
from tests.conductivity.knowing import guess, knowing, prompt_of


def small_form(model: Path, **changes: object) -> ConductivityForm:
    """5 continents of 4 places: (20 + 5) x 10 + 20 x 10 + 10 x 10 = 550 samples, 18 steps of 32 an epoch."""
    values: dict[str, object] = {"model": str(model), "continents": 5, "places": 4, "rank": 4}
    return ConductivityForm(**{**values, **changes})


def learnt(part: float) -> Callable[[RelationItem], int | None]:
    """Of all that is taught the first ``part`` (0 to 1) of the places is known; of the held-out half in X half of it."""

    def knows(item: RelationItem) -> int:
        place = int(item.place_id)
        known = (place * 7 % 20) / 20 < part
        if item.language != "en" and not item.taught:
            known = known and place % 2 == 0
        return (
            item.answer_index
            if known
            else (guess(item) + len(item.language + item.instruction)) % len(item.candidates)
        )

    return knows


def keep_look(folder: JobFolder, plan: Plan, language: str, step: int, part: float) -> Run:
    """Seal what a model that has learnt ``part`` says at a step."""
    run = conductivity_run(
        ModelRef("tiny", "tiny", fingerprint="f", dtype="float32"),
        plan.world,
        language,
        template="alpaca",
        directions=plan.directions,
        tuning=f"{plan.recipe.tuning}-0123456789abcdef",
        step=step,
        control=plan.jobs[0].control,
    )
    model = knowing(plan.world, language, learnt(part), lambda name: part > 0)
    answers = world_answers(plan.world, language, model, model, prompt_of, run=run.run)
    seal_measure(measure_folder(folder.path, step), run, answers.predictions)
    return run


def keep_steps(folder: JobFolder, plan: Plan, steps: int) -> None:
    """The points of the first ``steps`` steps."""
    curve = LearningCurve(folder.path)
    for step in range(1, steps + 1):
        rate = plan.recipe.rate_at(step - 1, plan.steps)
        loss = 0.02 + 3 * math.exp(-4 * step / plan.steps)
        left = 0.2 * (plan.steps - step)
        curve.add(
            TrainingPoint(
                step, plan.steps, 3 * step / plan.steps, loss, rate, 1.0, 160.0, 9_000.0 + step, left
            )
        )
    curve.close()
    folder.write_progress(Progress(steps, plan.steps, rate=5.0, unit="steps"))


def keep_adapter(folder: JobFolder) -> bytes:
    """Something in an adapter's place; its weights are returned."""
    tuned = folder.path / "tuning" / "tuned"
    tuned.mkdir(parents=True)
    weights = bytes(range(256)) * 8
    (tuned / "adapter_model.safetensors").write_bytes(weights)
    (tuned / "adapter_config.json").write_text("{}")
    return weights


def tuned_job(store: Path, plan: Plan, job: ConductivityJob, whole: float = 1.0) -> JobFolder:
    """A tuning that has ended, looked at before, at a third and at the end, where ``whole`` is what it has learnt."""
    plan.store_questions(store)
    folder = submitted(store, job).folder
    keep_steps(folder, plan, plan.steps)
    for step, part in ((0, 0.0), (plan.steps // 3, 0.6 * whole), (plan.steps, whole)):
        run = keep_look(folder, plan, job.language, step, part)
    keep_adapter(folder)
    folder.write_done(JobEnd(100, 0, 0, run.run, summary=f"XRR in {job.language} known; run {run.run}"))
    return folder
