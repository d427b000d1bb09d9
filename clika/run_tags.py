"""What people say about runs: foundation or tuned, how it was pretrained, tuned on which languages, from which run.

``tags.json`` in the store, beside the index and never only in it: a rebuild makes the index again from the shards.
It is written by rename under a lock, so that two pages lose nothing of each other's.
"""

import fcntl
import json
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from clika.errors import StoreError, UsageError
from clika.json_text import parsed_json
from clika.languages import ALL_LANGUAGES

TAGS = "tags.json"
VERSION = 1
_KEYS = {"tuning", "pretraining", "tuned_on", "parent"}


class Tuning(StrEnum):
    """Whether a model is a foundation model or was tuned on instructions."""

    FOUNDATION = "foundation"
    TUNED = "tuned"


class Pretraining(StrEnum):
    """How other languages came into a model: mixed from the beginning, or by going on from an English model."""

    MIXED = "mixed"
    CONTINUED = "continued"


@dataclass(frozen=True, slots=True)
class RunTags:
    """What is said of one run; ``parent`` is the run of the model that it was made from."""

    tuning: Tuning | None = None
    pretraining: Pretraining | None = None
    tuned_on: tuple[str, ...] = ()
    parent: str | None = None


def read_tags(store: Path) -> dict[str, RunTags]:
    """Run -> its tags; empty where nobody has tagged one. Raises StoreError for a file that is not understood."""
    path = store / TAGS
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); mend it or move it away") from error
    try:
        whole = parsed_json(text)
        if whole["version"] != VERSION:
            raise StoreError(
                f"{path} has version {whole['version']!r}, this program knows {VERSION}; use a newer CLiKA"
            )
        return {str(run): _tags(values) for run, values in whole["runs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is not understood ({error!r}); mend it or move it away") from error


def _tags(values: Mapping[str, object]) -> RunTags:
    unknown = set(values) - _KEYS
    if unknown:
        raise ValueError(f"unknown key {min(unknown)!r}")
    tuning, pretraining, parent = (values.get(name) for name in ("tuning", "pretraining", "parent"))
    languages = values.get("tuned_on", [])
    if not isinstance(languages, list):
        raise TypeError("tuned_on is no list")
    return RunTags(
        Tuning(str(tuning)) if tuning is not None else None,
        Pretraining(str(pretraining)) if pretraining is not None else None,
        tuple(str(code) for code in languages),
        str(parent) if parent is not None else None,
    )


def checked_tags(
    run: object, tuning: object, pretraining: object, tuned_on: object, parent: object, known: Collection[str]
) -> tuple[str, RunTags]:
    """Tags as a form says them, empty values for none. ``known`` are the runs there are.

    Raises UsageError for a run, a value or a language that is not there, and for a run that is its own parent.
    """
    if not isinstance(run, str) or run not in known:
        raise UsageError(f"no run {run!r}; choose the one that is tagged")
    if parent and (parent not in known or parent == run):
        raise UsageError(f"run {parent!r} cannot be the parent of {run!r}; choose another run of the store")
    languages = tuned_on if isinstance(tuned_on, list) else []
    for code in languages:
        if code not in ALL_LANGUAGES:
            raise UsageError(f"unknown language {code!r}; known: {', '.join(ALL_LANGUAGES)}")
    for value, kinds in ((tuning, Tuning), (pretraining, Pretraining)):
        if value and value not in set(kinds):
            raise UsageError(f"unknown tag {value!r}; known: {', '.join(kinds)}")
    return run, RunTags(
        Tuning(str(tuning)) if tuning else None,
        Pretraining(str(pretraining)) if pretraining else None,
        tuple(code for code in ALL_LANGUAGES if code in languages),
        str(parent) if parent else None,
    )


def tag_run(store: Path, run: str, tags: RunTags) -> None:
    """Keep the tags of a run; empty ones take it out of the file. Raises StoreError where it cannot be written."""
    path = store / TAGS
    try:
        with (store / f"{TAGS}.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            held = read_tags(store)
            held.pop(run, None)
            if tags != RunTags():
                held[run] = tags
            whole = {"version": VERSION, "runs": {key: _written(one) for key, one in sorted(held.items())}}
            fresh = path.with_name(f".{TAGS}.new")
            with fresh.open("w", encoding="utf-8") as file:
                json.dump(whole, file, ensure_ascii=False, indent=1)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror}); make room or give the store back"
        ) from error


def _written(tags: RunTags) -> dict[str, object]:
    values = {
        "tuning": tags.tuning and str(tags.tuning),
        "pretraining": tags.pretraining and str(tags.pretraining),
        "tuned_on": list(tags.tuned_on),
        "parent": tags.parent,
    }
    return {name: value for name, value in values.items() if value}
