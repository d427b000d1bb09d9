"""Answers the questions of a job that no sealed shard holds yet: ``python -m clika.workers.evaluate FOLDER``.

It shares nothing with anybody but the folder. Killed at any moment it loses at most the questions since
its last shard, and the next worker asks those again.
"""

import fcntl
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

from clika.datasets.selection import selected
from clika.errors import ClikaError, InvalidLogitsError, JobError, ShardError
from clika.jobs.folder import JobEnd, JobFolder, Progress
from clika.jobs.spec import EvaluationJob
from clika.prompts.templates import Template, prompts
from clika.records import ModelRef, Outcome, Prediction, Question, Run, ScoringRule, run_id
from clika.scoring.scorer import INVALID_SHARE_LIMIT, Scorer
from clika.shards import (
    ShardKind,
    manifest_entries,
    prediction_table,
    questions_of,
    read_run,
    seal,
    set_aside,
    sound_tables,
    write_run,
)

logger = logging.getLogger(__name__)

WRITER = "rank0"
SEAL_EVERY_SECONDS = 2.0
SEAL_EVERY_ROWS = 1000

Key = tuple[str, str, str]
LoadScorer = Callable[[EvaluationJob], Scorer]


class _StoppedError(BaseException):
    """SIGTERM arrived: seal what is there and go.

    No Exception, since what loads a model turns every Exception into a sentence about the model.
    """


class _Termination:
    """Raises _StoppedError on SIGTERM: at once, or after the shard that is being sealed."""

    def __init__(self) -> None:
        self._asked = self._held = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if not self._held:
            raise _StoppedError

    @contextmanager
    def held(self) -> Iterator[None]:
        """What stands inside happens whole: half of a sealing would seal the same rows twice."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._asked:
            raise _StoppedError


def load_scorer(job: EvaluationJob) -> Scorer:
    """The job's checkpoint, loaded by transformers."""
    from clika.scoring.checkpoint import Dtype
    from clika.scoring.mixed_scorer import MixedScorer
    from clika.scoring.transformers_scorer import TransformersScorer

    def loaded(dtype: Dtype) -> TransformersScorer:
        return TransformersScorer.load(
            job.model,
            dtype=dtype,
            device=job.device,
            batch_tokens=job.batch_tokens,
            name=job.name,
            rule=ScoringRule(job.rule),
        )

    if job.dtype == "mixed":
        exact = loaded("float32")
        return MixedScorer(loaded("bfloat16"), exact, replace(exact.model, dtype="mixed"))
    return loaded(job.dtype)


def evaluate(
    folder: JobFolder, load: LoadScorer = load_scorer, termination: _Termination | None = None
) -> JobEnd:
    """Answer what is missing; returns the end, which is written to ``done.json`` too.

    Raises JobError where another worker has the folder, the collection is damaged or holds none of the
    questions, or the folder holds another checkpoint's answers; ModelError for the checkpoint;
    InvalidLogitsError where too many answers, those of earlier tries included, are NaN or infinite.
    """
    lock = os.open(folder.path / "LOCK", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise JobError(f"another worker is at {folder.path}; wait for it or cancel it") from error
        return _evaluate(folder, load, termination or _Termination())
    finally:
        os.close(lock)


def _evaluate(folder: JobFolder, load: LoadScorer, termination: _Termination) -> JobEnd:
    job = folder.job()
    questions = questions_to_ask(folder.store, job)
    template = _template(job)
    prompts(questions, template)  # a question that cannot be asked stops the job before a model is loaded
    scorer = load(job)
    run = _run(job, scorer.model)
    _check_answers_are_of(folder, run, job)
    write_run(folder.path, run)
    _, faults = sound_tables(folder.path)
    superseded = set_aside(folder.path, faults)
    known = sealed_outcomes(folder.store, run.run)
    missing = [question for question in questions if _key(question) not in known]
    invalid_before = sum(known.get(_key(question)) is Outcome.INVALID for question in questions)
    kept = len(questions) - len(missing)
    answers = _Answers(folder, run, len(missing), kept, superseded, termination)
    asked = prompts(missing, template)
    try:
        for scored in scorer.scored(asked) if asked else ():
            question = asked[scored.prompt_index].question
            answers.add(
                Prediction(
                    run=run.run,
                    dataset=question.dataset,
                    question_id=question.question_id,
                    language=question.language,
                    outcome=scored.outcome,
                    chosen_index=scored.chosen_index,
                    scores=scored.scores,
                    letter_mass=scored.letter_mass,
                )
            )
    finally:
        answers.seal()
        if asked:
            folder.write_scoring(WRITER, scorer.record)
            logger.info("%s", scorer.record)
    invalid = invalid_before + answers.invalid
    if invalid > INVALID_SHARE_LIMIT * len(questions):
        raise InvalidLogitsError(
            f"{invalid} of {len(questions)} answers are NaN or infinite, more than"
            f" {INVALID_SHARE_LIMIT:.1%}; try --dtype float32, or check the checkpoint's weights"
        )
    end = JobEnd(len(missing), kept, invalid, run.run)
    folder.write_done(end)
    return end


class _Answers:
    """Collects predictions and seals a shard every few seconds."""

    def __init__(
        self,
        folder: JobFolder,
        run: Run,
        total: int,
        kept: int,
        superseded: tuple[str, ...],
        termination: _Termination,
    ) -> None:
        self.invalid = 0
        self._folder, self._run, self._total, self._kept = folder, run, total, kept
        self._superseded = superseded
        self._termination = termination
        self._rows: list[Prediction] = []
        self._done = 0
        self._began = self._sealed = time.monotonic()
        folder.write_progress(Progress(0, total, kept))

    def add(self, prediction: Prediction) -> None:
        """Take one prediction; now and then this seals a shard."""
        self._rows.append(prediction)
        self.invalid += prediction.outcome is Outcome.INVALID
        late = time.monotonic() - self._sealed >= SEAL_EVERY_SECONDS
        if late or len(self._rows) >= SEAL_EVERY_ROWS:
            self.seal()

    def seal(self) -> None:
        """Seal what was collected; nothing where there is nothing."""
        with self._termination.held():
            self._seal()

    def _seal(self) -> None:
        if self._rows:
            seal(
                self._folder.path,
                WRITER,
                ShardKind.PREDICTIONS,
                prediction_table(self._rows),
                self._superseded,
            )
            self._superseded = ()
            self._done += len(self._rows)
            self._rows = []
        self._sealed = time.monotonic()
        rate = self._done / max(self._sealed - self._began, 1e-9) if self._done else None
        self._folder.write_progress(Progress(self._done, self._total, self._kept, rate))


def questions_to_ask(store: Path, job: EvaluationJob) -> list[Question]:
    """The job's questions, as ``selected`` takes them from the collection.

    Raises JobError where there is none to ask, and where a shard of the collection is damaged: fewer
    questions would be another evaluation.
    """
    tables, faults = sound_tables(store / "collections" / job.collection)
    for fault in faults:
        if fault.entry is not None:
            raise JobError(
                f"{fault.path}: {fault.entry.rows} questions of collection {job.collection!r} are damaged or"
                f" gone, and an evaluation asks all; import the collection's questions again, which mends it"
            )
        logger.warning("%s", fault.sentence)
    stored = [question for _, table in tables for question in questions_of(table)]
    wanted = selected(stored, job.datasets, job.languages, job.limit)
    if not wanted:
        held = sorted({f"{question.dataset}/{question.language}" for question in stored})
        raise JobError(
            f"collection {job.collection!r} holds none of {', '.join(job.datasets)} in"
            f" {', '.join(job.languages)}; it holds: {', '.join(held) or 'nothing'}"
        )
    return wanted


def sealed_outcomes(store: Path, run: str) -> dict[Key, Outcome]:
    """What any job of this run has answered already, whatever its folder's name.

    A folder that does not say whose answers it holds counts for nothing and is named in the log.
    """
    outcomes: dict[Key, Outcome] = {}
    for folder in sorted((store / "jobs").iterdir()):
        try:
            record = read_run(folder) if folder.is_dir() else None
        except ShardError as error:
            logger.warning("%s", error)
            continue
        if record is None or record.run != run:
            continue
        for _, table in sound_tables(folder)[0]:
            columns = [table.column(name).to_pylist() for name in ("dataset", "question_id", "language")]
            found = (Outcome(value) for value in table.column("outcome").to_pylist())
            outcomes.update(zip(zip(*columns, strict=True), found, strict=True))
    return outcomes


def _check_answers_are_of(folder: JobFolder, run: Run, job: EvaluationJob) -> None:
    """Raises JobError where the folder holds another run's answers: they would pass for this one's."""
    if not manifest_entries(folder.path)[0]:
        return
    try:
        held = read_run(folder.path)
    except ShardError as error:
        logger.warning("%s", error)
        held = None
    if held is None:
        raise JobError(
            f"{folder.path / 'run.json'} does not say whose answers lie beside it, and a job holds one"
            f" checkpoint's; move the folder away and run the same job again"
        )
    if held.run != run.run:
        raise JobError(
            f"{job.model} has changed: {folder.path} holds answers of run {held.run}, the checkpoint is now"
            f" run {run.run}, and a job holds one checkpoint's answers; evaluate it under another --name, or"
            f" from a folder of its own"
        )


def _template(job: EvaluationJob) -> Template:
    try:
        return Template(job.template)
    except ValueError as error:
        raise JobError(
            f"template {job.template!r}; known: {', '.join(Template)}; submit the job with one of them"
        ) from error


def _key(question: Question) -> Key:
    return question.dataset, question.question_id, question.language


def _run(job: EvaluationJob, model: ModelRef) -> Run:
    rule = ScoringRule(job.rule)
    identity = run_id(model, job.collection, job.template, rule, {})
    return Run(identity, model, job.collection, job.template, rule)


def main(arguments: Iterable[str], load: LoadScorer = load_scorer) -> int:
    """Run the job in a folder; returns 0 when it is done, 1 with ``error.json`` when it cannot be.

    SIGTERM ends it with 143 after what was answered is sealed.
    """
    (path,) = arguments
    folder = JobFolder(Path(path).resolve())
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {folder.path.name} rank0 %(message)s")
    termination = _Termination()
    signal.signal(signal.SIGTERM, termination)
    try:
        end = evaluate(folder, load, termination)
    except _StoppedError:
        logger.info("stopped; what was answered is sealed")
        return 143
    except ClikaError as error:
        logger.error("%s", error)
        folder.write_error(str(error))
        return 1
    logger.info("%s", end.sentence())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
