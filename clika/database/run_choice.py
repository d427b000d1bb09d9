"""Runs by the names that people and programs give."""

from collections.abc import Sequence

from clika.database.index import Index
from clika.database.queries import run_summaries
from clika.errors import UsageError
from clika.records import Run


def chosen_runs(index: Index, collection: str, names: Sequence[str] | None) -> dict[str, Run]:
    """Run id -> run over a collection, of the models or run ids named; all of them where ``names`` is None.

    Raises UsageError for a name that is not there.
    """
    runs = [summary.run for summary in run_summaries(index, collection)]
    if names is None:
        return {run.run: run for run in runs}
    for name in names:
        if not any(name in (run.model.name, run.run) for run in runs):
            known = ", ".join(sorted({run.model.name for run in runs})) or "none"
            raise UsageError(f"no model {name!r} over collection {collection!r}; known: {known}")
    return {run.run: run for run in runs if run.model.name in names or run.run in names}
