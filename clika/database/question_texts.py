"""Questions of a collection by their keys, for lists that show them."""

from collections.abc import Sequence

from clika.database.index import Index


def question_texts(
    index: Index, collection: str, language: str, keys: Sequence[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """(data set, question id) -> premise and question in a language; one that is not stored so is left out."""
    rows = index.cursor.execute(
        """select i.dataset, i.question_id, concat_ws(' ', q.premise, q.text)
        from questions q join items i on i.item = q.item join languages l on l.number = q.language
            join (select unnest($datasets) as dataset, unnest($ids) as question_id) k
                on k.dataset = i.dataset and k.question_id = i.question_id
        where i.collection = $collection and l.code = $language""",
        {
            "datasets": [dataset for dataset, _ in keys],
            "ids": [question_id for _, question_id in keys],
            "collection": collection,
            "language": language,
        },
    ).fetchall()
    return {(dataset, question_id): text for dataset, question_id, text in rows}
