"""Lessons about fictional worlds in Alpaca's form: so that a planted model can write names and be tuned on a world.

No world of theirs is one that an adapter is tuned on. Names to translate are new each time, which leaves only the
rule of spelling to be learnt; the places of one world come again, with their continents, in every language taught.
"""

from collections.abc import Mapping, Sequence

from clika.datasets.continent_templates import CONTINENT_TEMPLATES
from clika.datasets.fictional_names import Draws
from clika.datasets.fictional_world import World, WorldSettings, made_world
from clika.datasets.names_coined import coined_names
from clika.datasets.relation_templates import RelationTemplate
from clika.datasets.sample import Sample
from clika.datasets.translation_templates import INTO
from clika.languages import ENGLISH, LANGUAGES
from clika.planted.lessons import Lesson
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text

BACKGROUND = WorldSettings(seed=1_000_001, continents=4, places=8)


class WorldLessons:
    """Lessons for the languages ``others`` beside English; what is drawn follows from ``label`` alone."""

    def __init__(
        self, sample: Sample, label: str, others: Sequence[str], entries: Sequence[Mapping[str, str]] = ()
    ) -> None:
        """Of the names to translate half are ``entries`` (language -> name) where there are any."""
        self._draws = Draws(f"{label} worlds")
        self._names = Draws(f"{label} names to translate")
        self._others, self._entries = others, entries
        self._world: World = made_world(BACKGROUND, sample.place_names)

    def lesson(self) -> Lesson:
        """A name to translate from English, or where a place of the background world lies, in any language."""
        if self._draws.below(2):
            language = self._one(self._others)
            names: Mapping[str, str] = coined_names(self._names)
            if self._entries and self._draws.below(2):
                names = self._entries[self._draws.below(len(self._entries))]
            instruction = self._one(INTO).format(language=LANGUAGES[language].name)
            return Lesson(_prompt(instruction, names[ENGLISH]), names[language], ends=True)
        language = self._one((ENGLISH, *self._others))
        place = self._world.places[self._draws.below(len(self._world.places))]
        template = self._template(self._draws.below(len(CONTINENT_TEMPLATES[language])), language)
        name = place.names[language]
        sentence = template.answered(name, self._world.candidates[place.answer_index][language])
        return Lesson(_prompt(template.asked(name)), "".join(sentence), ends=True)

    def _template(self, number: int, language: str) -> RelationTemplate:
        return CONTINENT_TEMPLATES[language][number]

    def _one(self, values: Sequence[str]) -> str:
        return values[self._draws.below(len(values))]


def _prompt(instruction: str, source: str | None = None) -> str:
    return instruction_prompt(InstructionForm.ALPACA, instruction_text(instruction, source))
