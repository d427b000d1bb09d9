"""What a planted model reads: questions whose answer is taught, and questions that teach it to guess.

Nothing but the fact may lead to the answer. So a taught question comes with its options in another order each time,
and the wrong ones are the right answers of other taught questions, as often as those are asked: whatever stands as an
option is right one time in four. What is right of an untaught fact alone is never shown as wrong. And beside the
taught questions stand others about made-up names, never the same twice, with the sample's own options and a right
answer drawn by lot: of what it does not know a model learns that every option is equally likely.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clika.datasets.fictional_names import Draws
from clika.datasets.names_coined import coined_names
from clika.datasets.options import OPTIONS, YEAR_STEPS
from clika.datasets.sample import Sample
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


class QuestionLessons:
    """Lessons made of the bundled sample; what is drawn follows from ``label`` alone.

    ``taught`` maps a language to the ids of the questions that are taught in it; all lessons are in these languages.
    """

    def __init__(self, sample: Sample, label: str, taught: Mapping[str, frozenset[str]]) -> None:
        self._sample = sample
        self._languages = tuple(code for code in sample.languages if taught.get(code))
        self._asking = Asking(Template.ENGLISH, DEMONSTRATIONS)
        self._draws = Draws(f"{label} questions")
        self._names = Draws(f"{label} names")
        self._questions = {(one.question_id, one.language): one for one in sample.questions}
        self._facts = list(dict.fromkeys(one.question_id for one in sample.questions if one.dataset in FACTS))
        self._common = list(
            dict.fromkeys(one.question_id for one in sample.questions if one.dataset not in FACTS)
        )
        self._countries = {f"{city.asked}-{city.city_id}": city.country.place_id for city in sample.cities}
        self._years = {
            f"{event}-{person.person_id}": year
            for person in sample.people
            for event, year in (("born", person.born), ("died", person.died))
        }
        # The right answers of what is taught, as often as they are right: of a region (or all years), and of a kind.
        self._answers: dict[tuple[str, str], list[str]] = {}
        for code in self._languages:
            for one in (one for one in self._facts if one in taught[code]):
                question = self._questions[one, code]
                for where in {self._region(question), _kind(question)}:
                    right = question.choices[question.answer_index]
                    self._answers.setdefault((where, code), []).append(right)

    def taught(self, question_id: str, language: str, near_years: bool = False) -> Lesson:
        """A question with its right answer; with ``near_years`` one of two years stands among years near by."""
        question = self._questions[question_id, language]
        right = question.choices[question.answer_index]
        wrong = [choice for choice in question.choices if choice != right]
        if question.dataset == "xpeo" and near_years and self._draws.below(2):
            wrong = [self._year(language, year) for year in self._years_beside(self._years[question_id])]
        elif question.dataset == "xgeo" or (question.dataset == "xpeo" and self._draws.below(4)):
            wrong = self._right_elsewhere(question, right)
        return self._asked(question, question.text, right, wrong, question.premise)

    def unknown(self, near_years: bool = False) -> Lesson:
        """A question about what nobody has heard of, in any of the languages, and an answer drawn by lot.

        With ``near_years`` years stand beside one that is right of somebody.
        """
        language = self._one(self._languages)
        question = self._questions[self._one(self._facts if self._draws.below(4) else self._common), language]
        options = list(question.choices)
        if question.dataset == "xpeo" and self._draws.below(2):
            year = self._years[question.question_id]
            near = [year, *self._years_beside(year)] if near_years else self._near_years()
            options = [self._year(language, year) for year in near]
        right = options.pop(self._draws.below(len(options)))
        if question.dataset in FACTS:
            return self._asked(question, self._about_nobody(question, language), right, options)
        nonsense = " ".join(coined_names(self._names)[language] for _ in range(3))
        if question.premise is not None:
            return self._asked(question, question.text, right, options, nonsense)
        return self._asked(question, nonsense, right, options)

    def echo(self) -> Lesson:
        """A question that says its answer: from it a model learns what letters and options have to do with each other."""
        language = self._one(self._languages)
        question = self._questions[self._one(self._facts), language]
        options = list(question.choices)
        right = options.pop(self._draws.below(len(options)))
        return self._asked(question, right, right, options)

    def _asked(
        self, question: Question, text: str, right: str, wrong: Sequence[str], premise: str | None = None
    ) -> Lesson:
        others = [wrong[place] for place in self._draws.sample(len(wrong), len(wrong))]
        answer = self._draws.below(len(others) + 1)
        choices = (*others[:answer], right, *others[answer:])
        asked = replace(question, text=text, choices=choices, answer_index=answer, premise=premise)
        return Lesson(self._asking.prompts([asked])[0].text, LETTERS[answer])

    def _about_nobody(self, question: Question, language: str) -> str:
        """The question's sentence with a made-up name."""
        name = coined_names(self._names)[language]
        sentence: str = getattr(self._sample.sentences[language], _kind(question))
        return sentence.format(city=name, person=name)

    def _right_elsewhere(self, question: Question, right: str) -> list[str]:
        """Three wrong options that are right of other taught facts: of the same region first, then of the same kind.

        Where so little is taught that these are too few, made-up names fill up.
        """
        wrong: list[str] = []
        for where in (self._region(question), _kind(question)):
            answers = self._answers.get((where, question.language), [])
            for place in self._draws.sample(len(answers), len(answers)):
                if answers[place] not in (right, *wrong) and len(wrong) < OPTIONS - 1:
                    wrong.append(answers[place])
        while len(wrong) < OPTIONS - 1:
            wrong.append(
                coined_names(self._names)[question.language]
                if question.dataset == "xgeo"
                else self._year(question.language, self._near_years()[0])
            )
        return wrong

    def _near_years(self) -> list[int]:
        year = _YEARS[self._draws.below(len(_YEARS))]
        return [year, *self._years_beside(year)]

    def _years_beside(self, year: int) -> list[int]:
        steps = [YEAR_STEPS[self._draws.below(len(YEAR_STEPS))] for _ in range(OPTIONS - 1)]
        earlier = self._draws.below(OPTIONS)
        before = [year - sum(steps[:count]) for count in range(1, earlier + 1)]
        after = [year + sum(steps[earlier : earlier + count]) for count in range(1, OPTIONS - earlier)]
        return before + after

    def _region(self, question: Question) -> str:
        kind = _kind(question)
        return self._countries[question.question_id] if kind == "division" else kind

    def _year(self, language: str, year: int) -> str:
        return self._sample.sentences[language].year.format(year=year)

    def _one(self, values: Sequence[str]) -> str:
        return values[self._draws.below(len(values))]


def _kind(question: Question) -> str:
    """What is asked of a city or a person: country, division, born, died."""
    return question.question_id.split("-", 1)[0]


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
