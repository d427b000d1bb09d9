"""Programs ask a served page with gradio_client: they get what the store holds, and sentences where it cannot be."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from clika.cli import main
from clika.database.index import Index
from clika.jobs.folder import Progress
from clika.jobs.queue import queued_jobs
from clika.settings import Settings
from clika.ui.page import build_page
from clika.ui.program_api import described
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions
from tests.ui.served import served_page

READING = {"/scores", "/answers", "/runs", "/status"}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two models over four questions; English 4 of 4 right, German 1 of 2, Hebrew not asked."""
    place = tmp_path_factory.mktemp("store")
    seal_questions(place, made_up_questions(count=4))
    for name in ("larch", "rowan"):
        run = made_up_run(name)
        right = {(str(n), "en"): n % 4 for n in range(4)} | {("0", "de"): 0, ("1", "de"): 3}
        seal_predictions(place, run, predictions(run, right), job=name)
    return place


@pytest.fixture(scope="module")
def client(store: Path) -> Iterator[Client]:
    with served_page(store) as address:
        yield Client(address, verbose=False)


def test_the_endpoints_are_these_five_typed_and_described(client: Client) -> None:
    found = client.view_api(return_format="dict")
    assert set(found["named_endpoints"]) == READING | {"/submit"}
    assert found["unnamed_endpoints"] == {}
    for name, one in found["named_endpoints"].items():
        assert one["description"], name
        assert all(parameter["python_type"]["type"] != "Any" for parameter in one["parameters"]), name
    assert {call.partition("(")[0] for call, _ in described(read_only=False)} == READING | {"/submit"}


def test_every_other_listener_is_private(store: Path) -> None:
    with Index.open(store) as index:
        page = build_page(index, Settings(store))
    named = {one.api_name: one.api_visibility for one in page.fns.values() if one.api_visibility != "private"}
    assert named == dict.fromkeys([name.lstrip("/") for name in READING | {"/submit"}], "public")


def test_scores_are_those_of_the_command_line(
    client: Client, store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = client.predict(metric="accuracy", scope="xgeo", api_name="/scores")
    main(["scores", "--metric", "accuracy", "--dataset", "xgeo", "--format", "json", "--store", str(store)])
    assert found == json.loads(capsys.readouterr().out)
    values = {(row["model"], row["language"]): (row["value"], row["n"]) for row in found}
    assert values["larch", "en"] == (1.0, 4)
    assert values["rowan", "de"] == (0.5, 2)
    assert values["rowan", "he"] == (None, 0)


def test_scores_of_some_models_alone(client: Client) -> None:
    found = client.predict(
        metric="en-co", scope="xgeo", collection="made-up", models=["rowan"], api_name="/scores"
    )
    assert {row["model"] for row in found} == {"rowan"}


def test_one_question_comes_in_every_language_with_the_answers(client: Client) -> None:
    english, german, hebrew = client.predict(dataset="xgeo", question="1", api_name="/answers")
    assert english["text"] == "xgeo question 1 in en?"
    assert [row["correct"] for row in english["predictions"]] == [True, True]
    assert [row["chosen"] for row in german["predictions"]] == [3, 3]
    assert hebrew["predictions"] == []


def test_runs_are_listed_with_their_settings(client: Client) -> None:
    rows = client.predict(api_name="/runs")
    assert [(row["model"], row["answers"], row["datasets"]) for row in rows] == [
        ("larch", 6, ["xgeo"]),
        ("rowan", 6, ["xgeo"]),
    ]
    assert rows[0]["run"] == made_up_run("larch").run


@pytest.mark.parametrize(
    ("name", "given", "sentence"),
    [
        ("/scores", {"metric": "best", "scope": "xgeo"}, "metric 'best'; known: accuracy, ra, en-co, xrr"),
        ("/scores", {"metric": "ra", "scope": "xgeo"}, "RA over xgeo needs a reference accuracy"),
        ("/scores", {"metric": "accuracy", "scope": "nosuch"}, "unknown scope 'nosuch'"),
        ("/scores", {"metric": ["ra"], "scope": "xgeo"}, "write it as a text"),
        ("/scores", {"metric": "accuracy", "scope": "xgeo", "models": ["birch"]}, "no model 'birch'"),
        ("/answers", {"dataset": "xgeo", "question": "99"}, "no question '99'"),
        ("/runs", {"collection": "<b>x</b>"}, "no collection '<b>x</b>' in the store"),
        ("/status", {"job": "../../etc"}, "no job '../../etc'"),
        ("/submit", {"models": []}, "no model is named"),
        ("/submit", {"models": ["/no/such/folder"]}, "no folder '/no/such/folder'"),
        ("/submit", {"models": ["gpt2"], "languages": ["xx"]}, "xx"),
        ("/submit", {"models": ["gpt2"], "limit": "many"}, "write a whole number"),
        ("/submit", {"models": ["gpt2"], "collection": "nosuch"}, "no collection 'nosuch'"),
        ("/submit", {"models": ["gpt2"], "device": {"a": 1}}, "write it as a text"),
    ],
)
def test_what_cannot_be_is_a_sentence_and_nothing_is_queued(
    client: Client, store: Path, name: str, given: dict[str, object], sentence: str
) -> None:
    before = len(queued_jobs(store))
    with pytest.raises(AppError) as refused:
        client.predict(**given, api_name=name)
    assert sentence in str(refused.value)
    assert len(queued_jobs(store)) == before


def test_a_job_is_submitted_and_its_progress_read(tmp_path: Path) -> None:
    (tmp_path / "larch-1b").mkdir()
    with served_page(tmp_path / "store") as address:
        client = Client(address, verbose=False)
        (row,) = client.predict(
            models=[str(tmp_path / "larch-1b")], languages=["en", "de"], limit=3, api_name="/submit"
        )
        assert (row["name"], row["state"], row["answered"]) == ("larch-1b", "queued", None)
        (one,) = queued_jobs(tmp_path / "store")
        assert one.job is not None
        assert (one.job_id, one.job.collection, one.job.limit) == (row["job"], "sample", 3)  # type: ignore[union-attr]
        one.folder.write_progress(Progress(3, 24, rate=1.5, languages={"en": (3, 12), "de": (0, 12)}))
        (row,) = client.predict(job=row["job"], api_name="/status")
        assert (row["answered"], row["total"], row["seconds_left"]) == (
            3,
            24,
            14.0,
        )  # 21 left at 1.5 a second
        assert row["languages"] == {"en": [3, 12], "de": [0, 12]}


def test_what_writes_is_no_tool(store: Path) -> None:
    with Index.open(store) as index:
        page = build_page(index, Settings(store, mcp=True))
    assert set(page.get_api_info()["named_endpoints"]) == READING
