"""A page with a password lets in who knows it, and nobody else sees anything."""

from pathlib import Path

import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AuthenticationError

from clika.errors import UsageError
from clika.settings import Settings
from clika.ui.guesses import MOST_WRONG, WITHIN_SECONDS, Guesses
from clika.ui.sign_in import sign_in
from tests.ui.served import served_page


def password_file(folder: Path, content: bytes = b"open sesame\n", mode: int = 0o600) -> Path:
    path = folder / "password"
    path.write_bytes(content)
    path.chmod(mode)
    return path


def test_the_user_and_the_files_one_line_open_and_nothing_else_does(tmp_path: Path) -> None:
    path = password_file(tmp_path)
    found = sign_in(f"ada:{path}")
    assert found is not None
    assert found.faults == ()
    assert found("ada", "open sesame")
    for user, password in (
        ("ada", "open"),
        ("ada", ""),
        ("bob", "open sesame"),
        ("", ""),
        ("ada", "open sesame\n"),
    ):
        assert not found(user, password)
    assert "sesame" not in repr(found)


def test_a_file_that_others_can_read_is_named(tmp_path: Path) -> None:
    found = sign_in(f"ada:{password_file(tmp_path, mode=0o640)}")
    assert found is not None
    assert "mode 640" in found.faults[0]
    assert "chmod 600" in found.faults[0]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"", "holds no password"), (b"\n", "holds no password"), (b"a\nb\n", "one line"), (b"\xff", "not UTF-8"),
     (b"a" * 4097, "at most 4096")],
)  # fmt: skip
def test_a_file_without_a_password_is_refused(tmp_path: Path, content: bytes, sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        sign_in(f"ada:{password_file(tmp_path, content)}")


@pytest.mark.parametrize("written", ["ada", "ada:", ":file", "ada:/no/such/file", "ada:/"])
def test_what_names_no_user_and_file_is_refused(written: str) -> None:
    with pytest.raises(UsageError, match=r"PASSWORD_FILE|cannot be read"):
        sign_in(written)


def test_nothing_is_seen_or_done_without_the_password(tmp_path: Path) -> None:
    path = password_file(tmp_path)
    with served_page(tmp_path / "store", auth=f"ada:{path}") as address:
        for place in ("config", "gradio_api/info", "gradio_api/queue/status"):
            assert httpx.get(f"{address}/{place}").status_code == 401, place
        assert httpx.get(f"{address}/monitoring").status_code == 403  # for nobody
        joined = httpx.post(
            f"{address}/gradio_api/queue/join", json={"data": [], "fn_index": 0, "session_hash": "x"}
        )
        assert joined.status_code == 401
        assert httpx.post(f"{address}/gradio_api/call/runs", json={"data": [None]}).status_code == 401
        upload = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"x")})
        assert upload.status_code == 401
        with pytest.raises((AuthenticationError, ValueError)):
            Client(address, auth=("ada", "wrong"), verbose=False)
        client = Client(address, auth=("ada", "open sesame"), verbose=False)
        assert client.predict(api_name="/runs") == []


def test_after_ten_wrong_passwords_the_right_one_waits_too(tmp_path: Path) -> None:
    path = password_file(tmp_path)
    right = {"username": "ada", "password": "open sesame"}
    with served_page(tmp_path / "store", auth=f"ada:{path}") as address:
        for number in range(MOST_WRONG):
            guess = {**right, "password": f"sesame {number}"}
            assert httpx.post(f"{address}/login", data=guess).status_code == 400
            if number == 0:
                assert httpx.post(f"{address}/login", data=right).status_code == 200
        for place in ("login", "login/"):
            waiting = httpx.post(f"{address}/{place}", data=right)
            assert (waiting.status_code, "try again in" in waiting.text) == (429, True)


def test_an_address_waits_a_minute_from_the_first_of_ten_and_no_other_does() -> None:
    now = 100.0
    guesses = Guesses(lambda: now)
    for number in range(MOST_WRONG):
        assert guesses.waits("a") == 0
        now = 100.0 + number
        guesses.wrong("a")
    assert guesses.waits("a") == 100 + WITHIN_SECONDS - now
    assert guesses.waits("b") == 0
    now = 100.0 + WITHIN_SECONDS
    assert guesses.waits("a") == 0
    guesses.wrong("a")
    assert guesses.waits("a") == 1.0  # the second one of the ten was a second later
    for number in range(5000):
        guesses.wrong(f"of many {number}")
    assert guesses.waits("a") == 0  # the memory has an end


def test_the_environment_and_the_command_line_say_who(tmp_path: Path) -> None:
    assert Settings.from_env({"CLIKA_AUTH": "ada:file"}).auth == "ada:file"
    assert Settings.from_env({}).auth == ""
