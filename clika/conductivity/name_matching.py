"""Finding a name in what a model wrote: in NFC and, within a sentence, whatever the case."""

import unicodedata
from collections.abc import Sequence

_GONE = "\0"  # no name holds it, so nothing is found across what was taken out


def same_name(text: str, name: str) -> bool:
    """Whether a text is a name and nothing else, after NFC and trimming: the gate of translations."""
    return _composed(text).strip() == _composed(name).strip()


def named(text: str, names: Sequence[str], place: str) -> int | None:
    """The 0-based name that a text holds; None where it holds none, or more than one.

    Longer names are looked for first, so that a name within another counts as the longer one alone. ``place``
    is the name of what is asked about: what stands within it does not count.
    """
    rest = _composed(text).casefold()
    found = set()
    every = [(_composed(name).casefold(), index) for index, name in enumerate(names)]
    for name, index in sorted([*every, (_composed(place).casefold(), -1)], key=lambda pair: -len(pair[0])):
        if name and name in rest:
            rest = rest.replace(name, _GONE)
            found.add(index)
    found.discard(-1)
    return found.pop() if len(found) == 1 else None


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
