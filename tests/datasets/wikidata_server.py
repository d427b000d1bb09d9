"""A small graph of Wikidata's shape, made up here, behind a real SPARQL server (pyoxigraph) on this machine."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from pyoxigraph import Literal, NamedNode, Quad, QueryResultsFormat, QuerySolutions, Store

WD = "http://www.wikidata.org/entity/"
WDT = "http://www.wikidata.org/prop/direct/"
PROP = "http://www.wikidata.org/prop/"
WIKIBASE = "http://wikiba.se/ontology#"
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
LABEL = "http://www.w3.org/2000/01/rdf-schema#label"
DATE_TIME = "http://www.w3.org/2001/XMLSchema#dateTime"

HUMAN, STATE, CITY, FIRST_LEVEL = "Q5", "Q3624078", "Q515", "Q10864048"


class Graph:
    """Statements as Wikidata has them: truthy ones, and full ones for dates."""

    def __init__(self) -> None:
        self.store = Store()
        self._nodes = 0

    def say(self, item: str, statement: str, *values: str | int) -> None:
        """``item`` wdt:``statement`` each value: an item (Q…), a number or a string."""
        for value in values:
            target = NamedNode(WD + value) if str(value).startswith("Q") else Literal(value)
            self._add(WD + item, WDT + statement, target)

    def name(self, item: str, labels: Mapping[str, str]) -> None:
        """Labels by language code."""
        for code, label in labels.items():
            self._add(WD + item, LABEL, Literal(label, language=code))

    def date(self, item: str, statement: str, year: int, *, precision: int = 11, circa: bool = False) -> None:
        """A date with its precision (11 day, 9 year, 7 century), truthy and in full."""
        time = Literal(f"{year:04}-05-17T00:00:00Z", datatype=NamedNode(DATE_TIME))
        self._add(WD + item, WDT + statement, time)
        self._nodes += 1
        node, value = f"{PROP}statement/{self._nodes}", f"{PROP}value/{self._nodes}"
        self._add(WD + item, PROP + statement, NamedNode(node))
        self._add(node, TYPE, NamedNode(WIKIBASE + "BestRank"))
        self._add(node, f"{PROP}statement/value/{statement}", NamedNode(value))
        self._add(value, WIKIBASE + "timeValue", time)
        self._add(value, WIKIBASE + "timePrecision", Literal(precision))
        if circa:
            self._add(node, f"{PROP}qualifier/P1480", NamedNode(WD + "Q5727902"))

    def links(self, item: str, count: int) -> None:
        """How many Wikipedias have an article."""
        self._add(WD + item, WIKIBASE + "sitelinks", Literal(count))

    def _add(self, subject: str, predicate: str, target: NamedNode | Literal) -> None:
        self.store.add(Quad(NamedNode(subject), NamedNode(predicate), target))


@dataclass
class Served:
    """The server's address, what was asked of it, and the refusals that it is to give first."""

    url: str = ""
    queries: list[str] = field(default_factory=list)
    agents: set[str] = field(default_factory=set)
    refusals: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    dies_after: int | None = None
    """Every query after so many gets status 403: as good as a broken line for who asks."""


@contextmanager
def served(graph: Graph) -> Iterator[Served]:
    """A SPARQL server over the graph on a free port of this machine."""
    state = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            state.queries.append(form["query"][0])
            state.agents.add(self.headers["User-Agent"])
            if state.refusals:
                status, headers = state.refusals.pop(0)
                return self._answer(status, b"too many requests", headers)
            if state.dies_after is not None and len(state.queries) > state.dies_after:
                return self._answer(403, b"gone", {})
            try:
                found = graph.store.query(state.queries[-1])
            except SyntaxError as error:
                return self._answer(400, str(error).encode(), {})
            assert isinstance(found, QuerySolutions)
            content = found.serialize(format=QueryResultsFormat.JSON)
            assert content is not None
            return self._answer(200, content, {"Content-Type": "application/sparql-results+json"})

        def _answer(self, status: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/sparql"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


COUNTRIES = {"Q30": ("USA", "Q49"), "Q183": ("Deutschland", "Q46"), "Q924": ("Tanzania", "Q15")}
LANGUAGE_OF = {"Q30": "en", "Q183": "de", "Q924": "sw"}


def labels(stem: str) -> dict[str, str]:
    """A name in the three languages of the graph, another one in each."""
    return {"en": f"{stem} town", "de": f"{stem}stadt", "sw": f"Mji wa {stem}"}


def small_graph() -> Graph:
    """Three countries of one language each, with four neighbours, five divisions, ten cities, eight people each."""
    graph = Graph()
    graph.say("Q9001", "P279", CITY)
    graph.say("Q9002", "P279", FIRST_LEVEL)
    graph.say("Q7838", "P218", "sw")
    graph.say("Q1860", "P218", "en")
    for number, (country, (name, continent)) in enumerate(COUNTRIES.items(), 1):
        graph.say(country, "P31", STATE)
        graph.say(country, "P30", continent)
        graph.say(country, "P1082", 1000 - number)
        graph.name(country, {code: f"{name} {code}" for code in ("en", "de", "sw")})
        for other in range(4):
            beside = f"Q{number}10{other}"
            graph.say(beside, "P31", STATE)
            graph.say(beside, "P30", continent)
            graph.say(beside, "P1082", 500 - other)
            graph.name(beside, labels(f"Land{number}{other}"))
        for other in range(5):
            division = f"Q{number}20{other}"
            graph.say(division, "P31", "Q9002")
            graph.say(division, "P17", country)
            graph.say(division, "P131", country)
            graph.name(division, labels(f"Teil{number}{other}"))
        for other in range(10):
            city = f"Q{number}30{other}"
            district = f"Q{number}40{other}"
            graph.say(city, "P31", "Q9001")
            graph.say(city, "P17", country)
            graph.say(city, "P1082", 9000 - other)
            graph.say(city, "P131", district)
            graph.say(district, "P131", f"Q{number}20{other % 5}")
            graph.name(city, labels(f"Ort{number}{other}"))
        for other in range(8):
            person = f"Q{number}50{other}"
            graph.say(person, "P31", HUMAN)
            graph.say(person, "P27", country)
            graph.date(person, "P569", 1800 + other)
            graph.date(person, "P570", 1870 + other, precision=9)
            graph.links(person, 120 - 20 * other if other < 6 else 5)
            graph.name(person, dict.fromkeys(("en", "de", "sw"), f"Person {number}{other}"))
    graph.say("Q924", "P37", "Q7838", "Q1860")
    return graph
