"""The endpoint is asked politely, and what it answered is kept."""

from pathlib import Path

import pytest

from clika.datasets.sparql import TRIES, SparqlEndpoint
from clika.errors import DataError
from tests.datasets.wikidata_server import Graph, served

QUERY = "SELECT ?item ?of WHERE { ?item <http://www.wikidata.org/prop/direct/P17> ?of }"


def graph() -> Graph:
    """One statement: Q64 lies in Q183."""
    made = Graph()
    made.say("Q64", "P17", "Q183")
    return made


def test_an_answer_is_asked_for_once_and_kept_on_disk(tmp_path: Path) -> None:
    with served(graph()) as server:
        first = SparqlEndpoint(server.url, tmp_path).rows(QUERY)
        second = SparqlEndpoint(server.url, tmp_path).rows(QUERY)
    assert (
        first
        == second
        == ({"item": "http://www.wikidata.org/entity/Q64", "of": "http://www.wikidata.org/entity/Q183"},)
    )
    assert len(server.queries) == 1


def test_a_damaged_answer_in_the_cache_is_asked_for_again(tmp_path: Path) -> None:
    with served(graph()) as server:
        SparqlEndpoint(server.url, tmp_path).rows(QUERY)
        (kept,) = tmp_path.iterdir()
        kept.write_text(kept.read_text()[:-9])
        assert len(SparqlEndpoint(server.url, tmp_path).rows(QUERY)) == 1
    assert len(server.queries) == 2


def test_two_requests_have_a_pause_between_them_and_say_who_asks(tmp_path: Path) -> None:
    waits: list[float] = []
    with served(graph()) as server:
        endpoint = SparqlEndpoint(server.url, tmp_path, pause_s=1.5, contact="a@b.org", wait=waits.append)
        endpoint.rows(QUERY)
        endpoint.rows(QUERY + " LIMIT 1")
    assert waits == [1.5]
    (agent,) = server.agents
    assert agent.startswith("CLiKA/")
    assert "a@b.org" in agent


def test_a_server_that_asks_to_wait_is_waited_for_and_one_that_fails_longer_each_time(tmp_path: Path) -> None:
    waits: list[float] = []
    with served(graph()) as server:
        server.refusals = [(429, {"Retry-After": "7"}), (503, {}), (500, {})]
        assert len(SparqlEndpoint(server.url, tmp_path, wait=waits.append).rows(QUERY)) == 1
    assert waits == [7.0, 2.0 * 2**1, 2.0 * 2**2]


def test_a_server_that_never_answers_or_wants_an_hour_ends_it_with_a_remedy(tmp_path: Path) -> None:
    waits: list[float] = []
    with served(graph()) as server:
        server.refusals = [(502, {})] * TRIES
        with pytest.raises(DataError, match=r"did not answer 6 times \(status 502.*again later"):
            SparqlEndpoint(server.url, tmp_path, wait=waits.append).rows(QUERY)
        assert len(waits) == TRIES - 1
        server.refusals = [(429, {"Retry-After": "3600"})]
        with pytest.raises(DataError, match="asks to wait 3600 s"):
            SparqlEndpoint(server.url, tmp_path, wait=waits.append).rows(QUERY)
    assert len(waits) == TRIES - 1


def test_a_query_that_is_refused_is_not_asked_again(tmp_path: Path) -> None:
    with served(graph()) as server:
        with pytest.raises(DataError, match="refused a query \\(status 400"):
            SparqlEndpoint(server.url, tmp_path).rows("SELECT nothing")
        assert len(server.queries) == 1
    with pytest.raises(DataError, match="did not answer"):
        SparqlEndpoint(server.url, tmp_path, wait=lambda seconds: None).rows(QUERY)
