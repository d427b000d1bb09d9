"""What is to be taught to whom, as the command line and the page ask for it: a world, and a job a language."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from clika.conductivity.world_questions import world_collection, world_questions
from clika.datasets.fictional_items import items
from clika.datasets.fictional_release import read_world
from clika.datasets.fictional_samples import (
    SampleCounts,
    TranslationDirection,
    sample_counts,
    translation_directions,
)
from clika.datasets.fictional_world import World, WorldKind, WorldSettings, made_world
from clika.datasets.sample import read_sample
from clika.errors import UsageError
from clika.imports import store_questions
from clika.jobs.conductivity_spec import ConductivityJob
from clika.training.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Wishes:
    """All that jobs of several languages have in common, but model, recipe and world. See ConductivityJob."""

    direction: str = "en-x"
    control: bool = False
    looks: int = 3
    until_gates: int = 0
    side_effects: str | None = None
    device: str = "auto"
    processes: int = 1
    cores: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs, one a language, and what they teach. ``faults`` are sentences about the world's files."""

    jobs: tuple[ConductivityJob, ...]
    world: World
    recipe: Recipe
    faults: tuple[str, ...]

    @property
    def directions(self) -> tuple[TranslationDirection, ...]:
        """In which directions names are translated."""
        return translation_directions(self.jobs[0].direction)

    @property
    def counts(self) -> SampleCounts:
        """How many samples each job teaches an epoch."""
        return sample_counts(self.world.shape, self.directions, self.jobs[0].control)

    @property
    def epochs(self) -> int:
        """How many there are; the most there may be where tuning goes on until the gates hold."""
        return self.jobs[0].until_gates or self.recipe.epochs

    @property
    def steps(self) -> int:
        """Optimiser steps of a job, at most."""
        return self.recipe.steps(self.counts.total) // self.recipe.epochs * self.epochs

    def sentence(self) -> str:
        """For a person: samples and steps."""
        return f"{self.counts.sentence()}; {self.steps} steps of {self.recipe.batch_size}"

    def check(self) -> None:
        """Raises UsageError for what cannot be asked or stored: too many candidates, no collection of that name."""
        for job in self.jobs:
            world_questions(self.world, items(self.world, job.language, self.directions))

    def store_questions(self, store: Path) -> None:
        """Keep the world's questions in all the jobs' languages. Raises as ``store_questions`` does."""
        for job in self.jobs:
            asked = world_questions(self.world, items(self.world, job.language, self.directions))
            store_questions(store, job.collection, asked)


def conductivity_plan(
    model: str,
    name: str | None,
    languages: Sequence[str],
    recipe: Recipe,
    settings: WorldSettings,
    data: Path | None,
    wishes: Wishes,
) -> Plan:
    """A job a language. ``data`` is a folder that holds a world, which leaves no ``settings`` but the seed.

    Raises UsageError for what cannot be and DataError for a folder that holds no world.
    """
    if not languages:
        raise UsageError("no language is named; what is taught in English is asked in at least one other")
    if data is not None and settings != WorldSettings(seed=settings.seed):
        raise UsageError(
            "--data brings a world of its own; leave out --style, --one-hop, --continents and --places"
        )
    folder = Path(model)
    is_folder = folder.is_dir()
    world, faults = _made(settings) if data is None else _read(data)
    jobs = tuple(
        ConductivityJob(
            model=str(folder.resolve()) if is_folder else model,
            name=name or folder.name,
            language=language,
            collection=world_collection(world),
            recipe=recipe.to_json(),
            seed=settings.seed,
            style=str(settings.style),  # type: ignore[arg-type]  # the settings checked it
            one_hop=settings.kind is WorldKind.FOUNDING_YEARS,
            continents=settings.continents,
            places=settings.places,
            world_folder=None if data is None else str(data.resolve()),
            direction=wishes.direction,  # type: ignore[arg-type]  # the job checks it
            control=wishes.control,
            looks=wishes.looks,
            until_gates=wishes.until_gates,
            side_effects=wishes.side_effects,
            device=wishes.device,  # type: ignore[arg-type]  # the job checks it
            cores=wishes.cores,
            processes=wishes.processes,
        )
        for language in languages
    )
    plan = Plan(jobs, world, recipe, faults)
    plan.check()
    return plan


@lru_cache(maxsize=4)
def _made(settings: WorldSettings) -> tuple[World, tuple[str, ...]]:
    """A form asks for the same world with every letter that is typed."""
    return made_world(settings, read_sample().place_names), ()


def _read(folder: Path) -> tuple[World, tuple[str, ...]]:
    release = read_world(folder)
    return release.world, release.faults
