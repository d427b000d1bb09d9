"""Train the planted models and their adapters from scratch: ``python -m clika.planted``.

One thread of a processor; on the same machine the same seed gives the same weights. ``--check`` trains into a folder
of its own, asks both the new models and adapters and those of ``--output``, and says how many choices differ.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from clika.conductivity.asking import world_answers
from clika.datasets.fictional_world import made_world
from clika.datasets.sample import read_sample
from clika.planted.catalog import (
    DEMONSTRATIONS,
    MODELS,
    PLANTED_ADAPTERS,
    PLANTED_MODELS,
    SEED,
    PlantedAdapter,
)
from clika.planted.family import plant_all
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text
from clika.prompts.templates import Asking, Template
from clika.scoring.transformers_answers import TransformersAnswers
from clika.scoring.transformers_scorer import TransformersScorer

Choices = Mapping[object, int | None]


def choices(name: str, models: Path) -> Choices:
    """What the model of that name in ``models`` chooses for each of the bundled questions, by their number."""
    asked = Asking(Template.ENGLISH, DEMONSTRATIONS).prompts(read_sample().questions)
    scorer = TransformersScorer.load(str(models / name), device="cpu")
    return {one.prompt_index: one.chosen_index for one in scorer.scored(asked)}


def choices_of_world(adapter: PlantedAdapter, models: Path) -> Choices:
    """What an adapter on its base, both in ``models``, chooses of its world, by question and language."""

    def prompt_of(instruction: str, source: str | None) -> str:
        return instruction_prompt(InstructionForm.ALPACA, instruction_text(instruction, source))

    base, folder = models / adapter.base, models / adapter.name
    answers, _ = TransformersAnswers.load(str(base), adapter=folder, device="cpu")
    world = made_world(adapter.world, read_sample().place_names)
    said = world_answers(world, adapter.language, answers, answers, prompt_of, run=adapter.name).predictions
    return {(one.dataset, one.question_id, one.language): one.chosen_index for one in said}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit status: 1 where ``--check`` finds a choice that differs."""
    names = [one.name for one in (*PLANTED_MODELS, *PLANTED_ADAPTERS)]
    parser = argparse.ArgumentParser(prog="python -m clika.planted", description="train the planted models")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--output", type=Path, default=MODELS, help="default: assets/models")
    parser.add_argument("--only", nargs="+", default=[], choices=names, help="default: all of them")
    parser.add_argument("--check", action="store_true", help="train anew elsewhere and compare")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    if not options.check:
        plant_all(options.output, options.seed, tuple(options.only))
        return 0
    with TemporaryDirectory() as scratch:
        plant_all(Path(scratch), options.seed)
        differ = sum(
            told(name, asked(Path(scratch)), asked(options.output)) for name, asked in _everybody().items()
        )
    return 1 if differ else 0


def _everybody() -> Mapping[str, Callable[[Path], Choices]]:
    """Name -> what it chooses, of the folder that holds them all."""
    models = {one.name: partial(choices, one.name) for one in PLANTED_MODELS}
    return {**models, **{one.name: partial(choices_of_world, one) for one in PLANTED_ADAPTERS}}


def told(name: str, new: Choices, shipped: Choices) -> int:
    """How many choices differ, said."""
    count = sum(new.get(key) != shipped.get(key) for key in new.keys() | shipped.keys())
    sys.stdout.write(f"{name}: {count} of {len(new)} choices differ\n")
    return count


if __name__ == "__main__":
    sys.exit(main())
