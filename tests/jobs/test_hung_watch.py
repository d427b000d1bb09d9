"""What counts as hanging, by a clock of the test's own."""

import pytest

from clika.jobs.hung_watch import HungWatch

ONE = ("job", 0)


def watch(beats_may_be_old: bool = False) -> HungWatch:
    return HungWatch(first_beat=100, between_beats=10, without_work=50, beats_may_be_old=beats_may_be_old)


def test_a_replica_has_longer_for_its_first_beat_than_between_two() -> None:
    seen = watch()
    assert [seen.fault(ONE, None, now) for now in (0, 100)] == [None, None]
    assert seen.fault(ONE, None, 101) == "shown no life for 101 s"
    assert [seen.fault(ONE, "0 loading 0", now) for now in (101, 111)] == [None, None]
    assert seen.fault(ONE, "0 loading 0", 112) == "shown no life for 11 s"
    seen.forget("job")
    assert seen.fault(ONE, "0 loading 0", 112) is None


def test_what_an_earlier_start_left_is_no_life_where_it_may_be_old() -> None:
    new = watch()
    assert new.fault(ONE, "7 loading 3", 0) is None
    assert new.fault(ONE, "7 loading 3", 11) == "shown no life for 11 s"
    fresh = watch(beats_may_be_old=True)
    assert [fresh.fault(ONE, "7 loading 3", now) for now in (0, 100)] == [None, None]
    assert fresh.fault(ONE, "7 loading 3", 101) == "shown no life for 101 s"
    assert [fresh.fault(ONE, "0 loading 0", now) for now in (101, 111)] == [None, None]
    assert fresh.fault(ONE, "0 loading 0", 112) == "shown no life for 11 s"


@pytest.mark.parametrize("phase", ["asking", "training"])
def test_one_that_beats_and_gets_nothing_done_hangs_where_something_is_to_do(phase: str) -> None:
    seen = watch()
    found = [seen.fault(ONE, f"{now} {phase} 3", now) for now in range(0, 56, 5)]
    assert found == [None] * 11 + ["got nothing done for 55 s"]
    assert seen.fault(ONE, f"99 {phase} 4", 56) is None
    assert seen.fault(("job", 1), f"99 {phase} 3", 56) is None  # another replica is another


@pytest.mark.parametrize("phase", ["loading", "waiting"])
def test_loading_and_waiting_may_last(phase: str) -> None:
    seen = watch()
    assert [seen.fault(ONE, f"{now} {phase} 3", now) for now in range(0, 500, 5)] == [None] * 100
    assert seen.fault(ONE, "501 asking 3", 500) is None  # its time begins when it asks
    assert [seen.fault(ONE, f"{now} asking 3", now) for now in (505, 550)] == [None, None]
