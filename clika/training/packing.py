"""Samples side by side in rows without padding; ids that several begin with stand once, their branches after them.

Where everything stands is decided here; that each sample sees only itself is the attention mask's part
(clika/training/packed_inputs.py).
"""

import math
from bisect import insort
from collections.abc import Sequence
from dataclasses import dataclass

from clika.training.examples import Example

# Attention grows with the width of a row, and rows much longer than samples are little fuller.
_WIDEST = 128
_WIDTHS_TRIED = 64
# Of a row, for samples that share ids: wider pieces share a little more and leave wider gaps.
_WIDEST_PIECE = 0.75
# What each key that a token may look at costs, in tokens.
_ATTENTION_SHARE = 1 / 1000


@dataclass(frozen=True, slots=True)
class Packing:
    """Where ids stand: in ``rows`` of ``width`` columns.

    ``paths`` are, a sample each, its row and the columns of its ids in order, those of the shared prefix left out.
    Samples in one row that begin alike have the same columns there.
    """

    rows: int
    width: int
    paths: tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True, slots=True)
class _Piece:
    """Samples that stand in one row together: each has ``shared`` ids from the one before it, and ``new`` ones."""

    members: tuple[int, ...]
    shared: tuple[int, ...]
    new: tuple[int, ...]

    @property
    def width(self) -> int:
        return sum(self.new)


def shared_by(one: Example, other: Example) -> int:
    """How many first ids two samples share and neither has to say, less the one before the answer."""
    most = min(one.start, other.start) - 1
    pairs = zip(one.ids, other.ids, strict=False)
    return min(most, next((place for place, (a, b) in enumerate(pairs) if a != b), most))


def packed(
    places: Sequence[int], examples: Sequence[Example], room: int, skipped: int, branches: bool
) -> list[tuple[tuple[int, ...], Packing]]:
    """Samples and where they stand, in packings of at most ``room`` ids, gaps included; one sample may exceed it.

    ``places`` are of ``examples``, whose ``skipped`` first ids are computed elsewhere; with ``branches`` ids that
    samples share stand once. Of some widths the one of least cost is taken; the same samples give the same rows.
    """
    own = {place: len(examples[place].ids) - skipped for place in places}
    together = [place for place in places if own[place] <= room]
    made = [_laid_out([[_Piece((place,), (0,), (own[place],))]]) for place in sorted({*places} - {*together})]
    if not together:
        return made
    longest = max(own[place] for place in together)
    widest = min(room, max(_WIDEST, longest))
    pieces = _pieces(together, examples, max(longest, int(_WIDEST_PIECE * widest)), skipped, branches)
    least = pieces[0].width
    tried = range(least, widest + 1, 1 + (widest - least) // _WIDTHS_TRIED)
    rows = min((_filled(pieces, width) for width in tried), key=lambda rows: _cost(rows, skipped))
    count = math.ceil(len(rows) / max(1, room // _width(rows)))
    return made + [_laid_out(rows[begin::count]) for begin in range(count)]


def crowded(
    places: Sequence[int], examples: Sequence[Example], skipped: int, branches: bool
) -> tuple[tuple[int, ...], Packing]:
    """Rows of at least two samples, wherever two are left: what a model is tried on."""
    widest = 2 * max(len(examples[place].ids) - skipped for place in places)
    return _laid_out(_filled(_pieces(places, examples, widest, skipped, branches), widest))


def _pieces(
    places: Sequence[int], examples: Sequence[Example], widest: int, skipped: int, branches: bool
) -> list[_Piece]:
    """The cut of the sorted samples into pieces of fewest ids, the widest piece first; nothing is joined for nothing."""
    order = sorted(places, key=lambda place: (examples[place].ids, place))
    own = [len(examples[place].ids) - skipped for place in order]
    shared = [0] * len(order)
    if branches:
        for place in range(1, len(order)):
            common = shared_by(examples[order[place - 1]], examples[order[place]])
            shared[place] = max(0, common - skipped)
    least = [0.0, *[math.inf] * len(order)]
    begins = [0] * (len(order) + 1)
    for end in range(1, len(order) + 1):
        width = 0
        for begin in range(end - 1, -1, -1):
            width += own[begin] - (shared[begin + 1] if begin + 1 < end else 0)
            if width > widest:
                break
            if least[begin] + width < least[end]:
                least[end], begins[end] = least[begin] + width, begin
            if not shared[begin]:
                break
    found = []
    end = len(order)
    while end:
        begin = begins[end]
        kept = (0, *shared[begin + 1 : end])
        new = tuple(whole - common for whole, common in zip(own[begin:end], kept, strict=True))
        found.append(_Piece(tuple(order[begin:end]), kept, new))
        end = begin
    return sorted(found, key=lambda piece: (-piece.width, piece.members))


def _filled(pieces: Sequence[_Piece], width: int) -> list[list[_Piece]]:
    """Rows of at most ``width``: each piece, from the widest on, where the least room is left that it fits into."""
    rows: list[list[_Piece]] = []
    rooms: list[tuple[int, int]] = []  # (room, row), sorted
    for piece in pieces:
        found = next((place for place, (room, _) in enumerate(rooms) if room >= piece.width), None)
        if found is None:
            rows.append([piece])
            insort(rooms, (width - piece.width, len(rows) - 1))
        else:
            room, row = rooms.pop(found)
            rows[row].append(piece)
            insort(rooms, (room - piece.width, row))
    return rows


def _width(rows: Sequence[Sequence[_Piece]]) -> int:
    return max(sum(piece.width for piece in row) for row in rows)


def _cost(rows: Sequence[Sequence[_Piece]], skipped: int) -> float:
    width = _width(rows)
    return len(rows) * width * (1 + _ATTENTION_SHARE * (skipped + width))


def _laid_out(rows: Sequence[Sequence[_Piece]]) -> tuple[tuple[int, ...], Packing]:
    members: list[int] = []
    paths: list[tuple[int, tuple[int, ...]]] = []
    for row, pieces in enumerate(rows):
        used = 0
        for piece in pieces:
            path: tuple[int, ...] = ()
            for member, shared, new in zip(piece.members, piece.shared, piece.new, strict=True):
                path = (*path[:shared], *range(used, used + new))
                used += new
                members.append(member)
                paths.append((row, path))
    return tuple(members), Packing(len(rows), _width(rows), tuple(paths))
