"""The bundled sample: parallel questions of our own, made from the facts and sentences in assets/sample.

The same questions on every machine: which wrong options stand beside the right one, and in which order,
follows from the ids and their order in the files alone. So that no option gives itself away, the right one
stands at every letter equally often; wrong names come from the same country or region, those that are right
elsewhere first; a right year is as often the earliest of its options as the second, third or last.
"""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.datasets.options import OPTIONS, balanced, draw, ordered, wrong_years
from clika.datasets.sample_files import (
    SAMPLE,
    City,
    Person,
    Place,
    SampleFiles,
    Sentences,
    read_sample_files,
)
from clika.errors import DataError
from clika.records import Kind, Question

SAMPLE_COLLECTION = "sample"


@dataclass(frozen=True, slots=True)
class Sample:
    """The whole sample. ``sentences`` are by language code; ``questions`` are parallel in ``languages``."""

    languages: tuple[str, ...]
    cities: tuple[City, ...]
    people: tuple[Person, ...]
    sentences: Mapping[str, Sentences]
    questions: tuple[Question, ...]

    @property
    def place_names(self) -> frozenset[str]:
        """Every city, division and country in every language: names that no fictional place may have."""
        return frozenset(
            name
            for city in self.cities
            for names in (city.names, city.division.names, city.country.names)
            for name in names.values()
        )


@dataclass(frozen=True, slots=True)
class _Item:
    """A question in all languages, the right option first in each."""

    dataset: str
    question_id: str
    kind: Kind
    text: Mapping[str, str]
    options: Mapping[str, Sequence[str]]
    premise: Mapping[str, str] | None = None
    origin: str | None = None


def sample_questions() -> tuple[Question, ...]:
    """The bundled questions: 30 xcopa, 30 xcsqa, 60 xgeo and 54 xpeo, each in ten languages."""
    return read_sample().questions


def read_sample(folder: Path = SAMPLE) -> Sample:
    """Read a folder of the sample's layout. Raises DataError where a file is not what it should be."""
    files = read_sample_files(folder)
    datasets = (_causal_items(files), _concept_items(files), _city_items(files), _people_items(files))
    return Sample(
        languages=tuple(files.written),
        cities=files.cities,
        people=files.people,
        sentences={code: written.sentences for code, written in files.written.items()},
        questions=tuple(question for items in datasets for question in _questions(items)),
    )


def _questions(items: Sequence[_Item]) -> list[Question]:
    """The questions of one data set, their options in order, languages side by side."""
    questions = []
    for place, item in enumerate(items):
        _check_options(item)
        options = next(iter(item.options.values()))
        answer = balanced(f"{item.dataset} letter", place, len(options))
        order = ordered(item.question_id, range(len(options)), answer)
        for language, text in item.text.items():
            questions.append(
                Question(
                    collection=SAMPLE_COLLECTION,
                    dataset=item.dataset,
                    question_id=item.question_id,
                    language=language,
                    kind=item.kind,
                    premise=None if item.premise is None else item.premise[language],
                    text=text,
                    choices=tuple(item.options[language][option] for option in order),
                    answer_index=answer,
                    origin=item.origin,
                )
            )
    return questions


def _check_options(item: _Item) -> None:
    for language, options in item.options.items():
        seen: set[str] = set()
        for option in options:
            folded = unicodedata.normalize("NFC", option).casefold()
            if folded in seen:
                raise DataError(
                    f"the sample's {item.question_id} in {language} has the option {option!r} twice; write another"
                    f" one into languages/{language}.json"
                )
            seen.add(folded)


def _causal_items(files: SampleFiles) -> list[_Item]:
    items = []
    for kind in (Kind.CAUSE, Kind.EFFECT):
        asks = {
            code: written.cause if kind is Kind.CAUSE else written.effect
            for code, written in files.written.items()
        }
        for name in next(iter(asks.values())):
            items.append(
                _Item(
                    dataset="xcopa",
                    question_id=f"{kind}-{name}",
                    kind=kind,
                    premise={code: asked[name][0] for code, asked in asks.items()},
                    text={
                        code: sentences.cause if kind is Kind.CAUSE else sentences.effect
                        for code, sentences in _sentences(files)
                    },
                    options={code: asked[name][1:] for code, asked in asks.items()},
                )
            )
    return items


def _concept_items(files: SampleFiles) -> list[_Item]:
    asks = {code: written.concept for code, written in files.written.items()}
    return [
        _Item(
            dataset="xcsqa",
            question_id=f"concept-{name}",
            kind=Kind.CHOICE,
            text={code: asked[name][0] for code, asked in asks.items()},
            options={code: asked[name][1:] for code, asked in asks.items()},
        )
        for name in next(iter(asks.values()))
    ]


def _city_items(files: SampleFiles) -> list[_Item]:
    right = {
        city.city_id: city.country if city.asked == "country" else city.division for city in files.cities
    }
    beside = {place.place_id: group for group in (*files.regions, *files.divisions) for place in group}
    times_right = Counter(place.place_id for place in right.values())
    times_wrong: Counter[str] = Counter()
    items = []
    for city in files.cities:
        place, question_id = right[city.city_id], f"{city.asked}-{city.city_id}"
        wrong = _wrong_places(question_id, place, beside[place.place_id], times_right, times_wrong)
        times_wrong.update(other.place_id for other in wrong)
        items.append(
            _Item(
                dataset="xgeo",
                question_id=question_id,
                kind=Kind.CHOICE,
                text={
                    code: (sentences.country if city.asked == "country" else sentences.division).format(
                        city=city.names[code]
                    )
                    for code, sentences in _sentences(files)
                },
                options={code: [option.names[code] for option in (place, *wrong)] for code in files.written},
                origin=city.origin,
            )
        )
    return items


def _wrong_places(
    salt: str, right: Place, group: Sequence[Place], times_right: Counter[str], times_wrong: Counter[str]
) -> list[Place]:
    """The others of its group that lag most behind being wrong three times as often as right.

    So a place that is often right also often stands among the wrong ones: how often it is right does not
    help anybody who does not know the city.
    """

    def lead(place: Place) -> tuple[int, int]:
        expected = (OPTIONS - 1) * times_right[place.place_id]
        return times_wrong[place.place_id] - expected, draw(f"{salt} {place.place_id}")

    others = [place for place in group if place != right]
    if len(others) < OPTIONS - 1:
        raise DataError(
            f"the sample's {salt} has {len(others)} others beside {right.place_id!r} to be wrong; it needs"
            f" {OPTIONS - 1}: add some to cities.json"
        )
    return sorted(others, key=lead)[: OPTIONS - 1]


def _people_items(files: SampleFiles) -> list[_Item]:
    items: list[_Item] = []
    for person in files.people:
        for event, year in (("born", person.born), ("died", person.died)):
            question_id = f"{event}-{person.person_id}"
            years = (
                year,
                *wrong_years(
                    question_id, person.born, person.died, year, balanced("xpeo rank", len(items), OPTIONS)
                ),
            )
            items.append(
                _Item(
                    dataset="xpeo",
                    question_id=question_id,
                    kind=Kind.CHOICE,
                    text={
                        code: (sentences.born if event == "born" else sentences.died).format(
                            person=person.names[code]
                        )
                        for code, sentences in _sentences(files)
                    },
                    options={
                        code: [sentences.year.format(year=option) for option in years]
                        for code, sentences in _sentences(files)
                    },
                    origin=person.origin,
                )
            )
    return items


def _sentences(files: SampleFiles) -> list[tuple[str, Sentences]]:
    return [(code, written.sentences) for code, written in files.written.items()]
