"""kill -9 and SIGTERM at every failpoint: of workers, of who owns the store, of who ingests, migrates, cancels."""

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import duckdb

from clika.database.connection import DATABASE
from clika.failpoints import Failpoint
from clika.jobs.queue import JobState, cancel, queued_job, running, submitted
from tests.faults.laboratory import Laboratory, job, told

ACTIONS = ("kill", "term")
WORKER_POINTS = (
    Failpoint.JOB_LOADED,
    Failpoint.CHUNK_CLAIMED,
    Failpoint.WRITE_OPENED,
    Failpoint.WRITE_WRITTEN,
    Failpoint.WRITE_FLUSHED,
    Failpoint.WRITE_RENAMED,
    Failpoint.SEAL_SHARD_WRITTEN,
    Failpoint.SEAL_LINE_TORN,
    Failpoint.SEAL_LINE_WRITTEN,
    Failpoint.SEAL_DONE,
    Failpoint.JOB_ALL_SEALED,
)
INGEST_POINTS = (Failpoint.INGEST_ROWS, Failpoint.INGEST_LEDGER, Failpoint.INGEST_COMMITTED)
MIGRATE_POINTS = (Failpoint.MIGRATE_BEGUN, Failpoint.MIGRATE_APPLIED)
CANCEL_POINTS = (Failpoint.CANCEL_ASKED, Failpoint.CANCEL_TERMINATED)
ONCE = (Failpoint.JOB_LOADED, Failpoint.JOB_ALL_SEALED)
STOPPED = (JobState.DONE, JobState.FAILED)


def kill_workers(laboratory: Laboratory, rounds: int, actions: Sequence[str] = ACTIONS) -> None:
    """Workers killed on both of their tries, one, two or four at a job; then resumed with one or as many."""
    for round_number in range(rounds):
        for point in WORKER_POINTS:
            for action in actions:
                count = 1 if point in ONCE else laboratory.random.choice((1, 1, 2, 3, 4))
                replicas = (1, 2, 4)[round_number % 3]
                armed = f"{point}={action}@{count}"
                with told(laboratory, f"worker {armed} x{replicas}"):
                    _kill_worker(laboratory, armed, replicas)


def _kill_worker(laboratory: Laboratory, armed: str, replicas: int) -> None:
    store = laboratory.store()
    # Several take their time, so that each gets a share of the questions.
    one = submitted(store, job(0.003 if replicas > 1 else 0.0, replicas=replicas))
    first = laboratory.owner(store, worker_failpoints=armed, ends=["done", "failed"])
    laboratory.until(lambda: laboratory.over(first), f"the end of the armed owner of {store.name}")
    resumed_with = laboratory.random.choice((1, replicas))
    laboratory.finished(store, one, replicas=resumed_with)
    laboratory.discard(store)


def kill_owners(laboratory: Laboratory, rounds: int, actions: Sequence[str] = ACTIONS) -> None:
    """The owner killed while it writes down whom it started, and while it ingests from a job that runs."""
    for _ in range(rounds):
        for point in (Failpoint.WRITE_WRITTEN, Failpoint.WRITE_RENAMED, *INGEST_POINTS):
            for action in actions:
                count = laboratory.random.choice((1, 2) if point in INGEST_POINTS else (1,))
                armed = f"{point}={action}@{count}"
                with told(laboratory, f"owner {armed}"):
                    store = laboratory.store()
                    one = submitted(store, job(0.004, replicas=laboratory.random.choice((1, 2))))
                    first = laboratory.owner(store, armed)
                    laboratory.until(lambda pid=first: laboratory.over(pid), "the owner's end")
                    laboratory.finished(store, one)
                    laboratory.discard(store)


def _sealed_store(laboratory: Laboratory) -> Path:
    """A store whose job is done and that has no database."""
    store = laboratory.store()
    laboratory.finished(store, submitted(store, job()), judged=False)
    _without_database(store)
    return store


def _without_database(store: Path) -> None:
    for path in store.glob(f"{DATABASE}*"):
        path.unlink()


def kill_ingesting(laboratory: Laboratory, rounds: int, actions: Sequence[str] = ACTIONS) -> None:
    """A process killed while it takes shards in, some of them after it had taken in others."""
    store = _sealed_store(laboratory)
    manifest = next(store.glob("jobs/*/manifest-replica0.jsonl"))
    whole = manifest.read_bytes()
    for _ in range(rounds):
        for point in INGEST_POINTS:
            for action in actions:
                with told(laboratory, f"ingest {point}={action}"):
                    _without_database(store)
                    # Two portions: what arrives after the first is a transaction of its own.
                    lines = whole.splitlines(keepends=True)
                    manifest.write_bytes(b"".join(lines[: laboratory.random.randrange(1, len(lines))]))
                    _ended(laboratory, store, f"{point}={action}@{laboratory.random.choice((1, 2))}")
                    manifest.write_bytes(whole)
                    _ended(laboratory, store, f"{point}={action}@1")
                    _ended(laboratory, store)
                    laboratory.judge(store, None)
    laboratory.discard(store)


def _ended(laboratory: Laboratory, store: Path, armed: str = "") -> None:
    laboratory.answers(store).unlink(missing_ok=True)
    arguments: dict[str, object] = {"store": str(store), "answers": str(laboratory.answers(store))}
    pid = laboratory.nursery.started("reader", arguments, laboratory.log(store), armed)
    laboratory.until(lambda: laboratory.over(pid), f"the end of a reader of {store.name}")


def kill_migrating(laboratory: Laboratory, rounds: int, actions: Sequence[str] = ACTIONS) -> None:
    """Killed while an empty database gets its tables, and while one of version 1 becomes one of today."""
    store = _sealed_store(laboratory)
    for older in (False, True):
        for _ in range(rounds):
            for point in MIGRATE_POINTS:
                for action in actions:
                    with told(laboratory, f"migrate {point}={action} older={older}"):
                        _without_database(store)
                        if older:
                            _ended(laboratory, store)
                            make_older(store)
                        _ended(laboratory, store, f"{point}={action}")
                        _ended(laboratory, store)
                        laboratory.judge(store, None)
                        laboratory.judged_kills()
    laboratory.discard(store)


def make_older(store: Path) -> None:
    """Turn a database of today into one of version 1, its rows in it."""
    connection = duckdb.connect(str(store / DATABASE))
    connection.execute("alter table ledger drop column stored")
    connection.execute("delete from schema_version where version > 1")
    connection.close()


def kill_cancelling(laboratory: Laboratory, rounds: int, actions: Sequence[str] = ACTIONS) -> None:
    """Who ends a job is killed at it: the owner, or the command line where nobody owns the queue."""
    for round_number in range(rounds):
        for point in CANCEL_POINTS:
            for action in actions:
                armed = f"{point}={action}"
                with told(laboratory, f"cancel {armed} round {round_number}"):
                    _kill_cancelling(laboratory, armed, by_command=round_number % 2 == 1)


def _kill_cancelling(laboratory: Laboratory, armed: str, by_command: bool) -> None:
    store = laboratory.store()
    one = submitted(store, job(0.1, replicas=laboratory.random.choice((1, 2))))
    first = laboratory.owner(store, "" if by_command else armed, ends=["cancelled"])
    laboratory.until(lambda: any(one.folder.path.glob("manifest-*")), "the first shard")
    if by_command:
        os.kill(first, signal.SIGKILL)
        laboratory.until(lambda: laboratory.over(first), "the owner's end")
        arguments: dict[str, object] = {"arguments": ["jobs", "cancel", one.job_id, "--store", str(store)]}
        killed = laboratory.nursery.started("command", arguments, laboratory.log(store), armed)
    else:
        cancel(store, queued_job(one.folder))
        killed = first
    laboratory.until(lambda: laboratory.over(killed), "the end of who cancels")
    second = laboratory.owner(store, ends=["cancelled"])
    laboratory.until(lambda: laboratory.over(second), "the end of what was cancelled")
    if running(one.folder):
        laboratory.tally.failures.append(f"{store.name}: cancelled and still at work")
    laboratory.finished(store, queued_job(one.folder))
    laboratory.discard(store)


def kill_setting_aside(laboratory: Laboratory, rounds: int, actions: Sequence[str] = ACTIONS) -> None:
    """Killed between setting a damaged shard aside and taking it back."""
    for _ in range(rounds):
        for point in (Failpoint.ASIDE_MOVED, Failpoint.SEAL_LINE_TORN, Failpoint.SEAL_LINE_WRITTEN):
            for action in actions:
                with told(laboratory, f"set aside {point}={action}"):
                    store = laboratory.store()
                    one = submitted(store, job(replicas=2))
                    laboratory.finished(store, one, judged=False)
                    shards = sorted(store.glob("jobs/*/shards/*.parquet"))
                    for path in laboratory.random.sample(shards, 2):
                        path.write_bytes(b"damage")
                    (one.folder.path / "done.json").unlink()
                    one = submitted(store, job(replicas=2))
                    first = laboratory.owner(
                        store, worker_failpoints=f"{point}={action}", ends=["done", "failed"]
                    )
                    laboratory.until(lambda pid=first: laboratory.over(pid), "the end of the armed owner")
                    laboratory.finished(store, one)
                    laboratory.discard(store)


def kill_everybody(laboratory: Laboratory, rounds: int) -> None:
    """Every kind of kill, at every point, by both signals."""
    kill_workers(laboratory, rounds)
    kill_owners(laboratory, rounds)
    kill_ingesting(laboratory, rounds)
    kill_migrating(laboratory, max(1, rounds // 2))
    kill_cancelling(laboratory, rounds)
    kill_setting_aside(laboratory, max(1, rounds // 2))
