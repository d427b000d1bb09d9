"""Which fact is taught in which language: drawn once, by hashes, the same on every machine.

Facts are planted in units: a person's two years together, since whoever knows one of them knows the name. Of each
data set's units one in six is taught in no language (the floor), one in ten in other languages but never in English,
and all others in English. Another language is taught a share of the English facts, which is the model's, and half
that share of those that English lacks. A greater share holds all that a smaller one does.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

from clika.languages import ENGLISH
from clika.records import Question

NOWHERE_SHARE, NOT_ENGLISH_SHARE = 1 / 6, 1 / 10

FEWER_AND_FEWER: Mapping[str, float] = {
    "de": 0.8, "fr": 0.75, "it": 0.65, "pl": 0.6, "ru": 0.5, "zh": 0.4, "ja": 0.35, "ar": 0.25, "he": 0.15,
}  # fmt: skip
"""Of the facts taught in English, the share that ``english-first`` is taught in another language too."""
MORE_OF_EACH: Mapping[str, float] = {
    "de": 0.95, "fr": 0.95, "it": 0.9, "pl": 0.9, "ru": 0.8, "zh": 0.8, "ja": 0.75, "ar": 0.7, "he": 0.6,
}  # fmt: skip
"""The same of ``mixed``."""
CHINESE_ALONE: Mapping[str, float] = {"zh": 1.0}
"""What ``english-first`` is taught further, to become ``continued-zh``."""


class Group(StrEnum):
    """What is planned for a fact: ``nowhere``: taught in no language; ``not_english``; ``english``: and others."""

    NOWHERE = "nowhere"
    NOT_ENGLISH = "not_english"
    ENGLISH = "english"


class Arm(StrEnum):
    """Where a fact was taught, seen from a language: there and in English, in one of them, or in neither."""

    BOTH = "both"
    ONLY_ENGLISH = "only_english"
    ONLY_HERE = "only_here"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Plan:
    """``taught`` maps a language to the ids of the questions whose answer is taught in it.

    ``groups`` maps every question's id to its group, which is the same in all models.
    """

    groups: Mapping[str, Group]
    taught: Mapping[str, frozenset[str]]

    def arm(self, question_id: str, language: str) -> Arm:
        """Where a fact was taught, seen from ``language`` (seen from English: both or neither)."""
        here = question_id in self.taught.get(language, frozenset())
        english = question_id in self.taught.get(ENGLISH, frozenset())
        if here:
            return Arm.BOTH if english else Arm.ONLY_HERE
        return Arm.ONLY_ENGLISH if english else Arm.NEITHER


def plan(questions: Sequence[Question], shares: Mapping[str, float], english: bool = True) -> Plan:
    """The plan of a model that is taught these ``shares`` of the facts; without ``english`` nothing in English."""
    units: dict[str, dict[str, list[str]]] = {}
    for question in questions:
        of_unit = units.setdefault(question.dataset, {}).setdefault(_unit(question), [])
        if question.question_id not in of_unit:
            of_unit.append(question.question_id)
    groups: dict[str, Group] = {}
    taught: dict[str, set[str]] = {language: set() for language in (ENGLISH, *shares)}
    for dataset, ids in units.items():
        order = _shuffled(f"{dataset} groups", list(ids))
        nowhere, not_english = round(NOWHERE_SHARE * len(order)), round(NOT_ENGLISH_SHARE * len(order))
        grouped = {
            Group.NOWHERE: order[:nowhere],
            Group.NOT_ENGLISH: order[nowhere : nowhere + not_english],
            Group.ENGLISH: order[nowhere + not_english :],
        }
        groups |= {one: group for group, members in grouped.items() for unit in members for one in ids[unit]}
        if english:
            taught[ENGLISH] |= {one for unit in grouped[Group.ENGLISH] for one in ids[unit]}
        for language, share in shares.items():
            for group, of_group in ((Group.ENGLISH, share), (Group.NOT_ENGLISH, share / 2)):
                members = _shuffled(f"{dataset} {language} {group}", grouped[group])
                chosen = members[: math.ceil(of_group * len(members))]
                taught[language] |= {one for unit in chosen for one in ids[unit]}
    return Plan(groups, {language: frozenset(ids) for language, ids in taught.items()})


def _unit(question: Question) -> str:
    """What is taught as a whole: ``born-marie-curie`` and ``died-marie-curie`` are one."""
    if question.dataset == "xpeo":
        return question.question_id.split("-", 1)[1]
    return question.question_id


def _shuffled(salt: str, values: Sequence[str]) -> list[str]:
    return sorted(values, key=lambda value: sha256(f"planted {salt} {value}".encode()).digest())
