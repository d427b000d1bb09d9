"""What is no kill: two apps on one store, a rank that is stopped, files damaged under a job that runs, a clock
that jumps by years."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from clika.errors import JobError
from clika.jobs.queue import JobState, QueuedJob, queued_job, resume, submitted
from tests.faults.damages import damage
from tests.faults.laboratory import Laboratory, job, told
from tests.faults.nursery import ROOT

FAKETIME = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
)
JUMPS = ("+3650d", "-400d")


def two_apps(laboratory: Laboratory, count: int) -> None:
    """Two owners start on one store; the one that has it is killed, the other one brings the work to its end."""
    for number in range(count):
        with told(laboratory, f"two apps {number}"):
            store = laboratory.store()
            one = submitted(store, job(0.01, replicas=2))
            first = laboratory.owner(store)
            laboratory.until(lambda store=store: (store / "LOCK").exists(), "the first owner")
            second = laboratory.owner(store)
            if number % 2:
                laboratory.until(lambda one=one: any(one.folder.path.glob("manifest-*")), "the first shard")
                os.kill(first, signal.SIGKILL)
            laboratory.until(
                lambda pids=(first, second): all(laboratory.over(pid) for pid in pids), "both ends"
            )
            laboratory.judge(store, one.folder)
            laboratory.finished(store, one)
            laboratory.discard(store)


def stopped_ranks(laboratory: Laboratory, count: int) -> None:
    """A rank gets SIGSTOP in the middle; it is found, ended, and its work done again."""
    for number in range(count):
        armed = ("chunk.claimed=stop@2", "seal.line_torn=stop@2", "write.written=stop@4", "seal.done=stop")[
            number % 4
        ]
        with told(laboratory, f"stopped {armed}"):
            store = laboratory.store()
            one = submitted(store, job(replicas=1 + number % 2))
            first = laboratory.owner(
                store, worker_failpoints=armed, armed_replicas=[0], ends=["done", "failed"]
            )
            laboratory.until(lambda pid=first: laboratory.over(pid), "the end of a job with a stopped rank")
            laboratory.finished(store, one)
            laboratory.discard(store)


def damage_running(laboratory: Laboratory, count: int) -> None:
    """Files of a job are damaged while it runs; whoever looks after it goes on."""
    for number in range(count):
        with told(laboratory, f"damage under a running job {number}"):
            store = laboratory.store()
            one = submitted(store, job(0.01, replicas=2))
            first = laboratory.owner(store)
            laboratory.until(lambda one=one: any(one.folder.path.glob("manifest-*")), "the first shard")
            files = sorted(
                path
                for pattern in ("*.json", "heartbeat-*", "manifest-*")
                for path in one.folder.path.glob(pattern)
            )
            path = laboratory.random.choice(files)
            kind = laboratory.random.choice(("flip", "flip", "cut"))
            if damage(laboratory, path, kind):
                laboratory.tally.flipped += kind == "flip"
                laboratory.tally.truncated += kind == "cut"

            def over(store: Path = store, one: QueuedJob = one, pid: int = first) -> bool:
                now = queued_job(one.folder)
                if now.state in (JobState.FAILED, JobState.INTERRUPTED, JobState.CANCELLED):
                    try:
                        resume(store, now)
                    except JobError:  # its sentence: submit the job again
                        submitted(store, job(0.01, replicas=2))
                return laboratory.over(pid)

            laboratory.until(over, f"the end of a job whose {path.name} was damaged")
            submitted(store, job(0.01, replicas=2))  # what was damaged in the last moment is found and redone
            laboratory.finished(store, one)
            laboratory.discard(store)


def jumping_clocks(laboratory: Laboratory, count: int) -> str:
    """The clock of owner and workers jumps by years and back; returns how it was made to."""
    library = next((path for path in FAKETIME if Path(path).exists()), None)
    for number in range(count):
        with told(laboratory, f"clock {JUMPS[number % len(JUMPS)]}"):
            _jump(laboratory, JUMPS[number % len(JUMPS)], library)
    return "libfaketime" if library else "times of files and the worker's own clock"


def _jump(laboratory: Laboratory, jump: str, library: str | None) -> None:
    store = laboratory.store()
    one = submitted(store, job(0.03, replicas=2))
    told_time = laboratory.scratch / "clock"
    told_time.write_text("+0")
    values = {
        "store": str(store),
        "nursery": str(laboratory.nursery.address),
        "answers": str(laboratory.answers(store)),
    }
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if library:
        environment |= {
            "LD_PRELOAD": library,
            "FAKETIME_TIMESTAMP_FILE": str(told_time),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        values["preload"] = json.dumps(
            {name: environment[name] for name in environment if name.startswith(("LD_", "FAKETIME"))}
        )
    with laboratory.log(store).open("ab") as log:
        owner = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.roles", "owner", json.dumps(values)],
            env=environment,
            cwd=ROOT,
            stdout=log,
            stderr=log,
        )
    seconds = float(jump[1:-1]) * 86400 * (1 if jump[0] == "+" else -1)
    laboratory.until(lambda: any(one.folder.path.glob("manifest-*")), "the first shard")
    told_time.write_text(jump)
    for path in store.rglob("*"):  # what the other clock would have written
        stat = path.stat()
        os.utime(path, (stat.st_atime + seconds, max(0.0, stat.st_mtime + seconds)))
    laboratory.until(lambda: len(list(one.folder.path.glob("shards/*"))) > 4, "more shards")
    told_time.write_text("+0")
    laboratory.until(lambda: owner.poll() is not None, "the end of a job whose clock jumped")
    laboratory.judge(store, one.folder)
    if "is ended" in laboratory.log(store).read_text():
        laboratory.tally.failures.append(f"a living replica was ended for a clock that jumped by {jump}")
    laboratory.discard(store)
