"""Which of the quick ways of computing a batch a model takes: those that say and teach what plain rows do.

Each is tried on a few samples when a model is loaded, one after the other, and left out where losses or gradients
differ from those of the plain model by more than rounding.
"""

import logging
from typing import TYPE_CHECKING

from torch import nn

from clika.training.adapted_linear import AdaptedLayers
from clika.training.answer_loss import Alone
from clika.training.head_loss import frozen_and_last
from clika.training.micro_batches import MicroBatch, crowded_micro_batch, shared_length, telling
from clika.training.recipe import Recipe, SharedPrefix

if TYPE_CHECKING:
    from clika.training.learner import Learner

_logger = logging.getLogger(__name__)


def choose_quickest(made: "Learner", recipe: Recipe) -> None:
    """Set what is computed once for several samples, how they stand in rows, and what is left out.

    Samples share nothing where that is not wanted or not exact. With gradient checkpointing they are packed and the
    head is parted at most; sharded weights are computed plainly: packed, a resumed group did not end bit for bit as
    one that was never killed.
    """
    if made.sharded:
        return
    exact = not drops_out(made.network)
    wanted = recipe.shared_prefix
    plain = recipe.gradient_checkpointing
    shares = not plain and (wanted is SharedPrefix.ALWAYS or (wanted is SharedPrefix.EXACT and exact))
    tried = telling(made.examples)
    with made.computing():
        alone = made.loss.alone(made.examples, tried, tuple(made.weights.values()))
    if shares:
        length = shared_length(made.examples)
        if length and _agrees(made, MicroBatch(tried, length), alone):
            made.prefix_length = length
    made.shared_branches = shares and _agrees_packed(made, alone, branches=True)
    made.packed_rows = made.shared_branches or _agrees_packed(made, alone, branches=False)
    made.exact_prefix = exact or not (made.prefix_length or made.shared_branches)
    if not plain:
        _try_to_trim(made, alone)
    with made.computing():
        made.loss.parts_head = frozen_and_last(made.network)
    made.loss.parts_head = made.loss.parts_head and _agrees_as_cut(made, alone)
    if made.packed_rows and not plain and made.device.type == "cpu":
        made.loss.attends_in_rows = True
        made.loss.attends_in_rows = _agrees_as_cut(made, alone)
    adapted = AdaptedLayers(made.network)
    if adapted.count and not _agrees_as_cut(made, alone):
        adapted.close()
    _logger.info(
        "%d of the samples' first tokens are computed once a micro-batch; several samples in a row: %s, what they"
        " share once: %s; the last feed-forward part where it is read alone: %s; the head in parts: %s",
        made.prefix_length, made.packed_rows, made.shared_branches, made.loss.trims, made.loss.parts_head,
    )  # fmt: skip


def drops_out(network: nn.Module) -> bool:
    """Whether anything in the model drops out while it learns: its own layers, attention, an adapter's."""
    for module in network.modules():
        if isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0:
            return True
        if any(
            "drop" in name and isinstance(value, float) and value > 0 for name, value in vars(module).items()
        ):
            return True
    return False


def _try_to_trim(made: "Learner", alone: Alone) -> None:
    try:
        made.loss.trim(True)
    except ValueError as error:
        _logger.info("the last layer is computed whole: %s", error)
        return
    if not _agrees_as_cut(made, alone):
        made.loss.trim(False)


def _agrees_packed(made: "Learner", alone: Alone, branches: bool) -> bool:
    places = tuple(alone.losses)
    return _agrees(made, crowded_micro_batch(places, made.examples, made.prefix_length, branches), alone)


def _agrees_as_cut(made: "Learner", alone: Alone) -> bool:
    """With all that is chosen so far; the tried samples in one micro-batch, as ``alone`` has them."""
    if made.packed_rows:
        return _agrees_packed(made, alone, made.shared_branches)
    return _agrees(made, MicroBatch(tuple(alone.losses), made.prefix_length), alone)


def _agrees(made: "Learner", batch: MicroBatch, alone: Alone) -> bool:
    with made.computing():
        return made.loss.agrees(made.examples, batch, alone)
