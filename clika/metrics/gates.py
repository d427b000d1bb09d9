"""The gates of a conductivity run: what must be learnt before XRR means anything.

The training counts as complete only where the translations, English (both halves) and X's taught half are
each over 90 % right (the authors' notes on their data).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clika.metrics.accuracy import asked, right
from clika.records import AnswerMatrix, Gate

GATE_PERCENT = 90
"""A gate holds where more than so many of a hundred answers are right."""


@dataclass(frozen=True, slots=True)
class GateShare:
    """How many of a gate's questions are right. A gate of which nothing was asked does not hold."""

    gate: Gate
    right: int
    asked: int

    @property
    def share(self) -> float:
        """0 to 1; NaN where nothing was asked."""
        return self.right / self.asked if self.asked else float("nan")

    @property
    def holds(self) -> bool:
        """Whether more than 90 % are right."""
        return 100 * self.right > GATE_PERCENT * self.asked

    def sentence(self) -> str:
        """For a person: ``translation 84.50 % (169 of 200)``."""
        return (
            f"{self.gate} {self.share:.2%} ({self.right} of {self.asked})"
            if self.asked
            else f"{self.gate} not asked"
        )


@dataclass(frozen=True, slots=True)
class GateReport:
    """The four gates, each once."""

    shares: tuple[GateShare, ...]

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that do not hold, in the order of Gate; empty where XRR is established."""
        return tuple(share.gate for share in self.shares if not share.holds)

    @property
    def established(self) -> bool:
        """Whether XRR measures what was carried across."""
        return not self.failed

    def sentence(self) -> str:
        """For a person."""
        if self.established:
            return f"established: every gate is over {GATE_PERCENT} %"
        failed = "; ".join(share.sentence() for share in self.shares if not share.holds)
        return f"not established, not over {GATE_PERCENT} %: {failed}"


def gate_share(gate: Gate, matrices: Sequence[AnswerMatrix], language: str) -> GateShare:
    """A gate over the answers in one language of data sets that are asked together."""
    shares = [GateShare(gate, 0, 0)]
    for matrix in matrices:
        if language in matrix.languages:
            row = matrix.languages.index(language)
            answered = asked(matrix)[row]
            shares.append(GateShare(gate, int((right(matrix)[row] & answered).sum()), int(answered.sum())))
    return GateShare(gate, sum(share.right for share in shares), sum(share.asked for share in shares))
