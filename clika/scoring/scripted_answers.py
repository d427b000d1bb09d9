"""Answers about a fictional world by functions instead of a model: where tests stand in for torch."""

import math
from collections.abc import Callable, Iterator, Sequence

from clika.errors import UsageError
from clika.scoring.candidates import CandidateItem, CandidateScores, Written, WrittenItem

_CHOSEN_PROBABILITY = 0.7
_OTHERS_PROBABILITY = 0.2


class ScriptedAnswers:
    """A CandidateScorer and a Generator.

    ``choice`` gives the index of a candidate, or None for NaN scores; the chosen one has the probability 0.7
    and the others 0.2 together. ``text`` gives what is written, None after NaN logits.
    """

    def __init__(
        self,
        choice: Callable[[CandidateItem], int | None],
        text: Callable[[WrittenItem], str | None] = lambda item: "",
    ) -> None:
        self._choice, self._text = choice, text

    def candidate_scores(self, items: Sequence[CandidateItem]) -> Iterator[CandidateScores]:
        """In the order given. Raises UsageError for an index that is none of the candidates'."""
        for index, item in enumerate(items):
            chosen, count = self._choice(item), len(item.endings)
            if chosen is None:
                yield CandidateScores(index, (math.nan,) * count)
                continue
            if not 0 <= chosen < count:
                raise UsageError(
                    f"scripted choice {chosen} after {item.before!r}; its candidates are 0 to {count - 1}"
                )
            other = math.log(_OTHERS_PROBABILITY / max(1, count - 1))
            scores = [other] * count
            scores[chosen] = math.log(_CHOSEN_PROBABILITY)
            yield CandidateScores(index, tuple(scores))

    def written(self, items: Sequence[WrittenItem]) -> Iterator[Written]:
        """In the order given."""
        for index, item in enumerate(items):
            yield Written(index, self._text(item))
