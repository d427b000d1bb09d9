"""The evaluation worker with a scripted model: what it asks, keeps, redoes and refuses."""

import json
import os
import signal
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from clika.errors import DataError, InvalidLogitsError, JobError, ModelError
from clika.jobs.folder import JobFolder
from clika.jobs.spec import EvaluationJob
from clika.prompts.chat import Message
from clika.records import Prediction, Prompt, Question
from clika.scoring.scorer import Scored, Scorer
from clika.scoring.scripted import ScriptedScorer
from clika.shards import predictions_of, read_run, sound_tables
from clika.workers.evaluate import evaluate, main
from clika.workers.sealed_answers import sealed_outcomes
from tests.models import tiny_llama
from tests.stores import made_up_questions, seal_questions

JOB = EvaluationJob("scripted", "scripted", "made-up", ("xgeo",), ("en", "de", "he"))


class CountingScorer:
    """Counts what a scripted scorer is asked, and breaks after so many answers if told to."""

    def __init__(self, breaks_after: int | None = None, invalid: bool = False) -> None:
        self.asked: list[str] = []
        self.prepared = 0
        self._breaks_after = breaks_after
        self._scorer = ScriptedScorer(lambda q: None if invalid else (len(q.text) + q.answer_index) % 4)
        self.model = self._scorer.model
        self.record = self._scorer.record

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        self.prepared = len(prompts)

    def chat(self, messages: Sequence[Message]) -> str:
        return self._scorer.chat(messages)

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        for scored in self._scorer.scored(prompts):
            if len(self.asked) == self._breaks_after:
                raise OSError("the machine caught fire")
            question = prompts[scored.prompt_index].question
            self.asked.append(f"{question.question_id}/{question.language}")
            yield scored


def prepared(store: Path, job: EvaluationJob = JOB, questions: list[Question] | None = None) -> JobFolder:
    if not (store / "collections").exists():
        seal_questions(store, questions or made_up_questions())
    folder = JobFolder.of(store, job)
    folder.write_job(job)
    return folder


def table(store: Path) -> list[Prediction]:
    """All predictions of a store, in one order."""
    rows = []
    for folder in sorted((store / "jobs").iterdir()):
        run = read_run(folder)
        assert run is not None
        for _, sealed in sound_tables(folder)[0]:
            rows += predictions_of(run.run, sealed)
    return sorted(rows, key=lambda row: (row.dataset, row.question_id, row.language))


def ask(folder: JobFolder, scorer: Scorer) -> None:
    evaluate(folder, lambda job: scorer)


def test_every_question_is_answered_once(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    ask(folder, CountingScorer())
    assert len(table(tmp_path)) == 4 * 3
    done = folder.done()
    assert done is not None
    assert (done.answered, done.kept, done.invalid) == (12, 0, 0)


def test_a_second_worker_asks_nothing(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    ask(folder, CountingScorer())
    again = CountingScorer()
    ask(folder, again)
    assert again.asked == []


def test_a_broken_run_resumes_and_ends_like_an_undisturbed_one(tmp_path: Path) -> None:
    folder = prepared(tmp_path / "broken")
    with pytest.raises(OSError, match="fire"):
        ask(folder, CountingScorer(breaks_after=5))
    rest = CountingScorer()
    ask(folder, rest)
    assert len(rest.asked) == 12 - 5
    ask(prepared(tmp_path / "whole"), CountingScorer())
    assert table(tmp_path / "broken") == table(tmp_path / "whole")


def test_a_larger_limit_asks_only_what_a_smaller_one_did_not(tmp_path: Path) -> None:
    ask(prepared(tmp_path, replace(JOB, limit=1)), CountingScorer())
    first = {row.question_id for row in table(tmp_path)}
    assert len(first) == 1  # the same question in all three languages
    rest = CountingScorer()
    ask(prepared(tmp_path), rest)
    assert len(rest.asked) == 12 - 3
    assert len(table(tmp_path)) == 12


@pytest.mark.parametrize("damage", ["flipped", "truncated", "gone"])
def test_a_damaged_shard_is_asked_again_and_superseded(tmp_path: Path, damage: str) -> None:
    folder = prepared(tmp_path)
    ask(folder, CountingScorer())
    before = table(tmp_path)
    for shard in list((folder.path / "shards").iterdir()):  # on a slow machine more than one was sealed
        content = shard.read_bytes()
        if damage == "gone":
            shard.unlink()
        else:
            shard.write_bytes(content[:-9] if damage == "truncated" else content[:50] + b"!" + content[51:])
    again = CountingScorer()
    ask(folder, again)
    assert len(again.asked) == 12
    assert table(tmp_path) == before
    assert sound_tables(folder.path)[1] == []


def test_invalid_answers_are_kept_apart_and_fail_the_run_beyond_the_limit(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    with pytest.raises(InvalidLogitsError, match="12 of 12"):
        ask(folder, CountingScorer(invalid=True))
    assert {row.chosen_index for row in table(tmp_path)} == {None}
    assert folder.done() is None


def test_invalid_answers_of_an_earlier_try_fail_the_next_one_too(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    for _ in range(2):
        with pytest.raises(InvalidLogitsError, match="12 of 12"):
            ask(folder, CountingScorer(invalid=True))
    assert folder.done() is None


def test_a_checkpoint_that_changed_does_not_inherit_the_old_ones_answers(tmp_path: Path) -> None:
    model = tmp_path / "model"
    tiny_llama(model, seed=0)
    job = replace(JOB, model=str(model), device="cpu")
    folder = prepared(tmp_path / "store", job)
    evaluate(folder)
    before = table(tmp_path / "store")
    (how,) = folder.scoring().values()
    assert (how.path, how.join, how.device, how.memory_halvings) == ("prefix_cache", "none", "cpu", 0)
    tiny_llama(model, seed=1)
    with pytest.raises(JobError, match=r"has changed: .* another --name"):
        evaluate(folder)
    assert table(tmp_path / "store") == before
    renamed = evaluate(prepared(tmp_path / "store", replace(job, name="later")))
    assert (renamed.answered, renamed.kept) == (12, 0)


@pytest.mark.parametrize("record", [None, "{"])
def test_answers_that_nobody_signs_are_set_aside_and_asked_again(tmp_path: Path, record: str | None) -> None:
    folder = prepared(tmp_path)
    ask(folder, CountingScorer())
    before = table(tmp_path)
    for path in folder.path.glob("run*.json"):
        path.unlink() if record is None else path.write_text(record)
    again = CountingScorer()
    ask(folder, again)
    assert len(again.asked) == 12
    assert table(tmp_path) == before
    assert sound_tables(folder.path)[1] == []
    assert list((folder.path / "quarantine").glob("*.parquet"))


def test_another_jobs_damaged_record_stops_nobody(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    (tmp_path / "jobs" / "other").mkdir()
    (tmp_path / "jobs" / "other" / "run.json").write_text("{")
    ask(folder, CountingScorer())
    assert folder.done() is not None


def test_damaged_questions_stop_the_job_instead_of_shortening_it(tmp_path: Path) -> None:
    seal_questions(tmp_path, made_up_questions())
    seal_questions(tmp_path, made_up_questions("xpeo"))
    shard = tmp_path / "collections/made-up/shards/test-000001.parquet"
    shard.write_bytes(shard.read_bytes()[:-5])
    with pytest.raises(JobError, match=r"12 questions .* import the collection's questions again"):
        ask(prepared(tmp_path, replace(JOB, datasets=("xgeo", "xpeo"))), CountingScorer())


@pytest.fixture
def sigterm_as_before() -> Iterator[None]:
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)


@pytest.mark.usefixtures("sigterm_as_before")
def test_sigterm_while_answering_seals_what_is_there(tmp_path: Path) -> None:
    folder = prepared(tmp_path)

    class Terminated(CountingScorer):
        def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
            for scored in super().scored(prompts):
                if len(self.asked) == 6:  # the sixth is not handed on yet
                    os.kill(os.getpid(), signal.SIGTERM)
                yield scored

    assert main([str(folder.path)], lambda job: Terminated()) == 143
    assert (len(table(tmp_path)), folder.done(), folder.error()) == (5, None, None)
    assert len(folder.scoring()) == 1  # how those five were asked is kept with them
    rest = CountingScorer()
    ask(folder, rest)
    assert len(rest.asked) == 12 - 5


@pytest.mark.usefixtures("sigterm_as_before")
def test_sigterm_while_loading_is_not_taken_for_a_bad_checkpoint(tmp_path: Path) -> None:
    folder = prepared(tmp_path)

    def load(job: EvaluationJob) -> Scorer:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        except Exception as error:  # as the real loader does
            raise ModelError("the checkpoint cannot be loaded") from error
        return CountingScorer()

    assert main([str(folder.path)], load) == 143
    assert folder.error() is None


@pytest.mark.usefixtures("sigterm_as_before")
def test_a_missing_model_is_the_cause_in_error_json(tmp_path: Path) -> None:
    folder = prepared(tmp_path, replace(JOB, model=str(tmp_path / "nowhere")))
    assert main([str(folder.path)]) == 1
    sentence = json.loads((folder.path / "error-0.json").read_text())["sentence"]
    for part in ("nowhere is no folder", "a model is a folder with config.json", "check the path"):
        assert part in sentence


def test_questions_that_are_not_there_are_named(tmp_path: Path) -> None:
    folder = prepared(tmp_path, replace(JOB, datasets=("xpeo",)))
    with pytest.raises(JobError, match="it holds: xgeo/de, xgeo/en, xgeo/he"):
        ask(folder, CountingScorer())


def test_a_second_worker_on_one_folder_is_turned_away(tmp_path: Path) -> None:
    folder = prepared(tmp_path)

    class Intruder(CountingScorer):
        def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
            with pytest.raises(JobError, match="another worker"):
                ask(folder, CountingScorer())
            return super().scored(prompts)

    ask(folder, Intruder())
    run = read_run(folder.path)
    assert run is not None
    assert len(sealed_outcomes(tmp_path, run.run)) == 12


def test_the_job_file_is_what_the_worker_reads(tmp_path: Path) -> None:
    folder = prepared(tmp_path)
    path = folder.path / "job.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "colour": "red"}))
    with pytest.raises(JobError, match="'colour'"):
        ask(folder, CountingScorer())


def test_a_question_that_cannot_be_asked_in_one_language_is_left_out_in_all_and_counted(
    tmp_path: Path,
) -> None:
    questions = [
        replace(one, choices=("", *one.choices[1:]))
        if (one.question_id, one.language) == ("7", "he")
        else one
        for one in made_up_questions(count=40)
    ]
    folder = prepared(tmp_path, questions=questions)
    ask(folder, CountingScorer())
    done = folder.done()
    assert done is not None
    assert (done.answered, done.left_out) == (39 * 3, 1)
    assert "1 cannot be asked in every language" in done.sentence()
    assert {row.question_id for row in table(tmp_path)} == {str(n) for n in range(40)} - {"7"}


def test_many_questions_that_cannot_be_asked_stop_the_job(tmp_path: Path) -> None:
    questions = [
        replace(one, choices=("", *one.choices[1:])) if one.question_id in ("1", "2", "3") else one
        for one in made_up_questions(count=40)
    ]
    with pytest.raises(
        DataError, match=r"3 of 40 questions of xgeo cannot be asked; the first: .*choice A is empty"
    ):
        ask(prepared(tmp_path, questions=questions), CountingScorer())
