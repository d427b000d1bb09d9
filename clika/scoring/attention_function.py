"""Another attention function for a while, in models that ask transformers for torch's own."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

_REPLACED = "sdpa"
Attention = Callable[..., tuple[torch.Tensor, None]]


@contextmanager
def in_place_of_torchs(attention: Attention) -> Iterator[None]:
    """Inside, ``attention`` is called with torch's own first and then what that is given."""
    plain: Attention = ALL_ATTENTION_FUNCTIONS[_REPLACED]
    ALL_ATTENTION_FUNCTIONS[_REPLACED] = partial(attention, plain)
    try:
        yield
    finally:
        del ALL_ATTENTION_FUNCTIONS[_REPLACED]  # type: ignore[no-untyped-call]  # of our own: the plain one stays


def is_special(dropout: float, named: dict[str, Any]) -> bool:
    """Whether an attention is more than a softmax of scaled and masked scores."""
    return bool(dropout) or any(
        named.get(name) is not None for name in ("position_bias", "softcap", "cache", "s_aux")
    )
