"""Rows of different lengths, cut into batches in which little is padding."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

_LAUNCH_TOKENS = {"cpu": 64, "mps": 512, "cuda": 1024}
"""How many tokens' time it takes to launch a batch at all, by kind of device."""


def launch_tokens(kind: str, dtype: torch.dtype | None = None) -> int:
    """How many tokens' time a batch takes to launch; on a CPU three times as many in bfloat16, done sooner."""
    tokens = _LAUNCH_TOKENS.get(kind, _LAUNCH_TOKENS["cuda"])
    return 3 * tokens if kind == "cpu" and dtype == torch.bfloat16 else tokens


def length_cuts(
    lengths: Sequence[int], fits: Callable[[int, int], bool], overhead: int
) -> list[tuple[int, int]]:
    """[begin, end) of each batch of rows that are sorted by length, the shortest first.

    A batch of ``count`` rows padded to ``width`` is taken where ``fits(count, width)``; one row alone always is. It
    costs its padded tokens and ``overhead``, the tokens that a launch takes as much time as: of all cuts the one of
    least cost is returned, in order. ``fits`` must not say yes to more where it said no to fewer.
    """
    least = np.zeros(len(lengths) + 1)
    begins = [0] * (len(lengths) + 1)
    first = 0  # the first row that a batch ending here may begin with: never an earlier one for longer rows
    for end in range(1, len(lengths) + 1):
        width = lengths[end - 1]
        while end - first > 1 and not fits(end - first, width):
            first += 1
        costs = least[first:end] + overhead + width * np.arange(end - first, 0, -1)
        best = int(costs.argmin())
        least[end], begins[end] = costs[best], first + best
    cuts = []
    end = len(lengths)
    while end:
        cuts.append((begins[end], end))
        end = begins[end]
    return cuts[::-1]
