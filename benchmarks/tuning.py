"""This loop, transformers' Trainer and TRL's SFTTrainer on the paper's samples: ``make bench-tuning``.

    python -m benchmarks.tuning [--size 29] [--language zh] [--steps N] [--rounds N] [--threads N] [--whole]

A random-initialised Llama is tuned on a fictional world's training set (10,200 samples, 3 epochs) by the paper's
recipe, at dropout 0 and at the recipe's. The contestants take turns, round after round, on the first steps of the
same samples; rates are medians over the rounds. At dropout 0 the losses of our first steps are compared with those of
Trainer, which gets the samples in our order. ``--whole`` also runs our recipe to its end. LLaMA-Factory needs an older
transformers than ours and is left out. The last line is one JSON list, an object a dropout; null is what was not
measured.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from transformers import PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from benchmarks.core_watch import CoreWatch
from benchmarks.random_llama import SHAPES, saved_llama, trained_tokenizer
from benchmarks.tuning_contestants import Contestant, Ours, Timed, TransformersTrainer, TrlPacked, has_trl
from clika.datasets.fictional_samples import samples
from clika.datasets.fictional_world import WorldSettings, made_world
from clika.languages import ENGLISH
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text
from clika.training.examples import examples
from clika.training.micro_batches import shared_length
from clika.training.recipe import Precision, Recipe, SharedPrefix
from clika.training.task import TrainingTask

OURS = "ours"
SHARED = "ours, prefix shared"
BFLOAT16 = "ours, bfloat16"
TRAINER = "Trainer"
TRAINER_BFLOAT16 = "Trainer, bfloat16"
GROUPED = "Trainer, by length"
TRL = "TRL, packed"


@dataclass(frozen=True, slots=True)
class Measured:
    """One dropout. Rates are samples a second; None was not measured.

    ``shared`` says whether the prefix is computed once a micro-batch in ``ours`` (exact: at dropout 0 alone);
    ``ours_shared`` asks for it. ``loss_difference`` is the greatest of the first steps against Trainer's (nats), None
    above dropout 0, where the two draw differently; ``loss_difference_bfloat16`` is that of ``ours_bfloat16`` against
    Trainer in float32. ``vs_trainer`` and ``vs_trl`` are of ``ours_shared`` where it is measured, else of ``ours``;
    ``vs_trainer_bfloat16`` is of ``ours_bfloat16`` against ``trainer_bfloat16``. ``whole_seconds`` is our recipe from
    loading to the saved adapter.
    """

    params_m: int
    dropout: float
    samples: int
    threads: int
    shared: bool
    ours: float
    ours_shared: float | None
    ours_bfloat16: float
    trainer: float
    trainer_grouped: float
    trainer_bfloat16: float
    trl_packed: float | None
    vs_trainer: float
    vs_trainer_bfloat16: float
    vs_trl: float | None
    loss_difference: float | None
    loss_difference_bfloat16: float | None
    whole_seconds: float | None
    whole_last_loss: float | None
    disturbed: bool


def contestants(dropout: float) -> dict[str, Contestant]:
    """Who takes part at this dropout."""
    shared = {"shared_prefix": SharedPrefix.ALWAYS} if dropout else {}
    found: dict[str, Contestant] = {OURS: Ours()}
    if dropout:
        found[SHARED] = Ours(**shared)
    found[BFLOAT16] = Ours(precision=Precision.BFLOAT16, **shared)
    found[TRAINER], found[GROUPED] = TransformersTrainer(), TransformersTrainer(grouped=True)
    found[TRAINER_BFLOAT16] = TransformersTrainer(precision=Precision.BFLOAT16)
    if has_trl():
        found[TRL] = TrlPacked()
    return found


def measured(task: TrainingTask, params_m: int, options: argparse.Namespace) -> Measured:
    """All contestants at one dropout; prints what it finds as it goes."""
    dropout = task.recipe.dropout
    print(f"\ndropout {dropout}: {options.steps} steps each, {options.rounds} rounds", flush=True)
    found: dict[str, list[float]] = {}
    last: dict[str, Timed] = {}
    taking_part = contestants(dropout)
    watch = CoreWatch()
    for _ in range(options.rounds):
        for name, contestant in taking_part.items():
            last[name] = contestant.timed(task, options.steps)
            found.setdefault(name, []).append(last[name].samples_per_s())
    cores = watch.cores()
    disturbed = cores.disturbed(options.threads)
    rates = {name: statistics.median(values) for name, values in found.items()}
    print(f"{'contestant':<22}{'samples/s':>10}{'spread':>9}{'x Trainer':>11}")
    for name, values in found.items():
        spread = (max(values) - min(values)) / rates[name]
        print(f"{name:<22}{rates[name]:>10.1f}{spread:>9.0%}{rates[name] / rates[TRAINER]:>11.2f}")
    difference = halved_difference = None
    if not dropout:
        pairs = list(zip(last[OURS].losses, last[TRAINER].losses, strict=True))
        print(
            "losses, ours and Trainer's: " + ", ".join(f"{one:.4f} {other:.4f}" for one, other in pairs[:5])
        )
        difference = _greatest_difference(last[OURS], last[TRAINER])
        halved_difference = _greatest_difference(last[BFLOAT16], last[TRAINER])
        print(
            f"greatest difference over {len(pairs)} steps: {difference:.1e} nats, {halved_difference:.1e} in bfloat16"
        )
    said = "unknown" if cores.others is None else f"{cores.others:.2f}"
    print(f"cores in use: {cores.own:.2f} by this process, {said} by others, load {cores.load:.1f}")
    if disturbed:
        print("OTHERS HELD A CORE while this was measured: run it again on a free machine")
    whole = _whole(task) if options.whole else (None, None)
    record = taking_part[OURS].record if isinstance(taking_part[OURS], Ours) else None
    ours = rates[SHARED] if SHARED in rates else rates[OURS]
    return Measured(
        params_m=params_m,
        dropout=dropout,
        samples=len(task.samples),
        threads=options.threads,
        shared=record is not None and record.prefix_length > 0,
        ours=round(rates[OURS], 1),
        ours_shared=round(rates[SHARED], 1) if SHARED in rates else None,
        ours_bfloat16=round(rates[BFLOAT16], 1),
        trainer=round(rates[TRAINER], 1),
        trainer_grouped=round(rates[GROUPED], 1),
        trainer_bfloat16=round(rates[TRAINER_BFLOAT16], 1),
        trl_packed=round(rates[TRL], 1) if TRL in rates else None,
        vs_trainer=round(ours / rates[TRAINER], 2),
        vs_trainer_bfloat16=round(rates[BFLOAT16] / rates[TRAINER_BFLOAT16], 2),
        vs_trl=round(ours / rates[TRL], 2) if TRL in rates else None,
        loss_difference=difference,
        loss_difference_bfloat16=halved_difference,
        whole_seconds=whole[0],
        whole_last_loss=whole[1],
        disturbed=disturbed,
    )


def _greatest_difference(ours: Timed, theirs: Timed) -> float:
    """Nats, over all steps."""
    return max(abs(one - other) for one, other in zip(ours.losses, theirs.losses, strict=True))


def _whole(task: TrainingTask) -> tuple[float, float]:
    """(seconds, last loss) of our recipe to its end; above dropout 0 with the prefix shared."""
    wanted = {"shared_prefix": SharedPrefix.ALWAYS} if task.recipe.dropout else {}
    began = time.perf_counter()
    steps = task.recipe.steps(len(task.samples))
    timed = Ours(**wanted).timed(task, steps)
    seconds = time.perf_counter() - began
    print(
        f"the whole recipe: {len(timed.done_at)} steps in {seconds:.0f} s, last loss {timed.losses[-1]:.4f}"
    )
    return round(seconds, 1), timed.losses[-1]


def _tokenizer(places: int, vocabulary: int) -> PreTrainedTokenizerFast:
    """Trained on another world in every language: it knows the templates' words, and no name of this one."""
    other = made_world(WorldSettings(1, places=places))
    return trained_tokenizer(
        [
            instruction_prompt(InstructionForm.ALPACA, instruction_text(one.instruction, one.input))
            + one.answer
            for language in other.languages
            if language != ENGLISH
            for one in samples(other, language)
        ],
        vocabulary,
    )


def _mean(values: Iterable[int]) -> float:
    return statistics.fmean(values)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tuning", description=__doc__)
    parser.add_argument("--size", default="29", choices=list(SHAPES), help="million parameters; default 29")
    parser.add_argument("--language", default="zh")
    parser.add_argument("--steps", type=int, default=12, help="of each contestant; default 12")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument(
        "--places", type=int, default=20, help="on each of 20 continents; default the paper's 20"
    )
    parser.add_argument("--rank", type=int, default=128)
    parser.add_argument("--whole", action="store_true", help="also run our recipe to its end")
    options = parser.parse_args(arguments)
    if options.steps < 2 or options.rounds < 1 or options.threads < 1:
        parser.error("at least 2 steps, 1 round and 1 thread are needed")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; nothing is written but into temporary folders."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    taught = samples(made_world(WorldSettings(0, places=options.places)), options.language)
    shape = SHAPES[options.size]
    tokenizer = _tokenizer(options.places, shape.vocabulary)
    made = examples(taught, tokenizer, "random", InstructionForm.ALPACA, None, shape.vocabulary)
    params_m = round(shape.parameters / 1e6)
    print(
        f"{params_m} M parameters, {len(made):,} samples of {_mean(len(one.ids) for one in made):.1f} tokens on average,"
        f" {shared_length(made)} of them the same in all and {_mean(one.labelled for one in made):.1f} labelled,"
        f" {options.threads} threads",
        flush=True,
    )
    if not has_trl():
        print("TRL is not installed and left out; `make bench-tuning` installs it")
    print("LLaMA-Factory is left out: it needs transformers 5.6 or older")
    with tempfile.TemporaryDirectory() as scratch:
        folder = saved_llama(Path(scratch) / "model", shape, tokenizer)
        recipe = Recipe(rank=options.rank)
        task = TrainingTask(
            str(folder), "random", taught, recipe, Path(scratch), InstructionForm.ALPACA, device="cpu"
        )
        results = [
            measured(replace(task, recipe=replace(recipe, dropout=dropout)), params_m, options)
            for dropout in (0.0, recipe.dropout)
        ]
    sys.stdout.flush()
    print(json.dumps([asdict(one) for one in results]))


if __name__ == "__main__":
    main()
