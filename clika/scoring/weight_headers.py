"""What a checkpoint's safetensors files say that they hold, read from their headers alone."""

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path

from safetensors import SafetensorError, safe_open


@dataclass(frozen=True, slots=True)
class WeightHeaders:
    """The values in the files, counted, and the dtypes they are written in, the most frequent first.

    ``dtypes`` are spelled as safetensors does: F32, BF16, F16, …
    """

    values: int
    dtypes: tuple[str, ...]


def weight_headers(folder: Path) -> WeightHeaders | None:
    """Of the files that a model would be loaded from; None where there are none or one cannot be read."""
    counts: dict[str, int] = {}
    for kind, shape in (_weights(folder) or {}).values():
        counts[kind] = counts.get(kind, 0) + prod(shape)
    if not counts:
        return None
    return WeightHeaders(sum(counts.values()), tuple(sorted(counts, key=lambda kind: -counts[kind])))


def weight_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every weight in these files; empty where ``weight_headers`` gives None."""
    return {name: shape for name, (_, shape) in (_weights(folder) or {}).items()}


def _weights(folder: Path) -> dict[str, tuple[str, tuple[int, ...]]] | None:
    found: dict[str, tuple[str, tuple[int, ...]]] = {}
    try:
        for path in _weight_files(folder):
            with safe_open(path, framework="numpy") as weights:
                for name in weights.keys():  # noqa: SIM118  a safe_open is no mapping
                    weight = weights.get_slice(name)
                    found[name] = (str(weight.get_dtype()), tuple(weight.get_shape()))
    except (OSError, SafetensorError, ValueError, KeyError, AttributeError):
        return None  # whoever loads the model says what is wrong
    return found


def _weight_files(folder: Path) -> list[Path]:
    """One file, or those that its index names: transformers' order."""
    whole = folder / "model.safetensors"
    index = folder / "model.safetensors.index.json"
    if whole.is_file() or not index.is_file():
        return [whole] if whole.is_file() else []
    names = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    return [folder / Path(name).name for name in sorted(names)]
