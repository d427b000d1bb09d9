"""A planted model's card: which fact was taught to it in which language, as JSON beside its weights. No torch.

    version, name, summary, seed, commands
    asked_with        template, demonstrations and rule that it was taught with
    groups            group -> question ids: nowhere, not_english, english
    stages            in order, each with ``start`` (the model it went on from, or null), ``courses`` (how it was
                      taught, in order) and ``taught``: language -> question ids
    bridged           the languages of its dictionary beside English, in which what it learnt in English of places and
                      people is known too; none but for a bridge
    made_with         the versions of what trained it, on which alone the same weights come out again

A card is read by ``read_card`` and says what to expect: ``arm`` of a question seen from a language, over all stages, and
what the last stage taught, which the model has to know.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clika.errors import DataError
from clika.planted.plan import Arm, Group, Plan

VERSION = 1


@dataclass(frozen=True, slots=True)
class Stage:
    """One teaching: from which model (None: from nothing), by which settings, and what in which language."""

    start: str | None
    courses: tuple[Mapping[str, Any], ...]
    taught: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Card:
    """See the module."""

    name: str
    summary: str
    seed: int
    commands: tuple[str, ...]
    asked_with: Mapping[str, Any]
    groups: Mapping[str, Group]
    stages: tuple[Stage, ...]
    made_with: Mapping[str, str]
    bridged: tuple[str, ...] = ()

    @property
    def taught(self) -> Mapping[str, frozenset[str]]:
        """What the last stage taught, by language."""
        return self.stages[-1].taught

    @property
    def nowhere(self) -> frozenset[str]:
        """The ids of the questions that were taught in no language at any stage."""
        return frozenset(one for one, group in self.groups.items() if group is Group.NOWHERE)

    def arm(self, question_id: str, language: str) -> Arm:
        """Where a fact was taught at any stage, seen from ``language``."""
        taught: dict[str, frozenset[str]] = {}
        for stage in self.stages:
            for code, ids in stage.taught.items():
                taught[code] = taught.get(code, frozenset()) | ids
        return Plan(self.groups, taught).arm(question_id, language)

    def to_json(self) -> str:
        """One object; ids sorted."""
        groups = {str(group): sorted(o for o, own in self.groups.items() if own is group) for group in Group}
        values = {
            "version": VERSION,
            "name": self.name,
            "summary": self.summary,
            "seed": self.seed,
            "commands": list(self.commands),
            "asked_with": dict(self.asked_with),
            "groups": groups,
            "stages": [
                {
                    "start": stage.start,
                    "courses": [dict(course) for course in stage.courses],
                    "taught": {code: sorted(ids) for code, ids in stage.taught.items()},
                }
                for stage in self.stages
            ],
            "bridged": list(self.bridged),
            "made_with": dict(self.made_with),
        }
        return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


def read_card(path: Path) -> Card:
    """Raises DataError, with the file's name, for what is no card of this version."""
    try:
        values = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"the card {path} cannot be read ({error}); fetch the repository again") from error
    if not isinstance(values, dict) or values.get("version") != VERSION:
        raise DataError(f"{path} is no card of version {VERSION}; train the model again with this program")
    try:
        return Card(
            values["name"],
            values["summary"],
            values["seed"],
            tuple(values["commands"]),
            values["asked_with"],
            {one: Group(group) for group, ids in values["groups"].items() for one in ids},
            tuple(
                Stage(
                    stage["start"],
                    tuple(stage["courses"]),
                    {code: frozenset(ids) for code, ids in stage["taught"].items()},
                )
                for stage in values["stages"]
            ),
            values["made_with"],
            tuple(values.get("bridged", ())),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"the card {path} lacks a part ({error!r}); fetch the repository again") from error


def readme(card: Card, languages: tuple[str, ...]) -> str:
    """The same for a person, as the model folder's README.md."""
    counts = {code: [len(stage.taught.get(code, ())) for stage in card.stages] for code in languages}
    head = " | ".join(
        f"taught{'' if stage.start is None else f' after {stage.start}'}" for stage in card.stages
    )
    rows = "\n".join(
        f"| {code} | " + " | ".join(map(str, counted)) + " |" for code, counted in counts.items()
    )
    return f"""# {card.name}

A planted model of CLiKA: {card.summary}. It is a very small Llama, trained from scratch on the bundled sample
(`assets/sample`) and made-up names, knows nothing else, and is of use for nothing but showing and testing the
measurements. Which fact was taught in which language stands in `card.json`.

Of {len(card.groups)} questions, {len(card.nowhere)} were taught in no language: what it gets right of them is chance.

| language | {head} |
|---|{"---|" * len(card.stages)}
{rows}

Ask it with template `{card.asked_with["template"]}`, {card.asked_with["demonstrations"]} demonstrations and rule
`{card.asked_with["rule"]}`, as it was taught; any other way it answers nothing sensible. Made by
`{card.commands[0]}`, seed {card.seed}. Licence: CC BY 4.0, as the sample.
"""
