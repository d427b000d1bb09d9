"""The documents are true: the map names every file, the commands are understood, the links lead somewhere."""

import re
import shlex
from pathlib import Path

import pytest

from clika.cli import build_parser

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "benchmarks").glob("*.md")]
SHOWN_COMMANDS = re.findall(r"^    python -m clika (.+?)(?: +#.*)?$", README, re.MULTILINE)


def map_lines(text: str) -> list[tuple[str, str]]:
    """(path from the root, purpose) of each line of a document's map; a folder's path ends with a slash."""
    (block,) = re.findall(r"<!-- map -->\n```\n(.*?)```", text, re.DOTALL)
    lines = []
    folders: list[str] = []
    for line in block.splitlines():
        match = re.fullmatch(r"((?:  )*)(\S+)(?: +(.*))?", line)
        assert match, f"a line that is no 'name purpose': {line!r}"
        depth = len(match[1]) // 2
        folders = folders[:depth]
        lines.append(("".join(folders) + match[2], match[3] or ""))
        if match[2].endswith("/"):
            folders.append(match[2])
    return lines


def files_missing_from_the_map(root: Path, text: str) -> set[str]:
    """What the map and the package do not share; an ``__init__.py`` is named by its folder's line."""
    modules = {path.relative_to(root).as_posix() for path in (root / "clika").rglob("*.py")}
    modules = {module.removesuffix("__init__.py") for module in modules}
    return modules ^ {path for path, _ in map_lines(text) if path.startswith("clika/")}


def test_the_map_names_every_module_and_nothing_else() -> None:
    assert files_missing_from_the_map(ROOT, README) == set()


def test_everything_on_the_map_exists_and_has_a_purpose() -> None:
    assert [path for path, _ in map_lines(README) if not (ROOT / path).exists()] == []
    assert [path for path, purpose in map_lines(README) if not purpose or "…" in purpose] == []


def test_a_map_that_forgets_a_file_or_invents_one_is_found(tmp_path: Path) -> None:
    (tmp_path / "clika" / "room").mkdir(parents=True)
    for name in ("room/__init__.py", "room/there.py", "forgotten.py"):
        (tmp_path / "clika" / name).touch()
    text = "<!-- map -->\n```\nclika/\n  room/  a room\n    there.py  named\n  invented.py  named\n```\n"
    assert files_missing_from_the_map(tmp_path, text) == {
        "clika/forgotten.py", "clika/invented.py", "clika/",
    }  # fmt: skip


@pytest.mark.parametrize("command", SHOWN_COMMANDS)
def test_a_command_of_the_readme_is_understood(command: str) -> None:
    if command.startswith("--"):
        with pytest.raises(SystemExit) as end:
            build_parser().parse_args(shlex.split(command))
        assert end.value.code == 0
    else:
        build_parser().parse_args(shlex.split(command))


def test_the_readme_shows_every_command() -> None:
    offered = set(re.findall(r"^    ([a-z][a-z-]*) ", build_parser().format_help(), re.MULTILINE))
    assert {"import", "evaluate", "verify"} <= offered
    assert {command.split()[0] for command in SHOWN_COMMANDS if command[0] != "-"} == offered
    assert set(re.findall(r"python -m clika ([a-z][a-z-]*)", README)) <= offered


def test_every_make_target_that_a_document_names_exists() -> None:
    named = {
        target
        for path in DOCUMENTS
        for target in re.findall(r"(?:`|^    )make ([a-z-]+)", path.read_text("utf-8"), re.M)
    }
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert {"run", "test"} <= named <= targets


def test_every_line_of_the_changelog_says_before_and_now() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    lines = re.findall(r"^- (.*(?:\n  .*)*)", changelog, re.MULTILINE)
    assert lines
    assert [line for line in lines if not re.match(r"Before: .*Now: ", line, re.DOTALL)] == []


def test_local_links_lead_to_files() -> None:
    broken = []
    for document in DOCUMENTS:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", document.read_text("utf-8")):
            if not target.startswith("http") and not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []


def test_the_readme_says_things_in_the_order_a_newcomer_asks() -> None:
    order = [
        README.index(heading)
        for heading in (
            "## What it measures",
            "## Two commands",
            "## How to read the three numbers",
            "## The command line",
            "## The map of the code",
            "## Where to add things",
        )
    ]
    assert order == sorted(order)
