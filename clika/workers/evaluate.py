"""Answers the questions of a job that no sealed shard holds yet: one replica of a model, one process.

    accelerate launch --num_processes 1 -m clika.workers.evaluate FOLDER [--replica N]

It shares nothing with anybody but the folder: any number of replicas take the questions chunk by chunk. Killed
at any moment one loses at most the answers since its last shard, and whoever is left asks those again.
"""

import argparse
import logging
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace as replaced
from pathlib import Path

from clika.datasets.selection import selected
from clika.errors import ClikaError, InvalidLogitsError, JobError, ShardError
from clika.failpoints import Failpoint, arm, reached
from clika.jobs.folder import JobEnd, JobFailure, JobFolder
from clika.jobs.shared_locks import check_locks
from clika.jobs.slurm_settings import launcher_of
from clika.jobs.spec import EvaluationJob
from clika.records import ModelRef, Outcome, Prompt, Question, Run, ScoringRule, run_id
from clika.redaction import redacting_handler
from clika.scoring.scorer import INVALID_SHARE_LIMIT, Scorer
from clika.shards import (
    Fault,
    is_recorded,
    manifest_entries,
    mend_manifest,
    questions_of,
    read_run,
    set_aside,
    sound_tables,
    withdraw,
    write_run,
    writers,
)
from clika.workers.answers import Answers, StoppedError, Termination, chunks, question_key
from clika.workers.claims import TRY_AGAIN_SECONDS, Claims, free_place, held_place, held_turn, writer_name
from clika.workers.lifeline import Lifeline, die_with_parent
from clika.workers.offline import fetched
from clika.workers.sealed_answers import SealedAnswers

logger = logging.getLogger(__name__)

LoadScorer = Callable[[EvaluationJob], Scorer]


def load_scorer(job: EvaluationJob) -> Scorer:
    """The job's checkpoint, loaded by transformers."""
    from clika.scoring.checkpoint import Dtype
    from clika.scoring.mixed_scorer import MixedScorer
    from clika.scoring.permuted_scorer import PermutedScorer
    from clika.scoring.transformers_scorer import TransformersScorer

    fetched(job.model)

    def loaded(dtype: Dtype) -> Scorer:
        scorer = TransformersScorer.load(
            job.model,
            dtype=dtype,
            device=job.device,
            batch_tokens=job.batch_tokens,
            name=job.name,
            rule=ScoringRule(job.rule),
            adapter=None if job.adapter is None else Path(job.adapter),
            device_map="balanced" if job.gpus_per_replica > 1 and job.device != "cpu" else None,
        )
        return scorer if job.permutations == 1 else PermutedScorer(scorer, job.asking, ScoringRule(job.rule))

    if job.dtype == "mixed":
        exact = loaded("float32")
        return MixedScorer(loaded("bfloat16"), exact, replaced(exact.model, dtype="mixed"))
    return loaded(job.dtype)


def evaluate(
    folder: JobFolder,
    load: LoadScorer = load_scorer,
    termination: Termination | None = None,
    replica: int = 0,
    begin_with: str | None = None,
) -> JobEnd:
    """Answer what is missing, beside the job's other replicas; returns the end, which ``done.json`` holds too.

    ``begin_with`` is the language that this replica answers first, where others leave it one.

    Raises JobError where another worker has the replica's place, the collection is damaged or holds none of
    the questions, or the folder holds another checkpoint's answers; ModelError for the checkpoint;
    InvalidLogitsError where too many answers, those of earlier tries included, are NaN or infinite;
    StoreFullError where there is no room, StoreError where the folder's file system has no locks.
    """
    check_locks(folder.path, shared=launcher_of(folder) is not None)
    lifeline = Lifeline(folder, replica)
    with held_place(folder, replica), lifeline.held():
        return _evaluate(folder, load, termination or Termination(), replica, lifeline, begin_with)


def _evaluate(
    folder: JobFolder,
    load: LoadScorer,
    termination: Termination,
    replica: int,
    lifeline: Lifeline,
    begin_with: str | None,
) -> JobEnd:
    job = folder.job()
    if not isinstance(job, EvaluationJob):
        raise JobError(f"{folder.path} holds no evaluation; submit it again")
    questions, left_out = job.asking.askable(questions_to_ask(folder.store, job))
    for reason in left_out.values():
        logger.warning("left out in every language: %s", reason)
    scorer = load(job)
    reached(Failpoint.JOB_LOADED)
    asked = job.asking.prompts(questions, scorer)
    run = _run(job, scorer.model)
    lifeline.phase = "waiting"
    with held_turn(folder, run.run), Claims(folder) as claims:
        with folder.setting_up(), termination.held():
            _set_up(folder, run, job, writer_name(replica))
            sealed = SealedAnswers(folder, run.run)
        answers = Answers(folder, run, replica, questions, sealed, termination, lifeline)
        if answers.missing(range(len(questions))):
            lifeline.phase = "asking"
            scorer.prepare(asked)
            answers.begin()
        try:
            _answer_all(claims, answers, scorer, asked, lifeline, begin_with)
        finally:
            try:
                answers.seal()  # which ends with StoppedError where SIGTERM came
            finally:
                if answers.done:
                    folder.write_scoring(writer_name(replica), scorer.record)
                    logger.info("%s", scorer.record)
        _mend_dead(folder, writer_name(replica))
        reached(Failpoint.JOB_ALL_SEALED)
        end = _end(folder, questions, sealed, run, len(left_out))
        folder.write_done(end)
        return end


def _set_up(folder: JobFolder, run: Run, job: EvaluationJob, own: str) -> None:
    """Make the folder this run's; set aside and take back what does not count.

    Taken back now and not with the redone answers: any replica may give those, or have given them already.
    """
    unsigned = _unsigned_answers(folder, run, job)
    if not is_recorded(folder.path, run):
        write_run(folder.path, run)
    mend_manifest(folder.path, own)
    _mend_dead(folder, own)
    _, faults = sound_tables(folder.path)
    damaged = set_aside(folder.path, [*unsigned, *faults])
    if damaged:
        withdraw(folder.path, own, damaged)


def _mend_dead(folder: JobFolder, own: str) -> None:
    """Mend the manifests of writers that are gone: one that died in a line would leave an alarm for ever."""
    for writer in sorted(writers(folder.path) - {own}):
        with free_place(folder, writer) as nobodys:
            if nobodys:
                mend_manifest(folder.path, writer)


def _answer_all(
    claims: Claims,
    answers: Answers,
    scorer: Scorer,
    asked: Sequence[Prompt],
    lifeline: Lifeline,
    begin_with: str | None,
) -> None:
    """Answer chunk after chunk until every question of the job is answered, by whomever."""
    numbered = enumerate(chunks(asked))
    waiting = dict(sorted(numbered, key=lambda one: asked[one[1][0]].question.language != begin_with))
    while True:
        for number, chunk in list(waiting.items()):
            if answers.missing(chunk) and not claims.take(number):
                continue
            reached(Failpoint.CHUNK_CLAIMED)
            answers.look()  # who had it before may have died, and sealed a part of it
            missing = answers.missing(chunk)
            prompts_left = [asked[index] for index in missing]
            for scored in scorer.scored(prompts_left) if prompts_left else ():
                answers.add(prompts_left[scored.prompt_index].question, scored)
            del waiting[number]
        answers.seal()
        if not waiting:
            return
        lifeline.phase = "waiting"  # others have the rest: they answer it, or die and leave it
        time.sleep(TRY_AGAIN_SECONDS)
        answers.look()
        lifeline.phase = "asking"


def _end(
    folder: JobFolder, questions: Sequence[Question], sealed: SealedAnswers, run: Run, left_out: int
) -> JobEnd:
    """How it ended. Raises InvalidLogitsError for more invalid answers than a run may have."""
    invalid = sum(sealed.outcomes.get(question_key(one)) is Outcome.INVALID for one in questions)
    if invalid > INVALID_SHARE_LIMIT * len(questions):
        raise InvalidLogitsError(
            f"{invalid} of {len(questions)} answers are NaN or infinite, more than"
            f" {INVALID_SHARE_LIMIT:.1%}; try --dtype float32, or check the checkpoint's weights"
        )
    progress = folder.progress()
    kept = len(questions) if progress is None else progress.kept
    return JobEnd(len(questions) - kept, kept, invalid, run.run, left_out)


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


def _unsigned_answers(folder: JobFolder, run: Run, job: EvaluationJob) -> list[Fault]:
    """The shards of which nobody knows whose they are, since the record and its copy are both gone: asked again.

    Raises JobError where the folder holds another run's answers: they would pass for this one's.
    """
    entries = manifest_entries(folder.path)[0]
    try:
        held = read_run(folder.path) if entries else run
    except ShardError as error:
        logger.warning("%s", error)
        held = None
    if held is None:
        sentence = f"{folder.path / 'run.json'} does not say whose answers lie beside it; they are set aside"
        logger.warning("%s", sentence)
        return [Fault(folder.path / "shards" / entry.file, sentence, entry) for entry in entries]
    if held.run != run.run:
        raise JobError(
            f"{job.model} has changed: {folder.path} holds answers of run {held.run}, the checkpoint is now"
            f" run {run.run}, and a job holds one checkpoint's answers; evaluate it under another --name, or"
            f" from a folder of its own"
        )
    return []


def _run(job: EvaluationJob, model: ModelRef) -> Run:
    rule = ScoringRule(job.rule)
    identity = run_id(model, job.collection, job.template, rule, job.settings)
    return Run(identity, model, job.collection, job.template, rule, job.settings)


def main(arguments: Sequence[str], load: LoadScorer = load_scorer) -> int:
    """Be one replica of the job in a folder; returns 0 when all is answered, 1 with the reason when it cannot be.

    SIGTERM ends it with 143 after what was answered is sealed.
    """
    parser = argparse.ArgumentParser(prog="clika.workers.evaluate")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--replica", type=int, default=0)
    parser.add_argument("--begin-with")
    parser.add_argument("--failpoints", default="")
    options = parser.parse_args(arguments)
    folder = JobFolder(options.folder.resolve())
    form = f"%(asctime)s {folder.path.name} replica{options.replica} %(message)s"
    logging.basicConfig(level=logging.INFO, handlers=[redacting_handler(form)])
    termination = Termination()
    termination.catch()
    try:
        arm(options.failpoints)
        end = evaluate(folder, load, termination, options.replica, options.begin_with)
    except StoppedError:
        logger.info("stopped; what was answered is sealed")
        return 143
    except ClikaError as error:
        logger.error("%s", error)
        _leave_word(folder, error, options.replica)
        return 1
    logger.info("%s", end.sentence())
    return 0


def _leave_word(folder: JobFolder, error: ClikaError, replica: int) -> None:
    try:
        folder.write_error(JobFailure(type(error).__name__, str(error)), replica)
    except ClikaError as refused:  # a full disk: whoever looks after the job sees that there is no room
        logger.error("%s", refused)


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main(sys.argv[1:]))
