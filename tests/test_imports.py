"""Importing: idempotent, careful with what is stored, and the same after a kill -9 at any moment."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from clika import imports
from clika.database.index import Index
from clika.database.queries import run_summaries
from clika.errors import ConflictError, StoreLockedError, UsageError
from clika.imports import import_release, store_questions
from clika.records import Prediction
from clika.shards import predictions_of, read_run, sound_tables
from tests.releases import DEMONSTRATED, always_right, right_in_english, write_release
from tests.stores import made_up_questions

MODELS = {"one": always_right, "two": right_in_english, "three": always_right}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_release(tmp_path / "release", MODELS)


def table(store: Path) -> list[Prediction]:
    """Every sealed prediction of a store, in one order."""
    rows: list[Prediction] = []
    for folder in sorted((store / "jobs").iterdir()):
        run = read_run(folder)
        assert run is not None
        for _, sealed in sound_tables(folder)[0]:
            rows += predictions_of(run.run, sealed)
    return sorted(rows, key=lambda row: (row.run, row.dataset, row.question_id, row.language))


def test_a_second_import_writes_nothing(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    first = import_release(root, store)
    assert (first.answers_new, first.questions_new, first.runs) == (3 * 48, 48, 3)
    assert first.unparseable == 4 * 2 * 2  # model two: odd items in German and Hebrew, four data sets
    files = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    second = import_release(root, store)
    assert (second.answers_new, second.answers_already, second.questions_new) == (0, 144, 0)
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == files


def test_the_index_takes_in_what_was_imported(root: Path, tmp_path: Path) -> None:
    import_release(root, tmp_path / "store")
    with Index.open(tmp_path / "store") as index:
        assert [(s.run.model.name, s.predictions) for s in run_summaries(index, "released")] == [
            ("one", 48),
            ("three", 48),
            ("two", 48),
        ]


def test_a_repaired_file_brings_only_what_was_missing(root: Path, tmp_path: Path) -> None:
    path = root / "x_geo" / "de" / f"one{DEMONSTRATED}.jsonl"
    whole = path.read_bytes()
    path.write_bytes(whole[:-30])
    broken = import_release(root, tmp_path / "store")
    assert (broken.answers_new, len(broken.faults)) == (144 - 4, 1)
    path.write_bytes(whole)
    mended = import_release(root, tmp_path / "store")
    assert (mended.answers_new, mended.faults) == (4, ())
    import_release(root, tmp_path / "undisturbed")
    assert table(tmp_path / "store") == table(tmp_path / "undisturbed")


def test_an_answer_that_contradicts_a_stored_one_is_named_and_not_written(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    import_release(root, store)
    before = table(store)
    path = root / "x_geo" / "de" / f"one{DEMONSTRATED}.jsonl"
    path.write_text(path.read_text().replace('"res": "B."', '"res": "C."'))
    report = import_release(root, store)
    assert "xgeo/1/de" in report.faults[0]
    assert table(store) == before


def test_other_questions_under_the_same_name_are_refused_and_nothing_is_written(
    root: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    import_release(root, store)
    before = table(store)
    for path in root.rglob("*.jsonl"):
        path.write_text(path.read_text().replace("question 2", "riddle 2"))
    with pytest.raises(ConflictError, match="--collection"):
        import_release(root, store)
    assert table(store) == before
    assert import_release(root, store, "riddles").answers_new == 144


def test_a_damaged_stored_shard_is_sealed_again(root: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    import_release(root, store)
    before = table(store)
    shard = next((store / "jobs").glob("*/shards/*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-5])
    assert import_release(root, store).answers_new == 48
    assert table(store) == before


@pytest.mark.parametrize("damage", ["", '{"version": 1'])
def test_a_damaged_run_record_is_written_again(root: Path, tmp_path: Path, damage: str) -> None:
    store = tmp_path / "store"
    import_release(root, store)
    before = table(store)
    record = next((store / "jobs").glob("*/run.json"))
    sound = record.read_bytes()
    record.write_text(damage)
    assert import_release(root, store).answers_new == 0
    assert record.read_bytes() == sound
    record.unlink()
    import_release(root, store)
    assert table(store) == before


def test_two_imports_at_once_are_refused(root: Path, tmp_path: Path) -> None:
    from clika.imports import _importing

    with _importing(tmp_path / "store"), pytest.raises(StoreLockedError, match="wait until it ends"):
        import_release(root, tmp_path / "store")


def test_questions_wait_for_whoever_is_sealing_some(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    def seal_slowly() -> None:
        with imports._importing(tmp_path):
            held.set()
            time.sleep(0.5)

    other = threading.Thread(target=seal_slowly)
    other.start()
    held.wait()
    assert store_questions(tmp_path, "made-up", made_up_questions()) == len(made_up_questions())
    other.join()
    monkeypatch.setattr(imports, "_PATIENCE_SECONDS", 0.0)
    with imports._importing(tmp_path), pytest.raises(StoreLockedError, match="wait until it ends"):
        store_questions(tmp_path, "made-up", made_up_questions())


@pytest.mark.parametrize("name", ["", "../up", "Größe", "a" * 65])
def test_a_collection_needs_a_plain_name(root: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a collection"):
        import_release(root, tmp_path / "store", name)


@pytest.mark.parametrize("shards_seen", [0, 1, 2, 3])
def test_kill_9_and_the_same_command_again_give_the_undisturbed_table(
    root: Path, tmp_path: Path, shards_seen: int
) -> None:
    store = tmp_path / "store"
    command = [sys.executable, "-m", "clika", "import", str(root), "--store", str(store)]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None and len(list(store.glob("*/*/shards/*.parquet"))) < shards_seen:
        os.sched_yield()
    if shards_seen == 0:
        deadline = time.monotonic() + 60
        while not store.exists() and child.poll() is None and time.monotonic() < deadline:
            os.sched_yield()
    child.send_signal(signal.SIGKILL)
    child.wait()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    import_release(root, tmp_path / "undisturbed")
    assert table(store) == table(tmp_path / "undisturbed")
    done = subprocess.run([*command[:3], "verify", "--store", str(store)], capture_output=True, check=False)
    assert done.returncode == 0
