"""RA's reference accuracies of a collection: the paper's, or measured here.

The authors' data have ChatGPT's. The bundled sample's reference is the planted model ``mixed`` in English, as this
store measured it: until that is done the sample has none.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from clika.database.index import Index
from clika.database.queries import answer_matrices, run_summaries
from clika.datasets.sample import SAMPLE_COLLECTION
from clika.languages import ENGLISH
from clika.metrics.accuracy import asked, right
from clika.metrics.score_table import references_for
from clika.planted.catalog import DEMONSTRATIONS, REFERENCE, RULE, TEMPLATE
from clika.records import Run

_PLACE = ("assets", "models", REFERENCE)
_SETTINGS = {"demonstrations": str(DEMONSTRATIONS)}
"""Of a run's settings, which name what is not the default: letters are not permuted, demonstrations not rotated."""


def references_in(index: Index, collection: str) -> Mapping[str, float]:
    """Data set -> reference accuracy (0 to 1, above chance); data sets without one are not in it."""
    if collection != SAMPLE_COLLECTION:
        return references_for(collection)
    runs = [summary.run for summary in run_summaries(index, collection) if _is_reference(summary.run)]
    found: dict[str, float] = {}
    for matrix in answer_matrices(index, collection, [run.run for run in runs]) if runs else ():
        if ENGLISH not in matrix.languages or matrix.dataset in found:
            continue
        english = matrix.languages.index(ENGLISH)
        accuracy = float(np.mean(right(matrix)[english]))
        if asked(matrix)[english].all() and accuracy > float(np.mean(1.0 / matrix.choices)):
            found[matrix.dataset] = accuracy
    return found


def _is_reference(run: Run) -> bool:
    """Whether it is the shipped model, asked as it was taught and in full precision; a clone may lie anywhere."""
    return (
        Path(run.model.base).parts[-len(_PLACE) :] == _PLACE
        and run.model.adapter is None
        and run.model.dtype in (None, "float32")
        and (run.template, run.rule, dict(run.settings)) == (TEMPLATE, RULE, _SETTINGS)
    )
