"""What a tuning cost elsewhere: the same stored questions asked of the model before and after it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from clika.database.index import Index
from clika.database.queries import answer_matrices
from clika.errors import ShardError
from clika.figures.score_grid import METRIC_NAMES, language_name, printed, scope_name
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.spec import EvaluationJob
from clika.languages import ENGLISH
from clika.metrics.score_table import others_mean, score_table
from clika.records import LanguageScores, Metric
from clika.references import references_in
from clika.shards import read_run
from clika.ui.jobs_watch import JobView
from clika.ui.markup import NOTHING, Html, joined, paragraph, tag, text
from clika.ui.results_view import available_scopes, has_references

OTHERS = "others"


@dataclass(frozen=True, slots=True)
class Cost:
    """One scope before and after, by language and over the others; NaN where it is undefined."""

    scope: str
    metric: Metric
    before: Mapping[str, float]
    after: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SideEffects:
    """The two evaluations, their runs where they have begun, and what both have answered so far."""

    before: JobView
    after: JobView
    runs: tuple[str, str] | None
    costs: tuple[Cost, ...]


def side_effects(
    index: Index, view: JobView, job: ConductivityJob, views: Sequence[JobView]
) -> SideEffects | None:
    """Of a tuning that asked for them; None before it has queued the two evaluations."""
    tuned = view.one.folder.tuned
    if job.side_effects is None or tuned is None:
        return None
    for after in views:
        asked = after.one.job
        if not isinstance(asked, EvaluationJob) or asked.collection != job.side_effects:
            continue
        if str(tuned) not in (asked.adapter, asked.model):
            continue
        same = replace(asked, name=job.name, model=job.model, adapter=None)
        before = next((one for one in views if one.job_id == same.job_id), None)
        if before is not None:
            runs = _runs(before, after)
            return SideEffects(before, after, runs, _costs(index, asked, job.language, runs))
    return None


def _runs(before: JobView, after: JobView) -> tuple[str, str] | None:
    try:
        found = [read_run(one.one.folder.path) for one in (before, after)]
    except ShardError:  # the index says what is wrong with it
        return None
    one, other = found
    return None if one is None or other is None else (one.run, other.run)


def _costs(
    index: Index, asked: EvaluationJob, language: str, runs: tuple[str, str] | None
) -> tuple[Cost, ...]:
    if runs is None:
        return ()
    matrices = answer_matrices(index, asked.collection, sorted(runs))
    costs = []
    for scope in available_scopes(asked.datasets):
        metric = Metric.RA if has_references(index, asked.collection, scope) else Metric.ACCURACY
        scores = {
            row.run: row
            for row in score_table(matrices, metric, scope, references_in(index, asked.collection))
        }
        if set(runs) <= scores.keys():
            before, after = (_by_language(scores[run], language) for run in runs)
            costs.append(Cost(scope, metric, before, after))
    return tuple(costs)


def _by_language(scores: LanguageScores, language: str) -> dict[str, float]:
    values = dict(zip(scores.languages, map(float, scores.values), strict=True))
    return {
        ENGLISH: values.get(ENGLISH, math.nan),
        language: values.get(language, math.nan),
        OTHERS: others_mean(scores, language),
    }


def side_effects_html(found: SideEffects | None, language: str) -> Html:
    """Before, after and the difference, in English, in the language and over the others."""
    if found is None:
        return NOTHING
    title = tag("h4", text("What it cost elsewhere"))
    states = paragraph(f"The model as it was: {found.before.one.state}. Tuned: {found.after.one.state}.")
    if not found.costs:
        return joined([title, states])
    groups = {ENGLISH: language_name(ENGLISH), language: language_name(language), OTHERS: "Others"}
    names = [f"{name}, {when}" for name in groups.values() for when in ("before", "after", "change")]
    head = tag("tr", *(tag("th", text(name), scope="col") for name in ("Questions", *names)))
    rows = [
        tag(
            "tr",
            tag("th", text(f"{scope_name(cost.scope)}, {METRIC_NAMES[cost.metric]}"), scope="row"),
            *(tag("td", text(value), class_="clika-number") for value in _numbers(cost, tuple(groups))),
        )
        for cost in found.costs
    ]
    table = tag(
        "table",
        tag("caption", text("Side effects"), class_="clika-hidden"),
        tag("thead", head),
        tag("tbody", *rows),
        class_="clika-compared clika-conduction",
    )
    scrolling = tag(
        "div", table, class_="clika-scroll", tabindex="0", role="region", aria_label="Side effects"
    )
    more = NOTHING
    if found.runs is not None:
        address = f"?tab=runs&compare={found.runs[0]}&with={found.runs[1]}"
        more = tag("p", tag("a", text("Compare the two, question by question"), href=address))
    return joined([title, states, scrolling, more])


def _numbers(cost: Cost, groups: Sequence[str]) -> list[str]:
    shown = []
    for group in groups:
        before, after = cost.before[group], cost.after[group]
        change = after - before
        shown += [_printed(before, cost.metric), _printed(after, cost.metric)]
        shown.append("–" if math.isnan(change) else f"{change * 100:+.2f}")
    return shown


def _printed(value: float, metric: Metric) -> str:
    return "–" if math.isnan(value) else printed(value, metric)
