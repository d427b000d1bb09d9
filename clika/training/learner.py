"""A model that is ready to learn: loaded, with its adapter, on its device, and the quickest exact way to its losses."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from clika.scoring.checkpoint import (
    Dtype,
    check_architecture,
    configuration,
    context_of,
    device_memory,
    network_of,
    tokenizer_of,
)
from clika.scoring.length_cuts import launch_tokens
from clika.scoring.packed_linear import keep_freed_memory
from clika.training.adapter import learning_weights, with_adapter
from clika.training.answer_loss import AnswerLoss
from clika.training.examples import Example, examples, form_for
from clika.training.frozen_linear import prepack_frozen_layers
from clika.training.micro_batches import MicroBatch, micro_batches, packed_micro_batches
from clika.training.quickest import choose_quickest
from clika.training.ranks import Ranks
from clika.training.recipe import Precision
from clika.training.targets import Targets
from clika.training.task import TrainingTask

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Learner:
    """``model`` is what is saved (peft's wrapper, or the network itself), ``network`` what is computed."""

    network: Any
    model: Any
    tokenizer: Any
    examples: list[Example]
    weights: dict[str, nn.Parameter]
    loss: AnswerLoss
    precision: Precision
    device: torch.device
    sharded: bool
    targets: Targets = field(default_factory=lambda: Targets((), 0, False))
    prefix_length: int = 0
    exact_prefix: bool = True
    prepacked_layers: int = 0
    packed_rows: bool = False
    shared_branches: bool = False

    def micro_batches(self, places: Sequence[int], budget: int) -> list[MicroBatch]:
        """How samples are cut for at most ``budget`` tokens at once."""
        if self.packed_rows:
            return packed_micro_batches(
                places, self.examples, budget, self.prefix_length, self.shared_branches
            )
        return micro_batches(places, self.examples, budget, self.prefix_length, self.launch_tokens)

    @property
    def launch_tokens(self) -> int:
        """How many tokens a micro-batch costs beside its own."""
        return launch_tokens(self.device.type)

    @property
    def learning(self) -> int:
        """How many numbers learn."""
        return sum(weight.numel() for weight in self.weights.values())

    @contextmanager
    def computing(self) -> Iterator[None]:
        """In bfloat16 where the recipe says so."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.precision is Precision.BFLOAT16):
            yield


def learner(task: TrainingTask, folder: Any, ranks: Ranks) -> Learner:
    """The task's model from its checkpoint ``folder``.

    Raises ModelError for a checkpoint that cannot be loaded whole, samples that it cannot take, or a model that the
    recipe does not fit.
    """
    recipe = task.recipe
    # Weights that learn are kept in float32: in bfloat16 a small step would be rounded away.
    halved = recipe.lora and recipe.precision is Precision.BFLOAT16
    dtype: Dtype = "bfloat16" if halved else "float32"
    described = configuration(folder)
    check_architecture(folder, described)
    tokenizer = tokenizer_of(folder)
    network = network_of(folder, described, dtype)
    rows = int(network.get_input_embeddings().weight.shape[0])
    form = task.form or form_for(tokenizer)
    taught = examples(task.samples, tokenizer, task.name, form, context_of(described), rows)
    model, chosen = (
        with_adapter(network, recipe, task.name) if recipe.lora else (network, Targets((), 0, False))
    )
    sharded = not recipe.lora and ranks.count > 1
    prepacked = 0
    if recipe.gradient_checkpointing:
        network.activation_checkpointing_enable(activation_checkpointing_kwargs={"use_reentrant": False})
    if sharded:
        ranks.shard(network, recipe.precision)
    else:
        network.to(ranks.device)
        if ranks.device.type == "cpu":
            keep_freed_memory()
            held = sum(weight.numel() * weight.element_size() for weight in network.parameters())
            if recipe.lora and room_to_prepack(held, device_memory(ranks.device)):
                prepacked = prepack_frozen_layers(network)
    network.train()
    made = Learner(
        network, model, tokenizer, taught, learning_weights(network), AnswerLoss(network), recipe.precision,
        ranks.device, sharded, chosen, prepacked_layers=prepacked,
    )  # fmt: skip
    choose_quickest(made, recipe)
    return made


def room_to_prepack(held: int, memory: int | None) -> bool:
    """Whether a model of ``held`` bytes may take three times as many and leave a quarter of the ``memory`` free."""
    return memory is not None and 4 * held <= memory


def fused_adamw(weights: Sequence[nn.Parameter], rate: float, decay: float) -> torch.optim.AdamW:
    """torch's AdamW with its moments there from the start, so that they can be saved and put back.

    As in transformers' Trainer, norms and biases (of one dimension) do not decay.
    """
    groups = [
        {"params": [weight for weight in weights if weight.dim() > 1], "weight_decay": decay},
        {"params": [weight for weight in weights if weight.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, fused=True)
    for weight in weights:
        optimizer.state[weight] = {
            "step": torch.zeros((), dtype=torch.float32, device=weight.device),
            "exp_avg": torch.zeros_like(weight),
            "exp_avg_sq": torch.zeros_like(weight),
        }
    return optimizer
