"""The Hub is asked over HTTP, by a server of this test; one that does not answer is a sentence."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlparse

import pytest

from clika.errors import UsageError
from clika.ui.hub_search import hub_models
from tests.ui.served import free_port


class Hub(BaseHTTPRequestHandler):
    """Answers by what is searched for; what it was asked stands in ``asked``."""

    asked: dict[str, list[str]]

    def do_GET(self) -> None:
        type(self).asked = parse_qs(urlparse(self.path).query)
        wanted = self.asked["search"][0]
        status = 503 if wanted == "broken" else 200
        listed = [{"id": f"owner/{wanted}-{n}"} for n in range(20)] + [{"name": "no id"}, "text"]
        body = b"<html>" if wanted == "page" else json.dumps(listed if wanted != "object" else {}).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def hub() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_the_most_downloaded_models_that_write_text_are_named(hub: str) -> None:
    assert hub_models(" SmolLM2 ", hub) == tuple(f"owner/SmolLM2-{n}" for n in range(12))
    assert Hub.asked == {
        "search": ["SmolLM2"], "pipeline_tag": ["text-generation"], "sort": ["downloads"], "limit": ["12"],
    }  # fmt: skip


def test_an_answer_that_is_no_list_names_none(hub: str) -> None:
    assert hub_models("object", hub) == ()


@pytest.mark.parametrize("wanted", ["broken", "page"])
def test_a_hub_that_answers_otherwise_is_a_sentence(hub: str, wanted: str) -> None:
    with pytest.raises(UsageError, match=r"the Hub does not answer.*write the model's id"):
        hub_models(wanted, hub)


def test_no_hub_and_no_word_are_sentences() -> None:
    with pytest.raises(UsageError, match="does not answer"):
        hub_models("SmolLM2", f"http://127.0.0.1:{free_port()}")
    with pytest.raises(UsageError, match="nothing to look for"):
        hub_models("  ")
