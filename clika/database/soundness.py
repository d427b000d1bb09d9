"""Whether all that a store was given is still there: sealed shards, whose they are, and the rows of the index."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from clika.database.index import Index
from clika.database.ingest import shard_folders
from clika.errors import ShardError
from clika.shards import ShardKind, manifest_entries, read_run, sound_tables

_KEY = pa.schema([(name, pa.string()) for name in ("dataset", "question_id", "language")])


@dataclass(frozen=True, slots=True)
class Soundness:
    """``shards`` with ``rows`` are as they were sealed; ``faults`` are sentences about what is not."""

    shards: int
    rows: int
    faults: tuple[str, ...]


def soundness(index: Index) -> Soundness:
    """Compare every sealed shard with its manifest line, and what they hold with the index."""
    shards = rows = 0
    faults: list[str] = []
    keys: dict[str, list[pa.Table]] = defaultdict(list)
    for folder in shard_folders(index.store):
        sound, damaged = sound_tables(folder)
        shards += len(sound)
        rows += sum(table.num_rows for _, table in sound)
        faults += [fault.sentence for fault in damaged]
        faults += _unvouched(folder)
        answers = [table for entry, table in sound if entry.kind == ShardKind.PREDICTIONS]
        if not answers:
            continue
        try:
            run = read_run(folder)
        except ShardError as error:
            faults.append(str(error))
            continue
        if run is None:
            faults.append(
                f"{folder}: {sum(map(len, answers))} predictions and no run.json that says whose; run the same job"
                " again, or import the same folder"
            )
        else:
            keys[run.run] += [table.select(_KEY.names).cast(_KEY) for table in answers]
    if not faults and not index.alarms:
        faults += _missing_rows(index, keys)
    return Soundness(shards, rows, tuple(faults))


def _unvouched(folder: Path) -> Iterator[str]:
    """Shards in a folder that has lost its manifests: nothing says what they held."""
    files = sorted((folder / "shards").glob("*.parquet"))
    if files and not any(folder.glob("manifest-*.jsonl")) and not manifest_entries(folder)[0]:
        yield (
            f"{folder}: {len(files)} shards and no manifest that vouches for them, so that they do not count; run the"
            " same job again, or import the same folder"
        )


def _missing_rows(index: Index, keys: dict[str, list[pa.Table]]) -> Iterator[str]:
    held = dict(
        index.cursor.execute(
            "select r.run, count(*) from predictions p join runs r on r.number = p.run group by r.run"
        ).fetchall()
    )
    for run, tables in keys.items():
        sealed = pa.concat_tables(tables).group_by(_KEY.names).aggregate([]).num_rows
        if held.get(run, 0) != sealed:
            yield (
                f"run {run}: the index holds {held.get(run, 0)} of {sealed} sealed predictions; 'python -m clika"
                " rebuild' makes it again"
            )
