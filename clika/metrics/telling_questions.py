"""One question that shows what a level means, found in a run's answers: pure functions of an AnswerMatrix."""

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from clika.languages import ENGLISH
from clika.metrics.accuracy import asked, right
from clika.records import AnswerMatrix


@dataclass(frozen=True, slots=True)
class TellingQuestion:
    """A question of a run, and the languages that tell it: those of the same wrong answer, say."""

    run: str
    dataset: str
    question_id: str
    languages: tuple[str, ...]


def wrong_elsewhere(matrix: AnswerMatrix, among: Collection[str] | None = None) -> TellingQuestion | None:
    """The question right in English and wrong in the most other languages; the first of equals.

    ``languages`` are those it is wrong in. ``among`` are the ids that are looked at, None for all: what is right by
    luck tells nothing. None where there is none, or English was not asked.
    """
    if ENGLISH not in matrix.languages:
        return None
    english = matrix.languages.index(ENGLISH)
    correct = right(matrix)
    wrong = ~correct & asked(matrix)
    others = np.arange(len(matrix.languages)) != english
    looked_at = np.array([among is None or one in among for one in matrix.question_ids], np.bool_)
    return _most(matrix, wrong & others[:, None] & correct[english] & looked_at)


def same_wrong_answer(matrix: AnswerMatrix) -> TellingQuestion | None:
    """The question at which the most languages choose the same wrong option; the first of equals.

    ``languages`` are these. None where no wrong option is chosen in two languages.
    """
    best: TellingQuestion | None = None
    for option in range(int(matrix.choices.max(initial=0))):
        found = _most(matrix, (matrix.chosen == option) & (matrix.answers != option))
        if found is not None and len(found.languages) > max(1, 0 if best is None else len(best.languages)):
            best = found
    return best


def carried_across(matrix: AnswerMatrix, language: str) -> TellingQuestion | None:
    """The first question of a held-out half that is right in English and in ``language``, which never taught it."""
    if not {ENGLISH, language} <= set(matrix.languages):
        return None
    correct = right(matrix)
    both = correct[matrix.languages.index(ENGLISH)] & correct[matrix.languages.index(language)]
    if not both.any():
        return None
    return TellingQuestion(
        matrix.run, matrix.dataset, matrix.question_ids[int(np.flatnonzero(both)[0])], (ENGLISH, language)
    )


def _most(matrix: AnswerMatrix, marked: np.typing.NDArray[np.bool_]) -> TellingQuestion | None:
    """The question with the most marked languages; ``marked`` is (languages, questions)."""
    counts = marked.sum(axis=0)
    if not counts.any():
        return None
    place = int(counts.argmax())
    languages = tuple(code for code, one in zip(matrix.languages, marked[:, place], strict=True) if one)
    return TellingQuestion(matrix.run, matrix.dataset, matrix.question_ids[place], languages)
