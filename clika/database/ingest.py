"""From sealed shards to index rows: one transaction a shard, its rows and its ledger row together.

A key that is there already with the same payload is passed over; with another payload it is an alarm
(ConflictError) and nothing of that shard is taken. A shard that supersedes others first takes theirs out, and the
rows of a folder that was taken out of the store go too.
"""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import duckdb
import orjson

from clika.errors import ClikaError, ConflictError, ShardError
from clika.records import Run
from clika.shards import ShardEntry, ShardKind, manifest_entries, read_run, sealed_table

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


def shard_folders(store: Path) -> list[Path]:
    """Every folder of a store that can hold shards, collections first: predictions point at questions."""
    collections = sorted(path for path in (store / "collections").glob("*") if path.is_dir())
    jobs = sorted(path for path in (store / "jobs").glob("*") if path.is_dir())
    return collections + jobs


def ingest_new_shards(connection: duckdb.DuckDBPyConnection, store: Path) -> tuple[int, tuple[str, ...]]:
    """Take in every sealed shard that the ledger does not name; returns the rows added or gone, and the alarms.

    An alarm is a sentence about a shard that was not taken in; the others are.
    """
    gone = _drop_vanished(connection, store)
    ledger = set(connection.execute("select folder, file from ledger").fetchall())
    added = gone
    alarms: list[str] = []
    for folder in shard_folders(store):
        entries, faults = manifest_entries(folder)
        alarms.extend(fault.sentence for fault in faults)
        place = folder.relative_to(store).as_posix()
        new = [entry for entry in entries if (place, entry.file) not in ledger]
        if not new:
            continue
        try:
            run = read_run(folder)
        except ShardError as error:
            alarms.append(str(error))
            continue
        for entry in new:
            try:
                added += _ingest(connection, place, folder, entry, run)
            except ClikaError as error:
                alarms.append(str(error))
    return added, tuple(alarms)


def _ingest(
    connection: duckdb.DuckDBPyConnection, place: str, folder: Path, entry: ShardEntry, run: Run | None
) -> int:
    table = sealed_table(folder, entry)
    connection.execute("begin")
    try:
        for file in entry.supersedes:
            _take_out(connection, place, file)
        shard = _next(connection, "select coalesce(max(shard), 0) + 1 from ledger")
        connection.execute(
            "insert into ledger (shard, folder, file, sha256, rows) values (?, ?, ?, ?, ?)",
            [shard, place, entry.file, entry.sha256, entry.rows],
        )
        connection.register("arriving", table)
        try:
            if entry.kind == ShardKind.QUESTIONS:
                rows = _ingest_questions(connection, shard, place)
            elif run is None:
                raise ShardError(f"{folder}: predictions without run.json; run the same job again")
            else:
                rows = _ingest_predictions(connection, shard, place, run)
        finally:
            connection.unregister("arriving")
        connection.execute("commit")
    except (duckdb.Error, ClikaError):
        connection.execute("rollback")
        raise
    return rows


def _drop_vanished(connection: duckdb.DuckDBPyConnection, store: Path) -> int:
    """Take out what came from job folders that are gone or were made anew; returns how many predictions went.

    Another folder of the same run may hold some of the same answers, and its copies were passed over: the ledger
    forgets those folders too, so that they are taken in again.
    """
    known: dict[str, dict[str, str]] = {}
    for folder, file, sha256 in connection.execute(
        "select folder, file, sha256 from ledger where folder like 'jobs/%'"
    ).fetchall():
        known.setdefault(folder, {})[file] = sha256
    vanished = [folder for folder, files in known.items() if _is_another(store / folder, files)]
    if not vanished:
        return 0
    where = "shard in (select shard from ledger where list_contains($1, folder))"
    runs = {
        run
        for (run,) in connection.execute(
            f"select distinct r.run from runs r join predictions p on p.run = r.number where p.{where}",
            [vanished],
        ).fetchall()
    }
    forgotten = vanished + [folder for folder in known if _run_of(store / folder) in runs]
    connection.execute("begin")
    try:
        gone = _count(connection, f"delete from predictions where {where}", [vanished])
        connection.execute(f"delete from predictions where {where}", [forgotten])
        connection.execute("delete from ledger where list_contains($1, folder)", [forgotten])
        connection.execute("commit")
    except duckdb.Error:
        connection.execute("rollback")
        raise
    return gone


def _is_another(folder: Path, files: Mapping[str, str]) -> bool:
    """Whether a folder is gone, or seals under a known name (file -> sha256) something else."""
    if not folder.is_dir():
        return True
    return any(files.get(entry.file, entry.sha256) != entry.sha256 for entry in manifest_entries(folder)[0])


def _run_of(folder: Path) -> str | None:
    try:
        run = read_run(folder)
    except ShardError:
        return None
    return None if run is None else run.run


def _take_out(connection: duckdb.DuckDBPyConnection, place: str, file: str) -> None:
    parameters = [place, file]
    which = "shard in (select shard from ledger where folder = ? and file = ?)"
    connection.execute(f"delete from predictions where {which}", parameters)
    connection.execute(f"delete from questions where {which}", parameters)
    connection.execute("delete from ledger where folder = ? and file = ?", parameters)


def _next(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    return int(connection.execute(query).fetchall()[0][0])


def _ingest_questions(connection: duckdb.DuckDBPyConnection, shard: int, place: str) -> int:
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
    return _count(
        connection,
        f"""insert into questions
            (item, language, kind, premise, text, choices, source_prompt, shard)
        select i.item, l.number, a.kind, a.premise, a.text, a.choices, a.source_prompt, {shard}
        from arriving a
        join items i on i.collection = a.collection and i.dataset = a.dataset
            and i.question_id = a.question_id
        join languages l on l.code = a.language
        where not exists
            (select 1 from questions q where q.item = i.item and q.language = l.number)""",
    )


def _ingest_predictions(connection: duckdb.DuckDBPyConnection, shard: int, place: str, run: Run) -> int:
    number = _run_number(connection, run)
    joined = (
        "from arriving a join items i on i.collection = $collection"
        " and i.dataset = cast(a.dataset as varchar) and i.question_id = a.question_id"
        " join languages l on l.code = cast(a.language as varchar)"
    )
    parameters = {"collection": run.collection}
    found = connection.execute(
        f"select (select count(*) from arriving) - count(*) {joined}", parameters
    ).fetchall()
    missing = int(found[0][0])
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
    return _count(
        connection,
        f"""insert into predictions (run, item, language, {columns}, shard)
        select {number}, i.item, l.number, {right}, {shard} {joined}
        where not exists (select 1 from predictions p
            where p.run = {number} and p.item = i.item and p.language = l.number)""",
        parameters,
    )


def _count(
    connection: duckdb.DuckDBPyConnection,
    statement: str,
    parameters: dict[str, str] | list[list[str]] | None = None,
) -> int:
    return int(connection.execute(statement, parameters or {}).fetchall()[0][0])


def _run_number(connection: duckdb.DuckDBPyConnection, run: Run) -> int:
    row = connection.execute("select number from runs where run = ?", [run.run]).fetchall()
    if row:
        return int(row[0][0])
    number = _next(connection, "select coalesce(max(number), 0) + 1 from runs")
    record = orjson.dumps({**asdict(run), "settings": dict(run.settings)}).decode()
    connection.execute(
        "insert into runs (number, run, model, collection, record) values (?, ?, ?, ?, ?)",
        [number, run.run, run.model.name, run.collection, record],
    )
    return number
