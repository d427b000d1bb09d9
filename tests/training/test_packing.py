"""Samples side by side in rows: every id stands once, what is shared stands once for all who share it."""

from itertools import chain, pairwise

from hypothesis import given
from hypothesis import strategies as st

from clika.training.examples import Example
from clika.training.packing import Packing, crowded, packed, shared_by


def example(*ids: int, start: int) -> Example:
    return Example(ids, start)


def test_samples_share_neither_what_has_to_be_said_nor_the_id_before_it() -> None:
    assert shared_by(example(1, 2, 3, 4, start=3), example(1, 2, 9, 4, start=3)) == 2
    # the answer of the second begins at 2: its id 1 predicts the first of the answer
    assert shared_by(example(1, 2, 3, 4, start=3), example(1, 2, 3, start=2)) == 1
    assert shared_by(example(1, 2, start=1), example(1, 2, start=1)) == 0


def test_a_row_is_a_tree_of_what_its_samples_share() -> None:
    # sorted by ids: 5 6 7 8, then 5 6 9 8 (two ids shared), then 4 1 2 alone
    taught = [
        example(5, 6, 7, 8, start=3),
        example(5, 6, 9, 8, start=3),
        example(4, 1, 2, start=2),
    ]
    ((members, packing),) = packed([0, 1, 2], taught, room=100, skipped=0, branches=True)
    # 4 + 2 + 3 ids in all; the first two stand in one row of 6, the third would make it 9: one row costs least
    assert members == (0, 1, 2)
    assert packing == Packing(1, 9, ((0, (0, 1, 2, 3)), (0, (0, 1, 4, 5)), (0, (6, 7, 8))))
    ((members, packing),) = packed([0, 1, 2], taught, room=100, skipped=0, branches=False)
    # without sharing 4 + 4 + 3 ids, one after the other
    assert packing == Packing(1, 11, ((0, (0, 1, 2, 3)), (0, (4, 5, 6, 7)), (0, (8, 9, 10))))


def test_rows_are_as_wide_as_leaves_the_fewest_gaps() -> None:
    lengths = [50, 50, 30, 30, 20, 20]
    taught = [Example((100 + place, *range(length - 1)), length - 1) for place, length in enumerate(lengths)]
    ((_, packing),) = packed(range(6), taught, room=1000, skipped=0, branches=True)
    # 200 ids: two rows of 50 + 30 + 20 have no gap; one of 200 is wider than rows get, four of 50 as full and narrower
    assert (packing.rows, packing.width) == (4, 50)


ids = st.lists(st.integers(0, 2), min_size=4, max_size=30)


@given(
    written=st.lists(st.tuples(ids, st.integers(1, 3)), min_size=1, max_size=30),
    room=st.integers(1, 90),
    skipped=st.sampled_from([0, 4]),
    branches=st.booleans(),
)
def test_every_id_of_every_sample_stands_where_its_path_says(
    written: list[tuple[list[int], int]], room: int, skipped: int, branches: bool
) -> None:
    first = [7] * skipped
    taught = [Example((*first, *ids), len(first) + start) for ids, start in written]
    places = range(len(taught))
    found = packed(places, taught, room, skipped, branches)
    assert sorted(chain.from_iterable(members for members, _ in found)) == list(places)
    assert found == packed(list(reversed(places)), taught, room, skipped, branches)
    for members, packing in [*found, crowded(places, taught, skipped, branches)]:
        assert len(members) == len(packing.paths)
        stands: dict[tuple[int, int], tuple[int, ...]] = {}
        said: set[tuple[int, int]] = set()
        for member, (row, path) in zip(members, packing.paths, strict=True):
            one = taught[member]
            assert len(path) == len(one.ids) - skipped
            assert row < packing.rows
            assert all(a < b for a, b in pairwise(path))
            assert path[-1] < packing.width
            for place, column in enumerate(path):
                # whoever stands in a column has the same ids up to there: it sees the same
                before = one.ids[skipped : skipped + place + 1]
                assert stands.setdefault((row, column), before) == before
            own = {(row, column) for column in path[one.start - 1 - skipped :]}
            assert not said & own
            said |= own
    for members, packing in found:
        assert len(members) == 1 or packing.rows * packing.width <= room


def test_what_a_model_is_tried_on_has_company_in_its_row() -> None:
    taught = [Example((place, *range(99)), 99) for place in range(5)]
    _, packing = crowded(range(5), taught, 0, branches=True)
    rows = [row for row, _ in packing.paths]
    assert sorted(rows.count(row) for row in set(rows)) == [1, 2, 2]
