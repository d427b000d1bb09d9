"""An upload on its way in: a folder that nobody else may read, checked there, and gone unless it was accepted.

``checkpoints/.quarantine/<id>/`` is held by a lock as long as its upload lives; what has lost its holder (a kill, a
power cut) is swept away when the next one begins.
"""

import contextlib
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from clika.checkpoints.archives import BLOCK, Readable, entries, is_archive
from clika.checkpoints.budget import Allowance, Budget
from clika.checkpoints.file_names import FileSet
from clika.checkpoints.folder_rules import Checked, checked_folder
from clika.errors import CheckpointRefusedError, StoreError

CHECKPOINTS = "checkpoints"
QUARANTINE = ".quarantine"
FILES = "files"
_LOCK = "HELD"


@contextmanager
def quarantined(store: Path) -> Iterator[Path]:
    """A new folder in quarantine, for its owner alone; it is gone at the end, unless it was renamed into place.

    Raises StoreError where the store cannot be written.
    """
    place = store / CHECKPOINTS / QUARANTINE
    try:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o700)
        with _sweeping(place):
            _sweep(place)
            folder = place / secrets.token_hex(8)
            folder.mkdir(mode=0o700)
            held = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(held, fcntl.LOCK_EX)
    except OSError as error:
        raise StoreError(f"{place} cannot be written ({error.strerror}); check the store's folder") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def sweep(store: Path) -> None:
    """Take away what a killed upload left in quarantine."""
    place = store / CHECKPOINTS / QUARANTINE
    if place.is_dir():
        with _sweeping(place):
            _sweep(place)


@contextmanager
def _sweeping(place: Path) -> Iterator[None]:
    """One at a time: a folder that has no lock yet would pass for one that was left."""
    lock = os.open(place / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _sweep(place: Path) -> None:
    for folder in place.iterdir():
        if not folder.is_dir():
            continue
        try:
            held = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:  # its upload ended at this moment
            continue
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(held)


def unpacked(
    store: Path, folder: Path, given: Sequence[tuple[str, Path]], allowance: Allowance | None = None
) -> Checked:
    """Put an upload's files into ``folder`` and check them: one archive, or files by the names they were given.

    ``given`` is (name, where its bytes lie). Returns what was found; the files lie in ``folder / "files"``. Raises
    CheckpointRefusedError with nothing of them loaded.
    """
    if not given:
        raise CheckpointRefusedError("empty", "nothing was given", "give an archive, or a checkpoint's files")
    budget = Budget(folder, allowance or Allowance(), used_bytes(store))
    files = folder / FILES
    files.mkdir(mode=0o700)
    taken = FileSet()
    try:
        if len(given) == 1 and is_archive(Path(given[0][0])):
            _unpack(given[0][1], files, taken, budget)
        else:
            for name, path in given:
                plain = taken.take(name)
                budget.expect(path.stat().st_size)
                with path.open("rb") as stream:
                    _write(files / plain, stream, budget)
    except OSError as error:
        if isinstance(error, FileExistsError):
            raise CheckpointRefusedError(
                "name-twice", "a file is given twice", "give every file once"
            ) from error
        raise CheckpointRefusedError(
            "disk-full",
            f"the upload could not be written ({error.strerror})",
            "make room on the store's disk",
        ) from error
    return checked_folder(files, inside=files)


def _unpack(archive: Path, files: Path, taken: FileSet, budget: Budget) -> None:
    budget.expect(archive.stat().st_size)
    found = 0
    for entry in entries(archive):
        if entry.content is None:
            taken.take_folder(entry.name)
            continue
        _write(files / taken.take(entry.name), entry.content, budget)
        found += 1
    if not found:
        raise CheckpointRefusedError(
            "archive-empty", "the archive holds no file", "archive the checkpoint's files and give that"
        )


def _write(path: Path, content: Readable, budget: Budget) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as target:
        while block := content.read(BLOCK):
            budget.take(len(block))
            target.write(block)
        target.flush()
        os.fsync(target.fileno())


def used_bytes(store: Path) -> int:
    """What uploads take in a store, those in quarantine too; what vanishes meanwhile counts nothing."""
    total = 0
    for place, _, names in os.walk(store / CHECKPOINTS):
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total
