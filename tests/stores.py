"""Small real stores for tests: made-up questions in three languages, sealed as a worker seals them."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from clika.records import Kind, ModelRef, Outcome, Prediction, Question, Run, ScoringRule, run_id
from clika.shards import ShardEntry, ShardKind, prediction_table, question_table, seal, write_run

LANGUAGES = ("en", "de", "he")


def made_up_questions(
    dataset: str = "xgeo", count: int = 4, languages: Sequence[str] = LANGUAGES, choices: int = 4
) -> list[Question]:
    """``count`` parallel questions; the answer to question k is choice k modulo ``choices``."""
    return [
        Question(
            collection="made-up",
            dataset=dataset,
            question_id=str(number),
            language=language,
            kind=Kind.CHOICE,
            premise=None,
            text=f"{dataset} question {number} in {language}?",
            choices=tuple(f"{language} option {letter}" for letter in "abcdefgh"[:choices]),
            answer_index=number % choices,
            origin="de",
        )
        for number in range(count)
        for language in languages
    ]


def made_up_run(name: str = "tiny") -> Run:
    """A run over the made-up collection."""
    model = ModelRef(name=name, base=f"made-up:{name}")
    identity = run_id(model, "made-up", "english", ScoringRule.LETTER, {})
    return Run(identity, model, "made-up", "english", ScoringRule.LETTER)


def predictions(
    run: Run, chosen: Mapping[tuple[str, str], int | None], dataset: str = "xgeo"
) -> list[Prediction]:
    """Predictions from (question id, language) -> 0-based choice, None for an unparseable answer."""
    return [
        Prediction(
            run=run.run,
            dataset=dataset,
            question_id=question_id,
            language=language,
            outcome=Outcome.UNPARSEABLE if index is None else Outcome.ANSWERED,
            chosen_index=index,
            raw_text="no idea" if index is None else None,
        )
        for (question_id, language), index in chosen.items()
    ]


def seal_questions(store: Path, questions: Sequence[Question]) -> ShardEntry:
    """Seal questions where the store keeps its collections."""
    folder = store / "collections" / questions[0].collection
    return seal(folder, "test", ShardKind.QUESTIONS, question_table(questions))


def seal_predictions(
    store: Path, run: Run, rows: Sequence[Prediction], job: str = "job", supersedes: Sequence[str] = ()
) -> ShardEntry:
    """Seal predictions in a job folder of their own."""
    folder = store / "jobs" / job
    write_run(folder, run)
    return seal(folder, "test", ShardKind.PREDICTIONS, prediction_table(rows), supersedes)
