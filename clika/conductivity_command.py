"""``python -m clika conductivity``: teach a model a fictional world, one job a language."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from clika.checkpoint_commands import registered
from clika.conductivity_jobs import Wishes, conductivity_plan
from clika.datasets.fictional_world import NameStyle, WorldKind, WorldSettings
from clika.errors import JobError, UsageError
from clika.job_commands import done_to_end, submit_command
from clika.languages import language_codes
from clika.training.recipe import Precision, Recipe, Schedule, Tuning

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_conductivity_command(command: MakeCommand) -> None:
    """``conductivity`` and its options, added to the command line's parser."""
    standard = Recipe()
    made = command("conductivity", conductivity_command, "teach a model a fictional world and measure XRR")
    made.add_argument("--model", required=True, help="a checkpoint's folder, or a Hub id")
    made.add_argument("--name", help="the name to show (default: the folder's or id's last part)")
    made.add_argument("--languages", required=True, help="codes such as de,zh: a job each")
    world = made.add_mutually_exclusive_group()
    world.add_argument("--world", type=int, default=0, metavar="SEED", help="another seed is another world")
    world.add_argument("--data", type=Path, metavar="DIR", help="a world's folder, in the release's layout")
    made.add_argument("--style", default="coined", choices=[str(style) for style in NameStyle])
    made.add_argument("--one-hop", action="store_true", help="cities and their founding years")
    made.add_argument("--continents", type=int, default=20)
    made.add_argument("--places", type=int, default=20, help="on each continent (default 20)")
    made.add_argument("--direction", default="en-x", choices=["en-x", "x-en", "both"])
    made.add_argument("--control", action="store_true", help="teach the held-out half in the language too")
    made.add_argument("--tuning", default=str(standard.tuning), choices=[str(tuning) for tuning in Tuning])
    made.add_argument("--epochs", type=int, default=standard.epochs)
    made.add_argument("--rank", type=int, default=standard.rank)
    made.add_argument("--alpha", type=float, default=standard.alpha)
    made.add_argument("--dropout", type=float, default=standard.dropout)
    made.add_argument("--learning-rate", type=float, help="default 2e-4, or 2e-5 for full")
    made.add_argument("--schedule", default=str(standard.schedule), choices=[str(one) for one in Schedule])
    made.add_argument(
        "--batch-size", type=int, default=standard.batch_size, help="samples a step (default 32)"
    )
    made.add_argument("--precision", default=str(standard.precision), choices=[str(one) for one in Precision])
    made.add_argument("--gradient-checkpointing", action="store_true")
    made.add_argument(
        "--seed", type=int, default=0, help="of the order of samples and of the adapter's weights"
    )
    made.add_argument("--looks", type=int, default=3, help="how often it is measured on the way (default 3)")
    made.add_argument(
        "--until-gates",
        type=int,
        default=0,
        metavar="EPOCHS",
        help="go on until every gate holds, at most so long",
    )
    made.add_argument(
        "--side-effects", metavar="COLLECTION", help="ask these stored questions before and after"
    )
    made.add_argument("--device", default="auto", choices=["cpu", "cuda", "mps", "auto"])
    made.add_argument("--cores", type=int, default=0, help="CPU cores that it takes (default 0: all)")
    made.add_argument("--processes", type=int, default=1, help="devices that share each step (default 1)")
    made.add_argument("--queue", action="store_true", help="put it into the queue and return")
    made.add_argument("--dry-run", action="store_true", help="say what would be taught, and do nothing")


def conductivity_command(options: argparse.Namespace) -> int:
    """``conductivity --model M --languages de,zh``"""
    languages = language_codes(options.languages)
    settings = WorldSettings(
        seed=options.world,
        continents=options.continents,
        places=options.places,
        style=NameStyle(options.style),
        kind=WorldKind.FOUNDING_YEARS if options.one_hop else WorldKind.CONTINENTS,
    )
    recipe = Recipe(
        tuning=Tuning(options.tuning),
        rank=options.rank,
        alpha=options.alpha,
        dropout=options.dropout,
        learning_rate=options.learning_rate,
        schedule=Schedule(options.schedule),
        batch_size=options.batch_size,
        epochs=options.epochs,
        precision=Precision(options.precision),
        gradient_checkpointing=options.gradient_checkpointing,
        seed=options.seed,
    )
    model, adapter, name = registered(options.store, options.model, None, options.name)
    if adapter is not None:
        raise UsageError(f"{options.model} is an adapter; a tuning begins with a whole model: give its base")
    wishes = Wishes(
        options.direction,
        options.control,
        options.looks,
        options.until_gates,
        options.side_effects,
        options.device,
        options.processes,
        options.cores,
    )
    plan = conductivity_plan(model, name, languages, recipe, settings, options.data, wishes)
    for sentence in plan.faults:
        print(f"clika: {sentence}", file=sys.stderr)
    print(f"world {plan.world.fingerprint}: {plan.sentence()}")
    if options.dry_run:
        return 0
    plan.store_questions(options.store)
    failed = 0
    for job in plan.jobs:
        if options.queue:
            failed |= submit_command(options.store, job)
            continue
        try:
            print(done_to_end(options.store, job))
        except JobError as error:
            print(f"clika: {error}", file=sys.stderr)
            failed = 1
    return failed
