"""Which samples are computed together: the order from the seed and the epoch alone, and micro-batches by tokens.

A step learns from one effective batch. Its samples are dealt to the devices by length, and each device cuts its
share where padding and repeated work are least, or packs it into rows without padding: how it is cut moves the
result by rounding alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import torch

from clika.scoring.length_cuts import length_cuts
from clika.training.examples import Example
from clika.training.packing import Packing, crowded, packed, shared_by

_SMALLEST_PREFIX = 8
_TRIED = 3


@dataclass(frozen=True, slots=True)
class MicroBatch:
    """Samples that are computed at once.

    ``members`` are places in the list of examples, ``prefix_length`` how many of their first ids are computed
    once for all, and ``counts`` is False for one that only keeps a process in step with the others. ``packing`` says
    where their ids stand in rows that several share; None: each has a row of its own, padded to the longest.
    """

    members: tuple[int, ...]
    prefix_length: int
    counts: bool = True
    packing: Packing | None = None


@lru_cache(maxsize=2)
def epoch_order(count: int, seed: int, epoch: int) -> tuple[int, ...]:
    """A permutation of ``range(count)``: the same for one seed and 0-based epoch, on every machine."""
    generator = torch.Generator().manual_seed(_mixed(seed, epoch))
    return tuple(torch.randperm(count, generator=generator).tolist())


def effective_batch(count: int, batch_size: int, seed: int, step: int) -> list[int]:
    """The samples of the 0-based ``step``; the last batch of an epoch may be smaller."""
    epoch, place = divmod(step, math.ceil(count / batch_size))
    return list(epoch_order(count, seed, epoch)[place * batch_size : (place + 1) * batch_size])


def step_seed(seed: int, step: int, rank: int) -> int:
    """What dropout is drawn from in a step: nothing drawn before it matters, so a resumed step is the same."""
    return _mixed(seed, (step << 16) + rank + 1, stream=1)


def _mixed(seed: int, number: int, stream: int = 0) -> int:
    """63 bits in which neighbouring seeds and numbers have nothing in common (splitmix64)."""
    state = (seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03 + stream * 0x8CB92BA72F3D8DD7) % 2**64
    state = (state ^ state >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ state >> 27) * 0x94D049BB133111EB % 2**64
    return (state ^ state >> 31) >> 1


def shared_length(examples: Sequence[Example]) -> int:
    """How many first ids all examples share and none has to say, less one; 0 if too few to matter.

    The last id before an answer stays with its row, which it predicts the answer's first id for.
    """
    first = min(examples, key=lambda example: example.ids)
    last = max(examples, key=lambda example: example.ids)
    shared = min(shared_by(first, last), min(example.start for example in examples) - 1)
    return shared if shared >= _SMALLEST_PREFIX else 0


def share(batch: Sequence[int], examples: Sequence[Example], rank: int, ranks: int) -> list[int]:
    """What process ``rank`` of ``ranks`` computes of a batch: every ``ranks``-th sample by length."""
    return sorted(batch, key=lambda place: (len(examples[place].ids), place))[rank::ranks]


def micro_batches(
    places: Sequence[int], examples: Sequence[Example], budget: int, prefix_length: int, overhead: int
) -> list[MicroBatch]:
    """Cut samples into micro-batches of at most ``budget`` tokens each, padding included; one sample may exceed it.

    The cost of a micro-batch is its padded tokens, its prefix and ``overhead``, the tokens that a launch costs
    as much time as; of all cuts of the samples sorted by length the one of least cost is taken.
    """
    order = sorted(places, key=lambda place: (len(examples[place].ids), place))
    own = [len(examples[place].ids) - prefix_length for place in order]
    cuts = length_cuts(
        own, lambda count, width: prefix_length + count * width <= budget, overhead + prefix_length
    )
    return [MicroBatch(tuple(order[begin:end]), prefix_length) for begin, end in reversed(cuts)]


def packed_micro_batches(
    places: Sequence[int], examples: Sequence[Example], budget: int, prefix_length: int, branches: bool
) -> list[MicroBatch]:
    """Samples in rows without padding, at most ``budget`` tokens a micro-batch, gaps included; one sample may exceed it.

    With ``branches`` what some of the samples begin with beyond the prefix is computed once too.
    """
    room = max(1, budget - prefix_length)
    return [
        MicroBatch(members, prefix_length, packing=packing)
        for members, packing in packed(places, examples, room, prefix_length, branches)
    ]


def crowded_micro_batch(
    places: Sequence[int], examples: Sequence[Example], prefix_length: int, branches: bool
) -> MicroBatch:
    """All of the samples in rows of at least two, wherever two are left: what packing is tried on."""
    members, packing = crowded(places, examples, prefix_length, branches)
    return MicroBatch(members, prefix_length, packing=packing)


def telling(examples: Sequence[Example]) -> tuple[int, ...]:
    """Samples to try a way of computing on: the shortest, the longest and the two neighbours that share most."""
    by_length = sorted(range(len(examples)), key=lambda place: len(examples[place].ids))
    by_ids = sorted(range(len(examples)), key=lambda place: examples[place].ids)
    neighbours = pairwise(by_ids)
    alike = max(neighbours, key=lambda two: shared_by(examples[two[0]], examples[two[1]]), default=())
    return tuple(dict.fromkeys([*by_length[:_TRIED], *by_length[-_TRIED:], *alike]))
