"""How fast the Results tab answers with a whole release in the store, and how much it sends.

    make bench-dashboard [RELEASE=DIR]      (python -m benchmarks.dashboard [--release DIR] [--models N])

Without a release a made-up one of its size is sealed: 46 models, 1,880 questions, ten languages: 864,800 predictions.
The app runs in a process of its own; requests are those that a browser sends, timed from the request to the last
byte of the answer, so Gradio's queue is in them. ``first_view`` is the page with its configuration and what its
load event draws (scripts and styles, which a browser keeps, are left out). Then fifty viewers walk from view to
view at once. The last line is one JSON object: for each step p50 and p95 in milliseconds and the most bytes sent.
``load`` is the machine's average when it began: where it is above 1, others had the cores.
"""

import argparse
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa

from clika.languages import LANGUAGES
from clika.records import Kind, ModelRef, Outcome, Question, Run, ScoringRule
from clika.shards import PREDICTION_SCHEMA, ShardKind, question_table, seal, write_run

ITEMS = {"xcsqa": (1000, 5), "xcopa": (500, 2), "xgeo": (200, 4), "xpeo": (180, 4)}
MODELS = 46
ROUNDS = 20
VIEWERS = 50
VIEWERS_SECONDS = 30.0
THINK_SECONDS = 1.0
SECONDS_TO_START = 600.0


def made_up_questions(share: float = 1.0) -> list[Question]:
    """As many as the authors released, or a share of them, in the collection whose references RA knows."""
    return [
        Question(
            collection="released",
            dataset=dataset,
            question_id=str(number),
            language=language,
            kind=Kind.CHOICE,
            premise=None,
            text=f"Question {number} of {dataset} in {language}, of about the usual length of such a question?",
            choices=tuple(f"option {letter} of {number}" for letter in "abcde"[:options]),
            answer_index=number % options,
            origin=list(LANGUAGES)[number % 10],
        )
        for dataset, (count, options) in ITEMS.items()
        for number in range(max(1, round(count * share)))
        for language in LANGUAGES
    ]


def seal_run(store: Path, number: int, questions: list[Question]) -> int:
    """One model's answers to all questions, some 60 % right; returns how many."""
    run = Run(
        f"run{number:02}",
        ModelRef(f"made-up-model-{number}b", f"made-up:{number}"),
        "released",
        "english",
        ScoringRule.LETTER,
    )
    folder = store / "jobs" / f"evaluate-{number:02}"
    write_run(folder, run)
    rng = np.random.default_rng(number)
    counts = np.array([len(one.choices) for one in questions])
    golds = np.array([one.answer_index for one in questions])
    chosen = np.where(rng.random(len(questions)) < 0.4, golds, rng.integers(0, counts))
    columns = {part.name: pa.nulls(len(questions), part.type) for part in PREDICTION_SCHEMA}
    columns["dataset"] = pa.array([one.dataset for one in questions])
    columns["question_id"] = pa.array([one.question_id for one in questions])
    columns["language"] = pa.array([one.language for one in questions])
    columns["outcome"] = pa.array([str(Outcome.ANSWERED)] * len(questions))
    columns["chosen_index"] = pa.array(chosen.astype(np.int8))
    scores = [rng.normal(-3.0, 1.0, count).astype(np.float32) for count in counts]
    columns["letter"] = pa.array(scores, pa.list_(pa.float32()))
    table = pa.table(columns).cast(PREDICTION_SCHEMA)
    seal(folder, "replica0", ShardKind.PREDICTIONS, table)
    return len(questions)


def made_up_store(store: Path, models: int, share: float = 1.0) -> int:
    """A store of a release's size; returns its predictions."""
    questions = made_up_questions(share)
    seal(store / "collections" / "released", "test", ShardKind.QUESTIONS, question_table(questions))
    return sum(seal_run(store, number, questions) for number in range(models))


@contextmanager
def running_app(store: Path) -> Iterator[str]:
    """``python app.py`` over a store; yields its address once it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {
        **os.environ,
        "CLIKA_STORE": str(store),
        "CLIKA_HOST": "127.0.0.1",
        "CLIKA_PORT": str(port),
    }
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            [sys.executable, "app.py"], env=environment, stdout=said, stderr=subprocess.STDOUT
        )
        try:
            end = time.monotonic() + SECONDS_TO_START
            while time.monotonic() < end and process.poll() is None:
                with socket.socket() as asking:
                    if asking.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.2)
            else:
                said.seek(0)
                sys.exit(f"app.py did not listen:\n{said.read().decode()}")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


@dataclass
class Step:
    """What one kind of request took."""

    seconds: list[float] = field(default_factory=list)
    most_bytes: int = 0

    def add(self, seconds: float, size: int) -> None:
        self.seconds.append(seconds)
        self.most_bytes = max(self.most_bytes, size)

    def summary(self) -> dict[str, float]:
        p50, p95 = np.percentile(self.seconds, [50, 95]) * 1000
        return {"p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "most_bytes": self.most_bytes}


class Viewer:
    """One open page: what its switches say, and requests as a browser sends them."""

    def __init__(self, address: str) -> None:
        self._http = httpx.Client(base_url=address, timeout=60.0)
        self._session = uuid.uuid4().hex[:11]

    def open(self) -> tuple[float, int]:
        """The page and its load event."""
        began = time.perf_counter()
        with self._http.stream("GET", "/") as page:
            page.read()
            size = page.num_bytes_downloaded
        seconds = time.perf_counter() - began
        config = self._http.get("/config").json()
        self._parts = {part["id"]: part for part in config["components"]}
        self._by_name = {part["props"].get("elem_id"): part["id"] for part in config["components"]}
        self._listeners = config["dependencies"]
        self.values = {part["id"]: part["props"].get("value") for part in config["components"]}
        link = next(
            one for one in self._listeners if one["targets"][0][1] == "load" and len(one["inputs"]) == 2
        )
        self.values.update(dict(zip(link["inputs"], (False, ""), strict=True)))
        more, sent = self._ask(link)
        return seconds + more, size + sent

    def event(self, name: str, kind: str, data: dict[str, object] | None = None) -> tuple[float, int]:
        """An event of a part of the page."""
        part = self._by_name[name]
        return self._ask(
            next(one for one in self._listeners if [part, kind] in [t[:2] for t in one["targets"]]), data
        )

    def switch(self, name: str, value: object) -> tuple[float, int]:
        """Another value of a switch."""
        self.values[self._by_name[name]] = value
        return self.event(name, "input")

    def shown(self, name: str) -> str:
        """What a part of the page holds."""
        return str(self.values[self._by_name[name]])

    def _ask(self, listener: dict[str, Any], data: dict[str, object] | None = None) -> tuple[float, int]:
        asked = {
            "data": [self.values[part] for part in listener["inputs"]],
            "event_data": data,
            "fn_index": listener["id"],
            "session_hash": self._session,
        }
        began = time.perf_counter()
        self._http.post("/gradio_api/queue/join", json=asked).raise_for_status()
        size = 0
        with self._http.stream(
            "GET", "/gradio_api/queue/data", params={"session_hash": self._session}
        ) as stream:
            for line in stream.iter_lines():
                size += len(line.encode()) + 1
                if not line.startswith("data:"):
                    continue
                told = json.loads(line[5:])
                if told["msg"] == "process_completed":
                    if not told["success"]:
                        raise RuntimeError(f"{listener['api_name']}: {told['output']}")
                    self._take(listener["outputs"], told["output"]["data"])
                    break
        return time.perf_counter() - began, size

    def _take(self, parts: list[int], values: list[Any]) -> None:
        for part, value in zip(parts, values, strict=True):
            if not (isinstance(value, dict) and value.get("__type__") == "update"):
                self.values[part] = value
            elif "value" in value:
                self.values[part] = value["value"]


def walk(
    viewer: Viewer, rng: random.Random, runs: list[str], steps: dict[str, Step], pause: float = 0.0
) -> None:
    """From a view to a cell to a question, each step timed."""
    steps["metric_switch"].add(*viewer.switch("metric", rng.choice(["ra", "en-co", "accuracy"])))
    time.sleep(pause)
    steps["scope_switch"].add(*viewer.switch("scope", rng.choice(["basic", "factual", "xgeo", "xcsqa"])))
    time.sleep(pause)
    cell = {"run": rng.choice(runs), "language": rng.choice(list(LANGUAGES))}
    steps["cell_to_questions"].add(*viewer.event("heatmap-note", "click", cell))
    time.sleep(pause)
    html = viewer.shown("questions").split('data-dataset="')[1:]
    one = rng.choice(html)
    question = {"dataset": one.split('"')[0], "question": one.split('data-question="')[1].split('"')[0]}
    steps["question_to_cards"].add(*viewer.event("questions", "click", question))


def new_steps() -> dict[str, Step]:
    names = ("first_view", "metric_switch", "scope_switch", "cell_to_questions", "question_to_cards")
    return {name: Step() for name in names}


def measured(address: str, runs: list[str], rounds: int, viewers: int, seconds: float) -> dict[str, object]:
    """One viewer alone, then many at once."""
    alone, rng = new_steps(), random.Random(1)
    viewer = Viewer(address)
    for _ in range(rounds):
        fresh = Viewer(address)
        alone["first_view"].add(*fresh.open())
    viewer.open()
    for _ in range(rounds):
        walk(viewer, rng, runs, alone)
    together, errors = new_steps(), []
    lock, end = threading.Lock(), time.monotonic() + seconds

    def look(number: int) -> None:
        mine, dice = new_steps(), random.Random(number)
        try:
            page = Viewer(address)
            mine["first_view"].add(*page.open())
            while time.monotonic() < end:
                walk(page, dice, runs, mine, THINK_SECONDS)
                time.sleep(THINK_SECONDS)
        except (httpx.HTTPError, RuntimeError, KeyError, IndexError, ValueError) as error:
            with lock:
                errors.append(repr(error))
        with lock:
            for name, step in mine.items():
                together[name].seconds += step.seconds
                together[name].most_bytes = max(together[name].most_bytes, step.most_bytes)

    threads = [threading.Thread(target=look, args=(number,)) for number in range(viewers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return {
        "alone": {name: step.summary() for name, step in alone.items()},
        "viewers": viewers,
        "errors": len(errors),
        "first_errors": errors[:3],
        "together": {name: step.summary() for name, step in together.items() if step.seconds},
    }


def main() -> None:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dashboard")
    parser.add_argument(
        "--release", type=Path, help="a folder of the authors' release; without it a made-up one"
    )
    parser.add_argument("--models", type=int, default=MODELS)
    parser.add_argument("--share", type=float, default=1.0, help="of the questions; below 1 for a try")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--viewers", type=int, default=VIEWERS)
    parser.add_argument("--seconds", type=float, default=VIEWERS_SECONDS)
    options = parser.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        if options.release:
            done = subprocess.run(
                [sys.executable, "-m", "clika", "import", str(options.release), "--store", folder],
                check=False,
            )
            if done.returncode != 0:
                sys.exit(f"the import of {options.release} ended with status {done.returncode}")
        else:
            print(f"{made_up_store(store, options.models, options.share)} made-up predictions")
        runs = [json.loads(path.read_text())["run"] for path in sorted(store.glob("jobs/*/run.json"))]
        with running_app(store) as address:
            found = measured(address, runs, options.rounds, options.viewers, options.seconds)
    print(json.dumps({"runs": len(runs), "load": round(load, 2), **found}))


if __name__ == "__main__":
    main()
