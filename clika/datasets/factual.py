"""xGeo and xPeo from Wikidata: questions about cities and people, parallel in the languages wanted.

For each language its main countries' largest cities and best-known dead, as many of each as wanted. A fact that is
not the same for everybody (two countries, two nationalities, a disputed year), or that lacks a name in one of the
languages, is left out and counted. Wrong options are places of the same kind and region and years of the same era,
drawn from the seed.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from clika.datasets.factual_wordings import FactualWording
from clika.datasets.options import (
    LATEST_DEATH,
    OPTIONS,
    SHORTEST_LIFE,
    balanced,
    draw,
    ordered,
    wrong_years,
)
from clika.datasets.wikidata import Wikidata
from clika.errors import DataError, UsageError
from clika.records import Kind, Question

_SPARE = 4
"""Cities of each country looked at for each one wanted."""

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Built:
    """The questions, how many facts each language gave, and how many candidates were left out for which reason."""

    questions: tuple[Question, ...]
    cities: Mapping[str, int]
    people: Mapping[str, int]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _CityFact:
    city: str
    origin: str
    asked: Literal["country", "division"]
    right: str
    beside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _PersonFact:
    person: str
    origin: str
    born: int
    died: int


@dataclass(slots=True)
class FactualBuilder:
    """Builds the questions; ``build`` is what there is to call."""

    wikidata: Wikidata
    wordings: Mapping[str, FactualWording]
    collection: str
    cities: int = 20
    people: int = 10
    seed: int = 0
    _labels: dict[str, Labels] = field(default_factory=dict)
    _left: dict[str, set[str]] = field(default_factory=dict)

    def build(self) -> Built:
        """All questions. Raises UsageError for a language without a country, DataError where nothing is left."""
        countries = self._countries()
        cities, people = [], []
        names: set[tuple[str, str]] = set()
        for origin, places in countries.items():
            cities += self._city_facts(origin, places, names)
            people += self._person_facts(origin, places, names)
        if not cities and not people:
            raise DataError(
                "Wikidata gave no city or person that has a name in every one of these languages; ask for fewer"
            )
        return Built(
            questions=(*self._city_questions(cities), *self._person_questions(people)),
            cities={origin: sum(fact.origin == origin for fact in cities) for origin in countries},
            people={origin: sum(fact.origin == origin for fact in people) for origin in countries},
            left_out={reason: len(items) for reason, items in self._left.items()},
        )

    def _countries(self) -> dict[str, tuple[str, ...]]:
        """Language -> its main countries; one that is two languages' is nobody's, unless it was named."""
        found = {
            language: wording.countries or self.wikidata.main_countries(language)
            for language, wording in self.wordings.items()
        }
        times = Counter(country for countries in found.values() for country in countries)
        for language, countries in found.items():
            alone = tuple(country for country in countries if times[country] == 1)
            for country in set(countries) - set(alone):
                self._leave("country of two of the languages", country)
            if not alone:
                raise UsageError(
                    f"no country that is main for {language!r} alone"
                    f" ({', '.join(countries) or 'Wikidata names none'}); name Wikidata's items in a TOML file"
                    f' under [{language}], countries = ["Q…"], and give it with --wordings'
                )
            found[language] = alone
        return found

    def _city_facts(
        self, origin: str, countries: Sequence[str], names: set[tuple[str, str]]
    ) -> list[_CityFact]:
        wanted = self.cities
        at_most = wanted * _SPARE
        ranked = [self.wikidata.cities(country, at_most) for country in countries] if wanted else []
        lies_in: dict[str, frozenset[str]] = {}
        divisions: dict[str, frozenset[str]] = {}
        for country, cities in zip(countries, ranked, strict=False):
            lies_in |= self.wikidata.countries_of(cities)
            divisions |= self.wikidata.divisions_of(cities, country)
            self._learn(cities, self.wikidata.divisions(country), self.wikidata.beside(country), (country,))
        facts: list[_CityFact] = []
        for place in range(max(map(len, ranked), default=0)):
            for country, cities in zip(countries, ranked, strict=True):
                if len(facts) == wanted or place >= len(cities):
                    continue
                city = cities[place]
                fact = self._city_fact(
                    city, origin, country, lies_in[city], divisions.get(city, frozenset()), len(facts)
                )
                if fact is not None and self._new_name(city, names):
                    facts.append(fact)
        return facts

    def _city_fact(
        self,
        city: str,
        origin: str,
        country: str,
        countries: frozenset[str],
        divisions: frozenset[str],
        place: int,
    ) -> _CityFact | None:
        """What is asked of a city: its division and its country by turns, the other one where that cannot be."""
        if countries != {country}:
            self._leave("city in several countries", city)
            return None
        if len(divisions) > 1:
            self._leave("city in several divisions", city)
            return None
        if city not in self._labels:
            self._leave("city without a name in every language", city)
            return None
        told = False
        turns: list[tuple[Literal["country", "division"], frozenset[str]]]
        turns = [("division", divisions), ("country", countries)]
        for asked, (right,) in (turn for turn in (turns if place % 2 == 0 else turns[::-1]) if turn[1]):
            if right not in self._labels:
                continue
            pool = self.wikidata.divisions(country) if asked == "division" else self.wikidata.beside(country)
            beside = self._distinct(right, pool)
            if self._tells(city, right):
                told = True
            elif len(beside) >= OPTIONS - 1:
                return _CityFact(city, origin, asked, right, beside)
        self._leave("city whose name holds the answer" if told else "city with too few other options", city)
        return None

    def _person_facts(
        self, origin: str, countries: Sequence[str], names: set[tuple[str, str]]
    ) -> list[_PersonFact]:
        facts: list[_PersonFact] = []
        streams = [self.wikidata.people(country, LATEST_DEATH) for country in countries]
        while streams and len(facts) < self.people:
            for stream in tuple(streams):
                batch = [person for _, person in zip(range(self.people), stream, strict=False)]
                if not batch:
                    streams.remove(stream)
                    continue
                nationalities = self.wikidata.nationalities(batch)
                lives = self.wikidata.lives(batch)
                self._learn(batch)
                room = -(-(self.people - len(facts)) // len(streams))
                for person in batch:
                    if room == 0:
                        break
                    born, died = lives[person].born, lives[person].died
                    if len(nationalities[person]) != 1:
                        self._leave("person of several nationalities", person)
                    elif born is None or died is None:
                        self._leave("person with an uncertain year", person)
                    elif not born + SHORTEST_LIFE <= died <= LATEST_DEATH:
                        self._leave("person who lived too late or too short for wrong years", person)
                    elif person not in self._labels:
                        self._leave("person without a name in every language", person)
                    elif self._new_name(person, names):
                        facts.append(_PersonFact(person, origin, born, died))
                        room -= 1
        return facts

    def _city_questions(self, facts: Sequence[_CityFact]) -> list[Question]:
        times_right = Counter(fact.right for fact in facts)
        times_wrong: Counter[str] = Counter()
        questions = []
        for place, fact in enumerate(facts):
            question_id = f"{fact.asked}-{fact.city}"

            def lead(other: str, salt: str = question_id) -> tuple[int, int]:
                expected = (OPTIONS - 1) * times_right[other]
                return times_wrong[other] - expected, draw(f"{self.seed} {salt} {other}")

            wrong = sorted(fact.beside, key=lead)[: OPTIONS - 1]
            times_wrong.update(wrong)
            texts = {
                code: (wording.country if fact.asked == "country" else wording.division).format(
                    city=self._labels[fact.city][code]
                )
                for code, wording in self.wordings.items()
            }
            options = {
                code: [self._labels[option][code] for option in (fact.right, *wrong)]
                for code in self.wordings
            }
            questions += self._questions("xgeo", place, question_id, fact.origin, texts, options)
        return questions

    def _person_questions(self, facts: Sequence[_PersonFact]) -> list[Question]:
        questions: list[Question] = []
        place = 0
        for fact in facts:
            for event, year in (("born", fact.born), ("died", fact.died)):
                question_id = f"{event}-{fact.person}"
                earlier = balanced(f"{self.seed} xpeo rank", place, OPTIONS)
                years = (
                    year,
                    *wrong_years(f"{self.seed} {question_id}", fact.born, fact.died, year, earlier),
                )
                texts = {
                    code: (wording.born if event == "born" else wording.died).format(
                        person=self._labels[fact.person][code]
                    )
                    for code, wording in self.wordings.items()
                }
                options = {
                    code: [wording.year.format(year=one) for one in years]
                    for code, wording in self.wordings.items()
                }
                questions += self._questions("xpeo", place, question_id, fact.origin, texts, options)
                place += 1
        return questions

    def _questions(
        self,
        dataset: str,
        place: int,
        question_id: str,
        origin: str,
        texts: Mapping[str, str],
        options: Mapping[str, Sequence[str]],
    ) -> list[Question]:
        """One fact in every language; ``options`` have the right one first."""
        answer = balanced(f"{self.seed} {dataset} letter", place, OPTIONS)
        return [
            Question(
                collection=self.collection,
                dataset=dataset,
                question_id=question_id,
                language=code,
                kind=Kind.CHOICE,
                premise=None,
                text=text,
                choices=tuple(ordered(f"{self.seed} {question_id}", options[code], answer)),
                answer_index=answer,
                origin=origin,
            )
            for code, text in texts.items()
        ]

    def _learn(self, *items: Sequence[str]) -> None:
        """Have the labels of all these items, where they have one in every language."""
        for group in items:
            self._labels.update(self.wikidata.labels(group))

    def _leave(self, reason: str, item: str) -> None:
        """Each item is counted once for a reason, though it was a candidate of two countries."""
        self._left.setdefault(reason, set()).add(item)

    def _distinct(self, right: str, pool: Sequence[str]) -> tuple[str, ...]:
        """Those of the pool that differ by name from the right one, and from each other, in every language."""
        taken = {(code, label.casefold()) for code, label in self._labels[right].items()}
        found = []
        for other in pool:
            mine = {(code, label.casefold()) for code, label in self._labels.get(other, {}).items()}
            if mine and not mine & taken:
                taken |= mine
                found.append(other)
        return tuple(found)

    def _tells(self, city: str, right: str) -> bool:
        """Whether, in some language, one name holds the other: Mexico City is in Mexico."""
        pairs = [
            (self._labels[city][code].casefold(), self._labels[right][code].casefold())
            for code in self.wordings
        ]
        return any(mine in other or other in mine for mine, other in pairs)

    def _new_name(self, item: str, names: set[tuple[str, str]]) -> bool:
        """Whether nobody asked about has this name in any language; it is taken from now on."""
        mine = {(code, label.casefold()) for code, label in self._labels[item].items()}
        if mine & names:
            self._leave("a name that another one has too", item)
            return False
        names |= mine
        return True
