"""Sealed shards: what counts, what does not, and that damage is named."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clika.errors import ShardError, StoreError
from clika.shards import (
    ShardKind,
    is_recorded,
    manifest_entries,
    mend_manifest,
    prediction_table,
    predictions_of,
    question_table,
    questions_of,
    read_run,
    sealed_table,
    set_aside,
    shard_bytes,
    sound_tables,
    withdraw,
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
    values = json.loads(record.read_text())
    del values["check"]
    (folder / "run.copy.json").unlink()
    record.write_text(json.dumps({**values, "version": 1}))  # as it was written before records had checks
    assert read_run(folder) == RUN
    record.write_text(json.dumps({**values, "version": 1, "colour": "red"}))
    with pytest.raises(ShardError, match=r"not a run record .*colour"):
        read_run(folder)


def test_a_damaged_run_record_is_made_good_by_its_copy(tmp_path: Path) -> None:
    seal_predictions(tmp_path, RUN, ROWS)
    folder = tmp_path / "jobs/job"
    assert is_recorded(folder, RUN)
    for name in ("run.json", "run.copy.json"):
        whole = (folder / name).read_bytes()
        (folder / name).write_bytes(whole[:40])
        assert read_run(folder) == RUN
        assert not is_recorded(folder, RUN)
        (folder / name).write_bytes(whole)
    for name in ("run.json", "run.copy.json"):
        (folder / name).write_bytes(b"{}")
    with pytest.raises(ShardError, match="not a run record"):
        read_run(folder)


def test_a_shard_taken_back_is_vouched_for_by_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "jobs/job"
    first, second = (seal_predictions(tmp_path, RUN, rows) for rows in (ROWS[:1], ROWS[1:]))
    withdraw(folder, "other", [first.file])
    assert manifest_entries(folder) == ((second,), ())
    mend_manifest(folder, "other")  # a line without a shard is a line too
    assert manifest_entries(folder) == ((second,), ())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_a_flipped_bit_in_a_manifest_or_a_run_record_is_found(
    tmp_path_factory: pytest.TempPathFactory, place: float, bit: int
) -> None:
    store = tmp_path_factory.mktemp("store")
    entry = seal_predictions(store, RUN, ROWS)
    folder = store / "jobs/job"
    manifest, record = folder / "manifest-test.jsonl", folder / "run.json"
    for path in (manifest, record):
        whole = bytearray(path.read_bytes())
        whole[int(place * len(whole))] ^= 1 << bit
        path.write_bytes(whole)
    # Only JSON's own blanks may change and leave a line that says what it said.
    sound, _ = sound_tables(folder)
    assert [one for one, _ in sound] in ([], [entry])
    with suppress(ShardError):
        assert read_run(folder) == RUN


def test_mending_takes_out_torn_lines_and_what_nobody_vouches_for_and_keeps_both(tmp_path: Path) -> None:
    folder = tmp_path / "jobs/job"
    seal_predictions(tmp_path, RUN, ROWS[:1])
    manifest = folder / "manifest-test.jsonl"
    torn = manifest.read_bytes()[:-20]
    manifest.write_bytes(torn)
    kept = seal_predictions(tmp_path, RUN, ROWS[1:])
    (folder / "shards/test-000009.parquet").write_bytes(b"killed before its line was written")
    before = manifest.read_bytes()
    mend_manifest(folder, "test")
    assert manifest_entries(folder) == ((kept,), ())
    assert sorted(path.name for path in (folder / "shards").iterdir()) == [kept.file]
    quarantine = folder / "quarantine"
    assert (quarantine / "manifest-test.jsonl.1").read_bytes() == before
    assert (quarantine / "test-000009.parquet").exists()
    mend_manifest(folder, "test")  # nothing is left to mend
    assert len(list(quarantine.iterdir())) == 3
    later = seal_predictions(tmp_path, RUN, ROWS[:1])
    assert later.file == "test-000010.parquet"  # a name once given is not given again


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
    seal_questions(tmp_path, made_up_questions())
    manifest = tmp_path / "collections/made-up/manifest-test.jsonl"
    line = {**json.loads(manifest.read_text()), "version": 1, "file": "../../../outside.parquet"}
    del line["check"]
    manifest.write_text(json.dumps(line) + "\n")
    entries, faults = manifest_entries(tmp_path / "collections/made-up")
    assert entries == ()
    assert "does not name a shard" in faults[0].sentence
