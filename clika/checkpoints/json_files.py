"""JSON that a stranger wrote: bounded in size, no key twice, no NaN; the parser itself ends what is too deep."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

from clika.errors import CheckpointRefusedError


def read_object(path: Path, most_bytes: int) -> dict[str, Any]:
    """The object in a file. Raises CheckpointRefusedError for anything else, and for one that is too large."""
    try:
        size = path.stat().st_size
        if size > most_bytes:
            raise CheckpointRefusedError(
                "json-large",
                f"{path.name} has {size:,} bytes, more than {most_bytes:,}",
                "save the model again with save_pretrained",
            )
        content = path.read_bytes()
    except OSError as error:
        raise CheckpointRefusedError(
            "file-unreadable",
            f"{path.name} cannot be read ({error.strerror})",
            "check the file and give it again",
        ) from error
    return parsed_object(content, path.name)


def parsed_object(content: bytes, name: str) -> dict[str, Any]:
    """The object in these bytes. Raises CheckpointRefusedError for anything else."""
    try:
        values = json.loads(content.decode("utf-8"), object_pairs_hook=_pairs, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointRefusedError(
            "json-damaged",
            f"{name} is no JSON ({str(error)[:120]})",
            "save the model again with save_pretrained",
        ) from error
    if not isinstance(values, dict):
        raise CheckpointRefusedError(
            "json-damaged",
            f"{name} holds a {type(values).__name__} and no object",
            "save the model again with save_pretrained",
        )
    return values


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        twice, _ = Counter(name for name, _ in pairs).most_common(1)[0]
        raise ValueError(f"the key {twice[:60]!r} stands twice")
    return values


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")
