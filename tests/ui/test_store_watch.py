"""All pages together look at the store once a second, and each learns that it has grown."""

import threading
from pathlib import Path

from clika.database.index import Index
from clika.ui.store_watch import StoreWatch
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_generation_rises_when_answers_come_in_and_only_then(tmp_path: Path) -> None:
    clock = Clock()
    seal_questions(tmp_path, made_up_questions())
    with Index.open(tmp_path) as index:
        watch = StoreWatch(index, seconds=1.0, clock=clock)
        assert watch.look() == watch.look(at_once=True) == 0
        seal_predictions(tmp_path, made_up_run(), predictions(made_up_run(), {("0", "en"): 0}))
        assert watch.look() == 0  # less than a second since the last look
        clock.now = 1.5
        assert watch.look() == 1
        clock.now = 3.0
        assert watch.look() == 1


def test_a_look_does_not_wait_for_another_pages_look() -> None:
    class Slow:
        """Its refresh ends only when another page's look has."""

        def refresh(self) -> int:
            other = threading.Thread(target=lambda: seen.append(watch.look()))
            other.start()
            other.join()
            return 1

    seen: list[int] = []
    watch = StoreWatch(Slow())  # type: ignore[arg-type]
    assert watch.look() == 1
    assert seen == [0]
