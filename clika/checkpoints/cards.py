"""A checkpoint's card: what is known of it, as ``card.json`` in a folder of its own under the store's checkpoints/."""

import json
import re
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from clika.checkpoints.folder_rules import Kind
from clika.errors import StoreError
from clika.json_text import parsed_json
from clika.shards import write_durably

CARD = "card.json"
VERSION = 1
ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,80}")


class Source(StrEnum):
    """Where its files come from. Only those of an upload belong to the store and go with it."""

    FOLDER = "folder"
    UPLOAD = "upload"
    HUB = "hub"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Card:
    """One checkpoint. None, or empty, is what its files do not say.

    ``files`` is the absolute folder that is loaded. ``base`` is the id of the checkpoint that an adapter is put on,
    ``claimed_base`` what its files say they were made from. ``tokens_per_word``: tokens of the bundled questions in
    a language over the words of the same questions in English. ``chat_template`` is none, works, or why it cannot be
    used. ``findings`` are what an evaluation would stumble over.
    """

    id: str
    name: str
    kind: Kind
    source: Source
    files: str
    fingerprint: str
    size: int
    added: str
    base: str | None = None
    claimed_base: str | None = None
    hub_id: str | None = None
    revision: str | None = None
    licence: str | None = None
    architecture: str | None = None
    parameters: int | None = None
    dtypes: tuple[str, ...] = ()
    context: int | None = None
    vocabulary: int | None = None
    tokenizer: str | None = None
    letters: tuple[str, ...] = ()
    tokens_per_word: dict[str, float] = field(default_factory=dict)
    chat_template: str = "none"
    findings: tuple[str, ...] = ()
    version: int = VERSION

    def to_json(self) -> str:
        """As it is written to ``card.json``."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Card":
        """Raises ValueError for anything else than a card of this version."""
        values = parsed_json(text)
        known = {one.name for one in fields(cls)}
        if not isinstance(values, dict) or values.get("version") != VERSION or set(values) - known:
            raise ValueError("it is a card of another version")
        values["kind"], values["source"] = Kind(values["kind"]), Source(values["source"])
        for name in ("dtypes", "letters", "findings"):
            values[name] = tuple(values[name])
        try:
            return cls(**values)
        except TypeError as error:
            raise ValueError(str(error)) from error

    def pairs(self) -> list[tuple[str, str]]:
        """Names and values for a person, in the order they are asked for; what is unknown is left out."""
        number = "{:,}".format
        said: list[tuple[str, Any]] = [
            ("Id", self.id),
            ("Kind", "LoRA adapter" if self.kind is Kind.ADAPTER else "model"),
            ("Base", self.base),
            ("Says it comes from", self.claimed_base),
            ("Architecture", self.architecture),
            ("Parameters", self.parameters and number(self.parameters)),
            ("Number format", ", ".join(self.dtypes)),
            ("Context", self.context and f"{number(self.context)} tokens"),
            ("Vocabulary", self.vocabulary and number(self.vocabulary)),
            ("Tokenizer", self.tokenizer),
            (
                "Tokens per English word",
                ", ".join(f"{code} {value:.2f}" for code, value in self.tokens_per_word.items()),
            ),
            ("Letters", " ".join(self.letters)),
            ("Chat template", self.chat_template if self.kind is Kind.MODEL else None),
            ("Licence", self.licence),
            ("Size", f"{self.size / 1e6:,.1f} MB"),
            ("Fingerprint", self.fingerprint),
            ("Source", self.hub_id or self.source),
            ("Revision", self.revision),
            ("Folder", self.files),
            ("Added", self.added),
        ]
        return [(name, str(value)) for name, value in said if value]


def write_card(folder: Path, card: Card) -> None:
    """Put a card into its folder. Raises StoreError where it cannot be written."""
    write_durably(folder / CARD, card.to_json().encode())


def read_cards(place: Path) -> tuple[list[Card], list[str]]:
    """All cards below a store's checkpoints, the newest first, and a sentence for each that cannot be read."""
    found, faults = [], []
    for path in place.glob(f"*/{CARD}") if place.is_dir() else ():
        try:
            card = Card.from_json(path.read_text("utf-8"))
            if card.id != path.parent.name:
                raise ValueError(f"it is the card of {card.id!r}")
            found.append(card)
        except (OSError, ValueError, KeyError, TypeError) as error:
            faults.append(f"{path} cannot be read ({error}); remove its folder and add the checkpoint again")
    return sorted(found, key=lambda card: (card.added, card.id), reverse=True), faults


def read_card(place: Path, name: str) -> Card | None:
    """The card of that id; None where there is none. Raises StoreError where it cannot be read."""
    path = place / name / CARD
    if not ID.fullmatch(name) or not path.is_file():
        return None
    try:
        return Card.from_json(path.read_text("utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); remove its folder and add it again") from error
