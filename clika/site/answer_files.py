"""Questions and answers of a site: the questions of a data set in all languages, and each run's picks as letters."""

from collections.abc import Mapping, Sequence

from clika.database.index import Index
from clika.database.queries import answer_matrices
from clika.records import INVALID, NOT_ASKED, UNPARSEABLE, Question

SIGNS: Mapping[int, str] = {UNPARSEABLE: "-", NOT_ASKED: ".", INVALID: "!"}
"""What stands for an answer that is no choice; a choice is its letter, from a."""


def questions_content(questions: Sequence[Sequence[Question]]) -> list[dict[str, object]]:
    """Questions for the site's script: what all languages share once, the texts by language."""
    return [
        {
            "id": parallel[0].question_id,
            "gold": parallel[0].answer_index,
            "kind": str(parallel[0].kind),
            "origin": parallel[0].origin,
            "texts": {one.language: [one.premise, one.text, list(one.choices)] for one in parallel},
        }
        for parallel in questions
    ]


def answers_content(index: Index, collection: str, dataset: str) -> dict[str, object]:
    """``ids`` and, run by run and language by language, a text with one sign for each of them."""
    matrices = answer_matrices(index, collection, datasets=[dataset])
    return {
        "ids": list(matrices[0].question_ids) if matrices else [],
        "runs": {
            matrix.run: {
                language: "".join(SIGNS.get(pick) or chr(ord("a") + pick) for pick in row.tolist())
                for language, row in zip(matrix.languages, matrix.chosen, strict=True)
                if (row != NOT_ASKED).any()
            }
            for matrix in matrices
        },
    }
