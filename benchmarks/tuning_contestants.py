"""The ways to tune that are compared: this loop, transformers' Trainer, TRL's SFTTrainer.

Each tunes a fresh copy of the same model with the same adapter on the first batches of the same samples, in the same
order where it can, and tells when each of its steps was done and at what loss.
"""

import importlib.util
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import PrinterCallback, Trainer, TrainerCallback, TrainingArguments

from clika.records import TrainingPoint, TrainingRecord
from clika.scoring.checkpoint import context_of, loaded
from clika.training.adapter import with_adapter
from clika.training.examples import Example, examples
from clika.training.micro_batches import effective_batch
from clika.training.recipe import Precision, Recipe
from clika.training.task import TrainingTask
from clika.training.tuning import tune

DEVICE_BATCH = 8
"""The paper's, with gradients accumulated over 4 of them."""


@dataclass(frozen=True, slots=True)
class Timed:
    """What a contestant did: when each step was done (seconds), its loss where it is that step's, its samples."""

    done_at: tuple[float, ...]
    losses: tuple[float, ...]
    samples: tuple[int, ...]

    def samples_per_s(self) -> float:
        """Over all steps after the first, which warms up."""
        return sum(self.samples[1:]) / (self.done_at[-1] - self.done_at[0])


class Contestant(Protocol):
    """Whatever tunes."""

    def timed(self, task: TrainingTask, steps: int) -> Timed:
        """Take ``steps`` steps (at least 2) of the task on a fresh model."""
        ...


class Ours:
    """This project's loop. ``changes`` go into the recipe; ``record`` is of its last tuning."""

    def __init__(self, **changes: Any) -> None:
        self._changes = changes
        self.record: TrainingRecord | None = None

    def timed(self, task: TrainingTask, steps: int) -> Timed:
        """See Contestant."""
        times: list[float] = []
        points: list[TrainingPoint] = []

        def point(one: TrainingPoint) -> None:
            times.append(time.perf_counter())
            points.append(one)

        with tempfile.TemporaryDirectory() as scratch:
            whole = task.recipe.steps(len(task.samples))
            wanted = replace(
                task,
                recipe=replace(task.recipe, **self._changes),
                output=Path(scratch),
                look_at=(min(steps, whole),),
                save_seconds=1e9,
            )
            self.record = tune(wanted, point, lambda model, step: step == steps).record
        counts = tuple(
            len(effective_batch(len(task.samples), task.recipe.batch_size, task.recipe.seed, step))
            for step in range(len(times))
        )
        return Timed(tuple(times), tuple(one.loss for one in points), counts)


class _Clock(TrainerCallback):
    """Notes when steps are done."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        self.times.append(time.perf_counter())


class TransformersTrainer:
    """transformers' Trainer, padding each batch to its longest sample; ``grouped`` puts like lengths together."""

    def __init__(self, grouped: bool = False, precision: Precision = Precision.FLOAT32) -> None:
        self._grouped, self._precision = grouped, precision

    def timed(self, task: TrainingTask, steps: int) -> Timed:
        """See Contestant."""
        model, taught, recipe = _by_hand(task, self._precision)
        rows = [
            {
                "input_ids": list(example.ids),
                "labels": [-100] * example.start + list(example.ids[example.start :]),
                "attention_mask": [1] * len(example.ids),
            }
            for example in _in_order(taught, recipe, steps)
        ]
        optimizer = torch.optim.AdamW(
            [weight for weight in model.parameters() if weight.requires_grad],
            lr=recipe.rate,
            weight_decay=recipe.weight_decay,
        )
        whole = recipe.steps(len(taught))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: recipe.rate_at(min(step, whole - 1), whole) / recipe.rate
        )
        clock = _Clock()
        with tempfile.TemporaryDirectory() as scratch:
            trainer = Trainer(
                model=model,
                args=TrainingArguments(
                    **_arguments(scratch, recipe, steps, self._precision),
                    train_sampling_strategy="group_by_length" if self._grouped else "sequential",
                ),
                train_dataset=rows,  # type: ignore[arg-type]
                data_collator=_padded,
                optimizers=(optimizer, schedule),
                callbacks=[clock],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        losses = tuple(entry["loss"] for entry in trainer.state.log_history if "loss" in entry)
        return Timed(tuple(clock.times), losses, (recipe.batch_size,) * len(clock.times))


class TrlPacked:
    """TRL's SFTTrainer with packing: whole samples side by side up to ``length`` tokens."""

    def __init__(self, length: int = 512) -> None:
        self._length = length

    def timed(self, task: TrainingTask, steps: int) -> Timed:
        """See Contestant. Samples a step are those of the whole packed set over its steps."""
        from datasets import Dataset
        from trl import SFTConfig, SFTTrainer  # type: ignore[import-not-found]

        model, taught, recipe = _by_hand(task, Precision.FLOAT32)
        chosen = _in_order(taught, recipe, steps)
        rows = Dataset.from_dict(
            {
                "input_ids": [list(example.ids) for example in chosen],
                "completion_mask": [[0] * example.start + [1] * example.labelled for example in chosen],
            }
        )
        tokens = sum(len(example.ids) for example in chosen)
        packs = max(1, round(recipe.batch_size * tokens / len(chosen) / self._length))
        clock = _Clock()
        with tempfile.TemporaryDirectory() as scratch:
            arguments = _arguments(scratch, recipe, steps, Precision.FLOAT32)
            arguments |= {
                "max_steps": -1,
                "num_train_epochs": 1,
                "per_device_train_batch_size": packs,
                "gradient_accumulation_steps": 1,
                "packing": True,
                "max_length": self._length,
                "completion_only_loss": True,
            }
            trainer = SFTTrainer(
                model=model,
                args=SFTConfig(**arguments),
                train_dataset=rows,
                processing_class=loaded(Path(task.model), "float32")[1],
                callbacks=[clock],
            )
            trainer.remove_callback(PrinterCallback)
            trainer.train()
        done = len(clock.times)
        return Timed(tuple(clock.times), (), (round(len(chosen) / done),) * done)


def has_trl() -> bool:
    """Whether TRL is installed."""
    return importlib.util.find_spec("trl") is not None


def _by_hand(task: TrainingTask, precision: Precision) -> tuple[Any, list[Example], Recipe]:
    """(peft's model, the samples' ids, the recipe) as the other tools are given them."""
    halved = precision is Precision.BFLOAT16
    network, tokenizer = loaded(Path(task.model), "bfloat16" if halved else "float32")
    rows = int(network.get_input_embeddings().weight.shape[0])
    assert task.form is not None
    taught = examples(task.samples, tokenizer, task.name, task.form, context_of(network.config), rows)
    model, _ = with_adapter(network, task.recipe, task.name)
    return model.train(), taught, task.recipe


def _in_order(taught: Sequence[Example], recipe: Recipe, steps: int) -> list[Example]:
    """The samples of the first steps as this project's loop takes them."""
    return [
        taught[place]
        for step in range(steps)
        for place in effective_batch(len(taught), recipe.batch_size, recipe.seed, step)
    ]


def _arguments(scratch: str, recipe: Recipe, steps: int, precision: Precision) -> dict[str, Any]:
    return {
        "output_dir": scratch,
        "per_device_train_batch_size": min(DEVICE_BATCH, recipe.batch_size),
        "gradient_accumulation_steps": max(1, recipe.batch_size // DEVICE_BATCH),
        "max_steps": steps,
        "learning_rate": recipe.rate,
        "lr_scheduler_type": "cosine",
        "max_grad_norm": recipe.max_gradient_norm,
        "bf16": precision is Precision.BFLOAT16,
        "logging_steps": 1,
        "report_to": [],
        "save_strategy": "no",
        "use_cpu": True,
        "disable_tqdm": True,
        "remove_unused_columns": False,
        "seed": recipe.seed,
    }


def _padded(rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """A batch padded to the longest, as transformers' collator for sequences pads it."""
    width = max(len(row["input_ids"]) for row in rows)
    return {
        name: torch.tensor([row[name] + [fill] * (width - len(row[name])) for row in rows])
        for name, fill in (("input_ids", 0), ("labels", -100), ("attention_mask", 0))
    }
