"""Which questions of a collection are asked: by data set, language and a limit that is the same in every language."""

import hashlib
from collections.abc import Collection, Sequence

from clika.records import Question


def selected(
    questions: Sequence[Question], datasets: Sequence[str], languages: Collection[str], limit: int | None
) -> list[Question]:
    """The questions of these data sets and languages, in the order given where there is no limit.

    A limit takes the first ids of each data set in the order of their hashes: the same in every language,
    and a smaller limit is a part of a larger one. They come data set by data set then.
    """
    wanted = [q for q in questions if q.dataset in datasets and q.language in languages]
    if limit is None:
        return wanted
    return [
        question
        for dataset in datasets
        for question in _limited([q for q in wanted if q.dataset == dataset], limit)
    ]


def _limited(questions: list[Question], limit: int) -> list[Question]:
    ids = sorted(
        {question.question_id for question in questions},
        key=lambda item: hashlib.sha256(item.encode()).digest(),
    )
    chosen = set(ids[:limit])
    return [question for question in questions if question.question_id in chosen]
