"""What is asked of a model about a fictional world, and what every backend promises to say.

Two ways: forced choice among candidates, by what the rest of the answering sentence is worth with each of them; and
a free answer, written word by word by the most probable token.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from clika.scoring.scorer import first_greatest


@dataclass(frozen=True, slots=True)
class CandidateItem:
    """After ``prompt`` comes the answer ``before`` + one of ``endings`` (one a candidate, through its end).

    ``holds_special_tokens``: the prompt is a chat's, with the special tokens written in it.
    """

    prompt: str
    before: str
    endings: tuple[str, ...]
    holds_special_tokens: bool = False


@dataclass(frozen=True, slots=True)
class CandidateScores:
    """Of the item at ``item_index`` (0-based): nats of each ending, summed over its tokens through the end.

    ``before`` and the prompt are given, so that candidates differ in nothing else. Where a tokenizer merges
    the join, all endings of an item are summed from the same token on.
    """

    item_index: int
    scores: tuple[float, ...]

    @property
    def chosen_index(self) -> int | None:
        """The 0-based candidate with the greatest score; None where any score is NaN or infinite."""
        # Not left to argmax: over NaN it answers index 0.
        return first_greatest(self.scores) if all(map(math.isfinite, self.scores)) else None


class CandidateScorer(Protocol):
    """A model that answers by forced choice among texts."""

    def candidate_scores(self, items: Sequence[CandidateItem]) -> Iterator[CandidateScores]:
        """Every item's scores, each index once, in any order.

        Raises ModelError, before the first scores, where the model cannot take an item as it stands.
        """
        ...


@dataclass(frozen=True, slots=True)
class WrittenItem:
    """An answer to be written after ``prompt``; it may be a little longer than ``longest``, a possible answer."""

    prompt: str
    longest: str
    holds_special_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What was written for the item at ``item_index``, without special tokens; None after NaN or infinite logits."""

    item_index: int
    text: str | None


class Generator(Protocol):
    """A model that writes its answer."""

    def written(self, items: Sequence[WrittenItem]) -> Iterator[Written]:
        """Every item's answer, each index once, in any order. Raises ModelError as ``candidate_scores`` does."""
        ...
