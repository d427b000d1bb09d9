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
from clika.metrics.score_table import references_for
from clika.planted.catalog import REFERENCE, TEMPLATE
from clika.records import NOT_ASKED, Run

_PLACE = ("assets", "models", REFERENCE)


def references_in(index: Index, collection: str) -> Mapping[str, float]:
    """Data set -> reference accuracy (0 to 1, above chance); data sets without one are not in it."""
    if collection != SAMPLE_COLLECTION:
        return references_for(collection)
    runs = [summary.run for summary in run_summaries(index, collection) if _is_reference(summary.run)]
    found: dict[str, float] = {}
    for matrix in answer_matrices(index, collection, [run.run for run in runs]) if runs else ():
        if ENGLISH not in matrix.languages or matrix.dataset in found:
            continue
        english = matrix.chosen[matrix.languages.index(ENGLISH)]
        accuracy = float(np.mean(english == matrix.answers))
        if not np.any(english == NOT_ASKED) and accuracy > float(np.mean(1.0 / matrix.choices)):
            found[matrix.dataset] = accuracy
    return found


def _is_reference(run: Run) -> bool:
    """Whether it is the shipped model, asked as it was taught; a clone may lie anywhere."""
    return (
        Path(run.model.base).parts[-len(_PLACE) :] == _PLACE
        and run.model.adapter is None
        and run.template == TEMPLATE
    )
