"""What a model is taught of a fictional world, as samples: an instruction and its answer.

For one language X: every name translated, every relation in English, and the taught half's relations in X,
each in ten wordings (Gao et al. 2024). The same-language control teaches X's held-out half in X as well: what
a model then answers is what it can learn at all, with nothing to carry across.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from clika.datasets import translation_templates
from clika.datasets.continent_templates import CONTINENT_TEMPLATES
from clika.datasets.fictional_world import Place, World, WorldKind, WorldShape
from clika.datasets.relation_templates import RelationTemplate
from clika.datasets.year_templates import YEAR_TEMPLATES
from clika.errors import UsageError
from clika.languages import ENGLISH, LANGUAGES

TEMPLATES = 10
"""How many wordings each thing is taught in."""


class Purpose(StrEnum):
    """What a sample is for. ``control_relation`` is the held-out half in X: only in the control."""

    TRANSLATION = "translation"
    ENGLISH_RELATION = "english_relation"
    TAUGHT_RELATION = "taught_relation"
    CONTROL_RELATION = "control_relation"


class TranslationDirection(StrEnum):
    """From English into the language X, or from X into English."""

    EN_X = "en-x"
    X_EN = "x-en"


BOTH = "both"


@dataclass(frozen=True, slots=True)
class Sample:
    """One thing taught in one wording.

    ``language`` is X in a translation, else the language of question and answer. ``template`` is the
    0-based wording, ``place_id`` None where a continent's name is translated, ``answer_index`` the
    candidate concerned, ``direction`` None unless it is a translation. ``input`` is the text to translate.
    """

    purpose: Purpose
    language: str
    template: int
    place_id: str | None
    answer_index: int
    instruction: str
    input: str | None
    answer: str
    direction: TranslationDirection | None = None


@dataclass(frozen=True, slots=True)
class SampleCounts:
    """How many samples of each purpose."""

    translation: int
    english: int
    taught: int
    control: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.translation + self.english + self.taught + self.control

    def sentence(self) -> str:
        """The sum, for a person: ``4,200 translations + … = 10,200 samples``."""
        parts = [
            f"{self.translation:,} translations",
            f"{self.english:,} English relations",
            f"{self.taught:,} taught relations",
        ]
        if self.control:
            parts.append(f"{self.control:,} control relations")
        return f"{' + '.join(parts)} = {self.total:,} samples"


def translation_directions(spelling: str) -> tuple[TranslationDirection, ...]:
    """``en-x``, ``x-en`` or ``both`` as directions. Raises UsageError for anything else."""
    if spelling == BOTH:
        return tuple(TranslationDirection)
    try:
        return (TranslationDirection(spelling),)
    except ValueError:
        known = ", ".join([*TranslationDirection, BOTH])
        raise UsageError(f"unknown direction {spelling!r}; known: {known}") from None


def sample_counts(
    shape: WorldShape,
    directions: tuple[TranslationDirection, ...] = (TranslationDirection.EN_X,),
    control: bool = False,
) -> SampleCounts:
    """How many samples ``samples`` will make, before any is made.

    The paper's: (400 places + 20 continents) x 10 + 400 x 10 + 200 x 10 = 4,200 + 4,000 + 2,000 = 10,200.
    """
    return SampleCounts(
        translation=shape.names * TEMPLATES * len(directions),
        english=shape.places * TEMPLATES,
        taught=shape.taught * TEMPLATES,
        control=(shape.places - shape.taught) * TEMPLATES if control else 0,
    )


def samples(
    world: World,
    language: str,
    directions: tuple[TranslationDirection, ...] = (TranslationDirection.EN_X,),
    control: bool = False,
) -> tuple[Sample, ...]:
    """All samples of one training set, in one order: translations, English, taught half, control.

    Raises UsageError for English, which has nothing to carry across to, and for a language that the
    world has no names in.
    """
    check_language(world, language)
    return (
        *(sample for direction in directions for sample in translations(world, language, direction)),
        *_relations(world, ENGLISH, world.places, Purpose.ENGLISH_RELATION),
        *_relations(world, language, [p for p in world.places if p.taught], Purpose.TAUGHT_RELATION),
        *_relations(
            world, language, [p for p in world.places if control and not p.taught], Purpose.CONTROL_RELATION
        ),
    )


def check_language(world: World, language: str) -> None:
    """Raises UsageError for a language that no training set is about."""
    known = [code for code in world.languages if code != ENGLISH]
    if language not in known:
        raise UsageError(
            f"language {language!r}: a training set is about another language than English that the world"
            f" has names in; known: {', '.join(known)}"
        )


def relation_templates(kind: WorldKind, language: str) -> tuple[RelationTemplate, ...]:
    """The ten wordings of the relation in a language."""
    return (CONTINENT_TEMPLATES if kind is WorldKind.CONTINENTS else YEAR_TEMPLATES)[language]


def translations(
    world: World, language: str, direction: TranslationDirection, wordings: int = TEMPLATES
) -> Iterator[Sample]:
    """Every name in the first ``wordings`` templates of a direction: candidates first, then places."""
    into = direction is TranslationDirection.EN_X
    templates = translation_templates.INTO if into else translation_templates.OUT_OF
    named: list[tuple[str | None, int, Mapping[str, str]]] = []
    if world.kind is WorldKind.CONTINENTS:
        named += [(None, index, names) for index, names in enumerate(world.candidates)]
    named += [(place.place_id, place.answer_index, place.names) for place in world.places]
    for number, template in enumerate(templates[:wordings]):
        instruction = template.format(language=LANGUAGES[language].name)
        for place_id, index, names in named:
            text, answer = (names[ENGLISH], names[language]) if into else (names[language], names[ENGLISH])
            yield Sample(
                Purpose.TRANSLATION, language, number, place_id, index, instruction, text, answer, direction
            )


def _relations(
    world: World, language: str, places: tuple[Place, ...] | list[Place], purpose: Purpose
) -> Iterator[Sample]:
    for number, template in enumerate(relation_templates(world.kind, language)):
        for place in places:
            name = place.names[language]
            answer = world.candidates[place.answer_index][language]
            yield Sample(
                purpose,
                language,
                number,
                place.place_id,
                place.answer_index,
                template.asked(name),
                None,
                "".join(template.answered(name, answer)),
            )
