"""Search in the questions' texts: in any language, whatever its accents, vowel points or width of letters."""

import unicodedata
from collections.abc import Sequence

from clika.database.index import Index

KEPT_MARKS = "\u3099\u309a"
"""The Japanese sound marks: with one it is another letter, as no accent makes it."""


def folded(text: str) -> str:
    """A text as it is compared: NFKD, without combining marks and invisible characters, case folded, blanks single.

    So ``é`` is ``e``, a pointed Hebrew or Arabic word its bare letters, a full-width ``Ａ`` an ``a``, ``ß`` is ``ss``.
    """
    apart = unicodedata.normalize("NFKD", text)
    kept = (
        character
        for character in apart
        if character in KEPT_MARKS or unicodedata.category(character) not in ("Mn", "Me", "Cf")
    )
    # Folding may bring marks anew: the Turkish İ becomes i and a dot above.
    again = unicodedata.normalize("NFKD", "".join(kept).casefold())
    return " ".join("".join(c for c in again if c in KEPT_MARKS or not unicodedata.combining(c)).split())


def matching_items(index: Index, collection: str, search: str) -> tuple[int, ...]:
    """The items of which one language's premise, question and options hold every word of ``search``."""
    words = folded(search).split()
    texts = index.remembered(("folded texts", collection), lambda: _folded_texts(index, collection))
    return tuple(sorted({item for item, text in texts if all(word in text for word in words)}))


def _folded_texts(index: Index, collection: str) -> Sequence[tuple[int, str]]:
    rows = index.cursor.execute(
        """select q.item, concat_ws(' ', q.premise, q.text, array_to_string(q.choices, ' '))
        from questions q join items i on i.item = q.item where i.collection = ?""",
        [collection],
    ).fetchall()
    return [(item, folded(text)) for item, text in rows]
