"""Rows are cut into batches of least cost, whatever their lengths and what fits."""

import itertools
import random

import pytest

from clika.scoring.length_cuts import length_cuts


def cost(lengths: list[int], cuts: list[tuple[int, int]], overhead: int) -> int:
    return sum(overhead + (end - begin) * lengths[end - 1] for begin, end in cuts)


@pytest.mark.parametrize("seed", range(20))
def test_no_other_cut_costs_less(seed: int) -> None:
    draw = random.Random(seed)
    lengths = sorted(draw.randint(1, 30) for _ in range(9))
    overhead, budget = draw.choice((0, 5, 40)), draw.choice((10, 60, 1000))

    def fits(count: int, width: int) -> bool:
        return count * width <= budget

    found = length_cuts(lengths, fits, overhead)
    assert [place for begin, end in found for place in range(begin, end)] == list(range(9))
    assert all(end - begin == 1 or fits(end - begin, lengths[end - 1]) for begin, end in found)
    others = []
    for count in range(9):
        for inner in itertools.combinations(range(1, 9), count):
            edges = (0, *inner, 9)
            cuts = list(itertools.pairwise(edges))
            if all(end - begin == 1 or fits(end - begin, lengths[end - 1]) for begin, end in cuts):
                others.append(cost(lengths, cuts, overhead))
    assert cost(lengths, found, overhead) == min(others)


def test_of_nothing_there_are_no_batches_and_one_row_is_taken_whatever_fits() -> None:
    assert length_cuts([], lambda count, width: False, 1) == []
    assert length_cuts([5, 7], lambda count, width: False, 1) == [(0, 1), (1, 2)]


def test_like_lengths_stay_together_where_a_launch_costs_more_than_the_padding() -> None:
    lengths = [10] * 8 + [30] * 4
    assert length_cuts(lengths, lambda count, width: True, 64) == [(0, 8), (8, 12)]
    assert length_cuts(lengths, lambda count, width: True, 1000) == [(0, 12)]
