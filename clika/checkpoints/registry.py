"""The checkpoints of a store: taken in by folder, upload, Hub id or job, each checked, then known by a name.

``checkpoints/<id>/card.json``; an upload's files lie beside it in ``files/`` and appear with it by one rename.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from clika.checkpoints.adapter_rules import WEIGHTS
from clika.checkpoints.budget import Allowance
from clika.checkpoints.cards import Card, Source, read_card, read_cards, write_card
from clika.checkpoints.children import inspected
from clika.checkpoints.folder_rules import Checked, Kind, checked_folder
from clika.checkpoints.hub import HUB_ID, snapshot
from clika.checkpoints.quarantine import CHECKPOINTS, FILES, quarantined, unpacked
from clika.errors import CheckpointRefusedError, StoreError, UsageError
from clika.scoring.fingerprint import content_fingerprint

Inspect = Callable[[Path, Path | None], dict[str, Any]]
_LONGEST_NAME = 120
_LICENCE = re.compile(r"^license:[ \t]*['\"]?([^\n'\"]{1,80})", re.MULTILINE)
_BASE = re.compile(r"^base_model:(?:[ \t]*|\s*-\s*)['\"]?([^\s'\"\[\]]{1,120})", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Registry:
    """A store's checkpoints. ``roots`` are the folders below which folders may be registered; none: anywhere.

    ``inspect`` looks at a model's folder, or at an adapter on it, in a process of its own.
    """

    store: Path
    roots: tuple[Path, ...] = ()
    inspect: Inspect = inspected

    @property
    def place(self) -> Path:
        """Where the cards lie."""
        return self.store / CHECKPOINTS

    def cards(self) -> list[Card]:
        """All that can be read, the newest first."""
        return read_cards(self.place)[0]

    def found(self, name: str) -> Card | None:
        """The card of an id, or of a name that one alone has; None where there is none.

        Raises UsageError for a name that several have.
        """
        by_id = read_card(self.place, name)
        if by_id is not None:
            return by_id
        named = [card for card in self.cards() if card.name == name]
        if len(named) > 1:
            raise UsageError(
                f"{len(named)} checkpoints are called {name!r}; use an id: {', '.join(c.id for c in named)}"
            )
        return named[0] if named else None

    def card(self, name: str) -> Card:
        """As ``found``. Raises UsageError where there is none."""
        card = self.found(name)
        if card is None:
            known = ", ".join(card.id for card in self.cards()[:20]) or "none"
            raise UsageError(f"no checkpoint {name[:80]!r} in this store; known: {known}")
        return card

    def add_folder(
        self, folder: Path, name: str | None = None, base: str | None = None, source: Source = Source.FOLDER
    ) -> Card:
        """Register a folder where it lies. An adapter needs its ``base``, a checkpoint of this store.

        Raises CheckpointRefusedError for files that are not taken, UsageError for a folder that is none or lies
        outside the configured roots.
        """
        try:
            whole = folder.expanduser().resolve()
            is_folder = whole.is_dir()
        except (OSError, RuntimeError, ValueError) as error:
            raise UsageError(f"{str(folder)[:200]!r} cannot be read; give a checkpoint's folder") from error
        if not is_folder:
            raise UsageError(f"no folder {str(folder)[:200]!r}; give a checkpoint's folder, or a Hub id")
        roots = [root.resolve() for root in self.roots]
        if source is Source.FOLDER and roots and not any(whole.is_relative_to(root) for root in roots):
            raise UsageError(
                f"{whole} lies outside the folders that may be registered here ({', '.join(map(str, roots))}); put the"
                " checkpoint there, or upload it"
            )
        return self._added(whole, checked_folder(whole), name or whole.name, source, base)

    def add_hub(self, hub_id: str, revision: str | None, token: str | None, name: str | None = None) -> Card:
        """Download a Hub model at one commit and register it. Raises as ``hub.snapshot`` and ``add_folder`` do."""
        taken = snapshot(hub_id, revision, token)
        checked = checked_folder(taken.folder, inside=taken.inside)
        return self._added(
            taken.folder, checked, name or hub_id.rpartition("/")[2], Source.HUB, None, hub_id, taken.commit
        )

    def add_tuned(self, tuned: Path, model: str, name: str, base: str | None = None) -> Card:
        """Register what a job made of ``model`` (a folder or a Hub id), its base in this store where none is given.

        Raises UsageError for an adapter whose model is not in this store, and as ``add_folder`` does.
        """
        if base is None:
            of_model = self._of_model(model)
            base = None if of_model is None else of_model.id
        if base is None and (tuned / WEIGHTS).is_file():
            raise UsageError(
                f"{name} is an adapter of {model}, which is no checkpoint of this store; add that first, or name another"
                " with --base"
            )
        return self.add_folder(tuned, name, base, Source.JOB)

    def _of_model(self, model: str) -> Card | None:
        """The newest whole model that lies in a folder, or has a Hub id."""
        place = str(Path(model).resolve()) if Path(model).is_dir() else model
        models = (card for card in self.cards() if card.kind is Kind.MODEL)
        return next((card for card in models if place in (card.hub_id, card.files)), None)

    def add_upload(
        self,
        given: Sequence[tuple[str, Path]],
        name: str,
        base: str | None = None,
        allowance: Allowance | None = None,
    ) -> Card:
        """Take an upload in: an archive, or files by the names they were given. Nothing is left where it is refused."""
        with quarantined(self.store) as folder:
            checked = unpacked(self.store, folder, given, allowance)
            ready = folder / "ready"
            ready.mkdir(mode=0o700)
            (folder / FILES).rename(ready / FILES)
            card = self._described(ready / FILES, checked, name, Source.UPLOAD, base, None, None)
            card = replace(card, files=str((self.place / card.id / FILES).resolve()))
            write_card(ready, card)
            return self._put(ready, card)

    def _added(
        self,
        folder: Path,
        checked: Checked,
        name: str,
        source: Source,
        base: str | None,
        hub_id: str | None = None,
        revision: str | None = None,
    ) -> Card:
        card = self._described(folder, checked, name, source, base, hub_id, revision)
        with quarantined(self.store) as place:
            ready = place / "ready"
            ready.mkdir(mode=0o700)
            write_card(ready, card)
            return self._put(ready, card)

    def _put(self, ready: Path, card: Card) -> Card:
        """The rename that makes it known. What is known already by its content and name stays as it is."""
        target = self.place / card.id
        known = read_card(self.place, card.id) if target.exists() else None
        if known is not None:
            return known
        try:
            ready.rename(target)
        except OSError as error:
            raise StoreError(
                f"{target} cannot be written ({error.strerror}); remove it and try again"
            ) from error
        return card

    def _described(
        self,
        folder: Path,
        checked: Checked,
        name: str,
        source: Source,
        base: str | None,
        hub_id: str | None,
        revision: str | None,
    ) -> Card:
        shown = _checked_name(name)
        licence, claimed = _said_in_readme(folder)
        facts: dict[str, Any] = {}
        if checked.kind is Kind.ADAPTER:
            if base is None:
                said = checked.config.get("base_model_name_or_path") or claimed
                raise CheckpointRefusedError(
                    "adapter-base",
                    f"an adapter needs its base model (its files say {str(said)[:120]!r}, which is not followed)",
                    "register the base model and choose it",
                )
            under = self.card(base)
            if under.kind is not Kind.MODEL:
                raise UsageError(f"{under.id} is an adapter itself; choose a whole model as base")
            found = self.inspect(Path(under.files), folder)["adapter"]
            fingerprint, base = found["fingerprint"], under.id
            said = checked.config.get("base_model_name_or_path")
            claimed = str(said)[:200] if said else claimed
            facts = {"architecture": f"LoRA of {found['architecture']}", "dtypes": _dtypes(checked)}
        else:
            if base is not None:
                base = self.card(base).id
            facts = dict(self.inspect(folder, None))
            for key in ("dtypes", "letters", "findings"):
                facts[key] = tuple(facts[key])
            fingerprint = content_fingerprint(folder)
        facts.setdefault("parameters", checked.values)
        return Card(
            id=f"{_slug(shown)}-{fingerprint[:8]}",
            name=shown,
            kind=checked.kind,
            source=source,
            files=str(folder),
            fingerprint=fingerprint,
            size=checked.size,
            added=datetime.now(UTC).isoformat(timespec="seconds"),
            base=base,
            claimed_base=claimed,
            hub_id=hub_id,
            revision=revision,
            licence=licence or _licence_file(folder),
            **facts,
        )

    def remove(self, name: str) -> Card:
        """Take a checkpoint out: the card, and an upload's files. Raises UsageError while adapters stand on it."""
        card = self.card(name)
        above = [one.id for one in self.cards() if one.base == card.id and one.kind is Kind.ADAPTER]
        if above:
            raise UsageError(f"{card.id} is the base of {', '.join(above)}; remove those first")
        with quarantined(self.store) as place:
            (self.place / card.id).rename(place / "removed")
        return card

    def resolved(self, name: str) -> tuple[str, str | None, str] | None:
        """(model folder, adapter folder or None, name to show) of a registered checkpoint; None where none is.

        Raises UsageError where its files are no longer what was registered.
        """
        card = self.found(name)
        if card is None:
            return None
        lower = card if card.kind is Kind.MODEL else self.card(card.base or "")
        for one in {card.id: card, lower.id: lower}.values():
            wanted = WEIGHTS if one.kind is Kind.ADAPTER else "config.json"
            if not (Path(one.files) / wanted).is_file():
                raise UsageError(f"{one.id} is no longer at {one.files}; remove it and add it again")
        return lower.files, card.files if card.kind is Kind.ADAPTER else None, card.name

    def baseline(self, card: Card) -> Card | None:
        """The nearest base that a checkpoint descends from, of those in this store; None where there is none."""
        if card.base is not None:
            return self.found(card.base)
        claims = {card.claimed_base} - {None}
        return next(
            (one for one in self.cards() if {one.hub_id, one.name, one.files} & claims and one.id != card.id),
            None,
        )


def is_hub_id(text: str) -> bool:
    """Whether a text could be a Hub id."""
    return HUB_ID.fullmatch(text) is not None and ".." not in text


def _checked_name(name: str) -> str:
    shown = " ".join(name.split())
    if not shown or len(shown) > _LONGEST_NAME or not shown.isprintable():
        raise UsageError(f"name {shown[:60]!r}; give one of 1 to {_LONGEST_NAME} printable characters")
    return shown


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9._-]+", "-", name.lower()).strip("-._")[:60] or "checkpoint"


def _dtypes(checked: Checked) -> tuple[str, ...]:
    return tuple(sorted({weight.dtype for weight in checked.weights.values()}))


def _said_in_readme(folder: Path) -> tuple[str | None, str | None]:
    """(licence, base model) as the front matter of README.md states them."""
    try:
        with (folder / "README.md").open("rb") as stream:
            text = stream.read(1 << 16).decode("utf-8", "replace")
    except OSError:
        return None, None
    front = text.split("\n---", 1)[0] if text.startswith("---") else ""
    licence, base = _LICENCE.search(front), _BASE.search(front)
    return (licence[1].strip() if licence else None), (base[1] if base else None)


def _licence_file(folder: Path) -> str | None:
    return next((f"see {path.name}" for path in sorted(folder.glob("LICEN[SC]E*"))), None)


def remove_upload(path: Path) -> None:
    """Take away a file that a browser uploaded, and the folder that was made for it alone."""
    path.unlink(missing_ok=True)
    if path.parent.is_dir() and not any(path.parent.iterdir()):
        shutil.rmtree(path.parent, ignore_errors=True)
