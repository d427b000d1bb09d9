"""``python -m clika scores``, ``answers`` and ``export``: what the store says of the models that were asked."""

import argparse
import contextlib
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from clika.database.index import Index
from clika.database.queries import (
    answer_matrices,
    chosen_collection,
    parallel_question,
    prediction_rows,
    run_summaries,
)
from clika.database.run_choice import chosen_runs
from clika.errors import ClikaError, UsageError
from clika.exports.predictions import for_spreadsheets, predictions_table, question_json
from clika.exports.scores import SCORE_FORMATS
from clika.metrics.score_table import metric_datasets, score_table
from clika.reading_command import reading, status
from clika.records import DATASETS, LETTERS, FictionalSet, Level, Metric, Outcome, Run, ScoringRule
from clika.references import references_in

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]

ASKED_SETS = [*DATASETS, *map(str, FictionalSet)]
RULES = [str(rule) for rule in ScoringRule if rule is not ScoringRule.FIRST_CHARACTER]


def add_results_commands(command: MakeCommand) -> None:
    """``scores``, ``answers``, ``export`` and their options, added to the command line's parser."""
    scoring = command("scores", scores_command, "accuracy, RA, en-CO or XRR, models down, languages across")
    scoring.add_argument("--metric", required=True, choices=[str(metric) for metric in Metric])
    scope = scoring.add_mutually_exclusive_group()
    scope.add_argument(
        "--dataset", choices=ASKED_SETS, help="XRR: fictional, or fictional-written for written answers"
    )
    scope.add_argument("--level", choices=[str(level) for level in Level])
    scoring.add_argument(
        "--scoring", choices=RULES, help="choose again by another rule's stored scores, without the model"
    )
    scoring.add_argument("--models", help="comma-separated names or run ids")
    scoring.add_argument("--format", default="table", choices=["table", "json", "csv", "latex"])
    scoring.add_argument("--collection", help="needed where the store holds several")

    answering = command("answers", answers_command, "one question in all languages with every model's picks")
    answering.add_argument("--dataset", required=True, choices=ASKED_SETS)
    answering.add_argument("--question", required=True, metavar="ID")
    answering.add_argument("--models", help="comma-separated names or run ids")
    answering.add_argument("--format", default="table", choices=["table", "json"])
    answering.add_argument("--collection", help="needed where the store holds several")

    exporting = command("export", export_command, "the per-item predictions as a file")
    exporting.add_argument("--output", required=True, type=Path, help="FILE.parquet, .csv or .jsonl")
    exporting.add_argument("--models", help="comma-separated names or run ids")
    exporting.add_argument("--collection", help="needed where the store holds several")


def _chosen_runs(index: Index, collection: str, models: str | None) -> dict[str, Run]:
    """Run id -> run, for the names or ids asked for. Raises UsageError for one that is not there."""
    names = None if models is None else [name.strip() for name in models.split(",") if name.strip()]
    if models is not None and models.strip() in {
        one.run.model.name for one in run_summaries(index, collection)
    }:
        names = [models.strip()]  # a name with a comma in it
    return chosen_runs(index, collection, names)


def scores_command(options: argparse.Namespace) -> int:
    """``scores --metric … --dataset|--level …``"""
    metric = Metric(options.metric)
    scope = options.dataset or options.level
    if scope is None:
        if metric is not Metric.XRR:
            raise UsageError(f"{metric} over what? give --dataset or --level")
        scope = str(FictionalSet.HELD_OUT)
    if metric is Metric.XRR and options.scoring:
        raise UsageError("XRR is by the candidate's whole name or by what was written; leave --scoring out")
    with reading(options.store) as index:
        asked = metric_datasets(metric, scope)
        collection = chosen_collection(index, options.collection, asked)
        runs = _chosen_runs(index, collection, options.models)
        rule = ScoringRule(options.scoring) if options.scoring else None
        matrices = answer_matrices(index, collection, list(runs), asked, rule)
        references = references_in(index, collection) if metric is Metric.RA else {}
    rows = score_table(matrices, metric, scope, references, list(runs.values()))
    print(SCORE_FORMATS[options.format](rows, runs), end="")
    return status(index)


def answers_command(options: argparse.Namespace) -> int:
    """``answers --dataset D --question ID``"""
    with reading(options.store) as index:
        collection = chosen_collection(index, options.collection, [options.dataset])
        questions = parallel_question(index, collection, options.dataset, options.question)
        runs = _chosen_runs(index, collection, options.models)
        rows = prediction_rows(index, collection, list(runs), options.dataset, options.question)
    if options.format == "json":
        print(
            json.dumps(
                [question_json(question, rows) for question in questions], ensure_ascii=False, indent=1
            )
        )
        return status(index)
    for question in questions:
        premise = f"{question.premise} " if question.premise else ""
        print(f"[{question.language}] {premise}{question.text}")
        for place, choice in enumerate(question.choices):
            gold = "*" if place == question.answer_index else " "
            pickers = [
                row.model
                for row in rows
                if row.prediction.language == question.language and row.prediction.chosen_index == place
            ]
            print(f"  {gold} {LETTERS[place]}. {choice}{'   <- ' + ', '.join(pickers) if pickers else ''}")
        for row in rows:
            prediction = row.prediction
            if prediction.language == question.language and prediction.outcome is not Outcome.ANSWERED:
                print(f"    {row.model}: {prediction.outcome} {prediction.raw_text or ''!r}")
    print("* the correct answer")
    return status(index)


def _write(table: pa.Table, suffix: str, file: BinaryIO) -> None:
    if suffix == ".parquet":
        pq.write_table(table, file)
    elif suffix == ".csv":
        pyarrow.csv.write_csv(for_spreadsheets(table), file)
    else:
        for row in table.to_pylist():
            file.write(json.dumps(row, ensure_ascii=False).encode() + b"\n")


def export_command(options: argparse.Namespace) -> int:
    """``export --output FILE``"""
    suffix = options.output.suffix
    if suffix not in (".parquet", ".csv", ".jsonl"):
        raise UsageError(f"cannot export to {options.output.name!r}; end it in .parquet, .csv or .jsonl")
    with reading(options.store) as index:
        collection = chosen_collection(index, options.collection)
        runs = _chosen_runs(index, collection, options.models)
        rows = prediction_rows(index, collection, list(runs))
    table = predictions_table(rows, runs)
    # Beside it first: where there is no room for all of it, an earlier export stays what it was.
    beside = options.output.with_name(f".{options.output.name}.{os.getpid()}.tmp")
    try:
        with beside.open("wb") as file:
            _write(table, suffix, file)
        beside.replace(options.output)
    except OSError as error:
        raise ClikaError(
            f"cannot write {options.output}: {error.strerror or error}; choose another place"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)  # there where it could not be finished, for whatever reason
    print(f"{table.num_rows} predictions of {len(runs)} runs -> {options.output}")
    return status(index)
