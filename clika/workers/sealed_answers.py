"""What is sealed of a run, read once: each further look opens only the shards that have come since."""

import logging
import os
from pathlib import Path

import pyarrow as pa

from clika.errors import ShardError
from clika.jobs.folder import JobFolder
from clika.records import Outcome
from clika.shards import manifest_entries, read_run, sealed_table, sound_tables

_logger = logging.getLogger(__name__)

Key = tuple[str, str, str]
"""Data set, question id, language."""


class SealedAnswers:
    """The outcome of every question of a run that any job has answered, whatever its folder's name.

    Other jobs' folders are read at the start (who has the run's turn is alone with them), the job's own
    with every ``refresh``: its replicas seal meanwhile.
    """

    def __init__(self, folder: JobFolder, run: str) -> None:
        self.outcomes = sealed_outcomes(folder.store, run, folder.path)
        self._folder = folder
        self._read: set[str] = set()
        self._seen: tuple[tuple[str, int], ...] | None = None
        self.refresh()

    def refresh(self) -> None:
        """Take in what was sealed in the job's own folder since the last look."""
        manifests = sorted(self._folder.path.glob("manifest-*.jsonl"))
        seen = tuple((path.name, _size(path)) for path in manifests)
        if seen == self._seen:
            return
        for entry in manifest_entries(self._folder.path)[0]:
            if entry.file in self._read:
                continue
            try:
                self.outcomes.update(_outcomes(sealed_table(self._folder.path, entry)))
            except ShardError as error:
                _logger.warning("%s", error)
            self._read.add(entry.file)
        self._seen = seen

    def add(self, file: str, outcomes: dict[Key, Outcome]) -> None:
        """Take in a shard that this process has sealed itself."""
        self._read.add(file)
        self.outcomes.update(outcomes)


def _size(path: Path) -> int:
    """Of an open file: over NFS only opening one asks the server what another machine has added to it."""
    with path.open("rb") as file:
        return os.fstat(file.fileno()).st_size


def sealed_outcomes(store: Path, run: str, left_out: Path | None = None) -> dict[Key, Outcome]:
    """What any job of this run has answered, but for the folder ``left_out``.

    A folder that does not say whose answers it holds counts for nothing and is named in the log.
    """
    outcomes: dict[Key, Outcome] = {}
    for folder in sorted((store / "jobs").iterdir()):
        try:
            record = read_run(folder) if folder.is_dir() and folder != left_out else None
        except ShardError as error:
            _logger.warning("%s", error)
            continue
        if record is not None and record.run == run:
            for _, table in sound_tables(folder)[0]:
                outcomes.update(_outcomes(table))
    return outcomes


def _outcomes(table: pa.Table) -> dict[Key, Outcome]:
    columns = [table.column(name).to_pylist() for name in ("dataset", "question_id", "language")]
    found = (Outcome(value) for value in table.column("outcome").to_pylist())
    return dict(zip(zip(*columns, strict=True), found, strict=True))
