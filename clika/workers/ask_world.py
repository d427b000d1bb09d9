"""Asks an adapter that was tuned already about its fictional world: a conductivity job that teaches nothing.

What it answers is sealed under ``measures/`` as a look at a tuning's last step is, so XRR, gates and the page read it
alike. ``clika.workers.conduct`` calls it for a job with an adapter.
"""

import logging
from dataclasses import replace
from pathlib import Path

from clika.conductivity.asking import world_answers
from clika.conductivity.sealed_measures import measure_folder, seal_measure, sealed_measure
from clika.conductivity.world_questions import conductivity_run, world_questions
from clika.datasets.fictional_items import items
from clika.datasets.fictional_samples import translation_directions
from clika.errors import ModelError
from clika.jobs.conductivity_spec import ConductivityJob, job_world
from clika.jobs.folder import JobEnd, JobFolder
from clika.metrics.conductivity import Reading, conduction, matrices_of
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text
from clika.records import Outcome
from clika.workers.lifeline import Lifeline

logger = logging.getLogger(__name__)

UNKNOWN_STEP = 1
"""Of an adapter that was not made here nobody noted how many steps it learnt; 0 would be the untuned model."""


def asked_world(folder: JobFolder, job: ConductivityJob, lifeline: Lifeline) -> JobEnd:
    """Load the base with the job's adapter, ask it all, seal; returns the end, which ``done.json`` holds too.

    Raises ModelError for an adapter of another base, and as ``TransformersAnswers.load`` does.
    """
    from clika.scoring.adapter import adapter_fingerprint
    from clika.scoring.checkpoint import checkpoint_folder, tokenizer_of
    from clika.scoring.transformers_answers import TransformersAnswers
    from clika.training.adapter import adapter_note
    from clika.training.examples import form_for

    assert job.adapter is not None
    adapter = Path(job.adapter)
    world, directions = job_world(job), translation_directions(job.direction)
    answers, model = TransformersAnswers.load(job.model, adapter=adapter, device=job.device, name=job.name)
    note = adapter_note(adapter) or {}
    if note.get("base_fingerprint", model.fingerprint) != model.fingerprint:
        raise ModelError(
            f"the adapter {adapter} was tuned on another model (content {note['base_fingerprint'][:16]}) than"
            f" {job.model} (content {str(model.fingerprint)[:16]}); give the base that it was tuned on"
        )
    form = InstructionForm(job.form) if job.form else form_for(tokenizer_of(checkpoint_folder(job.model)[0]))
    if form is InstructionForm.CHAT:
        raise ModelError(f"{job.name} is a chat model; an adapter's world is asked in Alpaca's form alone")
    step = int(note.get("steps", UNKNOWN_STEP))
    digest = str(note.get("task_digest", adapter_fingerprint(adapter)))[:16]
    run = conductivity_run(
        replace(model, name=job.name),
        world,
        job.language,
        template=str(form),
        directions=directions,
        tuning=f"{note.get('recipe', {}).get('tuning', 'lora')}-{digest}",
        step=step,
        control=job.control,
    )
    place = measure_folder(folder.path, step)
    predictions = sealed_measure(place, run)
    if not predictions:
        lifeline.phase = "asking"
        predictions = world_answers(
            world,
            job.language,
            answers,
            answers,
            lambda instruction, source: instruction_prompt(form, instruction_text(instruction, source), None),
            run=run.run,
            directions=directions,
            on_answer=lambda: lifeline.did("asking"),
        ).predictions
        seal_measure(place, run, predictions)
    questions = world_questions(world, items(world, job.language, directions))
    found = conduction(matrices_of(run.run, questions, predictions), job.language, Reading.CHOSEN)
    summary = (
        f"XRR in {job.language} {found.xrr.value:.4f} ({found.xrr.low:.4f} to {found.xrr.high:.4f}),"
        f" {found.gates.sentence()}; adapter {adapter.name}; run {run.run}"
    )
    logger.info("%s", summary)
    invalid = sum(one.outcome is Outcome.INVALID for one in predictions)
    end = JobEnd(len(predictions), 0, invalid, run.run, summary=summary)
    folder.write_done(end)
    return end
