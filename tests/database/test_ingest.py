"""What the index takes in and gives up as shards come, are taken back, and folders leave the store."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from clika.database.connection import opened_in_memory
from clika.database.index import Index
from clika.database.ingest import Signature, ingest_new_shards
from clika.database.queries import prediction_rows
from clika.failpoints import arm
from clika.records import Prediction
from clika.shards import ShardKind, prediction_table, seal, set_aside, sound_tables, withdraw
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

RUN = made_up_run()
WHOLE = predictions(RUN, {(question, "en"): 1 for question in "0123"})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path, made_up_questions())
    return tmp_path


@pytest.fixture(autouse=True)
def disarmed() -> Iterator[None]:
    yield
    arm("")


def rows(index: Index) -> list[Prediction]:
    return [row.prediction for row in prediction_rows(index, "made-up")]


def test_a_folder_that_left_the_store_leaves_the_index(store: Path) -> None:
    seal_predictions(store, RUN, WHOLE[:3], job="gone")
    seal_predictions(store, RUN, WHOLE[3:], job="kept")
    with Index.open(store) as index:
        assert rows(index) == WHOLE
        (store / "deleted").mkdir()
        shutil.move(store / "jobs/gone", store / "deleted/gone")
        assert index.refresh() == 3
        assert (rows(index), index.notices) == (WHOLE[3:], ())
        assert index.refresh() == 0


def test_what_two_folders_hold_stays_when_one_of_them_leaves(store: Path) -> None:
    seal_predictions(store, RUN, WHOLE[:3], job="first")
    seal_predictions(store, RUN, WHOLE[1:], job="second")
    with Index.open(store) as index:
        shutil.rmtree(store / "jobs/first")
        index.refresh()
        assert (rows(index), index.notices) == (WHOLE[1:], ())


def test_a_job_asked_again_under_its_old_names_replaces_what_it_had(store: Path) -> None:
    seal_predictions(store, RUN, WHOLE[:2])
    with Index.open(store) as index:
        shutil.rmtree(store / "jobs/job")
        seal_predictions(store, RUN, WHOLE[2:])
        index.refresh()
        assert (rows(index), index.notices) == (WHOLE[2:], ())


def test_a_damaged_shard_that_another_writer_redoes_leaves_no_alarm(store: Path) -> None:
    entry = seal_predictions(store, RUN, WHOLE[:2])
    seal_predictions(store, RUN, WHOLE[2:])
    folder = store / "jobs/job"
    (folder / "shards" / entry.file).write_bytes(b"damage")
    redone = predictions(RUN, {("0", "en"): 2, ("1", "en"): 2})
    with Index.open(store) as index:
        assert "sha256 differs" in index.notices[0]
        withdraw(folder, "replica1", set_aside(folder, sound_tables(folder)[1]))
        index.refresh()
        assert (rows(index), index.notices) == (WHOLE[2:], ())
        seal(folder, "replica0", ShardKind.PREDICTIONS, prediction_table(redone))
        index.refresh()
        assert (rows(index), index.notices) == ([*redone, *WHOLE[2:]], ())


def test_of_a_chain_of_redone_shards_only_the_last_counts(store: Path) -> None:
    versions = [predictions(RUN, {("0", "en"): choice}) for choice in (0, 1, 2)]
    first = seal_predictions(store, RUN, versions[0])
    with Index.open(store) as index:
        second = seal_predictions(store, RUN, versions[1], supersedes=[first.file])
        seal_predictions(store, RUN, versions[2], supersedes=[second.file])
        index.refresh()
        assert (rows(index), index.notices) == (versions[2], ())


def test_a_damaged_shard_holds_up_none_that_arrive_with_it(store: Path) -> None:
    entries = [seal_predictions(store, RUN, [row]) for row in WHOLE]
    (store / "jobs/job/shards" / entries[1].file).write_bytes(b"damage")
    with Index.open(store) as index:
        assert rows(index) == [WHOLE[0], *WHOLE[2:]]
        assert len(index.notices) == 1


def test_a_shard_that_answers_a_question_twice_is_an_alarm(store: Path) -> None:
    seal_predictions(store, RUN, [WHOLE[0], WHOLE[0]], job="twice")
    seal_predictions(store, RUN, WHOLE[1:], job="sound")
    with Index.open(store) as index:
        assert rows(index) == WHOLE[1:]
        assert "twice" in index.notices[0]


def test_a_folder_that_did_not_change_is_not_read_again(store: Path) -> None:
    seal_predictions(store, RUN, WHOLE)
    manifest = store / "jobs/job/manifest-test.jsonl"
    seen: dict[str, Signature] = {}
    connection = opened_in_memory()
    assert ingest_new_shards(connection, store, seen) == (12 + 4, ())  # 4 questions in 3 languages, 4 answers
    before = manifest.stat()
    with manifest.open("r+b") as file:  # same size, same time: nobody looks
        file.write(b"?")
    os.utime(manifest, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert ingest_new_shards(connection, store, seen) == (0, ())
    os.utime(manifest)
    moved, alarms = ingest_new_shards(connection, store, seen)
    assert moved == 4
    assert "not a manifest line" in alarms[0]


@pytest.mark.parametrize("point", ["ingest.rows", "ingest.ledger", "ingest.committed"])
def test_no_room_is_a_sentence_and_the_rows_come_when_there_is_some(store: Path, point: str) -> None:
    with Index.open(store) as index:
        seal_predictions(store, RUN, WHOLE)
        arm(f"{point}=full")
        index.refresh()
        if point != "ingest.committed":
            assert "make room" in index.notices[0]
            assert rows(index) == []
        arm("")
        index.refresh()
        assert (rows(index), index.notices) == (WHOLE, ())
