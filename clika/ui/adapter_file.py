"""An adapter as one file to take away: a zip of its folder, which peft loads once it is unpacked."""

import os
import zipfile
from pathlib import Path

from clika.errors import UsageError
from clika.jobs.folder import JobFolder

WEIGHTS = "adapter_model.safetensors"
_WHEN = (1980, 1, 1, 0, 0, 0)


def is_adapter(tuned: Path) -> bool:
    """Whether a folder holds an adapter and no whole model, which would be too large to send."""
    return (tuned / WEIGHTS).is_file()


def adapter_archive(folder: JobFolder, into: Path) -> Path:
    """A zip of a job's adapter in ``into``, its files in a folder named after the job.

    Stored and not compressed: weights hardly shrink. The same adapter gives the same bytes. Raises UsageError where
    there is none.
    """
    tuned = folder.tuned
    if tuned is None or not is_adapter(tuned):
        raise UsageError(f"{folder.path.name} has no adapter to take away; a whole model stays in its folder")
    into.mkdir(parents=True, exist_ok=True)
    target = into / f"{folder.path.name}-adapter.zip"
    made = into / f".{target.name}.{os.getpid()}.tmp"
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(path for path in tuned.iterdir() if path.is_file()):
            entry = zipfile.ZipInfo(f"{folder.path.name}/{path.name}", _WHEN)
            entry.external_attr = 0o644 << 16
            with path.open("rb") as read, archive.open(entry, "w", force_zip64=True) as written:
                while block := read.read(1 << 20):
                    written.write(block)
    made.replace(target)
    return target
