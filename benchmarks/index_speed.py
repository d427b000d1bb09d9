"""How fast the index is: a million predictions made again from shards, and fifty readers while more arrive.

    make bench-index        (python -m benchmarks.index_speed [--predictions N])

The rebuild is the command ``rebuild`` in a process of its own. Then one process owns the store as the dashboard
does: fifty threads, each with its own cursor, ask for the scores of a data set (one metric, all models, all
languages), think for a second, and ask again, while another process seals a further run shard by shard and the
owner takes it in. The last line is one JSON object. ``cpu_s`` is the rebuild's own processor time; where
``rebuild_s`` is well above it and ``load`` (the machine's average when it began) above 1, others had the cores.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from clika.database.index import Index
from clika.database.queries import answer_matrices
from clika.errors import ClikaError
from clika.languages import LANGUAGES
from clika.metrics.score_table import references_for, score_table
from clika.records import DATASETS, Kind, Metric, ModelRef, Outcome, Question, Run, ScoringRule, run_id
from clika.shards import PREDICTION_SCHEMA, ShardKind, question_table, seal, write_run
from clika.ui.store_watch import StoreWatch

COLLECTION = "made-up"
OPTIONS = {"xcsqa": 5, "xcopa": 2, "xgeo": 4, "xpeo": 4}
QUESTIONS = 500
ROWS_A_SHARD = 1000
READERS = 50
THINK_SECONDS = 1.0
READ_SECONDS = 30.0


def made_up_questions() -> list[Question]:
    """Five hundred a data set, in ten languages."""
    return [
        Question(
            collection=COLLECTION,
            dataset=dataset,
            question_id=str(number),
            language=language,
            kind=Kind.CHOICE,
            premise=None,
            text=f"Question {number} of {dataset} in {language}, of about the usual length of such a question?",
            choices=tuple(f"option {letter} of {number}" for letter in "abcde"[:options]),
            answer_index=number % options,
        )
        for dataset, options in OPTIONS.items()
        for number in range(QUESTIONS)
        for language in LANGUAGES
    ]


def made_up_run(number: int) -> Run:
    """A model by its number."""
    model = ModelRef(name=f"model-{number}", base=f"made-up:{number}")
    return Run(
        run_id(model, COLLECTION, "english", ScoringRule.LETTER, {}),
        model,
        COLLECTION,
        "english",
        ScoringRule.LETTER,
    )


def seal_run(store: Path, number: int, questions: list[Question], pause: float = 0.0) -> int:
    """One model's answers to all questions, as a worker seals them; returns how many."""
    folder = store / "jobs" / f"evaluate-{number}"
    write_run(folder, made_up_run(number))
    rng = np.random.default_rng(number)
    for begin in range(0, len(questions), ROWS_A_SHARD):
        part = questions[begin : begin + ROWS_A_SHARD]
        chosen = [int(rng.integers(len(one.choices))) for one in part]
        scores = [rng.normal(-3.0, 1.0, len(one.choices)).astype(np.float32) for one in part]
        columns = {field.name: pa.nulls(len(part), field.type) for field in PREDICTION_SCHEMA}
        columns["dataset"] = pa.array([one.dataset for one in part])
        columns["question_id"] = pa.array([one.question_id for one in part])
        columns["language"] = pa.array([one.language for one in part])
        columns["outcome"] = pa.array([str(Outcome.ANSWERED)] * len(part))
        columns["chosen_index"] = pa.array(chosen, pa.int8())
        for rule in (ScoringRule.LETTER, ScoringRule.LETTER_VARIANTS):
            columns[str(rule)] = pa.array(scores, pa.list_(pa.float32()))
        columns["letter_mass"] = pa.array(rng.random(len(part)), pa.float32())
        table = pa.table(columns).cast(PREDICTION_SCHEMA)
        seal(folder, "replica0", ShardKind.PREDICTIONS, table)
        time.sleep(pause)
    return len(questions)


def measured_rebuild(store: Path) -> dict[str, float]:
    """Seconds, processor seconds and peak memory of ``python -m clika rebuild``."""
    load = os.getloadavg()[0]
    began = time.perf_counter()
    child = subprocess.Popen(
        [sys.executable, "-m", "clika", "rebuild", "--store", str(store)], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    print(said, end="")
    if child.returncode != 0:
        sys.exit(f"the rebuild ended with status {child.returncode} and the output above")
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)  # KiB there, bytes on macOS
    return {
        "rebuild_s": round(seconds, 2),
        "cpu_s": round(usage.ru_utime + usage.ru_stime, 2),
        "peak_mib": round(peak),
        "load": round(load, 2),
    }


def measured_readers(store: Path, arriving: int, seconds: float) -> dict[str, float]:
    """Fifty readers during an ingest: seconds an answer took, and errors."""
    took: list[float] = []
    errors: list[str] = []
    over = threading.Event()
    with Index.open(store) as index:
        watch = StoreWatch(index)

        def read(number: int) -> None:
            rng = np.random.default_rng(number)
            over.wait(float(rng.random()) * THINK_SECONDS)
            while not over.is_set():
                dataset = DATASETS[int(rng.integers(4))]
                began = time.perf_counter()
                try:
                    watch.look()
                    matrices = answer_matrices(index, COLLECTION, datasets=[dataset])
                    rows = score_table(matrices, Metric.ACCURACY, dataset, references_for(COLLECTION))
                    if len(rows) < arriving:
                        raise ValueError(f"{len(rows)} rows of {arriving}")
                except (ClikaError, duckdb.Error, ValueError, LookupError, RuntimeError) as error:
                    errors.append(f"{type(error).__name__}: {error}")
                took.append(time.perf_counter() - began)
                over.wait(THINK_SECONDS)

        threads = [threading.Thread(target=read, args=(number,)) for number in range(READERS)]
        command = [
            *(sys.executable, "-m", "benchmarks.index_speed", "--seal", str(store)),
            *("--run", str(arriving), "--seconds", str(seconds)),
        ]
        worker = subprocess.Popen(command)
        for thread in threads:
            thread.start()
        over.wait(seconds)
        worker.wait()
        watch.look(at_once=True)
        over.set()
        for thread in threads:
            thread.join()
        came = index.cursor.execute(
            "select count(*) from predictions p join runs r on r.number = p.run where r.model = ?",
            [f"model-{arriving}"],
        ).fetchall()[0][0]
    for sentence in dict.fromkeys(errors):
        print(f"error: {sentence}")
    return {
        "readers": READERS,
        "reads": len(took),
        "errors": len(errors),
        "p50_s": round(float(np.percentile(took, 50)), 3),
        "p95_s": round(float(np.percentile(took, 95)), 3),
        "max_s": round(max(took), 3),
        "ingested_meanwhile": int(came),
    }


def main() -> None:
    """Measure once; prints what it did."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.index_speed")
    parser.add_argument("--predictions", type=int, default=1_000_000)
    parser.add_argument("--seal", type=Path, help="be the worker that seals one more run into this store")
    parser.add_argument("--run", type=int, default=0, help="that run's number")
    parser.add_argument("--seconds", type=float, default=READ_SECONDS, help="how long is read")
    options = parser.parse_args()
    questions = made_up_questions()
    if options.seal:
        seal_run(
            options.seal, options.run, questions, pause=options.seconds / 2 / (len(questions) / ROWS_A_SHARD)
        )
        return
    runs = max(1, options.predictions // len(questions))
    with tempfile.TemporaryDirectory() as scratch:
        store = Path(scratch) / "store"
        seal(store / "collections" / COLLECTION, "import", ShardKind.QUESTIONS, question_table(questions))
        began = time.perf_counter()
        written = sum(seal_run(store, number, questions) for number in range(runs))
        print(f"sealed {written:,} made-up predictions in {time.perf_counter() - began:.1f} s", flush=True)
        measured = {
            "predictions": written,
            **measured_rebuild(store),
            **measured_readers(store, runs, options.seconds),
        }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
