"""What a model tuned on a fictional world is asked: the held-out half, and the gates before it.

Everything is asked in the first wording. Only where the gates hold does the held-out half in X measure what
was carried across.
"""

from dataclasses import dataclass

from clika.datasets.fictional_samples import (
    Sample,
    TranslationDirection,
    check_language,
    relation_templates,
    translations,
)
from clika.datasets.fictional_world import Place, World
from clika.languages import ENGLISH


@dataclass(frozen=True, slots=True)
class RelationItem:
    """One relation asked by forced choice among all candidates.

    The answering sentence is ``before`` + one of ``endings`` (the candidate's name through the end of the
    answer, one a candidate); ``candidates`` are the bare names, for finding them in a free answer;
    ``answer_index`` is 0-based.
    """

    place_id: str
    language: str
    taught: bool
    instruction: str
    before: str
    endings: tuple[str, ...]
    candidates: tuple[str, ...]
    answer_index: int

    @property
    def answer(self) -> str:
        """The whole right sentence."""
        return self.before + self.endings[self.answer_index]


@dataclass(frozen=True, slots=True)
class Items:
    """What is asked after the tuning for one language X.

    ``held_out`` (in X) and ``held_out_english`` hold the same places in the same order: XRR. The gates
    are ``translations`` (first wording), ``taught_english`` with ``held_out_english``, and ``taught`` (in
    X). ``left_out`` are the ids of the places whose name in X or in English stands for two places: they
    are asked in neither language, and translated from neither side that has the doubled name.
    """

    language: str
    held_out: tuple[RelationItem, ...]
    held_out_english: tuple[RelationItem, ...]
    taught: tuple[RelationItem, ...]
    taught_english: tuple[RelationItem, ...]
    translations: tuple[Sample, ...]
    left_out: tuple[str, ...]


def items(
    world: World,
    language: str,
    directions: tuple[TranslationDirection, ...] = (TranslationDirection.EN_X,),
) -> Items:
    """The items of one language; raises UsageError as ``samples`` does.

    ``directions`` are those that were trained: a gate in another one would test what nobody taught.
    """
    check_language(world, language)
    in_x, in_english = world.ambiguous(language), world.ambiguous(ENGLISH)
    doubled = in_x | in_english
    clear = [place for place in world.places if place.place_id not in doubled]
    held_out = [place for place in clear if not place.taught]
    taught = [place for place in clear if place.taught]
    sources = {TranslationDirection.EN_X: in_english, TranslationDirection.X_EN: in_x}
    return Items(
        language=language,
        held_out=_relation_items(world, language, held_out),
        held_out_english=_relation_items(world, ENGLISH, held_out),
        taught=_relation_items(world, language, taught),
        taught_english=_relation_items(world, ENGLISH, taught),
        translations=tuple(
            sample
            for direction in directions
            for sample in translations(world, language, direction, wordings=1)
            if sample.place_id not in sources[direction]
        ),
        left_out=tuple(place.place_id for place in world.places if place.place_id in doubled),
    )


def _relation_items(world: World, language: str, places: list[Place]) -> tuple[RelationItem, ...]:
    template = relation_templates(world.kind, language)[0]
    candidates = tuple(names[language] for names in world.candidates)
    made = []
    for place in places:
        name = place.names[language]
        parts = [template.answered(name, candidate) for candidate in candidates]
        made.append(
            RelationItem(
                place.place_id,
                language,
                place.taught,
                template.asked(name),
                parts[0][0],
                tuple(ending for _, ending in parts),
                candidates,
                place.answer_index,
            )
        )
    return tuple(made)
