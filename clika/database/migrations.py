"""Numbered migrations of the index. Never edit one after release; add the next number.

``apply`` runs each missing migration in a transaction of its own. A database that a newer program wrote
is refused with a sentence, not read.
"""

from collections.abc import Sequence

import duckdb

from clika.errors import StoreError
from clika.failpoints import Failpoint, reached
from clika.languages import ALL_LANGUAGES

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "create table languages (number smallint primary key, code varchar not null unique)",
        """create table items (
            item integer primary key,
            collection varchar not null,
            dataset varchar not null,
            question_id varchar not null,
            answer_index tinyint not null,
            choice_count tinyint not null,
            origin varchar,
            unique (collection, dataset, question_id))""",
        """create table questions (
            item integer not null,
            language smallint not null,
            kind varchar not null,
            premise varchar,
            text varchar not null,
            choices varchar[] not null,
            source_prompt varchar,
            shard integer not null,
            primary key (item, language))""",
        """create table runs (
            number integer primary key,
            run varchar not null unique,
            model varchar not null,
            collection varchar not null,
            record varchar not null)""",
        """create table predictions (
            run integer not null,
            item integer not null,
            language smallint not null,
            outcome varchar not null,
            chosen_index tinyint,
            letter float[],
            letter_variants float[],
            option float[],
            option_per_byte float[],
            pmi float[],
            letter_mass float,
            raw_text varchar,
            shard integer not null,
            primary key (run, item, language))""",
        """create table ledger (
            shard integer primary key,
            folder varchar not null,
            file varchar not null,
            sha256 varchar not null,
            rows integer not null,
            unique (folder, file))""",
    ),
    # How many of a shard's rows stand in the index under its number: what another shard holds too does not.
    ("alter table ledger add column stored integer",),
)


def schema_version(connection: duckdb.DuckDBPyConnection) -> int:
    """How many migrations the database has seen; 0 for an empty one."""
    connection.execute("create table if not exists schema_version (version integer not null)")
    rows = connection.execute("select coalesce(max(version), 0) from schema_version").fetchall()
    return int(rows[0][0])


def apply(connection: duckdb.DuckDBPyConnection, migrations: Sequence[tuple[str, ...]] = MIGRATIONS) -> int:
    """Bring a database to the newest version; returns how many migrations ran.

    Raises StoreError where the database is newer than this program.
    """
    version = schema_version(connection)
    if version > len(migrations):
        raise StoreError(
            f"the database has version {version}, this program knows {len(migrations)}; "
            f"use a newer CLiKA, or delete clika.duckdb and run 'python -m clika rebuild'"
        )
    for number, statements in enumerate(migrations[version:], version + 1):
        connection.execute("begin")
        try:
            reached(Failpoint.MIGRATE_BEGUN)
            for statement in statements:
                connection.execute(statement)
            connection.execute("insert into schema_version (version) values (?)", [number])
            reached(Failpoint.MIGRATE_APPLIED)
            connection.execute("commit")
        except (duckdb.Error, OSError):
            connection.execute("rollback")
            raise
    _name_languages(connection)
    return len(migrations) - version


def _name_languages(connection: duckdb.DuckDBPyConnection) -> None:
    """Give every language of ALL_LANGUAGES a number; numbers once given stay."""
    known = {code for (code,) in connection.execute("select code from languages").fetchall()}
    for code in ALL_LANGUAGES:
        if code not in known:
            connection.execute(
                "insert into languages (number, code) select coalesce(max(number), -1) + 1, ? from languages",
                [code],
            )
