"""What every model backend promises: prompts in, one scored choice for each prompt out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clika.prompts.chat import ChatRenderer
from clika.records import ModelRef, Outcome, Prompt, ScoringRecord, ScoringRule

INVALID_SHARE_LIMIT = 0.001
"""The share of answers (0 to 1) that may be invalid before a run means nothing. The caller counts."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A model's choice for the prompt at ``prompt_index`` (0-based) of the sequence that was given.

    ``scores``: nats, one a choice, for each rule computed; under ``letter`` the natural-log probability,
    over the whole vocabulary, that the next token is the letter. ``letter_mass`` (0 to 1) is the total
    probability of all the item's letters. An invalid outcome (NaN or infinite scores) has no
    ``chosen_index``, no ``scores`` and no ``letter_mass``.
    """

    prompt_index: int
    outcome: Outcome
    chosen_index: int | None
    scores: Mapping[ScoringRule, tuple[float, ...]] = field(default_factory=dict)
    letter_mass: float | None = None


class Scorer(ChatRenderer, Protocol):
    """A model that answers by forced choice, and that knows its own chat template."""

    @property
    def model(self) -> ModelRef:
        """The checkpoint that answers."""
        ...

    @property
    def record(self) -> ScoringRecord:
        """How it has been asked so far."""
        ...

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Settle whatever depends on all the prompts of a job, before a part of them is scored.

        How prompts are computed is then the same whatever part comes first. Raises ModelError as ``scored``
        does; without it ``scored`` settles it on the prompts that it is given.
        """
        ...

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        """Every prompt's choice, each index exactly once, in any order.

        Raises ModelError, before the first choice is yielded, where the model cannot be asked this way.
        """
        ...


def first_greatest(scores: Sequence[float]) -> int:
    """The index of the greatest score; of equal ones the lowest index. ``scores`` is not empty."""
    return max(range(len(scores)), key=lambda index: (scores[index], -index))
