"""Answers about a world in the store: what the index, the command line and the page say of them."""

import json
import math
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import pytest

from clika.cli import main
from clika.conductivity.asking import WorldAnswers, world_answers
from clika.conductivity.sealed_measures import measure_folder, seal_measure, sealed_measure
from clika.conductivity.world_questions import conductivity_run, world_collection
from clika.database.index import Index
from clika.database.queries import answer_matrices, run_summaries
from clika.datasets.fictional_items import RelationItem
from clika.datasets.fictional_samples import TranslationDirection
from clika.datasets.fictional_world import WorldSettings, made_world
from clika.errors import JobError
from clika.figures.heatmap import heatmap
from clika.figures.score_grid import CellState
from clika.imports import store_questions
from clika.metrics.conductivity import Reading, conduction, curve
from clika.records import FictionalSet, Gate, Metric, ModelRef, Run, ScoringRule
from clika.ui.results_cell import Chosen, cell_html, questions_shown
from clika.ui.results_view import scores_of_view, view_of_store
from tests.conductivity.knowing import Knows, knowing, prompt_of
from tests.stores import made_up_questions, predictions, seal_predictions, seal_questions

WORLD = made_world(WorldSettings(4, 5, 4))  # 10 held-out places
MODEL = ModelRef("tiny", "tiny", fingerprint="f", dtype="float32")


def known(item: RelationItem) -> int:
    return item.answer_index


def half(item: RelationItem) -> int:
    """English, what X was taught, and of the held-out half in X one of the two places a continent."""
    knows = item.language == "en" or item.taught or int(item.place_id) % 2
    return item.answer_index if knows else (item.answer_index + 1) % 5


def forgets_english(item: RelationItem) -> int:
    return (item.answer_index + (item.language == "en" and item.taught)) % 5


def keep(store: Path, language: str, step: int, knows: Knows) -> tuple[Run, WorldAnswers]:
    """Ask, store the questions and seal the answers, as a job does at a step."""
    run = conductivity_run(
        MODEL,
        WORLD,
        language,
        template="alpaca",
        directions=(TranslationDirection.EN_X,),
        tuning="recipe",
        step=step,
    )
    model = knowing(WORLD, language, knows)
    answers = world_answers(WORLD, language, model, model, prompt_of, run=run.run)
    store_questions(store, world_collection(WORLD), answers.questions)
    seal_measure(measure_folder(store / "jobs" / f"conductivity-{language}", step), run, answers.predictions)
    return run, answers


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """German at two steps, half of it carried in the end; Hebrew, which forgot its English."""
    keep(tmp_path, "de", 0, lambda item: (item.answer_index + 1) % 5)
    keep(tmp_path, "de", 30, half)
    keep(tmp_path, "he", 30, forgets_english)
    return tmp_path


@pytest.fixture
def index(store: Path) -> Iterator[Index]:
    with Index.open(store) as opened:
        assert opened.notices == ()
        yield opened


def test_what_the_index_gives_is_what_was_measured(index: Index, tmp_path: Path) -> None:
    run, answers = keep(tmp_path, "de", 30, half)
    matrices = answer_matrices(index, world_collection(WORLD), [run.run])
    for reading, measured in zip(Reading, (answers.measure().chosen, answers.measure().written), strict=True):
        found = conduction(matrices, "de", reading)
        assert (found.xrr, found.gates, found.english, found.here) == (
            measured.xrr, measured.gates, measured.english, measured.here,
        )  # fmt: skip
        assert set(found.places) == set(measured.places)
        assert found.confusion.tolist() == measured.confusion.tolist()


def test_xrr_is_a_curve_over_the_steps_from_the_untuned_floor(index: Index) -> None:
    runs = [summary.run for summary in run_summaries(index, world_collection(WORLD))]
    matrices = answer_matrices(index, world_collection(WORLD))
    points = curve(matrices, runs, runs[0], "de", Reading.CHOSEN)
    assert [point.step for point in points] == [0, 30]
    assert math.isnan(points[0].conduction.xrr.value)
    # 5 of 10 less 1 in 5
    assert points[1].conduction.xrr.value == pytest.approx(0.5 - 0.2)


def test_scores_give_a_row_a_tuning_and_say_what_is_not_established(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--store", str(store)]
    assert main(["scores", "--metric", "xrr", *where]) == 0
    # he: 10/10 - 1/5, but English's taught half is wrong throughout
    assert capsys.readouterr().out == (
        "model      de        he\n"
        "tiny   0.3000  (0.8000)\n"
        "(…) not established: tiny, he: not over 90 % right in English, taught half\n"
    )
    assert main(["scores", "--metric", "xrr", "--format", "json", *where]) == 0
    german, hebrew = json.loads(capsys.readouterr().out)
    assert german["run"] != hebrew["run"]
    assert (german["language"], german["value"], german["n"]) == ("de", pytest.approx(0.3), 10)
    assert (german["established"], german["failed_gates"]) == (True, [])
    assert (hebrew["established"], hebrew["failed_gates"]) == (False, ["English, taught half"])
    # Wilson of 5 of 10: .2366 to .7634, less .2
    assert (german["low"], german["high"]) == (
        pytest.approx(0.0366, abs=1e-4),
        pytest.approx(0.5634, abs=1e-4),
    )
    written = ["--dataset", "fictional-written", "--format", "csv"]
    assert main(["scores", "--metric", "xrr", *written, *where]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "run,model,metric,scope,language,value,n,failed_gates"
    assert lines[2].endswith(',10,"English, taught half"')
    assert main(["scores", "--metric", "accuracy", "--dataset", "fictional-translation", *where]) == 0
    assert "100.00" in capsys.readouterr().out
    assert main(["scores", "--metric", "ra", *where]) == 2
    assert "give --dataset or --level" in capsys.readouterr().err
    assert main(["scores", "--metric", "xrr", "--dataset", "xgeo", *where]) == 2
    assert main(["answers", "--dataset", "fictional", "--question", "2", *where]) == 0


def test_the_heatmap_shows_established_and_not_established_differently(index: Index) -> None:
    view = view_of_store(index, None, None, None)
    assert view is not None
    assert (view.metric, view.scope) == (Metric.XRR, "fictional")
    scores = scores_of_view(index, view)
    (row,) = scores.grid.cells
    assert [cell.state for cell in row] == [CellState.VALUE, CellState.NOT_ESTABLISHED]
    assert [cell.printed for cell in row] == ["0.3000", "(0.8000)"]
    assert row[1].sentence.startswith("0.8000, not established: not over 90 % right in English, taught half")
    assert scores.grid.labels == ("tiny",)
    hebrew = row[1]
    assert scores.grid.cell(hebrew.run, "he") is hebrew
    assert scores.grid.cell(hebrew.run, "de") is None  # that is another run
    shown = heatmap(scores.grid, selected=(hebrew.run, "he"))
    assert [list(trace.text[0]) for trace in shown.data if "(0.8000)" in trace.text[0]] == [["", "(0.8000)"]]
    assert len(shown.layout.shapes) == 1
    chosen = Chosen(run=row[0].run, language="de")
    assert "Only English right</dt><dd>5" in cell_html(scores, chosen)
    assert "of 10" in questions_shown(index, view, chosen).html


def test_a_step_is_sealed_once_and_damage_is_redone(store: Path) -> None:
    run, answers = keep(store, "de", 30, half)
    folder = measure_folder(store / "jobs" / "conductivity-de", 30)
    assert len(list(folder.glob("shards/*"))) == 1
    answered = [(p.dataset, p.question_id, p.language, p.chosen_index) for p in answers.predictions]
    sealed = sealed_measure(folder, run)
    assert [(p.dataset, p.question_id, p.language, p.chosen_index) for p in sealed] == answered
    (shard,) = folder.glob("shards/*")
    shard.write_bytes(shard.read_bytes()[:-1] + b"?")
    assert sealed_measure(folder, run) == ()
    seal_measure(folder, run, answers.predictions)
    assert len(sealed_measure(folder, run)) == len(answers.predictions)
    with Index.open(store) as opened:
        assert opened.notices == ()
    other = conductivity_run(
        MODEL, WORLD, "de", template="chat", directions=tuple(TranslationDirection), tuning="r", step=30
    )
    with pytest.raises(JobError, match="holds answers of run"):
        seal_measure(folder, other, answers.predictions)


def test_a_run_is_named_by_what_was_taught_and_when() -> None:
    def named(**changes: object) -> str:
        given = {
            "template": "alpaca",
            "directions": tuple(TranslationDirection)[:1],
            "tuning": "r",
            "step": 1,
        }
        return conductivity_run(MODEL, WORLD, "de", **{**given, **changes}).run  # type: ignore[arg-type]

    different = [
        named(), named(step=2), named(tuning="s"), named(directions=tuple(TranslationDirection)),
        named(template="chat"), named(control=True),
    ]  # fmt: skip
    assert len(set(different)) == 6
    assert named() == named()


def test_gates_and_sets_have_names_that_people_and_files_can_use() -> None:
    assert all("/" not in name and " " not in name for name in FictionalSet)
    assert len(set(Gate)) == 4


def test_xrr_leads_from_a_plain_collection_to_a_world_and_ra_back(store: Path) -> None:
    questions = made_up_questions(count=4)
    seal_questions(store, questions)
    plain = Run("plain", MODEL, "made-up", "english", ScoringRule.LETTER)
    keys = [(question.question_id, question.language) for question in questions]
    seal_predictions(store, plain, predictions(plain, dict.fromkeys(keys, 0)), job="plain")
    world = world_collection(WORLD)
    with Index.open(store) as opened:
        wishes = (
            ("made-up", "xrr"),
            (world, "accuracy"),
            (world, "xrr"),
            ("made-up", "accuracy"),
            (world, "ra"),
        )
        views = [view_of_store(opened, collection, metric, "xgeo") for collection, metric in wishes]
        assert [view and (view.collection, view.scope) for view in views[:4]] == [
            *((world, "fictional"), (world, views[1] and views[1].scope)),
            *((world, "fictional"), ("made-up", "xgeo")),
        ]  # fmt: skip
        assert views[4] is not None
        assert views[4].collection == world  # no collection here has a reference for RA
        with mock.patch(
            "clika.ui.results_view.has_references", lambda _, collection, scope: collection == "made-up"
        ):
            back = view_of_store(opened, world, "ra", "fictional")
            assert back is not None
            assert (back.collection, back.metric, back.scope) == ("made-up", Metric.RA, "xgeo")
