"""Which options stand beside the right one, and in which order: drawn by hash, the same on every machine.

So that no option gives itself away, the right one stands at every letter equally often, and a right year is as
often the earliest of its options as the second, third or last.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

OPTIONS = 4
"""How many options a question about a fact has."""
YEAR_STEPS = range(4, 17)
"""Years from one option to the next: the wrong years are within 48 of the right one."""
LATEST_DEATH = 1976
"""48 years later is still in the past."""
SHORTEST_LIFE = 20
"""Years: room for three wrong years of death after the birth."""

_Option = TypeVar("_Option")


def draw(salt: str) -> int:
    """A number from 0 to 2**256 that depends on ``salt`` alone, on every machine and Python."""
    return int.from_bytes(sha256(salt.encode()).digest())


def shuffled(salt: str, values: Sequence[int]) -> list[int]:
    """The values in an order that depends on ``salt`` alone."""
    return sorted(values, key=lambda value: draw(f"{salt} {value}"))


def balanced(salt: str, place: int, values: int) -> int:
    """A number below ``values`` for each place in a row: in each block of ``values`` places all, shuffled."""
    block, inside = divmod(place, values)
    return shuffled(f"{salt} {block}", range(values))[inside]


def ordered(salt: str, options: Sequence[_Option], answer: int) -> list[_Option]:
    """The options, given with the right one first, in the order that they are shown in: right at ``answer``."""
    wrong = shuffled(f"{salt} order", range(1, len(options)))
    return [options[place] for place in (*wrong[:answer], 0, *wrong[answer:])]


def wrong_years(salt: str, born: int, died: int, year: int, earlier: int) -> list[int]:
    """Three years beside ``year``, which is ``born`` or ``died``: ``earlier`` of them before it, YEAR_STEPS apart.

    Each leaves the life possible.
    """
    attempt = 0
    while True:
        steps = [
            YEAR_STEPS[draw(f"{salt} {attempt} {step}") % len(YEAR_STEPS)] for step in range(OPTIONS - 1)
        ]
        before = [year - sum(steps[:count]) for count in range(1, earlier + 1)]
        after = [year + sum(steps[earlier : earlier + count]) for count in range(1, OPTIONS - earlier)]
        wrong = before + after
        possible = (other < died if year == born else other > born for other in wrong)
        if all(possible):
            return wrong
        attempt += 1
