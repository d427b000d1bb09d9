"""The command line as other programs call it: real processes, exit statuses, formats."""

import argparse
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import duckdb
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from clika import __version__, results_commands
from clika.cli import main
from clika.database.index import DATABASE, Index
from clika.datasets.sample import sample_questions
from clika.errors import ClikaError
from clika.results_commands import export_command
from tests.models import tiny_llama
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions
from tests.ui.served import free_port

RUN = made_up_run("tiny")
# gold: question k -> choice k. en right on 0, 1 and 2; de right on 0 and 3; he right on none
CHOSEN = {
    ("0", "en"): 0, ("1", "en"): 1, ("2", "en"): 2, ("3", "en"): 0,
    ("0", "de"): 0, ("1", "de"): None, ("2", "de"): 0, ("3", "de"): 3,
    ("0", "he"): 1, ("1", "he"): 0,
}  # fmt: skip


def clika(store: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``python -m clika`` on a store, as a shell would."""
    return subprocess.run(
        [sys.executable, "-m", "clika", *arguments],
        env={**os.environ, "CLIKA_DEMO": "0", "CLIKA_STORE": str(store)},
        capture_output=True,
        text=True,
        check=False,
    )


class Done(NamedTuple):
    """How a command ended and what it printed."""

    returncode: int
    stdout: str
    stderr: str


Here = Callable[..., Done]


@pytest.fixture
def here(capsys: pytest.CaptureFixture[str]) -> Here:
    """As ``clika``, in this process: importing everything for every command takes longer than the command."""

    def command(store: Path, *arguments: str) -> Done:
        capsys.readouterr()
        status = main([*arguments, "--store", str(store)])
        return Done(status, *capsys.readouterr())

    return command


@pytest.fixture
def store(tmp_path: Path) -> Path:
    folder = tmp_path / "store"
    seal_questions(folder, made_up_questions())
    seal_predictions(folder, RUN, predictions(RUN, CHOSEN))
    return folder


def test_scores_as_json_give_value_and_n_with_null_where_undefined(store: Path) -> None:
    done = clika(store, "scores", "--metric", "en-co", "--dataset", "xgeo", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    rows = {row["language"]: row for row in json.loads(done.stdout)}
    assert set(rows["de"]) == {"run", "model", "metric", "scope", "language", "value", "n"}
    assert rows["en"]["value"] == 1.0
    assert (rows["de"]["value"], rows["de"]["n"]) == (0.5, 2)  # right: 0 (en too) and 3 (en not)
    assert rows["he"]["value"] is None
    assert rows["de"]["run"] == RUN.run


@pytest.mark.parametrize("form", ["table", "csv", "latex"])
def test_scores_in_every_form_name_the_model_and_its_accuracy(store: Path, form: str) -> None:
    done = clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo", "--format", form)
    assert done.returncode == 0, done.stderr
    assert "tiny" in done.stdout
    assert ("0.75" if form == "csv" else "75.00") in done.stdout  # en: 3 of 4


def test_ra_without_a_reference_is_refused_with_the_reason(store: Path) -> None:
    done = clika(store, "scores", "--metric", "ra", "--dataset", "xgeo")
    assert done.returncode == 2
    assert "reference" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("scores", "--metric", "accuracy", "--dataset", "xgeo", "--models", "nobody"), "'nobody'"),
        (("answers", "--dataset", "xgeo", "--question", "77"), "'77'"),
        (("export", "--output", "answers.xlsx"), "answers.xlsx"),
        (("scores", "--metric", "accuracy"), "--dataset"),
        (("scores", "--metric", "beauty", "--dataset", "xgeo"), "beauty"),
        (("nonsense",), "nonsense"),
        (("evaluate", "--model", "m", "--languages", "klingon"), "'klingon'"),
        (
            ("evaluate", "--model", "m", "--template", "klingon"),
            "released, english, native, chat, alpaca, or",
        ),
        (("evaluate", "--model", "m", "--template", "nowhere.toml"), "nowhere.toml cannot be read"),
        (("evaluate", "--model", "m", "--template", "released", "--permutations", "4"), "permutations 4"),
        (("evaluate", "--model", "m", "--demonstrations", "6"), "template 'english' has 5"),
        (("evaluate", "--model", "m", "--demonstrations", "0", "--rotate-demonstrations"), "there are 0"),
        (("evaluate", "--model", "m", "--data", "none.csv"), "'none.csv'"),
    ],
)
def test_wrong_use_ends_with_status_2_and_names_the_value(
    store: Path, arguments: tuple[str, ...], named: str
) -> None:
    done = clika(store, *arguments)
    assert done.returncode == 2
    assert named in done.stderr
    assert "Traceback" not in done.stderr


def test_an_empty_store_says_what_fills_it(tmp_path: Path) -> None:
    done = clika(tmp_path / "new", "scores", "--metric", "accuracy", "--dataset", "xgeo")
    assert done.returncode == 2
    assert "import" in done.stderr


def test_the_bundled_sample_is_asked_of_an_empty_store(tmp_path: Path) -> None:
    store, model = tmp_path / "new", tiny_llama(tmp_path / "model")
    evaluate = ("evaluate", "--model", str(model), "--collection", "sample")
    done = clika(store, *evaluate, "--languages", "en,he", "--datasets", "xgeo")
    assert done.returncode == 0, done.stderr
    scored = clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo", "--format", "json")
    counts = {row["language"]: row["n"] for row in json.loads(scored.stdout)}
    assert {language: n for language, n in counts.items() if n} == {"en": 60, "he": 60}
    shown = clika(store, "answers", "--dataset", "xgeo", "--question", "division-chicago")
    assert "[zh] 芝加哥这座城市位于哪个行政区？" in shown.stdout
    assert shown.stdout.count("<- model") == 2


def test_the_bundled_collection_takes_no_other_questions(store: Path, tmp_path: Path) -> None:
    evaluate = ("evaluate", "--model", "m", "--collection", "sample")
    done = clika(store, *evaluate, "--data", str(tmp_path))
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr
    first = sample_questions()[0]
    seal_questions(store, [replace(first, text="Why was that so?")])
    done = clika(store, *evaluate)
    assert done.returncode == 1
    assert "--store" in done.stderr


def test_a_file_of_ones_own_is_asked_and_its_data_set_scored(tmp_path: Path) -> None:
    store, model, own = tmp_path / "new", tiny_llama(tmp_path / "model"), tmp_path / "My quiz.csv"
    header, german = "question_id,language,question,choices,answer\n", "q1,de,Warum?,ja|nein,nein\n"
    own.write_text(f"{header}q1,en,Why?,yes|no,B\n{german}", "utf-8")
    done = clika(store, "evaluate", "--model", str(model), "--data", str(own))
    assert done.returncode == 0, done.stderr
    scored = clika(store, "scores", "--metric", "accuracy", "--dataset", "own", "--collection", "my-quiz")
    assert scored.returncode == 0, scored.stderr
    assert "own" in clika(store, "answers", "--dataset", "own", "--question", "q1", "--format", "json").stdout
    own.write_text(f"{header}q1,en,Why?,yes|no,C\nq2,xx,Why?,yes|no,A\n{german}", "utf-8")
    done = clika(store, "evaluate", "--model", str(model), "--data", str(own))
    assert done.returncode == 1
    for part in ("My quiz.csv, row 2: answer 'C'", "My quiz.csv, row 3: unknown language 'xx'", "faults: 2"):
        assert part in done.stderr


def test_answers_show_the_question_in_every_language_with_the_picks(store: Path) -> None:
    done = clika(store, "answers", "--dataset", "xgeo", "--question", "1")
    assert done.returncode == 0, done.stderr
    assert "[he] xgeo question 1 in he?" in done.stdout
    assert "* B. en option b   <- tiny" in done.stdout
    assert "tiny: unparseable 'no idea'" in done.stdout
    asked = json.loads(
        clika(store, "answers", "--dataset", "xgeo", "--question", "1", "--format", "json").stdout
    )
    assert [question["language"] for question in asked] == ["en", "de", "he"]
    assert asked[0]["predictions"][0]["correct"] is True


@pytest.mark.parametrize("suffix", ["parquet", "csv", "jsonl"])
def test_an_export_holds_every_prediction_once(store: Path, tmp_path: Path, suffix: str) -> None:
    output = tmp_path / f"answers.{suffix}"
    done = clika(store, "export", "--output", str(output))
    assert done.returncode == 0, done.stderr
    if suffix == "parquet":
        rows = pq.read_table(output).to_pylist()
    elif suffix == "csv":
        rows = pyarrow.csv.read_csv(output).to_pylist()
    else:
        rows = [json.loads(line) for line in output.read_text().splitlines()]
    found = {(str(row["question_id"]), row["language"]): row["correct"] for row in rows}
    assert len(rows) == len(CHOSEN)
    assert found == {key: chosen == int(key[0]) for key, chosen in CHOSEN.items()}


def test_verify_names_a_damaged_shard_and_rebuild_keeps_the_rest(store: Path, here: Here) -> None:
    more = seal_predictions(store, RUN, predictions(RUN, {("2", "he"): 2}), job="more")
    assert here(store, "verify").returncode == 0
    path = store / "jobs/more/shards" / more.file
    path.write_bytes(path.read_bytes()[:-1])
    done = here(store, "verify")
    assert done.returncode == 1
    assert more.file in done.stderr
    made = here(store, "rebuild")
    assert "10 predictions" in made.stdout
    assert made.returncode == 1
    assert more.file in made.stderr


@pytest.mark.parametrize(
    "command",
    [
        ("scores", "--metric", "accuracy", "--dataset", "xgeo"),
        ("answers", "--dataset", "xgeo", "--question", "0"),
        ("export", "--output", "{folder}/out.jsonl"),
        ("site", "--output", "{folder}/site"),
    ],
)
def test_what_is_computed_over_a_damaged_store_says_so_and_is_no_success(
    store: Path, tmp_path: Path, command: Sequence[str], here: Here
) -> None:
    more = seal_predictions(store, RUN, predictions(RUN, {("2", "he"): 2}), job="more")
    path = store / "jobs/more/shards" / more.file
    path.write_bytes(path.read_bytes()[:-1])
    done = here(store, *(word.format(folder=tmp_path) for word in command))
    assert done.returncode == 1
    assert more.file in done.stderr
    assert done.stdout  # what can be computed is


def lost_records(store: Path) -> None:
    for path in (store / "jobs").glob("*/run*.json"):
        path.unlink()


def lost_manifest(store: Path) -> None:
    for path in (store / "jobs").glob("*/manifest-*.jsonl"):
        path.unlink()


def lost_rows(store: Path) -> None:
    with duckdb.connect(str(store / "clika.duckdb")) as connection:
        connection.execute("delete from predictions where item in (select item from predictions limit 1)")


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        (lost_records, "no run.json that says whose"),
        (lost_manifest, "no manifest that vouches for them"),
        (lost_rows, "the index holds 7 of 10 sealed predictions"),
    ],
)
def test_verify_misses_whatever_was_lost(
    store: Path, lost: Callable[[Path], None], said: str, here: Here
) -> None:
    assert here(store, "verify").returncode == 0
    lost(store)
    done = here(store, "verify")
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_questions_that_cannot_be_read_are_no_empty_store(store: Path, here: Here) -> None:
    (manifest,) = (store / "collections").glob("*/manifest-*.jsonl")
    manifest.write_bytes(b"torn")
    (store / "clika.duckdb").unlink(missing_ok=True)
    done = here(store, "scores", "--metric", "accuracy", "--dataset", "xgeo")
    assert done.returncode == 1
    assert "no question of the store could be taken in" in done.stderr
    assert "is empty" not in done.stderr


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_an_export_that_cannot_be_written_leaves_the_one_before(
    store: Path, tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / f"out{suffix}"
    output.write_text("an earlier export")
    options = argparse.Namespace(store=store, output=output, collection=None, models=None)

    def full(table: object, suffix: str, file: BinaryIO) -> None:
        file.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(results_commands, "_write", full)
    with pytest.raises(ClikaError, match=r"cannot write .*: No space left on device; choose another place"):
        export_command(options)
    assert output.read_text() == "an earlier export"
    assert [path.name for path in tmp_path.glob(".*.tmp")] == []


def test_every_reading_command_works_while_another_process_owns_the_store(store: Path) -> None:
    with Index.open(store) as owner:
        assert owner.owner
        done = clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo")
        assert (done.returncode, done.stderr) == (0, "")
        assert "75.00" in done.stdout
        refused = clika(store, "rebuild")
        assert refused.returncode == 1
        assert str(os.getpid()) in refused.stderr


def test_a_template_file_is_asked_and_scored_and_may_be_gone_afterwards(store: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text('name = "mine"\n[choice]\ntext = "{question}\\n{options}\\nThe letter:"\n')
    model = tiny_llama(tmp_path / "model")
    asked = ("evaluate", "--model", str(model), "--device", "cpu", "--limit", "2", "--permutations", "2")
    done = clika(store, *asked, "--template", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 questions answered" in done.stdout  # 2 in three languages
    file.unlink()
    shown = clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo", "--models", "model")
    assert shown.returncode == 0, shown.stderr
    assert "model" in shown.stdout
    again = clika(
        store, "scores", "--metric", "accuracy", "--dataset", "xgeo", "--models", "model",
        "--scoring", "letter_variants",
    )  # fmt: skip
    assert (again.returncode, again.stderr) == (0, "")


def test_several_collections_need_a_choice(store: Path) -> None:
    seal_questions(store, [replace(q, collection="other") for q in made_up_questions()])
    done = clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo")
    assert done.returncode == 2
    assert "--collection" in done.stderr
    again = clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo", "--collection", "made-up")
    assert again.returncode == 0


def test_the_only_collection_with_the_data_set_is_meant(store: Path, here: Here) -> None:
    seal_questions(store, [replace(q, collection="world", dataset="fictional") for q in made_up_questions()])
    done = here(store, "scores", "--metric", "accuracy", "--dataset", "xgeo")
    assert (done.returncode, done.stderr) == (0, "")
    assert here(store, "answers", "--dataset", "xgeo", "--question", "0").returncode == 0


def test_version_and_help_with_examples(store: Path) -> None:
    assert clika(store, "--version").stdout == f"clika {__version__}\n"
    shown = clika(store, "--help").stdout
    for command in ("import", "evaluate", "scores", "answers", "export", "rebuild", "verify"):
        assert command in shown
    assert "examples:" in shown


def test_a_lost_database_file_is_made_again_without_a_word_lost(store: Path) -> None:
    first = clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo").stdout
    (store / DATABASE).unlink()
    assert clika(store, "scores", "--metric", "accuracy", "--dataset", "xgeo").stdout == first


def test_bytes_that_are_no_text_are_refused_before_anything_is_done(store: Path) -> None:
    for word in ("--models", "--store"):
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "clika",
                "scores",
                "--metric",
                "accuracy",
                "--dataset",
                "xgeo",
                word,
                b"\xff",
            ],
            env={**os.environ, "CLIKA_STORE": str(store)},
            capture_output=True,
            check=False,
        )
        assert done.returncode == 2
        assert b"is not valid UTF-8" in done.stderr
        assert b"Traceback" not in done.stderr


def test_a_file_is_no_store(tmp_path: Path, here: Here) -> None:
    (tmp_path / "file").write_text("")
    done = here(tmp_path / "file", "jobs", "list")
    assert done.returncode == 2
    assert "is a file; give a folder" in done.stderr
    done = here(tmp_path / ("long" * 100), "verify")
    assert done.returncode == 2
    assert "cannot be used (File name too long)" in done.stderr


def test_a_model_with_a_comma_in_its_name_can_be_named(store: Path, here: Here) -> None:
    run = made_up_run("a, b")
    seal_predictions(store, run, predictions(run, {("0", "en"): 0}), job="comma")
    done = here(
        store, "scores", "--metric", "accuracy", "--dataset", "xgeo", "--models", "a, b", "--format", "json"
    )
    assert {row["run"] for row in json.loads(done.stdout)} == {run.run}
    both = here(
        store,
        "scores",
        "--metric",
        "accuracy",
        "--dataset",
        "xgeo",
        "--models",
        f"tiny,{run.run}",
        "--format",
        "json",
    )
    assert {row["run"] for row in json.loads(both.stdout)} == {run.run, RUN.run}


def test_an_index_whose_tables_somebody_changed_is_made_again(store: Path, here: Here) -> None:
    first = here(store, "scores", "--metric", "accuracy", "--dataset", "xgeo").stdout
    with duckdb.connect(str(store / DATABASE)) as connection:
        connection.execute("alter table runs rename column record to recorded")
    done = here(store, "scores", "--metric", "accuracy", "--dataset", "xgeo")
    assert (done.returncode, done.stdout) == (0, first)
    assert "its tables are not those that this program makes" in done.stderr


def test_serve_names_a_host_that_is_none(store: Path) -> None:
    done = clika(store, "serve", "--host", "300.1.1.1", "--port", str(free_port()))
    assert done.returncode == 2
    assert "host '300.1.1.1' is no address of this machine" in done.stderr


def test_serve_refuses_a_port_that_is_none(store: Path) -> None:
    done = clika(store, "serve", "--port", "70000")
    assert (done.returncode, done.stdout) == (2, "")
    assert "from 1 to 65535" in done.stderr


def test_serve_names_a_port_that_is_taken(store: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = str(other.getsockname()[1])
        done = clika(store, "serve", "--port", port)
    assert done.returncode == 2
    assert f"port {port} is taken" in done.stderr
