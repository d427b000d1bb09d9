"""The demonstration: the planted models asked the bundled sample, the shipped adapters asked about their world.

Nothing of it is stored beforehand: it is queued like any other job, and what it shows was computed on this machine.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.conductivity.world_questions import world_collection, world_questions
from clika.datasets.fictional_items import items
from clika.datasets.fictional_samples import TranslationDirection
from clika.datasets.fictional_world import World, WorldKind, made_world
from clika.datasets.sample import SAMPLE_COLLECTION, read_sample
from clika.errors import DataError
from clika.imports import store_questions
from clika.jobs.any_job import Job
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.queue import JobState, QueuedJob, submitted
from clika.jobs.spec import EvaluationJob
from clika.languages import ENGLISH, LANGUAGES
from clika.planted.card import read_card
from clika.planted.catalog import (
    DEMONSTRATIONS,
    PLANTED_ADAPTERS,
    PLANTED_MODELS,
    REFERENCE,
    RULE,
    TEMPLATE,
    PlantedAdapter,
    PlantedModel,
)
from clika.question_sources import keep_questions, sample_source
from clika.training.recipe import Recipe

NOTE = "clika.json"
"""What stands beside an adapter about its base and recipe."""


@dataclass(frozen=True, slots=True)
class Demo:
    """The models and adapters whose weights are on this machine, and the jobs that ask them."""

    models: tuple[PlantedModel, ...]
    adapters: tuple[PlantedAdapter, ...]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """In the order in which they are done: RA's reference first."""
        models = sorted(self.models, key=lambda one: one.name != REFERENCE)
        folders = {one.name: one.folder for one in self.models}
        asked = [_evaluation(one, sorted({q.dataset for q in read_sample().questions})) for one in models]
        return (*asked, *(_conduction(one, folders[one.base]) for one in self.adapters))

    @property
    def taught_in_english(self) -> Mapping[str, frozenset[str]]:
        """A model's name -> the ids that its card says it was taught in English, at any stage; without a card none."""
        cards = {one.name: read_card(one.card) for one in self.models if one.card.is_file()}
        return {
            name: frozenset(one for stage in card.stages for one in stage.taught.get(ENGLISH, ()))
            for name, card in cards.items()
        }

    def queued_in(self, store: Path) -> tuple[QueuedJob, ...]:
        """Keep the questions and put the jobs into the store's queue; what is there already goes on."""
        if not self.models:
            return ()
        self.keep_questions(store)
        return tuple(submitted(store, job) for job in self.jobs)

    def keep_questions(self, store: Path) -> None:
        """Store what the jobs ask."""
        keep_questions(store, sample_source())
        for adapter in self.adapters:
            world = _world(adapter)
            asked = items(world, adapter.language, (TranslationDirection.EN_X,))
            store_questions(store, world_collection(world), world_questions(world, asked))


def demo(
    models: Sequence[PlantedModel] = PLANTED_MODELS, adapters: Sequence[PlantedAdapter] = PLANTED_ADAPTERS
) -> Demo:
    """What of the catalog is on this machine: a copy without ``assets`` has nothing to show."""
    there = tuple(one for one in models if one.is_there)
    names = {one.name for one in there}
    return Demo(there, tuple(one for one in adapters if _whole(one) and one.base in names))


def _whole(adapter: PlantedAdapter) -> bool:
    """Whether its weights are there, and what is known of them."""
    return adapter.is_there and (adapter.folder / NOTE).is_file()


def is_empty(store: Path) -> bool:
    """Whether a store has never held a question or a job."""
    held = (place for name in ("collections", "jobs") for place in (store / name).glob("*"))
    return not any(place.is_dir() for place in held)


def progress_sentence(jobs: Sequence[QueuedJob]) -> str | None:
    """How the demonstration stands, for a person; None where it is not under way."""
    going = [one for one in jobs if one.state in (JobState.QUEUED, JobState.RUNNING)]
    if not going:
        return None
    done = sum(one.state is JobState.DONE for one in jobs)
    now = [one.request.name for one in going if one.state is JobState.RUNNING]
    at = f"; now {' and '.join(now)}" if now else ""
    return (
        f"CLiKA's own small models are being asked on this machine ({done} of {len(jobs)} done{at}). The cells fill as"
        " answers come in."
    )


def _evaluation(model: PlantedModel, datasets: Sequence[str]) -> EvaluationJob:
    return EvaluationJob(
        model=str(model.folder),
        name=model.name,
        collection=SAMPLE_COLLECTION,
        datasets=tuple(datasets),
        languages=tuple(LANGUAGES),
        template=TEMPLATE,
        demonstrations=DEMONSTRATIONS,
        rule=RULE,
        device="cpu",
        cores=1,  # so small a model is no faster on two, and another of them can be asked on the second
    )


def _conduction(adapter: PlantedAdapter, base: Path) -> ConductivityJob:
    settings = adapter.world
    return ConductivityJob(
        model=str(base),
        name=adapter.name,
        language=adapter.language,
        collection=world_collection(_world(adapter)),
        recipe=_recipe(adapter.folder / NOTE).to_json(),
        seed=settings.seed,
        style=str(settings.style),  # type: ignore[arg-type]  # the job checks it
        one_hop=settings.kind is WorldKind.FOUNDING_YEARS,
        continents=settings.continents,
        places=settings.places,
        looks=0,
        device="cpu",
        cores=1,
        adapter=str(adapter.folder),
    )


def _world(adapter: PlantedAdapter) -> World:
    return made_world(adapter.world, read_sample().place_names)


def _recipe(path: Path) -> Recipe:
    """The recipe that an adapter was tuned by. Raises DataError where it cannot be read."""
    try:
        return Recipe.from_json(json.dumps(json.loads(path.read_text("utf-8"))["recipe"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{path}: no recipe to be read ({error}); get the repository's assets again"
        ) from error
