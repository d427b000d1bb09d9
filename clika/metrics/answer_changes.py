"""Two runs over the same questions: which answers changed from right to wrong, and which the other way."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from clika.errors import UsageError
from clika.metrics.accuracy import asked, right
from clika.metrics.mcnemar import mcnemar_exact_p
from clika.records import AnswerMatrix


class Change(StrEnum):
    """How an answer changed from the first run to the second."""

    LOST = "lost"
    WON = "won"


@dataclass(frozen=True, slots=True)
class LanguageChange:
    """One language: ``both_asked`` questions that both runs answered, of which each got so many right.

    ``lost`` were right and are wrong now, ``won`` the other way. Accuracies are None where nothing was asked of both.
    """

    language: str
    both_asked: int
    first_right: int
    second_right: int
    lost: int
    won: int

    @property
    def first_accuracy(self) -> float | None:
        """0 to 1, over the questions that both answered."""
        return self.first_right / self.both_asked if self.both_asked else None

    @property
    def second_accuracy(self) -> float | None:
        """0 to 1, over the questions that both answered."""
        return self.second_right / self.both_asked if self.both_asked else None

    @property
    def p(self) -> float | None:
        """McNemar's exact p; None where nothing was asked of both."""
        return mcnemar_exact_p(self.lost, self.won) if self.both_asked else None


@dataclass(frozen=True, slots=True)
class AnswerChanges:
    """One data set of both runs. ``lost`` and ``won`` are (languages, questions) booleans."""

    dataset: str
    languages: tuple[str, ...]
    question_ids: tuple[str, ...]
    by_language: tuple[LanguageChange, ...]
    lost: npt.NDArray[np.bool_]
    won: npt.NDArray[np.bool_]

    def changed(self, language: str, change: Change) -> tuple[str, ...]:
        """The ids of the questions that changed so in a language, in the data set's order."""
        if language not in self.languages:
            return ()
        marked = (self.lost if change is Change.LOST else self.won)[self.languages.index(language)]
        return tuple(name for name, is_marked in zip(self.question_ids, marked, strict=True) if is_marked)


def answer_changes(first: AnswerMatrix, second: AnswerMatrix) -> AnswerChanges:
    """From one run to the other over one data set; a question that one of them was not asked is left out.

    Raises UsageError for matrices of different questions or languages.
    """
    same = (first.dataset, first.languages, first.question_ids)
    if same != (second.dataset, second.languages, second.question_ids):
        raise UsageError(
            f"runs {first.run} and {second.run} answer other questions; compare two of one collection"
        )
    both = asked(first) & asked(second)
    right_first, right_second = right(first) & both, right(second) & both
    lost, won = right_first & ~right_second, right_second & ~right_first
    by_language = tuple(
        LanguageChange(
            code,
            int(both[place].sum()),
            int(right_first[place].sum()),
            int(right_second[place].sum()),
            int(lost[place].sum()),
            int(won[place].sum()),
        )
        for place, code in enumerate(first.languages)
    )
    return AnswerChanges(first.dataset, first.languages, first.question_ids, by_language, lost, won)


def summed_changes(changes: Sequence[AnswerChanges]) -> tuple[LanguageChange, ...]:
    """The counts of all data sets together, language by language in the order in which they first appear."""
    totals: dict[str, LanguageChange] = {}
    for one in (one for change in changes for one in change.by_language):
        had = totals.get(one.language, LanguageChange(one.language, 0, 0, 0, 0, 0))
        totals[one.language] = LanguageChange(
            one.language,
            had.both_asked + one.both_asked,
            had.first_right + one.first_right,
            had.second_right + one.second_right,
            had.lost + one.lost,
            had.won + one.won,
        )
    return tuple(totals.values())
