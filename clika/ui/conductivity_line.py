"""The command that does what conductivity jobs ask for, to be copied into a shell."""

import shlex
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

from clika.jobs.conductivity_spec import ConductivityJob
from clika.training.recipe import Recipe

_JOB_OPTIONS = {
    "direction": "--direction",
    "looks": "--looks",
    "until_gates": "--until-gates",
    "side_effects": "--side-effects",
    "device": "--device",
    "processes": "--processes",
}
_WORLD_OPTIONS = {"style": "--style", "continents": "--continents", "places": "--places"}
_RECIPE_OPTIONS = {
    "tuning": "--tuning",
    "epochs": "--epochs",
    "rank": "--rank",
    "alpha": "--alpha",
    "dropout": "--dropout",
    "learning_rate": "--learning-rate",
    "schedule": "--schedule",
    "batch_size": "--batch-size",
    "precision": "--precision",
    "seed": "--seed",
}


def conductivity_command_line(jobs: Sequence[ConductivityJob], store: Path) -> str:
    """One command that queues jobs which differ in nothing but their language."""
    job = jobs[0]
    recipe = Recipe.from_json(job.recipe)
    if job.world_folder is not None:
        world = _option("--data", job.world_folder)
    else:
        world = [
            *_option("--world", str(job.seed)),
            *_unless_standard(job, _WORLD_OPTIONS),
            *(["--one-hop"] if job.one_hop else []),
        ]
    arguments = [
        *("python", "-m", "clika", "conductivity"),
        *_option("--model", job.model),
        *(_option("--name", job.name) if job.name != Path(job.model).name else ()),
        *_option("--languages", ",".join(one.language for one in jobs)),
        *world,
        *_unless_standard(recipe, _RECIPE_OPTIONS),
        *(["--gradient-checkpointing"] if recipe.gradient_checkpointing else []),
        *(["--control"] if job.control else []),
        *_unless_standard(job, _JOB_OPTIONS),
        "--queue",
        *_option("--store", str(store.resolve())),
    ]
    return shlex.join(arguments)


def evaluation_command_line(job: ConductivityJob, tuned: Path) -> str:
    """The command that asks the bundled questions of what a job tuned: an adapter on its base, or a whole model."""
    whole = not Recipe.from_json(job.recipe).lora
    asked = ["--model", str(tuned)] if whole else ["--model", job.model, "--adapter", str(tuned)]
    return shlex.join(["python", "-m", "clika", "evaluate", *asked, "--collection", "sample"])


def _unless_standard(of: ConductivityJob | Recipe, options: dict[str, str]) -> list[str]:
    standard = {field.name: field.default for field in fields(of)}
    given = {name: getattr(of, name) for name in options}
    return [
        word
        for name, value in given.items()
        if value != standard[name]
        for word in _option(options[name], str(value))
    ]


def _option(name: str, value: str) -> list[str]:
    """An option and its value; as one word where the value would be taken for an option itself."""
    return [f"{name}={value}"] if value.startswith("-") else [name, value]
