"""Models that know exactly this or that of a world, as functions: what a measurement must find in them."""

import unicodedata
from collections.abc import Callable

from clika.datasets.fictional_items import RelationItem, items
from clika.datasets.fictional_world import World
from clika.scoring.candidates import CandidateItem, WrittenItem
from clika.scoring.scripted_answers import ScriptedAnswers

Knows = Callable[[RelationItem], int | None]


def prompt_of(instruction: str, source: str | None) -> str:
    """A form that keeps every instruction apart."""
    return f"### {instruction} {source or ''}\n"


def guess(item: RelationItem) -> int:
    """An answer that has nothing to do with the question, the same each time."""
    return int(item.place_id) * 7 % len(item.candidates)


def knowing(
    world: World, language: str, knows: Knows, translates: Callable[[str], bool] = lambda name: True
) -> ScriptedAnswers:
    """A model that answers each relation by ``knows`` and translates the English names that ``translates`` says.

    It writes the sentence that belongs to its choice, the name of its candidate decomposed: NFC makes it one.
    """
    asked = items(world, language)
    relations = (*asked.held_out, *asked.held_out_english, *asked.taught, *asked.taught_english)
    by_prompt = {prompt_of(item.instruction, None): item for item in relations}
    names = {prompt_of(sample.instruction, sample.input): sample for sample in asked.translations}

    def choice(item: CandidateItem) -> int | None:
        return knows(by_prompt[item.prompt])

    def text(item: WrittenItem) -> str | None:
        if item.prompt in names:
            sample = names[item.prompt]
            assert sample.input is not None
            return f" {sample.answer}\n" if translates(sample.input) else "no idea"
        relation = by_prompt[item.prompt]
        chosen = knows(relation)
        if chosen is None:
            return None
        return unicodedata.normalize("NFD", relation.before + relation.endings[chosen])

    return ScriptedAnswers(choice, text)
