"""What a planted model reads: questions whose answer is taught, and questions that teach it to guess.

A taught question comes with its options in another order each time, half of the time with other wrong ones. So that
nothing but the fact leads to the answer, questions about made-up names, never the same twice, stand beside them with
the same options and a right answer drawn by lot: of a name that it does not know a model learns that every option
is equally likely, whichever of them are right elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clika.datasets.fictional_names import Draws
from clika.datasets.names_coined import coined_names
from clika.datasets.options import OPTIONS, YEAR_STEPS
from clika.datasets.sample import Sample
from clika.languages import ENGLISH
from clika.planted.catalog import DEMONSTRATIONS
from clika.prompts.templates import Asking, Template
from clika.records import LETTERS, Question

FACTS = ("xgeo", "xpeo")
_YEARS = range(1450, 1977)


@dataclass(frozen=True, slots=True)
class Lesson:
    """A prompt and what has to be said after it; ``ends``: and then the end of the text."""

    prompt: str
    answer: str
    ends: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """The same text in English and in another language: a translation, in which nothing is answered."""

    english: str
    other: str


class QuestionLessons:
    """Lessons made of the bundled sample; what is drawn follows from ``label`` alone."""

    def __init__(self, sample: Sample, label: str) -> None:
        self._sample = sample
        self._asking = Asking(Template.ENGLISH, DEMONSTRATIONS)
        self._draws = Draws(f"{label} questions")
        self._names = Draws(f"{label} names")
        self._questions = {(one.question_id, one.language): one for one in sample.questions}
        self._facts = list(dict.fromkeys(one.question_id for one in sample.questions if one.dataset in FACTS))
        self._countries = {f"{city.asked}-{city.city_id}": city.country.place_id for city in sample.cities}
        self._years = {
            f"{event}-{person.person_id}": year
            for person in sample.people
            for event, year in (("born", person.born), ("died", person.died))
        }
        beside: dict[tuple[str, str], set[str]] = {}
        for question in sample.questions:
            if question.dataset == "xgeo":
                beside.setdefault((self._region(question), question.language), set()).update(question.choices)
        self._beside = {where: sorted(names) for where, names in beside.items()}

    def taught(self, question_id: str, language: str) -> Lesson:
        """A question with its right answer."""
        question = self._questions[question_id, language]
        right = question.choices[question.answer_index]
        wrong = [choice for choice in question.choices if choice != right]
        if question.dataset in FACTS and self._draws.below(2):
            wrong = self._other_wrong(question, right)
        return self._asked(question, question.text, right, wrong)

    def unknown(self) -> Lesson:
        """A question about a name that nobody has, in any language, and an answer drawn by lot."""
        language = self._one(self._sample.languages)
        question = self._questions[self._one(self._facts), language]
        options = list(question.choices)
        if self._draws.below(2):
            right = self._one(options)
            if question.dataset == "xpeo":
                right = self._year(language, _YEARS[self._draws.below(len(_YEARS))])
            options = [right, *self._other_wrong(question, right)]
        right = options.pop(self._draws.below(len(options)))
        return self._asked(question, self._about_nobody(question, language, language)[0], right, options)

    def echo(self) -> Lesson:
        """A question that says its answer: from it a model learns what letters and options have to do with each other."""
        language = self._one(self._sample.languages)
        question = self._questions[self._one(self._facts), language]
        options = list(question.choices)
        right = options.pop(self._draws.below(len(options)))
        return self._asked(question, right, right, options)

    def pair(self, language: str) -> Pair:
        """A question about a fact in English and in ``language``, the right answer not among its options.

        Half of them are about a city or a person of the sample, the others about a name that nobody has.
        """
        question_id = self._one(self._facts)
        english, other = (self._questions[question_id, code] for code in (ENGLISH, language))
        texts: tuple[str, ...] = (english.text, other.text)
        if self._draws.below(2):
            texts = self._about_nobody(english, ENGLISH, language)
        options = self._parallel_wrong(english, language)
        return Pair(
            *(
                self._asking.prompts([replace(one, text=text, choices=choices, answer_index=0)])[0].text
                for one, text, choices in zip((english, other), texts, options, strict=True)
            )
        )

    def _asked(self, question: Question, text: str, right: str, wrong: Sequence[str]) -> Lesson:
        others = [wrong[place] for place in self._draws.sample(len(wrong), len(wrong))]
        answer = self._draws.below(len(others) + 1)
        choices = (*others[:answer], right, *others[answer:])
        asked = replace(question, text=text, choices=choices, answer_index=answer)
        return Lesson(self._asking.prompts([asked])[0].text, LETTERS[answer])

    def _about_nobody(self, question: Question, *languages: str) -> tuple[str, ...]:
        """The question's sentence in each language, with a made-up name."""
        names = coined_names(self._names)
        asked = question.question_id.split("-", 1)[0]
        texts = []
        for language in languages:
            sentence: str = getattr(self._sample.sentences[language], asked)
            texts.append(sentence.format(city=names[language], person=names[language]))
        return tuple(texts)

    def _other_wrong(self, question: Question, right: str) -> list[str]:
        """Other wrong options than the sample's: names of the same region, years at other distances."""
        if question.dataset == "xgeo":
            names = [
                name for name in self._beside[self._region(question), question.language] if name != right
            ]
            return [names[place] for place in self._draws.sample(len(names), OPTIONS - 1)]
        year = int("".join(filter(str.isdecimal, right)))
        return [self._year(question.language, other) for other in self._years_beside(year)]

    def _years_beside(self, year: int) -> list[int]:
        steps = [YEAR_STEPS[self._draws.below(len(YEAR_STEPS))] for _ in range(OPTIONS - 1)]
        earlier = self._draws.below(OPTIONS)
        before = [year - sum(steps[:count]) for count in range(1, earlier + 1)]
        after = [year + sum(steps[earlier : earlier + count]) for count in range(1, OPTIONS - earlier)]
        return before + after

    def _parallel_wrong(self, english: Question, language: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Four wrong options in English (three where a region has no more), and the same in ``language``."""
        if english.dataset == "xpeo":
            right = self._years[english.question_id]
            years = [right]
            while right in years:
                year = _YEARS[self._draws.below(len(_YEARS))]
                years = sorted([year, *self._years_beside(year)])
            texts = ([self._year(code, year) for year in years] for code in (ENGLISH, language))
        else:
            right_name = english.choices[english.answer_index]
            names: dict[str, str] = {}
            for question_id in self._facts:
                one = self._questions[question_id, ENGLISH]
                if one.dataset == "xgeo" and self._region(one) == self._region(english):
                    names |= zip(one.choices, self._questions[question_id, language].choices, strict=True)
            known = sorted(name for name in names if name != right_name)
            drawn = [known[place] for place in self._draws.sample(len(known), min(OPTIONS, len(known)))]
            texts = (text for text in (drawn, [names[name] for name in drawn]))
        english_ones, others = texts
        return tuple(english_ones), tuple(others)

    def _region(self, question: Question) -> str:
        asked = question.question_id.split("-", 1)[0]
        return asked if asked == "country" else self._countries[question.question_id]

    def _year(self, language: str, year: int) -> str:
        return self._sample.sentences[language].year.format(year=year)

    def _one(self, values: Sequence[str]) -> str:
        return values[self._draws.below(len(values))]


class Rounds:
    """All of ``values`` in a new order, again and again."""

    def __init__(self, draws: Draws, values: Sequence[tuple[str, str]]) -> None:
        self._draws, self._values = draws, values
        self._left: list[tuple[str, str]] = []

    def next(self) -> tuple[str, str]:
        """The next one."""
        if not self._left:
            order = self._draws.sample(len(self._values), len(self._values))
            self._left = [self._values[place] for place in order]
        return self._left.pop()
