"""How the database opens: older versions, full disks, and cursors that outlive it."""

import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from clika.database.connection import DATABASE
from clika.database.index import Index
from clika.database.migrations import MIGRATIONS
from clika.database.queries import prediction_rows
from clika.failpoints import arm
from tests.faults.kills import make_older
from tests.faults.laboratory import filesystem
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

RUN = made_up_run()
COUNT = 400


def fill_store(store: Path, job: str = "job", language: str = "en") -> None:
    rows = predictions(RUN, {(str(number), language): number % 4 for number in range(COUNT)})
    seal_predictions(store, RUN, rows, job=job)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path, made_up_questions(count=COUNT))
    fill_store(tmp_path)
    return tmp_path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    if not filesystem(place, 8):
        pytest.skip("only root may mount a file system of memory")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill_disk(ballast: Path) -> None:
    """Leave not a page of it."""
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))


def count(index: Index) -> int:
    return int(index.cursor.execute("select count(*) from predictions").fetchall()[0][0])


def test_a_database_of_version_1_is_migrated_with_its_rows(store: Path) -> None:
    Index.open(store).close()
    make_older(store)
    with Index.open(store) as index:
        assert (count(index), index.notices) == (COUNT, ())
        versions = index.cursor.execute("select max(version) from schema_version").fetchall()
        assert versions == [(len(MIGRATIONS),)]
        fill_store(store, "later", "de")
        assert index.refresh() == COUNT
    assert not list(store.glob("*.damaged-*"))


def test_a_cursor_outlives_the_database_it_was_opened_on(store: Path) -> None:
    with Index.open(store) as index:
        cursor = index.cursor
        before = cursor.execute("select count(*) from predictions").fetchone()
        index.reopen(index.connected())
        assert cursor.execute("select count(*) from predictions").fetchone() == before


def test_damage_that_only_writing_finds_sets_the_file_aside(store: Path) -> None:
    with Index.open(store) as index:
        index.reopen(index.connected(), damaged=duckdb.IOException("corrupt index block"))
        index.refresh()
        assert count(index) == COUNT
        assert "corrupt index block" in index.notices[0]
    assert len(list(store.glob(f"{DATABASE}.damaged-*"))) >= 1


def test_no_damaged_block_of_the_file_changes_or_hides_an_answer(store: Path) -> None:
    with Index.open(store) as index:
        whole = prediction_rows(index, "made-up")
    content = (store / DATABASE).read_bytes()
    first, block = 3 * 4096, 256 << 10  # three headers, then the blocks, DuckDB's own sizes
    for place in range(first, len(content), block):
        damaged = bytearray(content)
        damaged[place + 100] ^= 1
        (store / DATABASE).write_bytes(damaged)
        with Index.open(store) as index:
            assert prediction_rows(index, "made-up") == whole


def test_a_full_disk_under_the_database_is_a_sentence_and_heals(small_disk: Path) -> None:
    seal_questions(small_disk, made_up_questions(count=COUNT))
    with Index.open(small_disk) as index:
        fill_store(small_disk)
        ballast = small_disk / "ballast"
        fill_disk(ballast)
        index.refresh()
        assert "make room" in index.notices[0]
        assert count(index) == 0
        ballast.unlink()
        assert index.refresh() == COUNT
        assert (count(index), index.notices) == (COUNT, ())


def test_without_room_for_a_database_the_shards_are_read_into_memory_until_there_is(small_disk: Path) -> None:
    seal_questions(small_disk, made_up_questions(count=COUNT))
    fill_store(small_disk)
    ballast = small_disk / "ballast"
    fill_disk(ballast)
    with Index.open(small_disk) as index:
        assert index.owner
        assert count(index) == COUNT
        assert "there is no room" in index.notices[0]
        ballast.unlink()
        index.refresh()
        assert (count(index), index.notices) == (COUNT, ())
    assert (small_disk / DATABASE).exists()
    assert not list(small_disk.glob("*.damaged-*"))


def test_no_room_in_the_middle_of_a_migration_leaves_the_older_database(store: Path) -> None:
    Index.open(store).close()
    make_older(store)
    arm("migrate.applied=full")
    try:
        with pytest.raises(OSError, match="No space left"):
            Index.open(store)  # in memory it has to migrate too, and the point stays armed
    finally:
        arm("")
    with Index.open(store) as index:
        assert (count(index), index.notices) == (COUNT, ())
