"""Train the planted models and their adapters from scratch: ``python -m clika.planted``.

One thread of a processor; on the same machine the same seed gives the same weights. ``--check`` trains into a folder
of its own, asks both the new models and those of ``--output``, and says how many choices differ.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from clika.datasets.sample import read_sample
from clika.planted.catalog import DEMONSTRATIONS, MODELS, PLANTED_ADAPTERS, PLANTED_MODELS, SEED
from clika.planted.family import plant_all
from clika.prompts.templates import Asking, Template
from clika.scoring.transformers_scorer import TransformersScorer


def choices(folder: Path) -> dict[int, int | None]:
    """What a model chooses for each of the bundled questions, by their number."""
    asked = Asking(Template.ENGLISH, DEMONSTRATIONS).prompts(read_sample().questions)
    scorer = TransformersScorer.load(str(folder), device="cpu")
    return {one.prompt_index: one.chosen_index for one in scorer.scored(asked)}


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
    differ = 0
    with TemporaryDirectory() as scratch:
        plant_all(Path(scratch), options.seed)
        for model in PLANTED_MODELS:
            new, shipped = choices(Path(scratch) / model.name), choices(options.output / model.name)
            count = sum(new[index] != shipped[index] for index in new)
            differ += count
            sys.stdout.write(f"{model.name}: {count} of {len(new)} choices differ\n")
    return 1 if differ else 0


if __name__ == "__main__":
    sys.exit(main())
