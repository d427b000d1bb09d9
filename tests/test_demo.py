"""The demonstration with stand-ins for the shipped weights: what it queues, when, and what it says of itself."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from clika.database.index import Index
from clika.datasets.fictional_world import WorldSettings
from clika.demo import Demo, demo, is_empty, progress_sentence
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.queue import JobState, queued_jobs
from clika.jobs.spec import EvaluationJob
from clika.planted.catalog import PlantedAdapter, PlantedModel
from clika.question_sources import stored_source
from clika.settings import Settings
from clika.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class StandInModel(PlantedModel):
    """A planted model in a folder of the test's."""

    place: Path = Path()

    @property
    def folder(self) -> Path:
        return self.place / self.name


@dataclass(frozen=True, slots=True)
class StandInAdapter(PlantedAdapter):
    """An adapter in a folder of the test's."""

    place: Path = Path()

    @property
    def folder(self) -> Path:
        return self.place / self.name


def stand_in(folder: Path) -> Demo:
    """Two models and one adapter, with files where the weights would be, which nobody reads here."""
    models = [StandInModel(name, "for tests", folder) for name in ("bridge", "mixed", "not-there")]
    world = WorldSettings(seed=3, continents=2, places=2)
    adapters = [
        StandInAdapter("bridge-ru", "bridge", "ru", world, folder),
        StandInAdapter("lost-ru", "not-there", "ru", world, folder),
    ]
    for model in models[:2]:
        model.folder.mkdir(parents=True)
        (model.folder / "model.safetensors").touch()
    for adapter in adapters:
        adapter.folder.mkdir()
        (adapter.folder / "adapter_model.safetensors").touch()
        (adapter.folder / "clika.json").write_text(f'{{"recipe": {Recipe(rank=4).to_json()}}}')
    return demo(models, adapters)


def test_what_is_not_on_this_machine_is_left_out(tmp_path: Path) -> None:
    found = stand_in(tmp_path / "assets")
    assert [model.name for model in found.models] == ["bridge", "mixed"]
    assert [adapter.name for adapter in found.adapters] == ["bridge-ru"]  # the other one's base is not there


def test_the_reference_is_asked_first_and_everything_as_it_was_taught(tmp_path: Path) -> None:
    jobs = stand_in(tmp_path / "assets").jobs
    assert [job.name for job in jobs] == ["mixed", "bridge", "bridge-ru"]
    asked, _, conducted = jobs
    assert isinstance(asked, EvaluationJob)
    assert (asked.template, asked.demonstrations, asked.rule, asked.limit) == ("english", 0, "letter", None)
    assert len(asked.languages) == 10
    assert isinstance(conducted, ConductivityJob)
    assert conducted.adapter == str(tmp_path / "assets" / "bridge-ru")
    assert (conducted.model, conducted.language) == (str(tmp_path / "assets" / "bridge"), "ru")
    assert Recipe.from_json(conducted.recipe).rank == 4


def test_an_empty_store_gets_the_questions_and_the_jobs_once(tmp_path: Path) -> None:
    shown, store = stand_in(tmp_path / "assets"), tmp_path / "store"
    assert is_empty(store)
    first = shown.queued_in(store)
    assert [one.state for one in first] == [JobState.QUEUED] * 3
    assert not is_empty(store)
    assert len(stored_source(store, "sample").questions) == 1740  # 174 in ten languages
    world = first[2].job
    assert isinstance(world, ConductivityJob)
    assert {one.language for one in stored_source(store, world.collection).questions} == {"en", "ru"}
    shown.queued_in(store)
    assert [one.request.name for one in queued_jobs(store)] == ["mixed", "bridge", "bridge-ru"]


def test_a_store_that_held_something_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / ".gitkeep").touch()
    assert is_empty(tmp_path)
    (tmp_path / "collections" / "mine").mkdir(parents=True)
    assert not is_empty(tmp_path)


def test_without_weights_nothing_is_queued_and_an_empty_store_stays_empty(tmp_path: Path) -> None:
    assert Demo((), ()).queued_in(tmp_path) == ()
    assert is_empty(tmp_path)


def test_how_far_it_is_is_told_until_nothing_is_left_to_do(tmp_path: Path) -> None:
    jobs = stand_in(tmp_path / "assets").queued_in(tmp_path / "store")
    done, running = replace(jobs[0], state=JobState.DONE), replace(jobs[1], state=JobState.RUNNING)
    sentence = progress_sentence([done, running, jobs[2]])
    assert sentence is not None
    assert "(1 of 3 done; now bridge)" in sentence
    assert progress_sentence([done, replace(running, state=JobState.FAILED)]) is None


def test_the_environment_can_say_no() -> None:
    assert Settings.from_env({}).demo
    assert not Settings.from_env({"CLIKA_DEMO": "0"}).demo
    with pytest.raises(Exception, match="CLIKA_DEMO is 'perhaps'"):
        Settings.from_env({"CLIKA_DEMO": "perhaps"})


def test_the_store_with_queued_jobs_opens(tmp_path: Path) -> None:
    stand_in(tmp_path / "assets").queued_in(tmp_path / "store")
    with Index.open(tmp_path / "store") as index:
        assert index.notices == ()
