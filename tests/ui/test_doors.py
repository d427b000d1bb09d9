"""Who may ask the page, for what, and how much: by hand-made requests, as a browser that was led astray sends them."""

import http.client
import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gradio as gr
import httpx
import pytest

from clika.database.index import Index
from clika.settings import Settings
from clika.ui.doors import MOST_BODY, is_loopback, served_paths
from clika.ui.page import build_page
from tests.stores import made_up_questions, seal_questions
from tests.ui.served import served_page

SECRET = "the-content-of-the-secret"
PROGRAM_ENDPOINTS = ("scores", "answers", "runs", "status", "submit")
# The empty shell with its looks, the door itself, Gradio's own list of routes, and what says of nobody that he is nobody.
ANSWERED_TO_ALL = {
    *("/", "/favicon.ico", "/manifest.json", "/robots.txt", "/theme.css", "/gradio_api/theme.css"),
    *("/logout", "/openapi.json", "/gradio_api/token", "/gradio_api/user"),
    *("/gradio_api/app_id", "/gradio_api/heartbeat/a", "/gradio_api/startup-events"),
}


def routes_of(store: Path) -> set[tuple[str, str]]:
    """(method, path) of every route of the page, Gradio's own with them."""

    def walked(routes: Iterable[Any], before: str = "") -> Iterator[tuple[str, str]]:
        for route in routes:
            below = getattr(route, "routes", None) or getattr(
                getattr(route, "original_router", None), "routes", None
            )
            if getattr(route, "methods", None):
                yield from ((method, before + route.path) for method in route.methods)
            else:
                assert below, route
                yield from walked(below, before + getattr(route, "path", ""))

    with Index.open(store) as index:
        return set(walked(gr.routes.App.create_app(build_page(index, Settings(store))).routes))


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("doors") / "store"
    seal_questions(folder, made_up_questions("xgeo", 3, ("en", "de"), 4))
    for name in ("checkpoints/mine/files/config.json", "exports/scores.csv", "../beside.txt"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    return folder


@pytest.fixture(scope="module")
def address(store: Path) -> Iterator[str]:
    with served_page(store) as address:
        yield address


@pytest.fixture(scope="module")
def behind_a_password(store: Path) -> Iterator[str]:
    password = store.parent / "password"
    password.write_text("open sesame")
    password.chmod(0o600)
    with served_page(store, auth=f"ada:{password}") as address:
        yield address


def asked(
    address: str, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, bytes, dict[str, str]]:
    """(status, body, headers) of a request whose path goes out as it is written."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=60)
    connection.putrequest(method, path, skip_host="Host" in headers)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in {
        **named,
        **({"Content-Length": str(len(body))} if body is not None and "Content-Length" not in named else {}),
    }.items():
        connection.putheader(name, value)
    connection.endheaders(body)
    answer = connection.getresponse()
    found = answer.status, answer.read(), dict(answer.getheaders())
    connection.close()
    return found


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example:7860", "localhost.evil.example", "", "[", "10.0.0.7"]
)
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/"), ("GET", "/config"), ("POST", "/gradio_api/upload")]
)
def test_a_name_that_is_not_the_pages_is_refused(address: str, host: str, method: str, path: str) -> None:
    assert asked(address, method, path, b"", Host=host)[0] == 421


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "LOCALHOST:99", "[::1]:7860"])
def test_the_pages_own_names_are_answered(address: str, host: str) -> None:
    assert asked(address, "GET", "/config", Host=host)[0] == 200


@pytest.mark.parametrize(
    "path", ["/gradio_api/upload", "/gradio_api/queue/join", "/gradio_api/run/scores", "/login"]
)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec_Fetch_Site": "cross-site"},
    ],
)
def test_a_write_from_another_site_is_refused(address: str, path: str, headers: dict[str, str]) -> None:
    assert asked(address, "POST", path, b"{}", **headers)[0] == 403


@pytest.mark.parametrize(
    "tail",
    [
        "file={store}/checkpoints/mine/files/config.json",
        "file={store}/checkpoints/../checkpoints/mine/files/config.json",
        "file={store}/exports/../checkpoints/mine/files/config.json",
        "file={store}/exports/%2e%2e/checkpoints/mine/files/config.json",
        "file={store}/exports/%252e%252e/checkpoints/mine/files/config.json",
        "file={store}/../beside.txt",
        "file=../../../../../../../../etc/passwd",
        "file=/etc/passwd",
        "file=//etc/passwd",
        "file=%2fetc%2fpasswd",
        "file=/proc/self/environ",
        "file={store}/clika.duckdb",
        "file=http://127.0.0.1:1/x",
        "file=https://evil.example/x",
        "file=file:///etc/passwd",
        "file=app.py",
        "file=/etc/passwd%00.png",
        "proxy=http://evil.example",
        "deep_link",
        "monitoring/x",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(address: str, store: Path, tail: str) -> None:
    status, body, _ = asked(address, "GET", f"/gradio_api/{tail.format(store=store)}")
    assert status == 403
    assert SECRET.encode() not in body
    assert b"root:" not in body


def test_what_is_exported_is_served(address: str, store: Path) -> None:
    status, body, _ = asked(address, "GET", f"/gradio_api/file={store}/exports/scores.csv")
    assert (status, body) == (200, SECRET.encode())


def test_an_upload_is_read_by_nobody(address: str) -> None:
    part = (
        b'--x\r\nContent-Disposition: form-data; name="files"; filename="m.zip"\r\n\r\n'
        + SECRET.encode()
        + b"\r\n--x--\r\n"
    )
    status, body, _ = asked(
        address, "POST", "/gradio_api/upload", part, Content_Type="multipart/form-data; boundary=x"
    )
    assert status == 200
    (path,) = json.loads(body)
    assert Path(path).read_text() == SECRET
    assert os.stat(path).st_mode & 0o077 == 0
    assert asked(address, "GET", f"/gradio_api/file={path}")[0] == 403
    assert asked(address, "GET", f"/gradio_api/file/{path.lstrip('/')}")[0] == 403
    Path(path).unlink()


def test_more_than_a_form_holds_is_refused(address: str) -> None:
    status, body, _ = asked(address, "POST", "/gradio_api/queue/join", b"", Content_Length=str(MOST_BODY + 1))
    assert status == 413
    assert b"more than 4,194,304" in body


def test_an_upload_without_room_is_refused_before_it_begins(address: str) -> None:
    assert asked(address, "POST", "/gradio_api/upload", b"", Content_Length=str(1 << 60))[0] == 507


def test_no_endpoint_answers_without_the_password(behind_a_password: str, store: Path) -> None:
    export = f"file={store}/exports/scores.csv"
    asked_by_name = [
        ("GET", f"/gradio_api/{export}"),
        ("GET", "/gradio_api/queue/data?session_hash=a"),
        ("GET", "/gradio_api/upload_progress?upload_id=a"),
        *(
            ("POST", f"/gradio_api/{way}/{name}")
            for way in ("run", "api", "call")
            for name in PROGRAM_ENDPOINTS
        ),
    ]
    every = [(method, re.sub(r"\{[^}]*\}", "a", path)) for method, path in routes_of(store.parent / "other")]
    assert len(every) > 60
    answered = set()
    for method, path in (*asked_by_name, *every):
        with httpx.stream(
            method, behind_a_password + path, json={"data": []} if method == "POST" else None, timeout=30
        ) as answer:
            body = next(answer.iter_bytes(), b"")  # of a stream that does not end its beginning
            if answer.status_code < 400:
                answered.add(path.removesuffix("/") or "/")
        assert SECRET.encode() not in body
    assert answered == ANSWERED_TO_ALL


def test_of_a_store_only_its_exports_are_served(tmp_path: Path) -> None:
    (tmp_path / "a-new-folder").mkdir()
    allowed, blocked = served_paths(tmp_path)
    assert allowed == [str(tmp_path / "exports")]
    assert {str(tmp_path / name) for name in ("jobs", "checkpoints", "clika.duckdb", "a-new-folder")} <= set(
        blocked
    )
    assert str(tmp_path / "exports") not in blocked
    assert [is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost", "0.0.0.0", "10.1.1.1")] == [
        True, True, True, True, False, False,
    ]  # fmt: skip


def test_the_database_reads_no_file_and_its_settings_are_locked(tmp_path: Path) -> None:
    import duckdb

    (tmp_path / "x.csv").write_text("a\n1\n")
    with Index.open(tmp_path / "store") as index:
        cursor = index.cursor
        for query in (
            f"select * from read_csv('{tmp_path}/x.csv')",
            f"copy (select 1) to '{tmp_path}/y.csv'",
            f"attach '{tmp_path}/z.duckdb'",
            "set enable_external_access = true",
            "set lock_configuration = false",
            "install httpfs",
        ):
            with pytest.raises(duckdb.Error):
                cursor.execute(query)
    assert not (tmp_path / "y.csv").exists()


def test_hosts_and_roots_come_from_the_environment() -> None:
    settings = Settings.from_env({"CLIKA_HOSTS": "A.example, b", "CLIKA_ROOTS": "/a:/b"})
    assert (settings.hosts, settings.roots) == (("a.example", "b"), (Path("/a"), Path("/b")))
