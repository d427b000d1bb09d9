"""The order of samples and how they are cut: from seed, epoch and step alone, within the budget, nothing lost."""

from itertools import chain

from hypothesis import given
from hypothesis import strategies as st

from clika.training.examples import Example
from clika.training.micro_batches import (
    MicroBatch,
    effective_batch,
    epoch_order,
    micro_batches,
    share,
    shared_length,
    step_seed,
)


def of_lengths(lengths: list[int]) -> list[Example]:
    return [Example(tuple(range(length)), length - 1) for length in lengths]


def test_every_epoch_teaches_every_sample_once_in_an_order_of_its_own() -> None:
    # 10 samples in batches of 4: 3 steps an epoch, the last of 2
    steps = [effective_batch(10, 4, seed=3, step=step) for step in range(6)]
    assert [len(batch) for batch in steps] == [4, 4, 2] * 2
    first, second = list(chain(*steps[:3])), list(chain(*steps[3:]))
    assert sorted(first) == sorted(second) == list(range(10))
    assert first != second
    assert tuple(first) == epoch_order(10, 3, 0) != epoch_order(10, 4, 0)


def test_no_two_steps_or_processes_draw_alike() -> None:
    seeds = {step_seed(seed, step, rank) for seed in range(3) for step in range(50) for rank in range(4)}
    assert len(seeds) == 3 * 50 * 4


def test_the_cut_of_least_cost_is_taken() -> None:
    lengths = of_lengths([10, 10, 50])
    # together 3 x 50 + 5 = 155; apart 2 x 10 + 5 + 50 + 5 = 80
    assert micro_batches([2, 0, 1], lengths, 1000, 0, overhead=5) == [
        MicroBatch((2,), 0), MicroBatch((0, 1), 0),
    ]  # fmt: skip
    # with an overhead of 100: together 150 + 100 = 250; apart 20 + 100 + 50 + 100 = 270
    assert micro_batches([2, 0, 1], lengths, 1000, 0, overhead=100) == [MicroBatch((0, 1, 2), 0)]


@given(
    lengths=st.lists(st.integers(12, 60), min_size=1, max_size=40),
    budget=st.integers(1, 300),
    prefix=st.sampled_from([0, 10]),
    ranks=st.integers(1, 4),
)
def test_whatever_is_dealt_and_cut_is_there_once_and_within_the_budget(
    lengths: list[int], budget: int, prefix: int, ranks: int
) -> None:
    examples = of_lengths(lengths)
    batch = list(range(len(lengths)))
    dealt = [share(batch, examples, rank, ranks) for rank in range(ranks)]
    assert sorted(chain(*dealt)) == batch
    for own in dealt:
        cut = micro_batches(own, examples, budget, prefix, overhead=16)
        assert sorted(place for one in cut for place in one.members) == sorted(own)
        for one in cut:
            width = max(lengths[place] for place in one.members) - prefix
            assert len(one.members) == 1 or prefix + width * len(one.members) <= budget


def test_the_shared_beginning_leaves_each_row_the_id_before_its_answer() -> None:
    same = tuple(range(20))
    assert shared_length([Example((*same, 1, 2), 21), Example((*same, 3, 4), 21)]) == 20
    # the answers begin at 15: ids 0 to 13 are shared, 14 predicts the first of the answer
    assert shared_length([Example((*same, 1), 15), Example((*same, 2), 18)]) == 14
    # 7 ids are too few to matter
    assert shared_length([Example((*same[:7], 9, 9), 8), Example((*same[:7], 8, 8), 8)]) == 0
