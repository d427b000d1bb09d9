"""A folder's files as a checkpoint or an adapter: what is there, whole, and safe to be loaded by somebody."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from clika.checkpoints import adapter_rules, config_rules
from clika.checkpoints.file_names import CONVERT, is_pickled, read_names
from clika.checkpoints.json_files import read_object
from clika.checkpoints.safetensors_header import Weight, weights_of
from clika.errors import CheckpointRefusedError

_MOST_TOKENIZER = 256 << 20
_MOST_INDEX = 64 << 20
_MOST_TEMPLATE = 1 << 20
_TOKENIZERS = (
    "tokenizer.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model", "vocab.json", "vocab.txt",
    "tekken.json",
)  # fmt: skip


class Kind(StrEnum):
    """What a folder holds."""

    MODEL = "model"
    ADAPTER = "adapter"


@dataclass(frozen=True, slots=True)
class Checked:
    """A folder that keeps the rules: its files that are read, and its weights by name."""

    kind: Kind
    files: tuple[str, ...]
    size: int
    weights: dict[str, Weight]
    config: dict[str, object]

    @property
    def values(self) -> int:
        """How many numbers the weights hold."""
        return sum(weight.values for weight in self.weights.values())


def checked_folder(folder: Path, inside: Path | None = None) -> Checked:
    """Look at every file that would be read, and load none.

    Links are followed where they end below ``inside`` (the Hub's cache keeps files so), or anywhere in a folder of
    one's own (None). Raises CheckpointRefusedError, whose code says which rule is broken.
    """
    names = _names(folder, inside)
    if adapter_rules.CONFIGURATION in names and config_rules.CONFIGURATION in names:
        raise CheckpointRefusedError(
            "two-kinds",
            "the folder holds a whole model and an adapter",
            "give them apart: the adapter would bring a base of its own",
        )
    if adapter_rules.CONFIGURATION in names:
        values = adapter_rules.checked_adapter(folder)
        if adapter_rules.WEIGHTS not in names:
            raise _no_weights(folder, adapter_rules.WEIGHTS)
        weights = weights_of(folder / adapter_rules.WEIGHTS)
        return Checked(Kind.ADAPTER, tuple(names), _size(folder, names), weights, values)
    if config_rules.CONFIGURATION not in names:
        raise CheckpointRefusedError(
            "no-config",
            "there is no config.json, and no adapter_config.json",
            "give the folder that save_pretrained wrote, with tokenizer and weights",
        )
    if not any(name in names for name in _TOKENIZERS) and not any(
        name.endswith(".tiktoken") for name in names
    ):
        raise CheckpointRefusedError(
            "no-tokenizer",
            "there is no tokenizer",
            "save the tokenizer into the same folder: tokenizer.save_pretrained",
        )
    for name in names:
        _check_size(folder / name)
    weights = _model_weights(folder, names)
    config = config_rules.checked_config(folder, _sides(weights))
    return Checked(Kind.MODEL, tuple(names), _size(folder, names), weights, config)


def checked_configuration(folder: Path) -> dict[str, object]:
    """A model folder's config.json alone, an encoder's too. Raises CheckpointRefusedError for one that is not taken."""
    try:
        sides = _sides(checked_weights(folder))
    except CheckpointRefusedError:  # whoever loads the weights says so
        sides = frozenset()
    with folder_named(folder):
        return config_rules.checked_config(folder, sides, causal=False)


def checked_weights(folder: Path) -> dict[str, Weight]:
    """A model folder's weights alone, by their headers. Raises CheckpointRefusedError where they are not whole."""
    with folder_named(folder):
        return _model_weights(folder, _names(folder, None))


@contextmanager
def folder_named(folder: Path) -> Iterator[None]:
    """A refusal says which folder it is of: whoever reads it may have given several."""
    try:
        yield
    except CheckpointRefusedError as refused:
        if refused.cause.startswith(str(folder)):
            raise
        raise CheckpointRefusedError(refused.code, f"{folder}: {refused.cause}", refused.remedy) from refused


def _sides(weights: dict[str, Weight]) -> frozenset[int]:
    return frozenset(side for weight in weights.values() for side in weight.shape)


def _names(folder: Path, inside: Path | None) -> list[str]:
    try:
        names = read_names(entry.name for entry in os.scandir(folder))
        for name in names:
            path = folder / name
            if inside is not None and not path.resolve().is_relative_to(inside.resolve()):
                raise CheckpointRefusedError(
                    "link", f"{name!r} leads out of its folder", "give the file itself instead of a link"
                )
            if not stat.S_ISREG(path.stat().st_mode):
                raise CheckpointRefusedError(
                    "not-a-file", f"{name!r} is no regular file", "give regular files alone"
                )
    except OSError as error:
        raise CheckpointRefusedError(
            "file-unreadable", f"{folder} cannot be read ({error.strerror})", "check path and permissions"
        ) from error
    return names


def _model_weights(folder: Path, names: list[str]) -> dict[str, Weight]:
    """Of the files that would be loaded, by the index where there is one."""
    whole, index = "model.safetensors", "model.safetensors.index.json"
    placed = indexed_weights(folder / index) if index in names else None
    if whole in names:
        return weights_of(folder / whole)
    if placed is None:
        raise _no_weights(folder, whole)
    missing = sorted(set(placed.values()) - set(names))
    if missing:
        raise CheckpointRefusedError(
            "index-missing", f"{index} names {missing[0][:80]!r}, which is not there", "give every shard"
        )
    found: dict[str, Weight] = {}
    for name in sorted(set(placed.values())):
        held = weights_of(folder / name)
        twice = sorted(held.keys() & found.keys())
        if twice:
            raise CheckpointRefusedError(
                "index-twice",
                f"{twice[0][:80]!r} stands in two shards",
                "save the model again with save_pretrained",
            )
        strange = sorted(key for key, file in placed.items() if file == name and key not in held)
        if strange:
            raise CheckpointRefusedError(
                "index-wrong",
                f"{index} says that {strange[0][:80]!r} lies in {name}, and it does not",
                "give index and shards of one and the same save",
            )
        found |= held
    return found


def indexed_weights(path: Path) -> dict[str, str]:
    """Weight -> shard of an index. Raises CheckpointRefusedError where a shard is no plain name in this folder."""
    placed = read_object(path, _MOST_INDEX).get("weight_map")
    if (
        not isinstance(placed, dict)
        or not placed
        or not all(isinstance(file, str) for file in placed.values())
    ):
        raise CheckpointRefusedError(
            "index-damaged",
            f"{path.name} maps no weights to files",
            "save the model again with save_pretrained",
        )
    for file in set(placed.values()):
        if Path(file).name != file or "\\" in file or not file.endswith(".safetensors"):
            raise CheckpointRefusedError(
                "index-climbs",
                f"{path.name} names {file[:80]!r}; weights lie directly in the model's folder",
                "correct the index: plain names that end in .safetensors",
            )
    return placed


def _check_size(path: Path) -> None:
    most = None
    if path.name.startswith(("tokenizer", "vocab", "merges", "tekken")) or path.suffix in (
        ".model",
        ".tiktoken",
    ):
        most = _MOST_TOKENIZER
    elif path.suffix == ".jinja" or path.name in (
        "special_tokens_map.json",
        "added_tokens.json",
        "chat_template.json",
    ):
        most = _MOST_TEMPLATE if path.suffix == ".jinja" else 64 << 20
    if most is not None and path.stat().st_size > most:
        raise CheckpointRefusedError(
            "tokenizer-large",
            f"{path.name} has {path.stat().st_size:,} bytes, more than {most:,}",
            "give the tokenizer that belongs to this model",
        )


def _size(folder: Path, names: list[str]) -> int:
    return sum((folder / name).stat().st_size for name in names)


def _no_weights(folder: Path, wanted: str) -> CheckpointRefusedError:
    pickled = sorted(entry.name for entry in os.scandir(folder) if is_pickled(entry.name))
    if pickled:
        return CheckpointRefusedError(
            "pickled-weights",
            f"there is no {wanted}, and {pickled[0]!r} is a format that can run code when it is read",
            CONVERT,
        )
    return CheckpointRefusedError(
        "no-weights",
        f"there is no {wanted}; only safetensors are read",
        "save the model with save_pretrained(folder, safe_serialization=True)",
    )
