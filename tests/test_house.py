"""Who may import whom: the rules of the house, read from the source and enforced."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "languages": {"errors"},
    "records": {"errors", "languages"},
    "settings": {"errors"},
    "shards": {"records", "languages", "errors"},
    "datasets": {"records", "languages", "errors", "shards"},
    "prompts": {"records", "languages", "errors"},
    "scoring": {"datasets", "prompts", "records", "languages", "errors"},
    "training": {"datasets", "prompts", "scoring", "records", "languages", "errors"},
    "jobs": {"shards", "records", "languages", "errors"},
    "workers": {"scoring", "training", "prompts", "shards", "jobs", "records", "languages", "errors"},
    "database": {"records", "shards", "languages", "errors"},
    "metrics": {"records", "languages", "errors"},
    "figures": {"metrics", "records", "languages", "errors"},
    "imports": {"datasets", "shards", "records", "languages", "errors"},
    "ui": {
        "imports", "database", "metrics", "figures", "jobs", "datasets", "prompts", "shards",
        "settings", "records", "languages", "errors",
    },
    "planted": {"datasets", "prompts", "scoring", "training", "shards", "records", "languages", "errors"},
    "app": {"ui", "database", "settings", "errors"},
}  # fmt: skip
ROOMS["cli"] = (ROOMS.keys() - {"app", "workers", "planted"}) | {"__init__"}
ROOMS["__main__"] = {"cli"}

LIBRARIES: dict[str, set[str]] = {
    "gradio": {"ui", "app"},
    "duckdb": {"database"},
    "plotly": {"figures"},
    "torch": {"scoring", "training", "planted", "workers"},
    "transformers": {"scoring", "training", "planted", "workers"},
    "peft": {"scoring", "training", "planted", "workers"},
    "accelerate": {"scoring", "training", "planted", "workers"},
}
TORCH_FREE = ("scorer.py", "scripted.py", "fingerprint.py", "__init__.py")


def sources(root: Path) -> list[Path]:
    """Every module of the package and app.py."""
    return [*sorted((root / "clika").rglob("*.py")), *root.glob("app.py")]


def room_of(path: Path, root: Path) -> str:
    """The room a file stands in."""
    parts = path.relative_to(root).parts
    return Path(parts[1] if len(parts) > 1 else parts[0]).stem if parts[0] == "clika" else "app"


def imported(path: Path) -> set[str]:
    """Full names of all modules a file imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            if node.module == "clika":
                names.update(f"clika.{alias.name}" for alias in node.names)
    return names


def broken_rules(root: Path) -> list[str]:
    """A sentence for each import that the house does not allow."""
    broken = []
    for path in sources(root):
        room = room_of(path, root)
        for name in imported(path):
            top, _, rest = name.partition(".")
            target = rest.split(".")[0]
            if top == "clika" and target and target != room:
                if target not in ROOMS.get(room, set()) | {"__version__"}:
                    broken.append(f"{path.relative_to(root)} imports {name}")
            elif top in LIBRARIES and (
                room not in LIBRARIES[top] or (room == "scoring" and path.name in TORCH_FREE)
            ):
                broken.append(f"{path.relative_to(root)} imports {name}")
    return broken


def test_nobody_imports_whom_the_house_forbids() -> None:
    assert broken_rules(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("metrics/accuracy.py", "from clika.database.index import Index"),
        ("workers/evaluate.py", "import clika.database.queries"),
        ("ui/page.py", "import duckdb"),
        ("cli.py", "import torch"),
        ("figures/heatmap.py", "import gradio as gr"),
        ("scoring/scripted.py", "from torch import nn"),
        ("records.py", "from clika import shards"),
    ],
)
def test_the_check_finds_a_forbidden_import(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / "clika" / file
    path.parent.mkdir(parents=True)
    path.write_text(f"def late() -> None:\n    {line}\n")
    assert len(broken_rules(tmp_path)) == 1


def test_only_settings_reads_the_environment_and_only_the_command_line_prints() -> None:
    offences = []
    for path in sources(ROOT):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and node.attr in ("environ", "getenv")
                and path.name != "settings.py"
            ):
                offences.append(f"{path.name} reads the environment")
            if isinstance(node, ast.Name) and node.id == "print" and path.name != "cli.py":
                offences.append(f"{path.name} prints")
    assert offences == []


def test_importing_the_package_loads_no_heavy_library_and_sets_up_no_logging() -> None:
    code = (
        "import sys, logging, clika.cli, clika.imports, clika.jobs.launcher, clika.workers.evaluate\n"
        "heavy = [n for n in ('torch', 'transformers', 'gradio', 'plotly') if n in sys.modules]\n"
        "print(heavy, logging.getLogger().handlers)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[] []\n"
