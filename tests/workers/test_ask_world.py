"""An adapter that was tuned already is asked about its world, and answers as it did at the end of its tuning."""

from dataclasses import replace
from pathlib import Path

import pytest

from clika.conductivity.sealed_measures import measure_folder
from clika.conductivity.world_questions import world_collection, world_questions
from clika.database.index import Index
from clika.database.queries import answer_matrices, run_summaries
from clika.datasets.fictional_items import items
from clika.datasets.fictional_samples import TranslationDirection
from clika.datasets.fictional_world import WorldSettings, made_world
from clika.datasets.sample import read_sample
from clika.errors import ModelError
from clika.imports import store_questions
from clika.jobs.any_job import read_job
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.folder import JobFolder
from clika.records import Prediction
from clika.shards import predictions_of, sound_tables
from clika.training.recipe import Recipe
from clika.workers.conduct import conduct
from clika.workers.lifeline import Lifeline
from tests.models import tiny_llama

SETTINGS = WorldSettings(seed=3, continents=2, places=2)


def conducted(store: Path, job: ConductivityJob) -> JobFolder:
    """The job done to its end in this process."""
    folder = JobFolder.of(store, job)
    folder.write_job(job)
    assert conduct(folder, Lifeline(folder, 0), lambda: False) is not None
    return folder


def answers(folder: JobFolder, step: int) -> list[Prediction]:
    """What is sealed of a step, whoever's run it is."""
    tables, _ = sound_tables(measure_folder(folder.path, step))
    found = [one for _, table in tables for one in predictions_of("", table)]
    return sorted(found, key=lambda one: (one.dataset, one.question_id, one.language))


@pytest.mark.long
def test_an_adapter_answers_as_at_the_end_of_its_tuning_and_is_a_run_of_its_own(tmp_path: Path) -> None:
    model, store = tiny_llama(tmp_path / "tiny"), tmp_path / "store"
    world = made_world(SETTINGS, read_sample().place_names)
    asked = world_questions(world, items(world, "de", (TranslationDirection.EN_X,)))
    store_questions(store, world_collection(world), asked)
    teaching = ConductivityJob(
        model=str(model), name="tiny", language="de", collection=world_collection(world),
        recipe=Recipe(epochs=1, rank=4).to_json(), seed=3, continents=2, places=2, looks=0, device="cpu",
    )  # fmt: skip
    taught = conducted(store, teaching)
    asking = replace(teaching, name="tiny asked", adapter=str(taught.path / "tuning" / "tuned"))
    assert read_job(asking.to_json()) == asking
    assert asking.job_id != teaching.job_id
    folder = conducted(store, asking)
    # 120 samples by 32 are 4 steps: the adapter's note says which step it is of
    assert [path.name for path in (folder.path / "measures").iterdir()] == ["000004"]
    assert not (folder.path / "tuning").exists()
    live, later = answers(taught, 4), answers(folder, 4)
    assert [replace(one, scores={}) for one in later] == [replace(one, scores={}) for one in live]
    with Index.open(store) as index:
        names = [one.run.model.name for one in run_summaries(index, world_collection(world))]
        assert sorted(names) == ["tiny", "tiny", "tiny asked"]  # before and after the tuning; asked
        assert len(answer_matrices(index, world_collection(world), datasets=["fictional"])) == 3
    end = folder.done()
    assert end is not None
    assert end.summary.startswith("XRR in de ")
    assert conducted(store, asking).done() == end  # nothing is asked twice
    other = tiny_llama(tmp_path / "other", seed=1)
    with pytest.raises(ModelError, match="was tuned on another model"):
        conducted(store, replace(asking, model=str(other)))


def test_a_job_without_an_adapter_has_the_id_that_it_always_had() -> None:
    job = ConductivityJob("m", "m", "de", "world-1", "{}")
    assert job.job_id == "conductivity-e3763b92d2f7"  # as the version before adapters gave it
