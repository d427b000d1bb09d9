"""A store that a command reads: what could not be taken in is said, and is no success."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clika.database.index import Index


@contextmanager
def reading(store: Path) -> Iterator[Index]:
    """The store's index; its notices are on standard error before anything is computed. Raises as ``Index.open``."""
    with Index.open(store) as index:
        for notice in index.notices:
            print(f"clika: {notice}", file=sys.stderr)
        yield index


def status(index: Index) -> int:
    """0, or 1 where something that was sealed is missing from what was computed."""
    return 1 if index.alarms else 0
