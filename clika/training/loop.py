"""The loop: batch after batch, each computed in micro-batches, one optimiser step a batch.

The loss of a step is the mean over the labelled tokens of its whole batch, on however many devices: transformers'
Trainer with ``num_items_in_batch``. A micro-batch adds its sum, divided by the batch's labelled tokens.
"""

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import torch
from accelerate.utils.memory import should_reduce_batch_size

from clika.errors import ModelError
from clika.failpoints import Failpoint, reached
from clika.records import TrainingPoint
from clika.training.learner import Learner, fused_adamw
from clika.training.micro_batches import MicroBatch, effective_batch, share, step_seed
from clika.training.ranks import Ranks, clipped_norm
from clika.training.recipe import Recipe
from clika.training.saved_state import SavedState, Standing

_logger = logging.getLogger(__name__)

# Larger micro-batches are no faster on a CPU, whose caches hold no more.
_CPU_BUDGET = 2048
# Of all time at most this share goes into saving, unless every step is to be saved.
_SAVING_SHARE = 0.05

Look = Callable[[Any, int], bool]
"""Called with the model (in evaluation mode) and the steps done; True ends the tuning. On every process."""


@dataclass(frozen=True, slots=True)
class Watching:
    """What the caller wants to hear: every step's point, looks at the model, and whether to stop for now."""

    point: Callable[[TrainingPoint], None] = lambda point: None
    look: Look = lambda model, step: False
    look_at: frozenset[int] = frozenset()
    stopping: Callable[[], bool] = lambda: False


class Loop:
    """One tuning's loop over a learner. ``standing`` is where it is."""

    def __init__(
        self,
        learner: Learner,
        recipe: Recipe,
        ranks: Ranks,
        state: SavedState,
        digest: str,
        save_seconds: float,
    ) -> None:
        self._learner, self._recipe, self._ranks, self._state = learner, recipe, ranks, state
        self._save_seconds = save_seconds
        self._weights = list(learner.weights.values())
        self._optimizer = fused_adamw(self._weights, recipe.rate, recipe.weight_decay)
        self.steps = recipe.steps(len(learner.examples))
        budget = recipe.micro_batch_tokens
        self.standing = Standing(
            0, digest, min(budget, _CPU_BUDGET) if ranks.device.type == "cpu" else budget
        )
        self._saved_at, self._save_took = time.monotonic(), 0.0
        self._clock = _Clock()

    def resume(self) -> bool:
        """Go on where the folder's newest state stands; False where there is none."""
        found = self._state.newest(self.standing.digest)
        if found is None:
            return False
        self._state.restore(found.step, self._learner.weights, self._optimizer)
        self.standing = replace(found, resumed_at=(*found.resumed_at, found.step))
        _logger.info("going on after step %d of %d", found.step, self.steps)
        return True

    def run(self, watching: Watching) -> bool:
        """Teach to the end; True when done, False where it was stopped for now, its state on disk.

        Raises ModelError where the loss is not finite or one sample does not fit the memory.
        """
        if self.standing.step == 0 and 0 in watching.look_at and self._look(watching):
            return True
        while self.standing.step < self.steps:
            step = self.standing.step
            loss, tokens, samples, wishes = self._learned(step, watching)
            norm = self._stepped(step)
            self.standing = replace(self.standing, step=step + 1)
            self._clock.tick(samples, tokens)
            if self._ranks.first:
                watching.point(self._point(step, loss, norm))
            reached(Failpoint.TRAIN_STEPPED)
            done = self.standing.step == self.steps
            enough = (done or self.standing.step in watching.look_at) and self._look(watching)
            if wishes.stop and not (enough or done):
                self._save()
                return False
            if enough:
                return True
            if wishes.save and not done:
                self._save()
        return True

    def _look(self, watching: Watching) -> bool:
        began = time.monotonic()
        self._learner.network.eval()
        try:
            enough = bool(self._ranks.told(watching.look(self._learner.network, self.standing.step)))
        finally:
            self._learner.network.train()
        self._clock.paused(time.monotonic() - began)
        return enough

    def _learned(self, step: int, watching: Watching) -> tuple[float, int, int, "_Wishes"]:
        """Leaves the batch's gradients; (loss, tokens, samples, what is wanted after the step).

        Computed again with half the tokens at once where any process had no memory for it.
        """
        learner, recipe, ranks = self._learner, self._recipe, self._ranks
        taught = learner.examples
        batch = effective_batch(len(taught), recipe.batch_size, recipe.seed, step)
        labelled = sum(taught[place].labelled for place in batch)
        while True:
            self._optimizer.zero_grad(set_to_none=True)
            torch.manual_seed(step_seed(recipe.seed, step, ranks.rank))
            summed, rows, error = self._gradients(self._cuts(batch), labelled)
            save = ranks.first and self._save_is_due()
            failed, summed, saves, stops = ranks.sums([error is not None, summed, save, watching.stopping()])
            if not failed:
                break
            self._halve(rows, error)
        loss = summed / labelled
        if not math.isfinite(loss):
            raise ModelError(
                f"the loss of step {step + 1} is {loss}: the model says NaN or infinity; use a smaller learning rate"
                " (--learning-rate), or precision float32"
            )
        if not learner.sharded:
            ranks.add_gradients(self._weights)
        tokens = sum(len(taught[place].ids) for place in batch)
        return loss, tokens, len(batch), _Wishes(saves > 0, stops > 0)

    def _gradients(self, cuts: list[MicroBatch], labelled: int) -> tuple[float, int, RuntimeError | None]:
        """(summed nats, rows of the last micro-batch, the error where there was no memory)"""
        learner = self._learner
        # FSDP takes the mean over processes, and the loss of a batch is a sum.
        scale = (self._ranks.count if learner.sharded else 1) / labelled
        summed = torch.zeros((), device=learner.device)
        rows = 0
        for cut in cuts:
            rows = len(cut.members)
            try:
                with learner.computing():
                    loss = learner.loss.losses(learner.examples, cut).sum()
                (loss * (scale if cut.counts else 0.0)).backward()  # type: ignore[no-untyped-call]
            except RuntimeError as error:
                if not (isinstance(error, torch.OutOfMemoryError) or should_reduce_batch_size(error)):
                    raise
                return 0.0, rows, error
            if cut.counts:
                summed += loss.detach()
        return float(summed), rows, None

    def _cuts(self, batch: list[int]) -> list[MicroBatch]:
        """This process's micro-batches; as many on every process where weights are sharded."""
        learner, ranks = self._learner, self._ranks

        def of(rank: int) -> list[MicroBatch]:
            own = share(batch, learner.examples, rank, ranks.count)
            return learner.micro_batches(own, self.standing.micro_batch_tokens)

        cuts = of(ranks.rank)
        if learner.sharded:
            most = max(len(of(rank)) for rank in range(ranks.count))
            shortest = min(batch, key=lambda place: len(learner.examples[place].ids))
            cuts += [MicroBatch((shortest,), 0, counts=False)] * (most - len(cuts))
        return cuts

    def _halve(self, rows: int, error: RuntimeError | None) -> None:
        """Half the tokens at once from now on. Raises ModelError where that cannot help."""
        (alone,) = self._ranks.sums([error is not None and rows == 1])
        if alone or self._learner.sharded:
            raise ModelError(
                f"{'one sample' if alone else 'a micro-batch'} does not fit into the memory of {self._learner.device};"
                " use more devices, gradient checkpointing, precision bfloat16, fewer micro-batch tokens or LoRA"
            ) from error
        del error  # it holds on to the tensors of the pass that failed
        if self._learner.device.type == "cuda":
            torch.cuda.empty_cache()
        halved = max(1, self.standing.micro_batch_tokens // 2)
        self.standing = replace(
            self.standing, micro_batch_tokens=halved, memory_halvings=self.standing.memory_halvings + 1
        )
        _logger.warning("out of memory; going on with at most %d tokens at once", halved)

    def _stepped(self, step: int) -> float:
        """One optimiser step; the gradients' norm before it was scaled down."""
        if step == 0:
            self._check_all_learn()
        norm = clipped_norm(self._weights, self._recipe.max_gradient_norm)
        for group in self._optimizer.param_groups:
            group["lr"] = self._recipe.rate_at(step, self.steps)
        self._optimizer.step()
        return norm

    def _check_all_learn(self) -> None:
        """Raises ModelError where an adapter stands beside a layer that the model never asks."""
        silent = [name for name, weight in self._learner.weights.items() if weight.grad is None]
        if silent and self._recipe.lora:
            raise ModelError(
                f"{len(silent)} of the adapter's weights get no gradient, {silent[0]} first: the model computes those"
                " layers without calling them; use another tuning"
            )

    def _point(self, step: int, loss: float, norm: float) -> TrainingPoint:
        rate = self._recipe.rate_at(step, self.steps)
        epoch = (step + 1) * self._recipe.epochs / self.steps
        left = (self.steps - step - 1) * self._clock.seconds_a_step
        speed = self._clock.samples_per_s, self._clock.tokens_per_s
        return TrainingPoint(step + 1, self.steps, epoch, loss, rate, norm, *speed, left)

    def _save_is_due(self) -> bool:
        least = max(self._save_seconds, self._save_took / _SAVING_SHARE) if self._save_seconds else 0.0
        return time.monotonic() - self._saved_at >= least

    def _save(self) -> None:
        began = time.monotonic()
        if self._ranks.first or self._learner.sharded:
            self._state.save(self.standing, self._learner.weights, self._optimizer)
        if self._learner.sharded:
            self._ranks.wait()  # earlier parts may go only when all of the new ones are there
        if self._ranks.first or self._learner.sharded:
            self._state.forget_before(self.standing.step)
        reached(Failpoint.TRAIN_SAVED)
        self._saved_at = time.monotonic()
        self._save_took = self._saved_at - began
        self._clock.paused(self._save_took)


@dataclass(frozen=True, slots=True)
class _Wishes:
    """What is wanted after a step, on every process alike."""

    save: bool
    stop: bool


class _Clock:
    """Rates since this process began to teach, looks and saves left out."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._steps = self._samples = self._tokens = 0

    def tick(self, samples: int, tokens: int) -> None:
        """One more step is done."""
        self._steps += 1
        self._samples += samples
        self._tokens += tokens

    def paused(self, seconds: float) -> None:
        """Leave out what was no teaching."""
        self._began += seconds

    @property
    def _seconds(self) -> float:
        return max(1e-9, time.monotonic() - self._began)

    @property
    def seconds_a_step(self) -> float:
        return self._seconds / max(1, self._steps)

    @property
    def samples_per_s(self) -> float:
        return self._samples / self._seconds

    @property
    def tokens_per_s(self) -> float:
        return self._tokens / self._seconds
