"""From sealed shards to index rows: the rows of a shard and its ledger row in one transaction.

A key that is there already with the same payload is passed over; with another payload it is an alarm
(ConflictError) and nothing of that shard is taken. The index holds what the manifests vouch for now: a shard
that is superseded or taken back, and a folder that has left the store, leave it with their rows.
"""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import duckdb
import orjson
import pyarrow as pa

from clika.errors import ClikaError, ConflictError, ShardError, StoreFullError
from clika.failpoints import Failpoint, reached
from clika.records import Run
from clika.shards import ShardEntry, ShardKind, manifest_entries, read_run, sealed_table

BATCH_ROWS = 50_000
"""Many shards that arrive at once share a transaction up to so many rows: a statement costs more than its rows."""

Signature = tuple[tuple[str, int, int, int], ...]
"""Name, size, time of change and inode of all that says what a folder holds."""

_PAYLOAD = (
    "outcome",
    "chosen_index",
    "letter",
    "letter_variants",
    "option",
    "option_per_byte",
    "pmi",
    "letter_mass",
    "raw_text",
)
_NO_ROOM = ("No space left", "Disk quota exceeded")


def no_room(error: BaseException) -> bool:
    """Whether an error of the database says that its disk is full."""
    return any(words in str(error) for words in _NO_ROOM)


def shard_folders(store: Path) -> list[Path]:
    """Every folder of a store that can hold shards, collections first: predictions point at questions."""
    collections = sorted(path for path in (store / "collections").glob("*") if path.is_dir())
    jobs = sorted(path for path in (store / "jobs").glob("*") if path.is_dir())
    # A tuned model's answers: a folder a step, since each is a run of its own.
    measures = sorted(path for path in (store / "jobs").glob("*/measures/*") if path.is_dir())
    return collections + jobs + measures


def ingest_new_shards(
    connection: duckdb.DuckDBPyConnection, store: Path, unchanged: dict[str, Signature]
) -> tuple[int, tuple[str, ...]]:
    """Make the index hold what the manifests vouch for; returns how many rows came or went, and the alarms.

    An alarm is a sentence about a shard that was not taken in; the others are. ``unchanged`` is kept from
    call to call: a folder that looks as it did, and that nothing was to be said of, is not read again.
    """
    added, taken_out, alarms = _looked_through(connection, store, unchanged)
    if taken_out is None:
        return added, alarms
    unchanged.clear()  # what went may have stood in the way of others, or for them
    more, _, alarms = _looked_through(connection, store, unchanged)
    return added + taken_out + more, alarms


def _looked_through(
    connection: duckdb.DuckDBPyConnection, store: Path, unchanged: dict[str, Signature]
) -> tuple[int, int | None, tuple[str, ...]]:
    """One look at every folder; returns rows added, rows taken out (None: no shard was), alarms."""
    folders = {folder.relative_to(store).as_posix(): folder for folder in shard_folders(store)}
    signatures = {place: _signature(folder) for place, folder in folders.items()}
    if signatures == unchanged:
        return 0, None, ()
    ledger: dict[str, dict[str, str]] = {}
    for place, file, sha256 in connection.execute("select folder, file, sha256 from ledger").fetchall():
        ledger.setdefault(place, {})[file] = sha256
    added, taken_out = 0, None
    alarms: list[str] = []
    try:
        for place in sorted(ledger.keys() - folders.keys()):
            taken_out = (taken_out or 0) + _taken_out(connection, place, ledger[place])
        for place in unchanged.keys() - folders.keys():
            del unchanged[place]
        for place, folder in folders.items():
            signature = signatures[place]
            if signature is not None and unchanged.get(place) == signature:
                continue
            entries, faults = manifest_entries(folder)
            said = [fault.sentence for fault in faults]
            there = ledger.get(place, {})
            vouched = {entry.file: entry.sha256 for entry in entries}
            # By content too: a job that was deleted and asked again gives its shards the same names.
            stale = {file for file, sha256 in there.items() if vouched.get(file) != sha256}
            if stale:
                taken_out = (taken_out or 0) + _taken_out(connection, place, stale)
            new = [entry for entry in entries if entry.file not in there or entry.file in stale]
            added += _arrived(connection, place, folder, new, said)
            alarms += said
            if signature is not None and not said:
                unchanged[place] = signature
    except StoreFullError as error:
        alarms.append(str(error))
    return added, taken_out, tuple(alarms)


def _signature(folder: Path) -> Signature | None:
    """How the files that say what a folder holds look; None where one went away meanwhile."""
    try:
        stats = [(path.name, path.stat()) for path in folder.glob("manifest-*.jsonl")]
    except FileNotFoundError:
        return None
    return tuple(sorted((name, one.st_size, one.st_mtime_ns, one.st_ino) for name, one in stats))


def _arrived(
    connection: duckdb.DuckDBPyConnection,
    place: str,
    folder: Path,
    new: Sequence[ShardEntry],
    alarms: list[str],
) -> int:
    """Take in the new shards of a folder, many at a time; one that cannot be taken holds up no other."""
    if not new:
        return 0
    try:
        run = read_run(folder)
    except ShardError as error:
        alarms.append(str(error))
        return 0
    added = 0
    for batch in _batches(new):
        try:
            added += _ingest(connection, place, folder, batch, run)
            continue
        except StoreFullError:
            raise
        except ClikaError as error:
            if len(batch) == 1:
                alarms.append(str(error))
                continue
        for entry in batch:
            try:
                added += _ingest(connection, place, folder, [entry], run)
            except StoreFullError:
                raise
            except ClikaError as error:
                alarms.append(str(error))
    return added


def _batches(entries: Sequence[ShardEntry]) -> Iterator[list[ShardEntry]]:
    batch: list[ShardEntry] = []
    for entry in entries:
        if batch and (
            entry.kind != batch[0].kind or sum(one.rows for one in batch) + entry.rows > BATCH_ROWS
        ):
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


def _ingest(
    connection: duckdb.DuckDBPyConnection,
    place: str,
    folder: Path,
    entries: Sequence[ShardEntry],
    run: Run | None,
) -> int:
    """Take in shards of one kind in one transaction; returns rows added.

    Raises StoreFullError where the database has no room, other errors of ours where one of them cannot be.
    """
    tables = [sealed_table(folder, entry) for entry in entries]
    with _transaction(connection, place):
        first = _value(connection, "select coalesce(max(shard), 0) + 1 from ledger")
        numbers = range(first, first + len(entries))
        arriving = pa.concat_tables(
            table.append_column("shard", pa.repeat(pa.scalar(shard, pa.int32()), table.num_rows))
            for shard, table in zip(numbers, tables, strict=True)
        )
        try:
            with _registered(connection, "arriving", arriving):
                if entries[0].kind == ShardKind.QUESTIONS:
                    rows, into = _ingest_questions(connection, place), "questions"
                elif run is None:
                    raise ShardError(f"{folder}: predictions without run.json; run the same job again")
                else:
                    rows, into = _ingest_predictions(connection, place, run), "predictions"
        except duckdb.ConstraintException as error:
            raise ConflictError(
                f"{place}: {', '.join(entry.file for entry in entries)} answer a question twice; move the folder"
                f" out of the store and run the same job again"
            ) from error
        reached(Failpoint.INGEST_ROWS)
        stored = dict(
            connection.execute(
                f"select shard, count(*) from {into} where shard >= ? group by shard", [first]
            ).fetchall()
        )
        lines = {
            "shard": pa.array(numbers, pa.int32()),
            "file": [entry.file for entry in entries],
            "sha256": [entry.sha256 for entry in entries],
            "rows": pa.array([entry.rows for entry in entries], pa.int32()),
            "stored": pa.array([stored.get(shard, 0) for shard in numbers], pa.int32()),
        }
        with _registered(connection, "lines", pa.table(lines)):
            connection.execute(
                """insert into ledger (shard, folder, file, sha256, rows, stored)
                select shard, ?, file, sha256, rows, stored from lines""",
                [place],
            )
        reached(Failpoint.INGEST_LEDGER)
    return rows


@contextlib.contextmanager
def _registered(connection: duckdb.DuckDBPyConnection, name: str, table: pa.Table) -> Iterator[None]:
    """A table that statements inside can name."""
    connection.register(name, table)
    try:
        yield
    finally:
        with contextlib.suppress(duckdb.Error):  # in a transaction that failed; its end takes the name away
            connection.unregister(name)


@contextlib.contextmanager
def _transaction(connection: duckdb.DuckDBPyConnection, place: str) -> Iterator[None]:
    """All of what stands inside or nothing. Raises StoreFullError where there is no room for it."""
    connection.execute("begin")
    try:
        yield
        connection.execute("commit")
        reached(Failpoint.INGEST_COMMITTED)
    except (duckdb.Error, ClikaError, OSError) as error:
        with contextlib.suppress(duckdb.Error):  # there is none any more where the commit itself failed
            connection.execute("rollback")
        if not isinstance(error, ClikaError) and no_room(error):
            raise StoreFullError(
                f"{place}: there is no room for its rows in the database; make room, then they are taken in by"
                f" themselves: what is sealed is kept"
            ) from error
        raise


def _taken_out(connection: duckdb.DuckDBPyConnection, place: str, files: Iterable[str]) -> int:
    """Take shards out, and those that others stood for in part, which come in again; returns rows taken out."""
    removed = 0
    with _transaction(connection, place):
        rows = connection.execute(
            """select shard from ledger where (folder = ? and list_contains(?, file))
            or stored is null or stored < rows""",
            [place, sorted(files)],
        ).fetchall()
        shards = [shard for (shard,) in rows]
        for table in ("predictions", "questions"):
            removed += _value(connection, f"delete from {table} where list_contains(?, shard)", [shards])
        connection.execute("delete from ledger where list_contains(?, shard)", [shards])
    return removed


def _value(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    parameters: Sequence[object] | dict[str, str] = (),
) -> int:
    """The one whole number that a statement gives."""
    bound = parameters if isinstance(parameters, dict) else list(parameters)
    return int(connection.execute(statement, bound).fetchall()[0][0])


def _ingest_questions(connection: duckdb.DuckDBPyConnection, place: str) -> int:
    conflict = connection.execute(
        """select a.dataset, a.question_id, a.language
        from arriving a
        join items i on i.collection = a.collection and i.dataset = a.dataset
            and i.question_id = a.question_id
        left join languages l on l.code = a.language
        left join questions q on q.item = i.item and q.language = l.number
        where a.answer_index <> i.answer_index or len(a.choices) <> i.choice_count
            or (q.item is not null and (q.text, q.choices, q.premise) is distinct from
                (a.text, a.choices, a.premise))
        limit 1"""
    ).fetchall()
    if conflict:
        raise ConflictError(
            f"{place}: question {conflict[0][0]}/{conflict[0][1]} in {conflict[0][2]} is stored with another"
            f" content; a question's text never changes, put the other one into a collection of its own"
        )
    connection.execute(
        """insert into items (item, collection, dataset, question_id, answer_index, choice_count, origin)
        select (select coalesce(max(item), 0) from items) + row_number() over (order by min(place)),
            collection, dataset, question_id,
            any_value(answer_index), any_value(len(choices)), any_value(origin)
        from (select *, row_number() over () as place from arriving) a
        where not exists (select 1 from items i where i.collection = a.collection
            and i.dataset = a.dataset and i.question_id = a.question_id)
        group by collection, dataset, question_id"""
    )
    return _value(
        connection,
        """insert into questions
            (item, language, kind, premise, text, choices, source_prompt, shard)
        select i.item, l.number, a.kind, a.premise, a.text, a.choices, a.source_prompt, a.shard
        from arriving a
        join items i on i.collection = a.collection and i.dataset = a.dataset
            and i.question_id = a.question_id
        join languages l on l.code = a.language
        where not exists
            (select 1 from questions q where q.item = i.item and q.language = l.number)""",
    )


def _ingest_predictions(connection: duckdb.DuckDBPyConnection, place: str, run: Run) -> int:
    number = _run_number(connection, run)
    joined = (
        "from arriving a join items i on i.collection = $collection"
        " and i.dataset = cast(a.dataset as varchar) and i.question_id = a.question_id"
        " join languages l on l.code = cast(a.language as varchar)"
    )
    parameters = {"collection": run.collection}
    missing = _value(connection, f"select (select count(*) from arriving) - count(*) {joined}", parameters)
    if missing:
        raise ShardError(
            f"{place}: {missing} predictions belong to questions that collection {run.collection!r}"
            f" does not hold; import its questions first"
        )
    left = ", ".join(f"p.{name}" for name in _PAYLOAD)
    right = ", ".join("cast(a.outcome as varchar)" if n == "outcome" else f"a.{n}" for n in _PAYLOAD)
    stored = f"join predictions p on p.run = {number} and p.item = i.item and p.language = l.number"
    conflict = connection.execute(
        f"""select cast(a.dataset as varchar), a.question_id, l.code {joined} {stored}
        where ({left}) is distinct from ({right}) limit 1""",
        parameters,
    ).fetchall()
    if conflict:
        raise ConflictError(
            f"{place}: run {run.run} has another answer to {'/'.join(conflict[0])} than the store holds;"
            f" one of the two shards is wrong, 'python -m clika verify' names them"
        )
    columns = ", ".join(_PAYLOAD)
    return _value(
        connection,
        f"""insert into predictions (run, item, language, {columns}, shard)
        select {number}, i.item, l.number, {right}, a.shard {joined}
        where not exists (select 1 from predictions p
            where p.run = {number} and p.item = i.item and p.language = l.number)""",
        parameters,
    )


def _run_number(connection: duckdb.DuckDBPyConnection, run: Run) -> int:
    row = connection.execute("select number from runs where run = ?", [run.run]).fetchall()
    if row:
        return int(row[0][0])
    number = _value(connection, "select coalesce(max(number), 0) + 1 from runs")
    record = orjson.dumps({**asdict(run), "settings": dict(run.settings)}).decode()
    connection.execute(
        "insert into runs (number, run, model, collection, record) values (?, ?, ?, ?, ?)",
        [number, run.run, run.model.name, run.collection, record],
    )
    return number
