"""Several runs side by side: in what they differ, and their accuracies over the questions that all of them answered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clika.database.index import Index
from clika.database.queries import answer_matrices
from clika.errors import UsageError
from clika.figures.score_grid import language_name
from clika.languages import ALL_LANGUAGES
from clika.metrics.accuracy import asked, right
from clika.records import Run
from clika.ui.comparison import all_runs, settings_in_words
from clika.ui.markup import Html, joined, paragraph, tag, text
from clika.ui.run_labels import run_labels

MOST_RUNS = 12
_HOW_TO_READ = (
    "Times 100, over the questions that every one of these runs answered. Whether a difference of two of them is more"
    " than chance, McNemar's test says: choose the two above."
)


@dataclass(frozen=True, slots=True)
class ManyCompared:
    """Runs in the order given. ``differences`` is setting -> its value in each run, a dash where it has none.

    ``accuracies`` is language -> (questions that all answered, accuracy of each run, 0 to 1); a language without such
    a question is left out.
    """

    runs: tuple[Run, ...]
    labels: tuple[str, ...]
    differences: Mapping[str, tuple[str, ...]]
    accuracies: Mapping[str, tuple[int, tuple[float, ...]]]


def many_compared(index: Index, wanted: Sequence[object]) -> ManyCompared:
    """Two to ``MOST_RUNS`` runs of one collection. Raises UsageError for runs that are not there or not comparable."""
    known = {one.run.run: one for listed in all_runs(index).values() for one in listed}
    names = list(dict.fromkeys(one for one in wanted if isinstance(one, str)))
    for one in wanted:
        if one not in known:
            raise UsageError(f"no run {one!r} in this store; choose one of those offered")
    if not 2 <= len(names) <= MOST_RUNS:
        raise UsageError(f"{len(names)} runs; compare 2 to {MOST_RUNS}")
    summaries = [known[name] for name in names]
    over = {one.run.collection for one in summaries}
    if len(over) > 1:
        raise UsageError(f"these runs answer {' and '.join(sorted(over))}; choose runs over one collection")
    (collection,) = over
    matrices = answer_matrices(index, collection, sorted(names))
    settings = [settings_in_words(one, list(matrices)) for one in summaries]
    values = {
        name: tuple(one.get(name, "–") for one in settings)
        for name in dict.fromkeys(name for one in settings for name in one)
    }
    labels = run_labels([one.run for one in known.values() if one.run.collection == collection])
    counted: dict[str, tuple[int, tuple[int, ...]]] = {}
    by_place = {(one.run, one.dataset): one for one in matrices}
    for dataset in {name for one in summaries for name in one.datasets}:
        found = [by_place[name, dataset] for name in names if (name, dataset) in by_place]
        if len(found) < len(names):
            continue
        common = np.all([asked(one) for one in found], axis=0)
        correct = [(right(one) & common).sum(axis=1) for one in found]
        for place, language in enumerate(found[0].languages):
            n, before = counted.get(language, (0, (0,) * len(found)))
            sums = tuple(old + int(row[place]) for old, row in zip(before, correct, strict=True))
            counted[language] = (n + int(common[place].sum()), sums)
    order = [*(code for code in ALL_LANGUAGES if code in counted), *sorted(set(counted) - set(ALL_LANGUAGES))]
    return ManyCompared(
        runs=tuple(one.run for one in summaries),
        labels=tuple(labels[name] for name in names),
        differences={name: row for name, row in values.items() if len(set(row)) > 1},
        accuracies={
            code: (n, tuple(one / n for one in sums))
            for code, (n, sums) in ((code, counted[code]) for code in order)
            if n
        },
    )


def many_html(found: ManyCompared) -> Html:
    """Two tables, a column a run."""
    names = [tag("bdi", text(label)) for label in found.labels]
    differing = [(name, [text(value) for value in row]) for name, row in found.differences.items()]
    answered = [
        (f"{language_name(code)} ({n:,})", [text(f"{100 * value:.2f}") for value in row])
        for code, (n, row) in found.accuracies.items()
    ]
    parts = [tag("h3", text(f"What differs between {len(names)} runs"))]
    parts.append(
        _table("Setting", names, differing) if differing else paragraph("Their settings are the same.")
    )
    parts.append(tag("h3", text("Accuracy over the same questions")))
    if answered:
        parts += [
            _table("Language", names, answered, "clika-number"),
            paragraph(_HOW_TO_READ, "clika-legend"),
        ]
    else:
        parts.append(paragraph("No question was answered by all of them.", "clika-empty"))
    return joined(parts)


def _table(
    first: str, names: Sequence[Html], rows: Sequence[tuple[str, Sequence[Html]]], class_: str | None = None
) -> Html:
    head = tag(
        "tr",
        tag("th", text(first), scope="col"),
        *(tag("th", name, scope="col", class_=class_) for name in names),
    )
    lines = (
        tag(
            "tr",
            tag("th", text(name), scope="row"),
            *(tag("td", tag("bdi", value), class_=class_) for value in values),
        )
        for name, values in rows
    )
    table = tag("table", tag("thead", head), tag("tbody", *lines), class_="clika-compared")
    return tag("div", table, class_="clika-scroll")
