"""A disk that fills up under a job and its index: on a small file system where root may mount one.

Elsewhere the failpoints refuse to write as a full disk does; the tally says which was used.
"""

import os
import subprocess
from pathlib import Path

from clika.failpoints import Failpoint
from clika.jobs.queue import submitted
from tests.faults.laboratory import Laboratory, filesystem, job, told

MEGABYTES = 8
SPARE_KIB = (0, 4, 8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 224, 256, 320, 384, 512, 640, 768)
"""What is left when the job begins: from not one file to all shards and a part of the database."""
POINTS = (
    Failpoint.WRITE_OPENED,
    Failpoint.WRITE_WRITTEN,
    Failpoint.WRITE_FLUSHED,
    Failpoint.SEAL_LINE_TORN,
    Failpoint.SEAL_LINE_WRITTEN,
)
INGEST_POINTS = (Failpoint.INGEST_ROWS, Failpoint.INGEST_LEDGER, Failpoint.INGEST_COMMITTED)


def fill_disks(laboratory: Laboratory, count: int) -> str:
    """``count`` jobs that meet a full disk and go on when there is room; returns how the disk was made full."""
    place = laboratory.scratch / "small"
    if not filesystem(place, MEGABYTES):
        _by_failpoints(laboratory, count)
        return "failpoints"
    try:
        met = tries = 0
        while met < count and tries < 3 * count:
            spare = SPARE_KIB[tries % len(SPARE_KIB)]
            tries += 1
            with told(laboratory, f"full disk with {spare} KiB"):
                met += _filled(laboratory, place / f"store{tries}", spare)
        laboratory.tally.disk_full += met
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False)
    return f"a file system of {MEGABYTES} MiB"


def _filled(laboratory: Laboratory, store: Path, spare: int) -> bool:
    """One job on a disk with so many KiB left; whether the disk was ever full before room was made."""
    laboratory.store(store)
    one = submitted(store, job(0.001, replicas=laboratory.random.choice((1, 2))))
    ballast = store.parent / "ballast"
    free = _free(store) - (spare << 10)
    with ballast.open("wb") as file:
        file.write(b"x" * max(0, free))
    laboratory.answers(store).unlink(missing_ok=True)
    pid = laboratory.owner(store)
    log = laboratory.log(store)

    def stuck() -> bool:
        said = log.read_text() if log.exists() else ""
        worker = one.folder.log_tail()
        return "no room" in said or "No space left" in said or "No space left" in worker

    laboratory.until(lambda: stuck() or laboratory.over(pid), "a full disk or the end")
    met = stuck()
    ballast.unlink()
    laboratory.until(lambda: laboratory.over(pid), "the end after room was made")
    if not laboratory.answers(store).exists():
        raise OSError(f"the owner died of a full disk: {log.read_text()[-600:]}")
    laboratory.judge(store, one.folder)
    laboratory.discard(store)
    return met


def _free(store: Path) -> int:
    """Bytes that are left, less a page for the ballast's own name."""
    stat = os.statvfs(store)
    return stat.f_bavail * stat.f_frsize - 4096


def _by_failpoints(laboratory: Laboratory, count: int) -> None:
    for number in range(count):
        point = (*POINTS, *INGEST_POINTS)[number % (len(POINTS) + len(INGEST_POINTS))]
        armed = f"{point}=full@{laboratory.random.choice((1, 2, 3))}"
        with told(laboratory, f"full disk {armed}"):
            store = laboratory.store()
            one = submitted(store, job())
            by_owner = point in INGEST_POINTS
            pid = laboratory.owner(
                store, armed if by_owner else "", worker_failpoints="" if by_owner else armed
            )
            log = laboratory.log(store)
            laboratory.until(
                lambda log=log, one=one: (
                    "no room" in (log.read_text() if log.exists() else "")
                    or "No space left" in one.folder.log_tail()
                ),
                "a full disk",
            )
            os.kill(pid, 9)
            laboratory.finished(store, one)
            laboratory.tally.disk_full += 1
            laboratory.discard(store)
