"""Which replicas hang: told from what they last showed in the job's folder, and from nothing else."""

from dataclasses import dataclass

IDLE_PHASES = ("loading", "waiting")
"""Phases of a worker in which nothing is counted: it may beat as long as it likes."""


@dataclass(slots=True)
class _Seen:
    """A replica's heartbeat and since when it is so; what it had done then and since when that is so."""

    beat: str | None
    since: float
    alive: bool
    work: str | None = None
    worked: float = 0.0


class HungWatch:
    """Remembers what replicas showed; a replica is (whose, number).

    Seconds, by whatever clock ``fault`` is given: ``first_beat`` until a replica shows life, ``between_beats`` without a
    change after that, ``without_work`` for one that beats and gets nothing done. ``beats_may_be_old``: what stands there
    when a replica is first seen may be what an earlier start of it left, and shows no life yet.
    """

    def __init__(
        self, first_beat: float, between_beats: float, without_work: float, beats_may_be_old: bool = False
    ) -> None:
        self._first_beat, self._between_beats, self._without_work = first_beat, between_beats, without_work
        self._beats_may_be_old = beats_may_be_old
        self._seen: dict[tuple[str, int], _Seen] = {}

    def fault(self, replica: tuple[str, int], beat: str | None, now: float) -> str | None:
        """What is wrong with one whose heartbeat is ``beat`` now, to stand after "has"; None where nothing is."""
        seen = self._seen.get(replica)
        if seen is None:
            alive = beat is not None and not self._beats_may_be_old
            seen = self._seen[replica] = _Seen(beat, now, alive)
        elif beat != seen.beat:
            seen.beat, seen.since, seen.alive = beat, now, True
        work = _work(beat)
        if work is None or work != seen.work:
            seen.work, seen.worked = work, now
        if now - seen.since > (self._between_beats if seen.alive else self._first_beat):
            return f"shown no life for {now - seen.since:.0f} s"
        if now - seen.worked > self._without_work:
            return f"got nothing done for {now - seen.worked:.0f} s"
        return None

    def forget(self, whose: str, number: int | None = None) -> None:
        """Begin anew with a replica, or with all of somebody's."""
        gone = [one for one in self._seen if one[0] == whose and number in (None, one[1])]
        for one in gone:
            del self._seen[one]


def _work(beat: str | None) -> str | None:
    """The count of a heartbeat ("17 asking 40": the 17th beat, 40 done); None in a phase that counts nothing."""
    _, _, said = (beat or "").partition(" ")
    phase, _, count = said.partition(" ")
    return count if count and phase not in IDLE_PHASES else None
