"""Whether all that a store was given is still there: sealed shards, whose they are, and the rows of the index."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from clika.database.index import Index
from clika.database.ingest import shard_folders
from clika.errors import ShardError
from clika.shards import ShardKind, read_run, sound_tables

_KEY = pa.schema([(name, pa.string()) for name in ("dataset", "question_id", "language")])


@dataclass(frozen=True, slots=True)
class Soundness:
    """``shards`` with ``rows`` are as they were sealed, ``damaged`` are not. ``faults`` are sentences."""

    shards: int
    rows: int
    damaged: int
    faults: tuple[str, ...]


def soundness(index: Index) -> Soundness:
    """Compare every sealed shard with its manifest line, and what they hold with the index. Jobs may run meanwhile."""
    shards = rows = damaged = 0
    faults: list[str] = []
    keys: dict[str, list[pa.Table]] = defaultdict(list)
    for folder in shard_folders(index.store):
        sound, unsound = sound_tables(folder)
        shards += len(sound)
        rows += sum(table.num_rows for _, table in sound)
        damaged += len(unsound)
        faults += [fault.sentence for fault in unsound]
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
    index.refresh()  # what was sealed while the shards were read is in both, or in the index alone
    if not faults and not index.alarms:
        faults += _missing_rows(index, keys)
    return Soundness(shards, rows, damaged, tuple(faults))


def _unvouched(folder: Path) -> Iterator[str]:
    """Shards of a writer whose manifest is gone: nothing says what they held.

    A job that is not done may have a first shard and no line for it yet, or was killed between the two: it is done again.
    """
    under_way = (folder / "job.json").exists() and not (folder / "done.json").exists()
    written = Counter(path.name.rpartition("-")[0] for path in (folder / "shards").glob("*.parquet"))
    for writer, count in sorted(written.items()):
        if not (folder / f"manifest-{writer}.jsonl").exists() and (count > 1 or not under_way):
            yield (
                f"{folder}: {count} shards of {writer!r} and no manifest that vouches for them, so that they do not"
                " count; run the same job again, or import the same folder"
            )


def _missing_rows(index: Index, keys: Mapping[str, list[pa.Table]]) -> Iterator[str]:
    held = dict(
        index.cursor.execute(
            "select r.run, count(*) from predictions p join runs r on r.number = p.run group by r.run"
        ).fetchall()
    )
    for run, tables in keys.items():
        sealed = pa.concat_tables(tables).group_by(_KEY.names).aggregate([]).num_rows
        if held.get(run, 0) < sealed:
            yield (
                f"run {run}: the index holds {held.get(run, 0)} of {sealed} sealed predictions; 'python -m clika"
                " rebuild' makes it again"
            )
