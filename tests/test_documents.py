"""The documents are true: the map names every file, the commands exist, the links lead somewhere."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def mapped_files() -> set[str]:
    """The files that the README's map of the code names, as paths from the root."""
    (block,) = re.findall(r"<!-- map -->\n```\n(.*?)```", README, re.DOTALL)
    found: set[str] = set()
    folders: list[str] = []
    for line in block.splitlines():
        match = re.match(r"( *)([\w.]+/?)", line)
        if not match:
            continue
        depth = len(match[1]) // 2
        folders = folders[:depth]
        if match[2].endswith("/"):
            folders.append(match[2])
        else:
            found.add("".join(folders) + match[2])
    return found


def test_the_map_names_every_module_and_nothing_else() -> None:
    modules = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "clika").rglob("*.py")
        if path.name != "__init__.py"
    }
    named = {file for file in mapped_files() if file.startswith("clika/")}
    assert named == modules


def test_every_command_of_the_readme_exists() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "clika", "--help"], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    commands = set(re.findall(r"python -m clika ([a-z]+)", README))
    assert commands
    assert {command for command in commands if not re.search(rf"^    {command} ", shown, re.M)} == set()


def test_local_links_lead_to_files() -> None:
    broken = []
    for document in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]:
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
