"""All questions of a data set, each in every language that it is stored in."""

from clika.database.index import Index
from clika.languages import ALL_LANGUAGES
from clika.records import Kind, Question


def dataset_questions(index: Index, collection: str, dataset: str) -> tuple[tuple[Question, ...], ...]:
    """One tuple a question in the data set's own order; in it the languages in the order of ALL_LANGUAGES."""
    rows = index.cursor.execute(
        """select i.item, i.question_id, l.code, q.kind, q.premise, q.text, q.choices, i.answer_index, i.origin
        from questions q join items i on i.item = q.item join languages l on l.number = q.language
        where i.collection = ? and i.dataset = ? order by i.item""",
        [collection, dataset],
    ).fetchall()
    order = {code: place for place, code in enumerate(ALL_LANGUAGES)}
    found: dict[int, list[Question]] = {}
    for item, question_id, code, kind, premise, text, choices, gold, origin in rows:
        found.setdefault(item, []).append(
            Question(
                collection=collection,
                dataset=dataset,
                question_id=question_id,
                language=code,
                kind=Kind(kind),
                premise=premise,
                text=text,
                choices=tuple(choices),
                answer_index=gold,
                origin=origin,
            )
        )
    return tuple(
        tuple(sorted(parallel, key=lambda one: order.get(one.language, len(order))))
        for parallel in found.values()
    )
