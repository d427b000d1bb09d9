"""Sealed shards: what counts, what does not, and that damage is named."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clika.errors import ShardError, StoreError
from clika.shards import (
    ShardKind,
    manifest_entries,
    prediction_table,
    predictions_of,
    question_table,
    questions_of,
    read_run,
    sealed_table,
    set_aside,
    shard_bytes,
    sound_tables,
)
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

RUN = made_up_run()
ROWS = predictions(RUN, {("0", "en"): 0, ("0", "de"): None, ("1", "he"): 3})


def test_a_sealed_shard_gives_back_its_predictions(tmp_path: Path) -> None:
    entry = seal_predictions(tmp_path, RUN, ROWS)
    assert predictions_of(RUN.run, sealed_table(tmp_path / "jobs/job", entry)) == ROWS
    assert (entry.rows, entry.first_key, entry.last_key) == (3, "xgeo/0/en", "xgeo/1/he")


def test_questions_survive_the_way_through_a_shard() -> None:
    questions = made_up_questions()
    assert questions_of(question_table(questions)) == questions


def test_a_run_record_survives_and_refuses_unknown_keys(tmp_path: Path) -> None:
    seal_predictions(tmp_path, RUN, ROWS)
    folder = tmp_path / "jobs/job"
    assert read_run(folder) == RUN
    record = folder / "run.json"
    record.write_text(record.read_text().replace('"template"', '"templet"'))
    with pytest.raises(ShardError, match="unknown or missing keys"):
        read_run(folder)


def test_the_same_rows_give_the_same_bytes() -> None:
    first, second = (shard_bytes(ShardKind.PREDICTIONS, prediction_table(ROWS)) for _ in range(2))
    assert first == second


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_a_shard_with_any_flipped_byte_does_not_count(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    store = tmp_path_factory.mktemp("store")
    entry = seal_predictions(store, RUN, ROWS)
    path = store / "jobs/job/shards" / entry.file
    content = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    sound, faults = sound_tables(store / "jobs/job")
    assert sound == []
    assert len(faults) == 1
    assert "sha256 differs" in faults[0].sentence


def test_a_truncated_a_missing_and_an_unlisted_shard_do_not_count(tmp_path: Path) -> None:
    folder = tmp_path / "jobs/job"
    cut = seal_predictions(tmp_path, RUN, ROWS[:1])
    gone = seal_predictions(tmp_path, RUN, ROWS[1:2])
    kept = seal_predictions(tmp_path, RUN, ROWS[2:])
    (folder / "shards" / cut.file).write_bytes((folder / "shards" / cut.file).read_bytes()[:-7])
    (folder / "shards" / gone.file).unlink()
    (folder / "shards" / "test-000099.parquet").write_bytes(b"nobody vouches for this")
    sound, faults = sound_tables(folder)
    assert [entry for entry, _ in sound] == [kept]
    assert {fault.path.name for fault in faults} == {cut.file, gone.file}


def test_a_torn_manifest_line_is_named_and_the_next_line_still_counts(tmp_path: Path) -> None:
    folder = tmp_path / "jobs/job"
    seal_predictions(tmp_path, RUN, ROWS[:1])
    manifest = folder / "manifest-test.jsonl"
    manifest.write_bytes(manifest.read_bytes()[:-20])
    after = seal_predictions(tmp_path, RUN, ROWS[1:])
    entries, faults = manifest_entries(folder)
    assert entries == (after,)
    assert "line 1" in faults[0].sentence


def test_a_redone_shard_supersedes_the_damaged_one(tmp_path: Path) -> None:
    folder = tmp_path / "jobs/job"
    damaged = seal_predictions(tmp_path, RUN, ROWS[:2])
    (folder / "shards" / damaged.file).write_bytes(b"damage")
    _, faults = sound_tables(folder)
    superseded = set_aside(folder, faults)
    redone = seal_predictions(tmp_path, RUN, ROWS[:2], supersedes=superseded)
    sound, faults = sound_tables(folder)
    assert ([entry for entry, _ in sound], faults) == ([redone], [])
    assert (folder / "quarantine" / damaged.file).read_bytes() == b"damage"


def test_an_empty_shard_and_a_climbing_writer_are_refused(tmp_path: Path) -> None:
    from clika.shards import seal

    with pytest.raises(StoreError, match="at least one row"):
        seal_predictions(tmp_path, RUN, [])
    with pytest.raises(StoreError, match="cannot name a shard"):
        seal(tmp_path, "../up", ShardKind.QUESTIONS, question_table(made_up_questions()))


def test_a_manifest_line_that_names_a_file_elsewhere_is_not_followed(tmp_path: Path) -> None:
    entry = seal_questions(tmp_path, made_up_questions())
    manifest = tmp_path / "collections/made-up/manifest-test.jsonl"
    manifest.write_text(manifest.read_text().replace(entry.file, "../../../outside.parquet"))
    entries, faults = manifest_entries(tmp_path / "collections/made-up")
    assert entries == ()
    assert "does not name a shard" in faults[0].sentence
