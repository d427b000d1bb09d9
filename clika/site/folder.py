"""A site is a folder: a page, Plotly's script, and the data that the page loads when they are asked for.

Every data file is a script that hands its content over by name, because a page opened from a disk may load scripts
and nothing else. The page makes text of whatever it shows.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from clika import __version__
from clika.database.dataset_questions import dataset_questions
from clika.database.index import Index
from clika.database.queries import answered_collections, run_summaries
from clika.errors import StoreError, UsageError
from clika.figures.plotly_script import plotly_script
from clika.figures.score_grid import METRIC_NAMES, scope_name
from clika.languages import ALL_LANGUAGES
from clika.metrics.score_table import scope_datasets
from clika.site.answer_files import answers_content, questions_content
from clika.site.score_files import grid_content, shown_grid, shown_of
from clika.ui.results_view import METRIC_MEANINGS

ASSETS = Path(__file__).resolve().parents[2] / "assets"
MARK = "clika-site.json"
"""In every site: a folder that has it may be written again."""
_VERSION = 1
_HEADER = "/*header*/"


@dataclass(frozen=True, slots=True)
class SiteReport:
    """What was written."""

    collections: int
    runs: int
    heatmaps: int
    files: int
    size: int


def write_site(index: Index, output: Path, collection: str | None = None) -> SiteReport:
    """Write the results of one collection, or of all that have answers, as a site into a new folder.

    A site that stands there is replaced, file by file. Raises UsageError for a store without answers, a collection
    that has none and a folder that holds anything else, StoreError where it cannot be written.
    """
    names = answered_collections(index)
    if not names:
        raise UsageError("the store holds no answers; 'python -m clika import DIR' or 'evaluate' brings some")
    if collection is not None and collection not in names:
        raise UsageError(f"no answers over collection {collection!r}; known: {', '.join(names)}")
    names = names if collection is None else (collection,)
    _check_folder(output)
    runs = sum(len(run_summaries(index, name)) for name in names)
    sizes, heatmaps = [], 0
    try:
        (output / "data").mkdir(parents=True, exist_ok=True)
        (output / MARK).write_text(json.dumps({"version": _VERSION, "clika": __version__}))
        for old in (output / "data").glob("*.js"):
            old.unlink()
        listed: list[dict[str, object]] = []
        for place, name in enumerate(names):
            entry, files = _collection(index, name, place)
            for file, content in files:
                sizes.append(_write_data(output, file, content))
                heatmaps += "-scores-" in file
            listed.append(entry)
        for file, text in _page(listed):
            sizes.append((output / file).write_text(text, encoding="utf-8"))
    except OSError as error:
        raise StoreError(
            f"{str(output)!r} cannot be written ({error.strerror}); choose another --output"
        ) from error
    return SiteReport(len(names), runs, heatmaps, len(sizes), sum(sizes))


def _check_folder(output: Path) -> None:
    if output.exists() and not output.is_dir():
        raise UsageError(f"{str(output)!r} is a file; give --output a new folder")
    if output.is_dir() and any(output.iterdir()) and not (output / MARK).is_file():
        raise UsageError(f"{str(output)!r} holds other files; give --output a new folder, or an earlier site")


def _collection(
    index: Index, name: str, place: int
) -> tuple[dict[str, object], Iterator[tuple[str, object]]]:
    """What the page's header says of a collection, and its data files by name."""
    shown = shown_of(index, name)
    datasets = sorted({one for summary in run_summaries(index, name) for one in summary.datasets})
    views = [
        {
            "metric": str(one.metric),
            "metricName": METRIC_NAMES[one.metric],
            "meaning": METRIC_MEANINGS[one.metric],
            "scope": one.scope,
            "scopeName": scope_name(one.scope),
            "datasets": list(scope_datasets(one.scope)),
            "file": f"{place}-scores-{one.metric}-{one.scope}",
        }
        for one in shown
    ]

    def files() -> Iterator[tuple[str, object]]:
        for one, view in zip(shown, views, strict=True):
            yield str(view["file"]), grid_content(shown_grid(index, one))
        for dataset in datasets:
            yield (
                f"{place}-questions-{dataset}",
                questions_content(dataset_questions(index, name, dataset)),
            )
            yield f"{place}-answers-{dataset}", answers_content(index, name, dataset)

    names = {dataset: scope_name(dataset) for dataset in datasets}
    return {"name": name, "place": place, "views": views, "datasets": names}, files()


def _write_data(output: Path, name: str, content: object) -> int:
    """The bytes written: a script that hands its content over under its own name."""
    written = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    # As text: a browser reads JSON faster so than as an object of the language, and never as code.
    text = json.dumps(written, ensure_ascii=False)
    script = f"clikaData({json.dumps(name)},JSON.parse({text}));\n"
    return (output / "data" / f"{name}.js").write_bytes(script.encode())


def _page(listed: list[dict[str, object]]) -> Iterator[tuple[str, str]]:
    header = {
        "version": __version__,
        "collections": listed,
        "languages": {
            code: {"name": one.name, "own": one.own_name, "dir": str(one.direction)}
            for code, one in ALL_LANGUAGES.items()
        },
    }
    # Inside a page: nothing in it may end the element that holds it.
    written = json.dumps(header, ensure_ascii=False).replace("<", "\\u003c")
    yield "index.html", _asset("site.html").replace(_HEADER, written)
    yield "site.js", _asset("site.js")
    yield "site.css", _asset("site.css") + _asset("style.css")
    yield "plotly.js", plotly_script()


def _asset(name: str) -> str:
    return (ASSETS / name).read_text("utf-8")
