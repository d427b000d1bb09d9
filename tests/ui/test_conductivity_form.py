"""The form becomes a job a language; what it cannot ask for is a sentence; the command does the same."""

import shlex
from dataclasses import replace
from pathlib import Path

import pytest

from clika.cli import main
from clika.conductivity_jobs import Plan
from clika.datasets.fictional_files import write_world
from clika.datasets.fictional_world import WorldSettings, made_world
from clika.errors import UsageError
from clika.jobs.conductivity_spec import ConductivityJob, job_world
from clika.jobs.queue import queued_jobs, submitted
from clika.ui.conductivity_form import ConductivityForm
from clika.ui.conductivity_line import conductivity_command_line, evaluation_command_line
from clika.ui.jobs_watch import job_views
from clika.ui.tuning_estimate import TuningEstimate, tuning_estimate
from clika.ui.tuning_watch import TuningWatch
from tests.models import tiny_llama
from tests.ui.tuned_store import keep_steps, small_form


def test_the_form_as_it_opens_is_the_papers_experiment() -> None:
    plan = ConductivityForm(model="owner/name").plan()
    # (400 + 20) x 10 + 400 x 10 + 200 x 10 = 10,200; 319 batches of 32 an epoch, 3 epochs
    assert plan.sentence() == (
        "4,200 translations + 4,000 English relations + 2,000 taught relations = 10,200 samples; 957 steps of 32"
    )
    (job,) = plan.jobs
    standard = ConductivityJob("owner/name", "name", "de", job.collection, plan.recipe.to_json())
    assert job == standard
    assert job_world(job) == plan.world


def test_each_language_is_a_job_in_the_languages_order() -> None:
    plan = small_form(Path("owner/name"), languages=["zh", "de"], until_gates=9).plan()
    assert [job.language for job in plan.jobs] == ["de", "zh"]
    assert plan.steps == 18 * 9  # 550 samples in batches of 32


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"model": " "}, "no model is named"),
        ({"model": "a\nb"}, "2 models"),
        ({"model": "<b>x</b>"}, "no Hub id"),
        ({"languages": []}, "no language is named"),
        ({"languages": ["en"]}, "asked in another language"),
        ({"languages": ["xx"]}, "'xx'"),
        ({"languages": "de"}, "choose of those offered"),
        ({"tuning": "qlora"}, "tuning 'qlora'"),
        ({"epochs": 0}, "epochs 0"),
        ({"epochs": 1.5}, "whole number"),
        ({"until_gates": -1}, "until gates -1"),
        ({"looks": 101}, "looks 101"),
        ({"seed": -1}, "seed -1"),
        ({"seed": None}, "whole number"),
        ({"style": "loud"}, "style 'loud'"),
        ({"kind": "rivers"}, "'rivers'"),
        ({"kind": "cities", "style": "described"}, "nobody founded"),
        ({"continents": 1}, "at least 2"),
        ({"continents": 30}, "fewer continents"),
        ({"places": 10**8}, "at most 20000"),
        ({"world_folder": "/no/such/folder"}, "no folder '/no/such/folder'"),
        ({"world_folder": "\0"}, "no folder"),
        ({"direction": "back"}, "direction 'back'"),
        ({"rank": 0}, "rank 0"),
        ({"alpha": "16"}, "write a number"),
        ({"dropout": 1.0}, "dropout 1.0"),
        ({"learning_rate": "fast"}, "learning rate 'fast'"),
        ({"learning_rate": "2"}, "below 1"),
        ({"schedule": "stairs"}, "schedule 'stairs'"),
        ({"batch_size": 0}, "batch size 0"),
        ({"precision": "int4"}, "precision 'int4'"),
        ({"device": "tpu"}, "device 'tpu'"),
        ({"processes": 0}, "processes 0"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        replace(ConductivityForm(model="owner/name"), **changes).plan()  # type: ignore[arg-type]


FORMS = [
    small_form(Path("owner/name")),
    small_form(Path("owner/name"), languages=["he", "de"], seed=7, style="described", places=2, looks=0),
    small_form(Path("owner/name"), kind="cities", direction="both", control=True, until_gates=5),
    small_form(Path("owner/name"), tuning="full", learning_rate="3e-3", schedule="constant", batch_size=16),
    small_form(
        Path("owner/name"), name="-a 'name' $(touch x)", alpha=8.5, dropout=0, precision="bfloat16",
        gradient_checkpointing=True, recipe_seed=4, device="cpu", processes=2, epochs=1,
    ),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_command_shown_queues_the_same_jobs(form: ConductivityForm, tmp_path: Path) -> None:
    plan = form.plan()
    words = shlex.split(conductivity_command_line(plan.jobs, tmp_path / "a store"))
    assert words[:3] == ["python", "-m", "clika"]
    assert main(words[3:]) == 0
    assert tuple(one.job for one in queued_jobs(tmp_path / "a store")) == plan.jobs


@pytest.mark.parametrize("form", FORMS)
def test_a_job_fills_the_form_that_asks_for_it_again(form: ConductivityForm) -> None:
    for job in form.plan().jobs:
        assert ConductivityForm.of(job).plan().jobs == (job,)


def test_a_world_from_a_folder_leaves_the_sizes_aside_and_its_faults_are_told(tmp_path: Path) -> None:
    world = made_world(WorldSettings(1, 3, 2))
    write_world(world, tmp_path / "world")
    plan = ConductivityForm(model="owner/name", world_folder=str(tmp_path / "world"), continents=9).plan()
    assert plan.world.shape == world.shape
    assert conductivity_command_line(plan.jobs, tmp_path).count("--data") == 1
    assert ConductivityForm.of(plan.jobs[0]).plan().jobs == plan.jobs


def test_an_adapter_is_evaluated_on_its_base_and_a_whole_model_alone(tmp_path: Path) -> None:
    (lora,) = small_form(Path("owner/name")).plan().jobs
    (full,) = small_form(Path("owner/name"), tuning="full").plan().jobs
    assert "--model owner/name --adapter" in evaluation_command_line(lora, tmp_path)
    assert evaluation_command_line(full, tmp_path).split()[4:6] == ["--model", str(tmp_path)]


def estimated(store: Path, plan: Plan) -> TuningEstimate:
    return tuning_estimate(plan, job_views(store), TuningWatch(), ("cpu",))


def test_time_comes_from_an_earlier_tuning_and_is_unknown_without_one(tmp_path: Path) -> None:
    model, store = tiny_llama(tmp_path / "model"), tmp_path / "store"
    plan = small_form(model, languages=["de", "fr"]).plan()
    nothing = dict(estimated(store, plan).pairs())
    assert nothing["Time"] == "unknown yet: no model has been tuned in this store before"
    keep_steps(submitted(store, plan.jobs[0]).folder, plan, 3)  # 160 samples a second
    known = estimated(store, plan)
    assert known.seconds == pytest.approx(550 * 3 * 2 / 160)
    assert "if as fast as model was" in dict(known.pairs())["Time"]
    wider = small_form(tiny_llama(tmp_path / "wider", hidden_size=64), languages=["de"]).plan()
    other = estimated(store, wider)
    assert other.past is not None
    assert other.memory is not None
    assert known.memory is not None
    ratio = other.memory.weights / known.memory.weights
    assert other.seconds == pytest.approx(550 * 3 / 160 * ratio)


def test_memory_says_how_it_is_computed(tmp_path: Path) -> None:
    model = tiny_llama(tmp_path / "model")
    said = dict(estimated(tmp_path, small_form(model).plan()).pairs())["Memory"]
    assert "weights × 4 bytes" in said
    assert "of an adapter × 16" in said
    assert "the checkpoint is not here yet" in dict(
        estimated(tmp_path, small_form(Path("owner/name")).plan()).pairs()
    )["Memory"]  # fmt: skip


def test_devices_that_are_not_there_are_said_before_anything_waits(tmp_path: Path) -> None:
    plan = small_form(Path("owner/name"), device="cuda", processes=2).plan()
    assert "this machine has 0" in dict(estimated(tmp_path, plan).pairs())["Devices here"]
