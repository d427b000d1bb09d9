"""What every fictional name must be: drawn the same everywhere, and no other name in disguise."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping

_NO_ACCENT_TO_STRIP = str.maketrans("łøđ", "lod")
_JOINTS = frozenset(" -'’\u00a0")


class Draws:
    """A stream of numbers that a label alone determines: SHA-256 of the label and a counter.

    ``random.Random`` promises the same ``random()`` in every version of Python and nothing about its other
    methods; this promises all of it.
    """

    def __init__(self, label: str) -> None:
        self._label = label
        self._drawn = 0

    def below(self, limit: int) -> int:
        """The next number from 0 to ``limit`` - 1. The bias of the remainder is below limit / 2**64."""
        digest = hashlib.sha256(f"{self._label}/{self._drawn}".encode()).digest()
        self._drawn += 1
        return int.from_bytes(digest[:8], "big") % limit

    def sample(self, limit: int, count: int) -> list[int]:
        """``count`` different numbers below ``limit`` in the order drawn (Fisher and Yates)."""
        numbers = list(range(limit))
        for place in range(count):
            other = place + self.below(limit - place)
            numbers[place], numbers[other] = numbers[other], numbers[place]
        return numbers[:count]


def name_key(name: str) -> str:
    """What is left of a name without case, accents, width, blanks, hyphens and apostrophes.

    Two names with one key are one name to somebody: ``Étang-Gris`` and ``etang gris``. The marks that
    go include Arabic and Hebrew vowel points and the two dots of a voiced kana.
    """
    folded = unicodedata.normalize("NFKC", name).casefold().translate(_NO_ACCENT_TO_STRIP)
    return "".join(
        character
        for character in unicodedata.normalize("NFD", folded)
        if unicodedata.category(character) != "Mn" and character not in _JOINTS
    )


class NameRegister:
    """The names of one world so far: no two things share a name's key, in one language or across them.

    ``taken`` are names that none may have (real places), in any language and spelling. A candidate's
    name is besides no part of another name in its language: answers in free text are read by finding it.
    """

    def __init__(self, taken: Iterable[str]) -> None:
        self._keys = {name_key(name) for name in taken}
        self._candidates: list[dict[str, str]] = []
        self._all: list[dict[str, str]] = []

    def accepts(self, names: Mapping[str, str], candidate: bool) -> bool:
        """Whether ``names`` (language -> name) are free; if so they are taken from now on."""
        keys = {language: name_key(name) for language, name in names.items()}
        if not self._keys.isdisjoint(keys.values()):
            return False
        for others in self._all if candidate else self._candidates:
            if any(key in others[code] or others[code] in key for code, key in keys.items()):
                return False
        self._keys.update(keys.values())
        self._all.append(keys)
        if candidate:
            self._candidates.append(keys)
        return True
