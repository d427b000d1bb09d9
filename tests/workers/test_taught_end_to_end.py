"""A small model made here, taught a small world for real until its gates hold: what it learnt and what was measured."""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from clika.conductivity.sealed_measures import measure_folder, sealed_measure
from clika.conductivity.world_questions import world_questions
from clika.conductivity_jobs import Plan, Wishes, conductivity_plan
from clika.database.index import Index
from clika.database.queries import answer_matrices
from clika.datasets.fictional_items import items
from clika.datasets.fictional_world import WorldSettings
from clika.errors import JobError
from clika.figures.score_grid import CellState
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.folder import JobFolder, job_folders
from clika.jobs.learning_curve import learning_curve
from clika.jobs.queue import queued_jobs, submitted
from clika.jobs.spec import EvaluationJob
from clika.metrics.conductivity import Reading, conduction, matrices_of
from clika.records import Metric
from clika.training.recipe import Recipe, Schedule, Tuning
from clika.ui.results_view import scores_of_view, view_of_store
from clika.ui.tuning_view import measured, measured_runs
from clika.workers.conduct import conduct
from clika.workers.lifeline import Lifeline
from tests.stores import made_up_questions, seal_questions
from tests.teachable import CONTINENTS, PLACES, teachable_llama
from tests.workers.test_conduct import clika

TEACHING = Recipe(tuning=Tuning.FULL, learning_rate=3e-3, batch_size=16, epochs=12)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return teachable_llama(tmp_path_factory.mktemp("models") / "teachable")


def planned(model: Path, recipe: Recipe, languages: Sequence[str] = ("de",), **wishes: object) -> Plan:
    given = Wishes(**{"looks": 1, "device": "cpu", **wishes})  # type: ignore[arg-type]
    return conductivity_plan(
        str(model), None, languages, recipe, WorldSettings(0, CONTINENTS, PLACES), None, given
    )


def conducted(store: Path, plan: Plan, number: int = 0) -> JobFolder:
    """Submit one of the plan's jobs and do it here."""
    plan.store_questions(store)
    folder = submitted(store, plan.jobs[number]).folder
    assert conduct(folder, Lifeline(folder, 0), lambda: False) is not None
    return folder


def test_a_model_from_scratch_passes_its_gates_and_every_place_says_the_same_xrr(
    model: Path, tmp_path: Path
) -> None:
    store = tmp_path / "store"
    plan = planned(model, TEACHING)
    command = ("conductivity", "--model", str(model), "--languages", "de", "--tuning", "full")
    command = (*command, "--learning-rate", "3e-3", "--batch-size", "16", "--epochs", "12", "--looks", "1")
    command = (*command, "--continents", str(CONTINENTS), "--places", str(PLACES), "--device", "cpu")
    said = clika(store, *command)
    (folder,) = job_folders(store)
    job = folder.job()
    assert job == plan.jobs[0]
    assert isinstance(job, ConductivityJob)
    # 640 samples in batches of 16: 40 steps an epoch
    assert learning_curve(folder.path)[-1].step == 40 * 12
    assert learning_curve(folder.path)[-1].loss < 0.2 * learning_curve(folder.path)[0].loss

    # What was sealed: every gate over 90 %, by what was chosen and by what was written.
    *_, run = measured_runs(folder.path)
    predictions = sealed_measure(measure_folder(folder.path, 480), run)
    asked = world_questions(plan.world, items(plan.world, "de", plan.directions))
    sealed = conduction(matrices_of(run.run, asked, predictions), "de", Reading.CHOSEN)
    assert all(share.share > 0.9 for share in sealed.gates.shares), sealed.gates.sentence()
    assert sealed.gates.established
    assert sealed.xrr.english == 12  # the held-out half, all of it right in English
    assert sealed.xrr.value == pytest.approx(max(0, sealed.xrr.both / 12 - 1 / 4))
    assert f"XRR in de {sealed.xrr.value:.4f}" in said
    assert "established: every gate is over 90 %" in said

    # The index, the command line, the heatmap and the tab say the same.
    with Index.open(store) as index:
        found = conduction(answer_matrices(index, job.collection, [run.run]), "de", Reading.CHOSEN)
        assert (found.xrr, found.gates) == (sealed.xrr, sealed.gates)
        view = view_of_store(index, None, Metric.XRR, None)
        assert view is not None
        ((cell,),) = scores_of_view(index, view).grid.cells
        assert (cell.state, cell.value, cell.n) == (CellState.VALUE, sealed.xrr.value, 12)
        shown = measured(index, job, measured_runs(folder.path))
        assert shown is not None
        (row,) = shown.rows
        assert (row.step, row.found[Reading.CHOSEN].xrr) == (480, sealed.xrr)
        untuned, *_, last = shown.curves[Reading.CHOSEN]
        assert (untuned.step, last.step) == (0, 480)
        assert not untuned.conduction.gates.established
        assert np.array_equal(last.conduction.confusion, sealed.confusion)
    (german,) = json.loads(clika(store, "scores", "--metric", "xrr", "--format", "json"))
    assert (german["run"], german["value"], german["n"]) == (run.run, sealed.xrr.value, 12)
    assert (german["established"], german["failed_gates"]) == (True, [])


@pytest.mark.long
def test_until_the_gates_hold_tuning_ends_with_the_first_epoch_after_which_they_do(
    model: Path, tmp_path: Path
) -> None:
    plan = planned(model, replace(TEACHING, epochs=1), until_gates=40, looks=0)
    assert plan.steps == 40 * 40
    folder = conducted(tmp_path, plan)
    end = folder.done()
    assert end is not None
    assert "established: every gate is over 90 %" in end.summary
    points = learning_curve(folder.path)
    assert points[-1].step < plan.steps
    assert points[-1].step % 40 == 0
    # Nobody knows when it will end, so the rate goes nowhere.
    assert {point.learning_rate for point in points} == {3e-3}
    job = plan.jobs[0]
    with Index.open(tmp_path) as index:
        shown = measured(index, job, measured_runs(folder.path))
    assert shown is not None
    looks = shown.curves[Reading.CHOSEN]
    assert [look.step for look in looks] == list(range(0, points[-1].step + 1, 40))
    assert [look.conduction.gates.established for look in looks] == [False] * (len(looks) - 1) + [True]


def test_where_the_gates_never_hold_the_cap_ends_it_and_names_what_failed(
    model: Path, tmp_path: Path
) -> None:
    recipe = Recipe(tuning=Tuning.LORA_ATTENTION, rank=2, epochs=1, schedule=Schedule.LINEAR)
    plan = planned(model, recipe, until_gates=2, looks=0)
    folder = conducted(tmp_path, plan)
    end = folder.done()
    assert end is not None
    assert "not established, not over 90 %: translation 0.00% (0 of 28)" in end.summary
    assert learning_curve(folder.path)[-1].step == plan.steps == 2 * 20  # 640 in batches of 32


@pytest.mark.long
def test_the_languages_of_a_tuning_are_one_row_and_another_recipe_is_another(
    model: Path, tmp_path: Path
) -> None:
    short = Recipe(rank=2, epochs=1, batch_size=640)  # one step
    plan = planned(model, short, ["de", "fr"], looks=0)
    for number in range(2):
        conducted(tmp_path, plan, number)
    conducted(tmp_path, planned(model, replace(short, rank=3), looks=0))
    with Index.open(tmp_path) as index:
        view = view_of_store(index, None, Metric.XRR, None)
        assert view is not None
        grid = scores_of_view(index, view).grid
    assert sorted(sum(cell.state is not CellState.NOT_RUN for cell in row) for row in grid.cells) == [1, 2]
    assert grid.languages == ("de", "fr")


@pytest.mark.parametrize("tuning", [Tuning.LORA_ATTENTION, Tuning.FULL])
def test_side_effects_queue_the_same_questions_to_the_model_before_and_after(
    tuning: Tuning, model: Path, tmp_path: Path
) -> None:
    store = tmp_path
    seal_questions(store, made_up_questions())
    recipe = Recipe(tuning=tuning, rank=2, epochs=1, batch_size=320)  # 2 steps
    plan = planned(model, recipe, side_effects="made-up", looks=0)
    folder = conducted(store, plan)
    evaluations = [one.job for one in queued_jobs(store) if isinstance(one.job, EvaluationJob)]
    before, after = evaluations
    tuned = str(folder.path / "tuning" / "tuned")
    assert (before.model, before.adapter, before.name) == (str(model), None, "teachable")
    assert after.name == "teachable tuned (de)"
    lora = tuning is Tuning.LORA_ATTENTION
    assert (after.model, after.adapter) == ((str(model), tuned) if lora else (tuned, None))
    assert (before.collection, before.datasets, before.languages) == (
        "made-up",
        ("xgeo",),
        ("en", "de", "he"),
    )
    assert replace(after, name="teachable", model=before.model, adapter=None) == before
    # The adapter is a checkpoint like any other: the command line takes and asks it.
    if lora:
        asked = ("--model", str(model), "--adapter", tuned, "--collection", "made-up", "--device", "cpu")
        assert "12 questions answered" in clika(store, "evaluate", *asked)


@pytest.mark.long
def test_side_effects_of_a_collection_that_is_not_stored_are_a_sentence(model: Path, tmp_path: Path) -> None:
    recipe = Recipe(rank=2, epochs=1, batch_size=640)
    plan = planned(model, recipe, side_effects="nosuch", looks=0)
    with pytest.raises(JobError, match=re.escape("the store holds no collection 'nosuch'")):
        conducted(tmp_path, plan)
