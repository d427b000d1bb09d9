"""How much a store holds."""

from dataclasses import dataclass

from clika.database.index import Index


@dataclass(frozen=True, slots=True)
class StoreContents:
    """Counts over all collections; a question counts once, in however many languages it stands."""

    collections: int
    questions: int
    runs: int
    answers: int


def store_contents(index: Index) -> StoreContents:
    """What the index holds now."""
    rows = index.cursor.execute(
        """select (select count(distinct collection) from items), (select count(*) from items),
            (select count(distinct run) from predictions), (select count(*) from predictions)"""
    ).fetchall()
    return StoreContents(*rows[0])
