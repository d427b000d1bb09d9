"""Named failpoints: places where a test ends, stops or starves a real process. All are off unless armed.

A specification is a comma-separated list of ``point=action@count``, such as ``seal.shard_written=kill@2``: the
action happens when the point is reached for the count-th time (1 where it is left out). The environment
variable CLIKA_FAILPOINTS carries one to the command line and the dashboard, which hand it to their workers.

    kill   SIGKILL to this process        stop   SIGSTOP: it hangs
    term   SIGTERM to this process        full   the operation fails as on a full disk (ENOSPC)
"""

import errno
import os
import signal
from enum import StrEnum

from clika.errors import UsageError

VARIABLE = "CLIKA_FAILPOINTS"


class Failpoint(StrEnum):
    """Every place that can fail on purpose, in the order a job passes them."""

    JOB_LOADED = "job.loaded"
    CHUNK_CLAIMED = "chunk.claimed"
    WRITE_OPENED = "write.opened"
    WRITE_WRITTEN = "write.written"
    WRITE_FLUSHED = "write.flushed"
    WRITE_RENAMED = "write.renamed"
    SEAL_SHARD_WRITTEN = "seal.shard_written"
    SEAL_LINE_TORN = "seal.line_torn"
    SEAL_LINE_WRITTEN = "seal.line_written"
    SEAL_DONE = "seal.done"
    ASIDE_MOVED = "aside.moved"
    JOB_ALL_SEALED = "job.all_sealed"
    TRAIN_STEPPED = "train.stepped"
    TRAIN_STATE_WRITTEN = "train.state_written"
    TRAIN_STATE_RENAMED = "train.state_renamed"
    TRAIN_SAVED = "train.saved"
    INGEST_ROWS = "ingest.rows"
    INGEST_LEDGER = "ingest.ledger"
    INGEST_COMMITTED = "ingest.committed"
    MIGRATE_BEGUN = "migrate.begun"
    MIGRATE_APPLIED = "migrate.applied"
    CANCEL_ASKED = "cancel.asked"
    CANCEL_TERMINATED = "cancel.terminated"


class Action(StrEnum):
    """What happens at an armed point."""

    KILL = "kill"
    TERM = "term"
    STOP = "stop"
    FULL = "full"


_SIGNALS = {Action.KILL: signal.SIGKILL, Action.TERM: signal.SIGTERM, Action.STOP: signal.SIGSTOP}
# Of this process alone: armed once at its start, counted down as the points are reached.
_armed: dict[Failpoint, tuple[Action, int]] = {}


def arm(specification: str) -> None:
    """Arm what a specification names, and nothing else; an empty one disarms all.

    Raises UsageError for an unknown point or action, or a count below 1.
    """
    armed = {}
    for part in filter(None, (part.strip() for part in specification.split(","))):
        name, _, what = part.partition("=")
        action, _, count = what.partition("@")
        if name not in set(Failpoint):
            raise UsageError(f"unknown failpoint {name!r}; known: {', '.join(Failpoint)}")
        if action not in set(Action):
            raise UsageError(f"failpoint {name} with action {action!r}; known: {', '.join(Action)}")
        if count and (not count.isdecimal() or int(count) < 1):
            raise UsageError(f"failpoint {name} with count {count!r}; a count is a whole number from 1")
        armed[Failpoint(name)] = (Action(action), int(count or 1))
    _armed.clear()
    _armed.update(armed)


def reached(point: Failpoint) -> None:
    """Mark that a point is reached. Raises OSError (ENOSPC) where the armed action is ``full``."""
    if not _armed or point not in _armed:
        return
    action, count = _armed[point]
    if count > 1:
        _armed[point] = (action, count - 1)
        return
    if action is Action.FULL:  # a disk stays full until somebody makes room
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    del _armed[point]
    os.kill(os.getpid(), _SIGNALS[action])
