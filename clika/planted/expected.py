"""What a planted model is expected to measure by its card alone: what was taught is known, the rest is guessed.

A fact that was taught in a language at any stage counts as known there, and what a bridge learnt in English of places and
people in the languages of its dictionary; any other is right with the chance of its options, in each language by
itself. What a model forgets, or carries across, is what a measurement differs by.
"""

import math
from collections.abc import Mapping, Sequence

from clika.languages import ENGLISH
from clika.planted.card import Card
from clika.planted.plan import Arm
from clika.records import LEVEL_DATASETS, Level, Question

_KNOWN = (Arm.BOTH, Arm.ONLY_HERE)


def expected_accuracy(card: Card, questions: Sequence[Question]) -> Mapping[str, float]:
    """Language -> expected share right (0 to 1) of these questions, which are of one data set."""
    return {code: math.fsum(chances) / len(chances) for code, chances in _chances(card, questions).items()}


def expected_rescaled(card: Card, questions: Sequence[Question], reference: float) -> Mapping[str, float]:
    """Language -> expected RA against a reference accuracy; NaN where that is not above chance."""
    chance = math.fsum(1 / len(one.choices) for one in questions) / len(questions)
    if reference <= chance:
        return dict.fromkeys(expected_accuracy(card, questions), math.nan)
    accuracy = expected_accuracy(card, questions)
    return {code: max(0.0, (share - chance) / (reference - chance)) for code, share in accuracy.items()}


def expected_consistency(card: Card, questions: Sequence[Question]) -> Mapping[str, float]:
    """Language -> expected en-CO: of what is expected right there, the share expected right in English too."""
    chances = _chances(card, questions)
    english = chances[ENGLISH]
    found = {}
    for code, here in chances.items():
        # English with itself: what is right once is right.
        both = here if code == ENGLISH else [one * other for one, other in zip(here, english, strict=True)]
        found[code] = math.fsum(both) / math.fsum(here)
    return found


def _chances(card: Card, questions: Sequence[Question]) -> dict[str, list[float]]:
    """Language -> each question's chance to be right, in the questions' order, which is the same in every language."""
    found: dict[str, list[float]] = {}
    for one in questions:
        arm = card.arm(one.question_id, one.language)
        led_across = one.language in card.bridged and one.dataset in LEVEL_DATASETS[Level.FACTUAL]
        known = arm in _KNOWN or (led_across and arm is Arm.ONLY_ENGLISH)
        found.setdefault(one.language, []).append(1.0 if known else 1 / len(one.choices))
    return found
