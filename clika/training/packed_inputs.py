"""What a model is given of packed samples: ids, positions, and a mask in which each sample sees itself alone."""

from collections.abc import Sequence
from typing import Any

import torch

from clika.training.examples import Example
from clika.training.packing import Packing


def packed_inputs(
    examples: Sequence[Example], packing: Packing, skipped: int, dtype: torch.dtype, device: torch.device
) -> dict[str, Any]:
    """``input_ids`` and ``position_ids`` (rows, width) and the additive ``attention_mask`` (rows, 1, width, keys).

    Keys are the ``skipped`` ids of the shared prefix, which everybody sees, and the row's own: an id sees the ids of
    its sample up to itself. The mask is 0 or the least number of ``dtype``. A gap sees itself, so that it is no NaN.
    """
    ids = torch.zeros(packing.rows, packing.width, dtype=torch.long)
    positions = torch.zeros_like(ids)
    seen = torch.eye(packing.width, dtype=torch.bool).repeat(packing.rows, 1, 1)
    earlier = torch.ones(packing.width, packing.width, dtype=torch.bool).tril()
    for example, (row, path) in zip(examples, packing.paths, strict=True):
        columns = torch.tensor(path)
        ids[row, columns] = torch.tensor(example.ids[skipped:])
        positions[row, columns] = torch.arange(skipped, len(example.ids))
        # Shared columns are written by each that shares them, and see the same: what stands before them.
        seen[row, columns[:, None], columns] = earlier[: len(path), : len(path)]
    hidden = torch.finfo(dtype).min
    mask = torch.zeros(packing.rows, 1, packing.width, skipped + packing.width, dtype=dtype)
    mask[:, 0, :, skipped:].masked_fill_(~seen, hidden)
    return {
        "input_ids": ids.to(device),
        "position_ids": positions.to(device),
        "attention_mask": mask.to(device),
    }


def read_places(examples: Sequence[Example], packing: Packing, skipped: int) -> tuple[list[int], list[int]]:
    """(rows, columns) of the ids that the labelled ones are predicted from, sample after sample."""
    rows: list[int] = []
    columns: list[int] = []
    for example, (row, path) in zip(examples, packing.paths, strict=True):
        rows += [row] * example.labelled
        columns += path[example.start - 1 - skipped : -1]
    return rows, columns
