"""Teaches a model a fictional world for one language and measures what it carries across: a conductivity job.

    accelerate launch --num_processes N -m clika.workers.conduct FOLDER

The model is asked before, on the way and after; each of these is sealed under ``measures/`` and asked once. Killed at
any moment the next launch goes on, with the weights that it would have had.
"""

import argparse
import hashlib
import json
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from clika.conductivity.asking import world_answers
from clika.conductivity.sealed_measures import measure_folder, seal_measure, sealed_measure
from clika.conductivity.world_questions import conductivity_run, world_questions
from clika.datasets import translation_templates
from clika.datasets.fictional_items import items
from clika.datasets.fictional_samples import relation_templates, samples, translation_directions
from clika.datasets.fictional_world import World
from clika.errors import ClikaError, JobError
from clika.failpoints import arm
from clika.jobs.conductivity_spec import ConductivityJob, job_world, side_effect_jobs
from clika.jobs.folder import TUNING, JobEnd, JobFailure, JobFolder, Progress
from clika.jobs.queue import submitted
from clika.languages import LANGUAGES
from clika.metrics.conductivity import Conduction, Reading, conduction, matrices_of
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text
from clika.records import ModelRef, Outcome, Prediction, Question, Run, TrainingPoint
from clika.redaction import redacting_handler
from clika.scoring.fingerprint import content_fingerprint
from clika.training.recipe import Recipe, Schedule
from clika.training.task import TrainingTask
from clika.workers.ask_world import asked_world
from clika.workers.lifeline import Lifeline, die_with_parent
from clika.workers.offline import fetched
from clika.workers.train import Stopping, train

logger = logging.getLogger(__name__)


def conduct(folder: JobFolder, lifeline: Lifeline, stopping: Callable[[], bool]) -> JobEnd | None:
    """Tune and measure; returns the end, which ``done.json`` holds too, or None where it was stopped for now.

    Every process of the group calls it. Raises JobError for another kind of job, ModelError for the checkpoint,
    and whatever tuning and asking raise.
    """
    job = folder.job()
    if not isinstance(job, ConductivityJob):
        raise JobError(f"{folder.path} holds no conductivity job; submit it again")
    fetched(job.model)
    if job.adapter is not None:
        return asked_world(folder, job, lifeline)
    experiment = _Experiment(folder, job, lifeline)
    tuned = train(experiment.task, folder.path, experiment.look, stopping, experiment.point)
    if not tuned.finished:
        return None
    return experiment.end(tuned.folder) if experiment.first else None


class _Experiment:
    """One job's world, samples and questions, and the looks at the model while it learns them."""

    def __init__(self, folder: JobFolder, job: ConductivityJob, lifeline: Lifeline) -> None:
        from clika.scoring.checkpoint import checkpoint_folder, tokenizer_of
        from clika.training.ranks import Ranks

        self._folder, self._job, self._lifeline = folder, job, lifeline
        self._ranks = Ranks(job.device)
        self._world: World = job_world(job)
        self._directions = translation_directions(job.direction)
        self._questions: tuple[Question, ...] = world_questions(
            self._world, items(self._world, job.language, self._directions)
        )
        recipe = Recipe.from_json(job.recipe)
        if job.until_gates:
            # Nobody knows when the gates will hold, so there is no end for the rate to go down to.
            recipe = replace(recipe, epochs=job.until_gates, schedule=Schedule.CONSTANT)
        taught = samples(self._world, job.language, self._directions, job.control)
        self._steps = recipe.steps(len(taught))
        checkpoint, base, revision = checkpoint_folder(job.model)
        self._tokenizer = tokenizer_of(checkpoint)
        self._form = InstructionForm(job.form) if job.form else _form_of(self._tokenizer)
        an_epoch = self._steps // recipe.epochs
        looks = {self._steps * (n + 1) // (job.looks + 1) for n in range(job.looks)}
        if job.until_gates:
            looks |= set(range(an_epoch, self._steps, an_epoch))
        self.task = TrainingTask(
            job.model,
            job.name,
            taught,
            recipe,
            folder.path / TUNING,
            self._form,
            job.device,
            tuple(sorted({0, *looks} - {self._steps})),
        )
        fingerprint = self._ranks.told(content_fingerprint(checkpoint) if self._ranks.first else None)
        self._tuning = f"{recipe.tuning}-{_teaching_digest(recipe, self._world)}"
        self._model = ModelRef(job.name, base, revision, dtype=str(recipe.precision), fingerprint=fingerprint)
        self._last: tuple[Run, tuple[Prediction, ...]] | None = None

    @property
    def first(self) -> bool:
        """Whether this process writes."""
        return self._ranks.first

    def point(self, point: TrainingPoint) -> None:
        """A step is done: told to whoever watches."""
        self._lifeline.did("training")
        self._folder.write_progress(
            Progress(point.step, self._steps, rate=_rate(point, self._steps), unit="steps")
        )

    def look(self, model: Any, step: int) -> bool:
        """Ask the model what it has learnt; whether that is enough (with ``until_gates`` alone)."""
        run = self._run(step)
        place = measure_folder(self._folder.path, step)
        enough = False
        # Where each process holds a part of the weights they all have to compute, or none can.
        predictions = sealed_measure(place, run) if self._ranks.first else ()
        known = self._ranks.told(bool(predictions))
        if not known and (self._ranks.first or not self.task.recipe.lora):
            predictions = self._asked(model, run)
        if self._ranks.first:
            if not known:
                seal_measure(place, run, predictions)
            self._last = run, predictions
            found = self._conduction(run, predictions)
            logger.info("step %d: XRR %.4f; %s", step, found.xrr.value, found.gates.sentence())
            enough = bool(self._job.until_gates) and step > 0 and found.gates.established
        return bool(self._ranks.told(enough))

    def _asked(self, model: Any, run: Run) -> tuple[Prediction, ...]:
        from clika.scoring.transformers_answers import TransformersAnswers

        answers = TransformersAnswers(model, self._tokenizer, self._job.name)
        return world_answers(
            self._world,
            self._job.language,
            answers,
            answers,
            self._prompt,
            run=run.run,
            directions=self._directions,
            holds_special_tokens=self._form is InstructionForm.CHAT,
            on_answer=self._answered,
        ).predictions

    def _answered(self) -> None:
        if self._ranks.first:  # the others only wait while one trains, or asks: nobody counts what they do
            self._lifeline.did("asking")

    def _prompt(self, instruction: str, source: str | None) -> str:
        renderer = _Renderer(self._tokenizer, self._job.name)
        return instruction_prompt(self._form, instruction_text(instruction, source), renderer)

    def _run(self, step: int) -> Run:
        return conductivity_run(
            self._model,
            self._world,
            self._job.language,
            template=str(self._form),
            directions=self._directions,
            tuning=self._tuning,
            step=step,
            control=self._job.control,
        )

    def _conduction(self, run: Run, predictions: Sequence[Prediction]) -> Conduction:
        matrices = matrices_of(run.run, self._questions, predictions)
        return conduction(matrices, self._job.language, Reading.CHOSEN)

    def end(self, tuned: Path) -> JobEnd:
        """Write how it ended, and queue the questions whose answers tuning may have cost."""
        if self._last is None:  # it had ended before, and only this was left to say
            run = self._run(self._steps)
            self._last = run, sealed_measure(measure_folder(self._folder.path, self._steps), run)
        run, predictions = self._last
        found = self._conduction(run, predictions)
        if self._job.side_effects is not None:
            self._queue_side_effects(self._job.side_effects, tuned)
        low, high = found.xrr.low, found.xrr.high
        summary = (
            f"XRR in {self._job.language} {found.xrr.value:.4f} ({low:.4f} to {high:.4f}), {found.gates.sentence()};"
            f" tuned: {tuned}; run {run.run}"
        )
        invalid = sum(one.outcome is Outcome.INVALID for one in predictions)
        end = JobEnd(len(predictions), 0, invalid, run.run, summary=summary)
        self._folder.write_done(end)
        return end

    def _queue_side_effects(self, collection: str, tuned: Path) -> None:
        """The same questions to the model before and after: what the tuning cost elsewhere."""
        from clika.shards import questions_of, sound_tables

        store = self._folder.store
        tables, _ = sound_tables(store / "collections" / collection)
        questions = [question for _, table in tables for question in questions_of(table)]
        for job in side_effect_jobs(self._job, tuned, self.task.recipe.lora, questions):
            submitted(store, job)


class _Renderer:
    """Writes chats by the checkpoint's own template."""

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer, self._name = tokenizer, name

    def chat(self, messages: Sequence[Any]) -> str:
        from clika.scoring.chat_text import chat_text

        return chat_text(self._tokenizer, self._name, messages)


def _teaching_digest(recipe: Recipe, world: World) -> str:
    """16 hexadecimal digits of the recipe and of all wordings: the same for every language of a tuning.

    What else makes the weights (model, world, direction, control, form) is told by a run beside it.
    """
    relations = [
        (one.question, one.sentence)
        for language in LANGUAGES
        for one in relation_templates(world.kind, language)
    ]
    made_of = [asdict(recipe), relations, translation_templates.INTO, translation_templates.OUT_OF]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:16]


def _form_of(tokenizer: Any) -> InstructionForm:
    from clika.training.examples import form_for

    return form_for(tokenizer)


def _rate(point: TrainingPoint, steps: int) -> float | None:
    """Steps a second, from the remaining time that the point tells."""
    left = point.seconds_left
    return (steps - point.step) / left if left else None


def main(arguments: Sequence[str]) -> int:
    """Be one process of the job in a folder; returns 0 when it is done, 1 with the reason when it cannot be.

    SIGTERM ends it with 143 after the step is done and saved.
    """
    parser = argparse.ArgumentParser(prog="clika.workers.conduct")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--failpoints", default="")
    options = parser.parse_args(arguments)
    folder = JobFolder(options.folder.resolve())
    logging.basicConfig(
        level=logging.INFO, handlers=[redacting_handler(f"%(asctime)s {folder.path.name} %(message)s")]
    )
    stopping = Stopping()
    stopping.catch()
    rank = 0
    try:
        arm(options.failpoints)
        rank = _rank(folder)
        lifeline = Lifeline(folder, rank)
        with lifeline.held():
            end = conduct(folder, lifeline, stopping)
    except ClikaError as error:
        logger.error("%s", error)
        _leave_word(folder, error, rank)
        return 1
    if stopping() and folder.done() is None:
        logger.info("stopped; what was learned and measured is on disk")
        return 143
    if end is not None:
        logger.info("%s", end.sentence())
    return 0


def _rank(folder: JobFolder) -> int:
    """Which of the group this process is."""
    from clika.training.ranks import Ranks

    return Ranks(folder.job().device).rank


def _leave_word(folder: JobFolder, error: ClikaError, rank: int) -> None:
    try:
        folder.write_error(JobFailure(type(error).__name__, str(error)), rank)
    except ClikaError as refused:  # a full disk: whoever looks after the job sees that there is no room
        logger.error("%s", refused)


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main(sys.argv[1:]))
