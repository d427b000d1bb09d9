"""``python -m clika demo``: the dashboard's demonstration without a page, measured beside planted."""

import argparse
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.database.index import Index
from clika.database.queries import answer_matrices, run_summaries
from clika.datasets.sample import SAMPLE_COLLECTION, read_sample
from clika.demo import Demo, demo
from clika.errors import UsageError
from clika.job_commands import done_to_end
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.folder import JobFolder
from clika.jobs.queue import JobState, queued_job
from clika.jobs.spec import EvaluationJob
from clika.languages import ENGLISH, LANGUAGES
from clika.metrics.score_table import metric_datasets, score_table
from clika.planted.card import read_card
from clika.planted.catalog import REFERENCE
from clika.planted.expected import expected_accuracy, expected_consistency, expected_rescaled
from clika.records import LEVEL_DATASETS, FictionalSet, LanguageScores, Level, Metric
from clika.references import references_in
from clika.shards import read_run

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


@dataclass(frozen=True, slots=True)
class DemoRow:
    """A model's scores of one metric by language, and what its card says they should be; NaN where undefined."""

    metric: Metric
    scope: str
    model: str
    measured: Mapping[str, float]
    planted: Mapping[str, float]


def add_demo_command(command: MakeCommand) -> None:
    """``demo`` and its options, added to the command line's parser."""
    made = command("demo", demo_command, "ask the shipped models and print what was planted in them")
    made.add_argument("--format", default="table", choices=["table", "json"])


def demo_command(options: argparse.Namespace) -> int:
    """``demo``"""
    shown = demo()
    if not shown.models:
        raise UsageError(
            "no planted model on this machine: assets/models holds no weights; clone the repository whole"
        )
    rows = demo_rows(options.store, shown)
    print(_json(rows) if options.format == "json" else _tables(rows))
    return 0


def demo_rows(store: Path, shown: Demo) -> list[DemoRow]:
    """Do what the store lacks of the demonstration and measure it. Raises JobError where a job fails."""
    shown.keep_questions(store)
    for job in shown.jobs:
        folder = JobFolder.of(store.resolve(), job)
        if not folder.path.exists() or queued_job(folder).state is not JobState.DONE:
            print(f"clika: {done_to_end(store, job)}", file=sys.stderr)
    own = {
        recorded.run
        for job in shown.jobs
        if isinstance(job, EvaluationJob)
        and (recorded := read_run(JobFolder.of(store.resolve(), job).path)) is not None
    }
    with Index.open(store) as index:
        # the demonstration's own runs alone: a store may hold others over the same questions
        runs = [one.run for one in run_summaries(index, SAMPLE_COLLECTION) if one.run.run in own]
        ids = [run.run for run in runs]
        references = references_in(index, SAMPLE_COLLECTION)
        rows = []
        for metric in (Metric.RA, Metric.EN_CO):
            if metric is Metric.RA and not set(LEVEL_DATASETS[Level.FACTUAL]) <= set(references):
                print(f"clika: {REFERENCE} is not above chance in English: no RA", file=sys.stderr)
                continue
            matrices = answer_matrices(index, SAMPLE_COLLECTION, ids, metric_datasets(metric, Level.FACTUAL))
            scores = score_table(matrices, metric, Level.FACTUAL, references, runs)
            by_id = {run.run: run.model.name for run in runs}
            planted = {model.name: _planted(shown, model.name, metric) for model in shown.models}
            rows += [_row(metric, one, by_id[one.run], planted[by_id[one.run]]) for one in scores]
        return rows + _conducted(index, shown)


def _conducted(index: Index, shown: Demo) -> list[DemoRow]:
    scope = str(FictionalSet.HELD_OUT)
    rows = []
    jobs = [job for job in shown.jobs if isinstance(job, ConductivityJob)]
    for collection in dict.fromkeys(job.collection for job in jobs):
        names = {job.name for job in jobs}
        runs = [one.run for one in run_summaries(index, collection) if one.run.model.name in names]
        matrices = answer_matrices(
            index, collection, [run.run for run in runs], metric_datasets(Metric.XRR, scope)
        )
        by_id = {run.run: run.model.name for run in runs}
        for scores in score_table(matrices, Metric.XRR, scope, {}, runs):
            rows.append(_row(Metric.XRR, scores, by_id[scores.run], {}))
    return rows


def _row(metric: Metric, scores: LanguageScores, model: str, planted: Mapping[str, float]) -> DemoRow:
    measured = dict(zip(scores.languages, map(float, scores.values), strict=True))
    return DemoRow(metric, scores.scope, model, measured, planted)


def _planted(shown: Demo, name: str, metric: Metric) -> Mapping[str, float]:
    """The mean over the factual data sets of what a model's card lets expect."""
    cards = {model.name: read_card(model.card) for model in shown.models}
    of_sets = []
    for dataset in LEVEL_DATASETS[Level.FACTUAL]:
        questions = [one for one in read_sample().questions if one.dataset == dataset]
        if metric is Metric.EN_CO:
            of_sets.append(expected_consistency(cards[name], questions))
        else:
            reference = expected_accuracy(cards[REFERENCE], questions)[ENGLISH]
            of_sets.append(expected_rescaled(cards[name], questions, reference))
    return {code: sum(one[code] for one in of_sets) / len(of_sets) for code in LANGUAGES}


def _tables(rows: Sequence[DemoRow]) -> str:
    """A table a metric: measured, and under it what was planted."""
    lines = []
    for metric, what in (
        (Metric.RA, "RA x 100, facts"),
        (Metric.EN_CO, "en-CO, facts"),
        (Metric.XRR, "XRR, held-out places of a made-up world"),
    ):
        mine = [row for row in rows if row.metric is metric]
        codes = [code for code in LANGUAGES if any(code in row.measured for row in mine)]
        width = max((len(row.model) for row in mine), default=0) + 2
        if not mine:
            continue
        lines.append(what)
        lines.append(" " * (width + 9) + "".join(f"{code:>7}" for code in codes))
        for row in mine:
            cells = {"measured": row.measured} | ({"planted": row.planted} if row.planted else {})
            for number, (name, values) in enumerate(cells.items()):
                label = row.model if number == 0 else ""
                written = "".join(_cell(values.get(code, math.nan), metric) for code in codes)
                lines.append(f"{label:<{width}}{name:<9}{written}")
        lines.append("")
    lines.append("planted: by the model's card, what was taught is known and everything else is guessed")
    return "\n".join(lines)


def _cell(value: float, metric: Metric) -> str:
    if math.isnan(value):
        return f"{'–':>7}"
    return f"{100 * value:>7.1f}" if metric is Metric.RA else f"{value:>7.3f}"


def _json(rows: Sequence[DemoRow]) -> str:
    """A list of {"metric", "scope", "model", "language", "measured", "planted"}; null where undefined or not planted."""

    def told(value: float | None) -> float | None:
        return None if value is None or math.isnan(value) else value

    return json.dumps(
        [
            {
                "metric": str(row.metric),
                "scope": row.scope,
                "model": row.model,
                "language": code,
                "measured": told(value),
                "planted": told(row.planted.get(code)),
            }
            for row in rows
            for code, value in row.measured.items()
        ],
        indent=1,
    )
