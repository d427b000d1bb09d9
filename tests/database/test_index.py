"""The index: what it takes in, what it refuses, who owns it, and that it can be made again."""

import shutil
import subprocess
import sys
import threading
from pathlib import Path

import duckdb
import numpy as np
import pytest

from clika.database.index import DATABASE, Index, owned, rebuild
from clika.database.migrations import MIGRATIONS, apply
from clika.database.queries import (
    answer_matrices,
    chosen_collection,
    collections,
    parallel_question,
    predictions_of_question,
    run_summaries,
)
from clika.errors import StoreError, StoreLockedError, UsageError
from clika.records import NOT_ASKED, UNPARSEABLE, Outcome, Prediction, ScoringRule
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions

RUN = made_up_run()
# gold: question k -> choice k. en right on 0, 1; de right on 0, 2, unparseable on 1; he asked 0 only, wrong
CHOSEN = {
    ("0", "en"): 0, ("1", "en"): 1, ("2", "en"): 0, ("3", "en"): 0,
    ("0", "de"): 0, ("1", "de"): None, ("2", "de"): 2, ("3", "de"): 0,
    ("0", "he"): 1,
}  # fmt: skip


@pytest.fixture
def store(tmp_path: Path) -> Path:
    seal_questions(tmp_path, made_up_questions())
    seal_predictions(tmp_path, RUN, predictions(RUN, CHOSEN))
    return tmp_path


def test_sealed_answers_become_an_answer_matrix(store: Path) -> None:
    with Index.open(store) as index:
        (matrix,) = answer_matrices(index, "made-up")
    assert (matrix.run, matrix.dataset, matrix.languages) == (RUN.run, "xgeo", ("en", "de", "he"))
    assert matrix.question_ids == ("0", "1", "2", "3")
    expected = [[0, 1, 0, 0], [0, UNPARSEABLE, 2, 0], [1, NOT_ASKED, NOT_ASKED, NOT_ASKED]]
    np.testing.assert_array_equal(matrix.chosen, expected)
    np.testing.assert_array_equal(matrix.answers, [0, 1, 2, 3])
    np.testing.assert_array_equal(matrix.choices, [4, 4, 4, 4])


def test_reingesting_a_shard_adds_nothing(store: Path) -> None:
    with Index.open(store) as index:
        assert index.refresh() == 0
        assert run_summaries(index, "made-up")[0].predictions == 9
    with Index.open(store) as index:
        assert run_summaries(index, "made-up")[0].predictions == 9


def test_a_shard_sealed_while_the_index_is_open_is_taken_in(store: Path) -> None:
    with Index.open(store) as index:
        seal_predictions(store, RUN, predictions(RUN, {("1", "he"): 1}), job="later")
        assert index.refresh() == 1
        (matrix,) = answer_matrices(index, "made-up")
    np.testing.assert_array_equal(matrix.chosen[2], [1, 1, NOT_ASKED, NOT_ASKED])


def test_matrices_are_worked_out_once_until_rows_come(store: Path) -> None:
    with Index.open(store) as index:
        first = answer_matrices(index, "made-up")
        index.refresh()
        assert answer_matrices(index, "made-up") is first
        assert answer_matrices(index, "made-up", datasets=["xgeo"]) is not first
        with pytest.raises(ValueError, match="read-only"):
            first[0].chosen[0, 0] = 3
        seal_predictions(store, RUN, predictions(RUN, {("1", "he"): 1}), job="later")
        index.refresh()
        (matrix,) = answer_matrices(index, "made-up")
    np.testing.assert_array_equal(matrix.chosen[2], [1, 1, NOT_ASKED, NOT_ASKED])


def test_another_answer_to_a_stored_question_is_an_alarm_and_changes_nothing(store: Path) -> None:
    with Index.open(store) as index:
        rows = predictions(RUN, {("0", "en"): 3, ("3", "he"): 3})
        seal_predictions(store, RUN, rows, job="contradiction")
        assert index.refresh() == 0
        assert "another answer to xgeo/0/en" in index.notices[0]
        (matrix,) = answer_matrices(index, "made-up")
    assert matrix.chosen[0, 0] == 0


def test_a_superseding_shard_replaces_what_the_damaged_one_brought(tmp_path: Path) -> None:
    seal_questions(tmp_path, made_up_questions())
    first = seal_predictions(tmp_path, RUN, predictions(RUN, {("0", "en"): 3, ("1", "en"): 1}))
    with Index.open(tmp_path) as index:
        redone = predictions(RUN, {("0", "en"): 0})
        seal_predictions(tmp_path, RUN, redone, supersedes=[first.file])
        index.refresh()
        assert run_summaries(index, "made-up")[0].predictions == 1
        (matrix,) = answer_matrices(index, "made-up")
    assert matrix.chosen[0].tolist() == [0, NOT_ASKED, NOT_ASKED, NOT_ASKED]


def test_the_answers_of_a_deleted_job_leave_the_index_and_those_another_job_holds_too_stay(
    store: Path,
) -> None:
    twice = {("0", "en"): 0, ("3", "he"): 3}  # the first is sealed in the fixture's job too
    seal_predictions(store, RUN, predictions(RUN, twice), job="other")
    with Index.open(store) as index:
        assert run_summaries(index, "made-up")[0].predictions == 10  # 9 + 2, one of them held already
        shutil.move(store / "jobs" / "job", store / "deleted")
        assert index.refresh() > 0
        (matrix,) = answer_matrices(index, "made-up")
        assert int((matrix.chosen != NOT_ASKED).sum()) == 2
        assert index.refresh() == 0
        shutil.move(store / "jobs" / "other", store / "deleted")
        index.refresh()
        assert run_summaries(index, "made-up") == ()


def test_a_job_deleted_and_done_again_while_nobody_looked_is_taken_in_anew(store: Path) -> None:
    with Index.open(store):
        pass
    shutil.rmtree(store / "jobs" / "job")
    seal_predictions(store, RUN, predictions(RUN, {("0", "en"): 3}))
    with Index.open(store) as index:
        (matrix,) = answer_matrices(index, "made-up")
        assert matrix.chosen[0].tolist() == [3, NOT_ASKED, NOT_ASKED, NOT_ASKED]


def test_predictions_without_their_questions_are_named(tmp_path: Path) -> None:
    seal_predictions(tmp_path, RUN, predictions(RUN, CHOSEN))
    with Index.open(tmp_path) as index:
        assert "import its questions first" in index.notices[0]


def test_a_question_whose_text_changes_is_an_alarm(store: Path) -> None:
    from dataclasses import replace

    with Index.open(store) as index:
        changed = replace(made_up_questions()[0], text="Something else?")
        seal_questions(store, [changed])
        index.refresh()
        assert "stored with another content" in index.notices[0]
        assert parallel_question(index, "made-up", "xgeo", "0")[0].text == "xgeo question 0 in en?"


def test_a_second_opener_reads_the_same_rows_in_memory(store: Path) -> None:
    with Index.open(store) as owner, Index.open(store) as reader:
        assert (owner.owner, reader.owner) == (True, False)
        (mine,), (theirs,) = answer_matrices(owner, "made-up"), answer_matrices(reader, "made-up")
    np.testing.assert_array_equal(mine.chosen, theirs.chosen)


def test_the_lock_names_the_process_that_holds_it(store: Path) -> None:
    import os

    with (
        owned(store),
        pytest.raises(StoreLockedError, match=f"process {os.getpid()}"),
        owned(store),
    ):
        pytest.fail("two owners")


def test_the_lock_is_free_once_its_holder_was_killed(store: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from clika.database.index import Index\n"
        "index = Index.open(Path(sys.argv[1])); print(index.owner, flush=True); time.sleep(600)"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(store)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "True\n"
    with Index.open(store) as reader:
        assert not reader.owner
    child.kill()
    child.wait()
    with Index.open(store) as index:
        assert index.owner
        assert run_summaries(index, "made-up")[0].predictions == 9


@pytest.mark.parametrize("damage", ["emptied", "text", "torn"])
def test_a_database_that_does_not_open_is_set_aside_and_made_again(store: Path, damage: str) -> None:
    Index.open(store).close()
    path = store / DATABASE
    content = path.read_bytes()
    wrong = {"emptied": b"\0" * len(content), "text": b"not a database", "torn": content[: len(content) // 3]}
    path.write_bytes(wrong[damage])
    with Index.open(store) as index:
        assert run_summaries(index, "made-up")[0].predictions == 9
        assert "no prediction is lost" in index.notices[0]
    assert len(list(store.glob(f"{DATABASE}.damaged-*"))) == 1


def test_rebuild_gives_the_same_rows(store: Path) -> None:
    Index.open(store).close()
    assert rebuild(store) == (9, ())


def test_a_newer_database_is_refused_with_a_sentence(store: Path) -> None:
    Index.open(store).close()
    connection = duckdb.connect(str(store / DATABASE))
    connection.execute("insert into schema_version (version) values (99)")
    connection.close()
    with pytest.raises(StoreError, match="version 99"):
        Index.open(store)


def test_a_failing_migration_leaves_the_version_as_it_was() -> None:
    connection = duckdb.connect(":memory:")
    apply(connection)
    with pytest.raises(duckdb.Error):
        apply(connection, (*MIGRATIONS, ("create table half (a int)", "select nonsense from nowhere")))
    assert apply(connection) == 0
    assert connection.execute(
        "select count(*) from duckdb_tables() where table_name = 'half'"
    ).fetchall() == [(0,)]


def test_the_index_reads_no_file_and_cannot_be_told_to(store: Path) -> None:
    with Index.open(store) as index:
        for statement in (
            "select * from read_text('/etc/hostname')",
            "set enable_external_access = true",
            f"attach '{store / 'other.duckdb'}'",
        ):
            with pytest.raises(duckdb.Error):
                index.cursor.execute(statement)


def test_the_rule_is_changed_afterwards_from_the_stored_scores(tmp_path: Path) -> None:
    seal_questions(tmp_path, made_up_questions(count=2))
    scores = {
        ScoringRule.LETTER: (-1.0, -2.0, -3.0, -4.0),
        ScoringRule.OPTION: (-9.0, -8.0, -7.5, -7.5),  # of equal ones the first
    }
    rows = [
        Prediction(RUN.run, "xgeo", "0", "en", Outcome.ANSWERED, 0, scores, 0.6),
        Prediction(
            RUN.run, "xgeo", "1", "en", Outcome.ANSWERED, 0, {ScoringRule.LETTER: scores[ScoringRule.LETTER]}
        ),
        Prediction(RUN.run, "xgeo", "0", "de", Outcome.INVALID, None),
    ]
    seal_predictions(tmp_path, RUN, rows)
    with Index.open(tmp_path) as index:
        (stored,) = answer_matrices(index, "made-up")
        (again,) = answer_matrices(index, "made-up", rule=ScoringRule.OPTION)
        assert stored.chosen[stored.languages.index("en")].tolist() == [0, 0]
        assert again.chosen[again.languages.index("en")].tolist() == [2, NOT_ASKED]
        assert (
            again.chosen[again.languages.index("de")].tolist()[0]
            == stored.chosen[stored.languages.index("de")][0]
        )
        with pytest.raises(UsageError, match="tiny has no stored scores of rule 'pmi'"):
            answer_matrices(index, "made-up", rule=ScoringRule.PMI)


def test_one_question_stands_in_every_language_with_its_answers(store: Path) -> None:
    with Index.open(store) as index:
        questions = parallel_question(index, "made-up", "xgeo", "1")
        answers = predictions_of_question(index, "made-up", "xgeo", "1")
        with pytest.raises(UsageError, match="no question '77'"):
            parallel_question(index, "made-up", "xgeo", "77")
    assert [question.language for question in questions] == ["en", "de", "he"]
    assert {a.language: (a.chosen_index, a.raw_text) for a in answers} == {
        "en": (1, None),
        "de": (None, "no idea"),
    }


def test_an_unclear_collection_is_asked_for(store: Path) -> None:
    from dataclasses import replace

    with Index.open(store) as index:
        assert chosen_collection(index, None) == "made-up"
        seal_questions(store, [replace(q, collection="other") for q in made_up_questions()])
        index.refresh()
        assert collections(index) == ("made-up", "other")
        with pytest.raises(UsageError, match="--collection"):
            chosen_collection(index, None)


def test_sixteen_threads_read_right_values_while_shards_arrive(store: Path) -> None:
    wrong: list[object] = []
    with Index.open(store) as index:

        def read() -> None:
            for _ in range(30):
                (matrix,) = answer_matrices(index, "made-up")
                if matrix.chosen[0].tolist() != [0, 1, 0, 0]:
                    wrong.append(matrix.chosen)

        threads = [threading.Thread(target=read) for _ in range(16)]
        for thread in threads:
            thread.start()
        for number, question in enumerate("123"):
            seal_predictions(store, RUN, predictions(RUN, {(question, "he"): 0}), job=f"late{number}")
            index.refresh()
        for thread in threads:
            thread.join()
    assert wrong == []
