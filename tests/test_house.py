"""Who may import whom: the rules of the house, read from the source and enforced."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

ROOMS: dict[str, set[str]] = {
    "redaction": set(),
    "errors": {"redaction"},
    "languages": {"errors"},
    "records": {"errors", "languages"},
    "failpoints": {"errors"},
    "locks": set(),
    "settings": {"errors", "failpoints"},
    "shards": {"records", "languages", "errors", "failpoints"},
    "datasets": {"records", "languages", "errors", "shards"},
    "checkpoints": {"scoring", "shards", "records", "languages", "errors"},
    "prompts": {"records", "languages", "errors"},
    "scoring": {"checkpoints", "datasets", "prompts", "records", "languages", "errors"},
    "conductivity": {"datasets", "scoring", "metrics", "shards", "records", "languages", "errors"},
    "training": {"datasets", "prompts", "scoring", "records", "languages", "errors", "failpoints"},
    "jobs": {"redaction", "datasets", "locks", "prompts", "shards", "records", "languages", "errors", "failpoints"},
    "workers": {
        "checkpoints", "redaction", "settings", "scoring", "training", "conductivity", "metrics", "datasets",
        "prompts", "shards", "jobs", "records",
        "languages", "errors", "failpoints",
    },
    "database": {"locks", "records", "shards", "languages", "errors", "failpoints"},
    "metrics": {"records", "languages", "errors"},
    "figures": {"metrics", "records", "languages", "errors"},
    "exports": {"database", "metrics", "records", "languages", "errors"},
    "imports": {"datasets", "shards", "records", "languages", "errors"},
    "ui": {
        "imports", "database", "exports", "metrics", "figures", "jobs", "datasets", "prompts", "scoring", "shards",
        "settings", "records", "languages", "errors",
    },
    "planted": {  # a script room: it asks what it made about its world too
        "conductivity", "datasets", "prompts", "scoring", "training", "shards", "records", "languages", "errors",
    },
    "serving": {"ui", "jobs", "checkpoints", "database", "planted", "settings", "errors"},
    "app": {"serving", "settings", "errors", "failpoints"},
}  # fmt: skip
ROOMS["conductivity_jobs"] = {
    "conductivity", "datasets", "imports", "jobs", "training", "errors",
}  # fmt: skip
ROOMS["ui"] |= {"conductivity", "conductivity_jobs", "training"}  # of training what needs no torch
ROOMS["site"] = {"database", "figures", "metrics", "references", "ui", "records", "languages", "errors"}
ROOMS["reading_command"] = {"database"}
ROOMS["site_command"] = {"site", "reading_command"}
ROOMS["question_sources"] = {
    "database", "datasets", "imports", "languages", "prompts", "records", "shards", "errors",
}  # fmt: skip
ROOMS["run_tags"] = {"records", "languages", "errors"}
ROOMS["references"] = {"database", "datasets", "metrics", "planted", "languages", "records"}
ROOMS["demo"] = {
    "conductivity", "datasets", "imports", "jobs", "planted", "question_sources", "training", "languages", "errors",
}  # fmt: skip
ROOMS["serving"] |= {"demo"}
ROOMS["ui"] |= {"question_sources", "checkpoints", "run_tags", "references", "demo"}
ROOMS["json_text"] = set()
for _room in ("jobs", "shards", "run_tags", "checkpoints"):
    ROOMS[_room].add("json_text")
ROOMS["job_commands"] = ROOMS.keys() - {
    "app", "serving", "workers", "planted", "question_sources", "references", "demo",
}  # fmt: skip
ROOMS["checkpoint_commands"] = {"checkpoints", "jobs", "settings", "errors"}
ROOMS["conductivity_command"] = ROOMS["job_commands"] | {"job_commands", "checkpoint_commands"}
ROOMS["build_factual_command"] = {"datasets", "languages", "records", "errors"}
ROOMS["fetch_command"] = {"datasets", "imports", "languages", "errors"}
ROOMS["demo_command"] = ROOMS["job_commands"] | {"job_commands", "references", "demo", "planted"}
ROOMS["evaluate_command"] = ROOMS["job_commands"] | {
    "job_commands",
    "checkpoint_commands",
    "question_sources",
}
ROOMS["results_commands"] = {
    "reading_command",
    "database",
    "exports",
    "metrics",
    "references",
    "records",
    "errors",
}
ROOMS["cli"] = ROOMS["job_commands"] | {
    "evaluate_command",
    "reading_command",
    "results_commands",
    "build_factual_command",
    "fetch_command",
    "job_commands",
    "site_command",
    "conductivity_command",
    "demo_command",
    "references",
    "checkpoint_commands",
    "redaction",
    "question_sources",
    "serving",
    "__init__",
}
ROOMS["__main__"] = {"cli"}

PRINTING = ("cli", *(room for room in ROOMS if room.endswith(("_command", "_commands"))))

LIBRARIES: dict[str, set[str]] = {
    "gradio": {"ui", "app"},
    "duckdb": {"database"},
    "plotly": {"figures"},
    "torch": {"scoring", "training", "planted", "workers"},
    "transformers": {"scoring", "training", "planted", "workers"},
    "peft": {"scoring", "training", "planted", "workers"},
    "accelerate": {"scoring", "training", "planted", "workers"},
}
TORCH_FREE = (
    "scorer.py", "scripted.py", "candidates.py", "scripted_answers.py", "fingerprint.py", "preflight.py",
    "preflight_report.py", "weight_headers.py", "recipe.py", "task.py", "catalog.py", "card.py", "plan.py", "lessons.py",
    "worlds.py", "memory.py", "layer_names.py", "__init__.py",
)  # fmt: skip


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


def side_effects(root: Path) -> list[str]:
    """A sentence for each place that does what one room alone may do, or that hides an import."""
    found = []
    for path in sources(root):
        room, where = room_of(path, root), path.relative_to(root)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            attribute = node.attr if isinstance(node, ast.Attribute) else None
            name = node.id if isinstance(node, ast.Name) else None
            taken = {alias.name for alias in node.names} if isinstance(node, ast.ImportFrom) else set()
            if room != "settings" and ({attribute} | taken) & {"environ", "environb", "getenv"}:
                found.append(f"{where} reads the environment")
            if room not in PRINTING and name == "print":
                found.append(f"{where} prints")
            if room not in ("cli", "workers", "planted") and attribute in (
                "basicConfig",
                "dictConfig",
                "addHandler",
            ):
                found.append(f"{where} sets up logging")
            if ({attribute} | taken) & {"import_module"} or name == "__import__":
                found.append(f"{where} imports by a name that this test cannot read")
    return found


def test_only_settings_reads_the_environment_and_only_the_command_line_prints() -> None:
    assert side_effects(ROOT) == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("shards.py", "os.environ['HOME']"),
        ("shards.py", "from os import getenv"),
        ("ui/settings.py", "os.getenv('HOME')"),
        ("workers/evaluate.py", "print('here')"),
        ("database/index.py", "logging.basicConfig()"),
        ("jobs/launcher.py", "importlib.import_module('torch')"),
    ],
)
def test_the_check_finds_a_side_effect(tmp_path: Path, file: str, line: str) -> None:
    path = tmp_path / "clika" / file
    path.parent.mkdir(parents=True)
    path.write_text(f"def late() -> None:\n    {line}\n")
    assert len(side_effects(tmp_path)) == 1


IMPORT_AND_WATCH = """
import importlib, json, logging, os, sys

root, *modules = sys.argv[1:]
read, handlers = [], list(logging.getLogger().handlers)

class Watched(type(os.environ)):
    def __getitem__(self, key):
        frame = sys._getframe(1)
        while frame.f_code.co_filename.startswith("<frozen") or frame.f_globals.get("__name__") == "os":
            frame = frame.f_back
        if frame.f_code.co_filename.startswith(root):
            read.append(f"{frame.f_globals['__name__']} reads {key}")
        return super().__getitem__(key)

given = os.environ
os.environ = Watched(
    given._data, given.encodekey, given.decodekey, given.encodevalue, given.decodevalue
)
sys.path.insert(0, os.path.dirname(root))
for module in modules:
    importlib.import_module(module)
heavy = [name for name in ("torch", "transformers", "peft", "accelerate") if name in sys.modules]
logged = [str(handler) for handler in logging.getLogger().handlers if handler not in handlers]
print(json.dumps({"read": read, "heavy": heavy, "logged": logged}))
"""


def importing(package: Path, modules: list[str]) -> dict[str, list[str]]:
    """What importing modules does in a process of its own: ``read``, ``heavy``, ``logged``; [] is nothing."""
    command = [sys.executable, "-c", IMPORT_AND_WATCH, str(package), *modules]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=package.parent)
    said: dict[str, list[str]] = json.loads(done.stdout)
    return said


def torch_free_modules() -> list[str]:
    """All modules of the package but its script and those that may import torch at their top."""
    return [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in sources(ROOT)
        if path.name not in ("__main__.py", "app.py")
        and (room_of(path, ROOT) not in ("scoring", "training", "planted") or path.name in TORCH_FREE)
    ]


def test_importing_any_torch_free_module_reads_sets_up_and_loads_nothing() -> None:
    modules = torch_free_modules()
    assert {"clika.cli", "clika.imports", "clika.workers.evaluate", "clika.ui.page"} <= set(modules)
    assert importing(ROOT / "clika", modules) == {"read": [], "heavy": [], "logged": []}


def test_the_command_line_starts_without_the_page() -> None:
    code = "import sys, clika.cli; print([n for n in ('gradio', 'plotly', 'torch') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_the_watch_notices_what_a_module_does_when_imported(tmp_path: Path) -> None:
    package = tmp_path / "offending"
    package.mkdir()
    (package / "__init__.py").write_text(
        "import logging, os\nlogging.basicConfig()\nos.getenv('A')\nos.environ.get('B')\n'C' in os.environ\n"
    )
    done = importing(package, ["offending"])
    assert done["read"] == ["offending reads A", "offending reads B", "offending reads C"]
    assert len(done["logged"]) == 1
