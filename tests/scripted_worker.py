"""A worker that answers by a function instead of a model: for tests that start, stop and kill real processes.

    python -m tests.scripted_worker FOLDER [--replica N] [--failpoints SPEC]

The job's model is ``scripted:SECONDS``, how long an answer takes, or a folder whose file ``seconds`` says it. It is
the real worker but for the model.
"""

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from clika.failpoints import VARIABLE
from clika.jobs.devices import Placement
from clika.jobs.folder import JobFolder
from clika.jobs.processes import Process, start
from clika.jobs.spec import EvaluationJob
from clika.records import ModelRef, Prompt, Question
from clika.scoring.scorer import Scored
from clika.scoring.scripted import SCRIPTED_MODEL, ScriptedScorer
from clika.workers.evaluate import main
from clika.workers.lifeline import die_with_parent
from tests.stores import LANGUAGES

ROOT = Path(__file__).resolve().parents[1]


def scripted_job(seconds: float = 0.0, name: str = "scripted", **changes: object) -> EvaluationJob:
    """Asks the made-up collection, data set xgeo."""
    values: dict[str, object] = {
        "model": f"scripted:{seconds}",
        "name": name,
        "collection": "made-up",
        "datasets": ("xgeo",),
        "languages": LANGUAGES,
        "device": "cpu",
    }
    return EvaluationJob(**{**values, **changes})  # type: ignore[arg-type]


def choice(question: Question) -> int:
    """Right or wrong by the question's text, the same in every process."""
    return (len(question.text) + question.answer_index) % len(question.choices)


class SlowScorer(ScriptedScorer):
    """Takes its time for every answer."""

    def __init__(self, seconds: float, model: ModelRef = SCRIPTED_MODEL) -> None:
        super().__init__(choice, model)
        self._seconds = seconds

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        for one in super().scored(prompts):
            time.sleep(self._seconds)
            yield one


def load(job: EvaluationJob) -> SlowScorer:
    folder = Path(job.model)
    if not folder.is_dir():
        return SlowScorer(float(job.model.partition(":")[2]))
    return SlowScorer(float((folder / "seconds").read_text()), ModelRef(folder.name, job.model))


# A parent that only waits, as accelerate's launcher does.
LAUNCHER = (sys.executable, "-c", "import subprocess, sys; sys.exit(subprocess.call(sys.argv[1:]))")


def start_scripted(
    folder: JobFolder,
    placed: Placement,
    environment: Mapping[str, str],
    launcher: Sequence[str] = (),
) -> tuple[Process, ...]:
    """What ``start_replicas`` does, with this worker and without accelerate between, or another ``launcher``."""
    armed = environment.get(VARIABLE, "")
    return tuple(
        start(
            [
                *launcher,
                *(sys.executable, "-m", "tests.scripted_worker", str(folder.path), "--replica", str(number)),
                *(("--failpoints", armed) if armed else ()),
            ],
            {"PATH": environment["PATH"], "PYTHONPATH": str(ROOT)},
            folder.log,
            folder.path,
            ROOT,
            devices,
            number,
        )
        for number, devices in enumerate(placed.replicas)
    )


if __name__ == "__main__":
    die_with_parent()
    sys.exit(main(sys.argv[1:], load))
