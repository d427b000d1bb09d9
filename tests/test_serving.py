"""What serving refuses before it opens anything."""

import logging
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from clika.cli import main
from clika.errors import UsageError
from clika.serving import MCP_MAJOR, check_mcp, serve
from clika.settings import Settings


def mcp_here() -> bool:
    try:
        return version("mcp").partition(".")[0] == MCP_MAJOR
    except PackageNotFoundError:
        return False


@pytest.mark.skipif(mcp_here(), reason="the package mcp is installed: nothing to refuse")
def test_tools_without_their_package_are_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"pip install 'gradio\[mcp\]==.*leave out --mcp"):
        check_mcp()
    with pytest.raises(UsageError, match="gradio"):
        serve(Settings(tmp_path / "store", mcp=True))
    assert not (tmp_path / "store").exists()


def test_a_password_file_open_to_others_is_said_before_the_page_is_served(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "password").write_text("secret\n")
    (tmp_path / "password").chmod(0o644)
    (tmp_path / "store").write_text("a file where the store should be")
    with caplog.at_level(logging.ERROR), pytest.raises(Exception, match="store"):
        serve(Settings(tmp_path / "store", auth=f"ada:{tmp_path / 'password'}"))
    assert "chmod 600" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(("value", "on"), [("1", True), ("TRUE", True), ("0", False), ("", False)])
def test_a_switch_of_the_environment_is_on_or_off(value: str, on: bool) -> None:
    assert Settings.from_env({"CLIKA_MCP": value}).mcp is on


def test_a_switch_that_is_neither_is_refused() -> None:
    with pytest.raises(UsageError, match="CLIKA_SPACE_WRITES is 'maybe'"):
        Settings.from_env({"CLIKA_SPACE_WRITES": "maybe"})


def test_a_space_shows_and_its_owner_may_open_the_rest() -> None:
    assert not Settings.from_env({}).read_only
    space = Settings.from_env({"SPACE_ID": "ada/clika"})
    assert (space.read_only, space.host) == (True, "0.0.0.0")
    assert not Settings.from_env({"SPACE_ID": "ada/clika", "CLIKA_SPACE_WRITES": "1"}).read_only


def test_the_command_line_refuses_what_names_no_password_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--auth", "ada"]) == 2
    assert "USER:PASSWORD_FILE" in capsys.readouterr().err
