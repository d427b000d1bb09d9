"""What Wikidata says of cities, their divisions and countries, and of people: the queries, and nothing else.

Items go by their ids (``Q64``). Only statements of the best rank count (``wdt:``), as Wikidata itself shows them.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from clika.datasets.sparql import SparqlEndpoint

LATEST_COUNTRIES = 3
"""How many main countries are looked for where nobody named them."""

_PREFIXES = """\
PREFIX wd: <http://www.wikidata.org/entity/>
PREFIX wdt: <http://www.wikidata.org/prop/direct/>
PREFIX p: <http://www.wikidata.org/prop/>
PREFIX psv: <http://www.wikidata.org/prop/statement/value/>
PREFIX pq: <http://www.wikidata.org/prop/qualifier/>
PREFIX wikibase: <http://wikiba.se/ontology#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
"""
_AT_ONCE = 50
_POOL = 15
_DIVISIONS = 60
_LINKS = (1000, 100, 50, 25, 10, 3)
"""Bands of how many Wikipedias have an article: sorting all the dead of a large country takes Wikidata too long."""
_KNOWN = 200
_YEAR_PRECISION = 9
_LABEL_CODES = {"zh": ("zh-hans", "zh-cn", "zh"), "no": ("nb", "no")}
"""Where Wikidata labels a language under several codes: the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Life:
    """Years (CE) of birth and death; None where Wikidata's date is missing, disputed or no exact year."""

    born: int | None
    died: int | None


class Wikidata:
    """Queries over an endpoint of Wikidata's shape."""

    def __init__(self, endpoint: SparqlEndpoint, languages: Sequence[str]) -> None:
        self._endpoint = endpoint
        self._languages = tuple(languages)

    def main_countries(self, language: str) -> tuple[str, ...]:
        """Sovereign states with this official language: those with the fewest others first, then the largest."""
        return self._items(
            f"""SELECT ?item (COUNT(DISTINCT ?other) AS ?others) (MAX(?people) AS ?population) WHERE {{
  VALUES ?code {{ wdt:P218 wdt:P220 wdt:P424 }}
  ?language ?code "{language}" .
  ?item wdt:P37 ?language ; wdt:P31 wd:Q3624078 ; wdt:P37 ?other ; wdt:P1082 ?people .
  FILTER NOT EXISTS {{ ?item wdt:P576 ?end }}
}} GROUP BY ?item ORDER BY ?others DESC(?population) ?item LIMIT {LATEST_COUNTRIES}"""
        )

    def beside(self, country: str) -> tuple[str, ...]:
        """The most populous sovereign states of the country's continents, itself perhaps among them."""
        return self._items(
            f"""SELECT ?item (MAX(?people) AS ?population) WHERE {{
  wd:{country} wdt:P30 ?continent .
  ?item wdt:P30 ?continent ; wdt:P31 wd:Q3624078 ; wdt:P1082 ?people .
  FILTER NOT EXISTS {{ ?item wdt:P576 ?end }}
}} GROUP BY ?item ORDER BY DESC(?population) ?item LIMIT {_POOL}"""
        )

    def divisions(self, country: str) -> tuple[str, ...]:
        """The country's first-level administrative divisions, the most populous first."""
        return self._items(
            f"""SELECT ?item (MAX(?people) AS ?population) WHERE {{
  ?item wdt:P17 wd:{country} ; wdt:P31/wdt:P279* wd:Q10864048 .
  OPTIONAL {{ ?item wdt:P1082 ?people }}
  FILTER NOT EXISTS {{ ?item wdt:P576 ?end }}
}} GROUP BY ?item ORDER BY DESC(?population) ?item LIMIT {_DIVISIONS}"""
        )

    def cities(self, country: str, at_most: int) -> tuple[str, ...]:
        """The country's cities, the most populous first."""
        return self._items(
            f"""SELECT ?item (MAX(?people) AS ?population) WHERE {{
  ?item wdt:P17 wd:{country} ; wdt:P1082 ?people ; wdt:P31/wdt:P279* wd:Q515 .
  FILTER NOT EXISTS {{ ?item wdt:P576 ?end }}
}} GROUP BY ?item ORDER BY DESC(?population) ?item LIMIT {at_most}"""
        )

    def people(self, country: str, latest_death: int) -> Iterator[str]:
        """Its dead, those with articles in most languages first; each band is asked for when it is reached."""
        for below, least in pairwise(_LINKS):
            yield from self._items(
                f"""SELECT ?item (MAX(?links) AS ?known) WHERE {{
  ?item wdt:P27 wd:{country} ; wdt:P31 wd:Q5 ; wdt:P570 ?died ; wikibase:sitelinks ?links .
  FILTER(?links >= {least} && ?links < {below} && YEAR(?died) <= {latest_death})
}} GROUP BY ?item ORDER BY DESC(?known) ?item LIMIT {_KNOWN}"""
            )

    def countries_of(self, items: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Item -> the countries (P17) that it lies in."""
        return self._related(items, "?item wdt:P17 ?value .")

    def nationalities(self, items: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Item -> a person's citizenships (P27)."""
        return self._related(items, "?item wdt:P27 ?value .")

    def divisions_of(self, items: Sequence[str], country: str) -> Mapping[str, frozenset[str]]:
        """Item -> those of the country's ``divisions`` that it lies in."""
        among = " ".join(f"wd:{division}" for division in self.divisions(country))
        return self._related(items, f"VALUES ?value {{ {among} }} ?item wdt:P131+ ?value .") if among else {}

    def labels(self, items: Sequence[str]) -> Mapping[str, Mapping[str, str]]:
        """Item -> language -> label, only of items that have one in every language, in its own letters."""
        codes = {code: _LABEL_CODES.get(code, (code,)) for code in self._languages}
        among = ", ".join(f'"{spelling}"' for spellings in codes.values() for spelling in spellings)
        said: dict[str, dict[str, str]] = defaultdict(dict)
        for rows in self._batches(
            items, f"?item rdfs:label ?value . BIND(LANG(?value) AS ?language) FILTER(?language IN ({among}))"
        ):
            for row in rows:
                said[_item(row["item"])][row["language"].lower()] = " ".join(row["value"].split())
        found = {}
        for item in items:
            labels = {
                code: next((said[item][one] for one in spellings if said[item].get(one)), "")
                for code, spellings in codes.items()
            }
            if all(labels.values()) and not _borrowed(labels):
                found[item] = labels
        return found

    def lives(self, items: Sequence[str]) -> Mapping[str, Life]:
        """Item -> years of birth and death, where each is one exact year with no 'circa' or range at it."""
        years: dict[tuple[str, str], set[int | None]] = defaultdict(set)
        for rows in self._batches(
            items,
            """VALUES (?event ?claim ?node) { ("born" p:P569 psv:P569) ("died" p:P570 psv:P570) }
  ?item ?claim ?statement .
  ?statement a wikibase:BestRank ; ?node ?date .
  ?date wikibase:timeValue ?value ; wikibase:timePrecision ?precision .
  OPTIONAL { ?statement pq:P1480 ?circa } OPTIONAL { ?statement pq:P1319|pq:P1326 ?range }""",
        ):
            for row in rows:
                exact = int(row["precision"]) >= _YEAR_PRECISION and not {"circa", "range"} & row.keys()
                years[_item(row["item"]), row["event"]].add(_year(row["value"]) if exact else None)
        return {
            item: Life(_only(years[item, "born"]), _only(years[item, "died"]))
            for item in dict.fromkeys(items)
        }

    def _items(self, query: str) -> tuple[str, ...]:
        return tuple(_item(row["item"]) for row in self._endpoint.rows(_PREFIXES + query) if "item" in row)

    def _related(self, items: Sequence[str], pattern: str) -> Mapping[str, frozenset[str]]:
        found: dict[str, set[str]] = {item: set() for item in items}
        for rows in self._batches(items, pattern):
            for row in rows:
                found[_item(row["item"])].add(_item(row["value"]))
        return {item: frozenset(values) for item, values in found.items()}

    def _batches(self, items: Sequence[str], pattern: str) -> Iterator[Sequence[Mapping[str, str]]]:
        for start in range(0, len(items), _AT_ONCE):
            among = " ".join(f"wd:{item}" for item in items[start : start + _AT_ONCE])
            yield self._endpoint.rows(
                f"{_PREFIXES}SELECT * WHERE {{ VALUES ?item {{ {among} }}\n  {pattern}\n}}"
            )


def _item(iri: str) -> str:
    return iri.rpartition("/")[2]


def _year(time: str) -> int | None:
    """The year of ``1832-03-22T00:00:00Z``; None before the year 1."""
    return None if time.startswith("-") else int(time.lstrip("+").split("-")[0]) or None


def _only(years: set[int | None]) -> int | None:
    return next(iter(years)) if len(years) == 1 else None


def _borrowed(labels: Mapping[str, str]) -> bool:
    """Whether a language with letters of its own only repeats English."""
    return any(
        labels[code] == labels["en"]
        for code in ("ar", "he", "ja", "ru", "zh")
        if code in labels and "en" in labels
    )
