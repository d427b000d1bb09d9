"""A token that this program is given stands in no log, no error, no file of the store, and no worker over a folder."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from clika.checkpoints.children import child_environment
from clika.errors import CheckpointRefusedError, ModelError
from clika.jobs.folder import JobFolder
from clika.jobs.launcher import replica_environment
from clika.jobs.spec import EvaluationJob
from clika.redaction import redacted, redacting_handler

CANARY = "hf_CanaryCanaryCanaryCanary12345"
ROOT = Path(__file__).resolve().parents[1]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        (f"401 for {CANARY}, sorry", "401 for [token], sorry"),
        ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer [token]"),
        ("https://ada:secret@hub.example/x", "https://[token]@hub.example/x"),
        ("a model hf_small and hf-mirror stay", "a model hf_small and hf-mirror stay"),
    ],
)
def test_what_looks_like_a_token_is_taken_out_and_nothing_else(text: str, left: str) -> None:
    assert redacted(text) == left


def test_errors_logs_and_the_tail_of_a_jobs_log_hold_none(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert CANARY not in str(ModelError(f"x {CANARY}"))
    assert CANARY not in str(CheckpointRefusedError("code", f"x {CANARY}", "y"))
    logger = logging.getLogger("tests.redaction")
    handler = redacting_handler("%(message)s")
    logger.addHandler(handler)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logger.exception("with %s", CANARY)
    finally:
        logger.removeHandler(handler)
    said = capsys.readouterr().err
    assert "with [token]" in said
    assert CANARY not in said
    (tmp_path / "job.log").write_text(f"Traceback … {CANARY}\n")
    assert JobFolder(tmp_path).log_tail() == "Traceback … [token]\n"


def test_a_worker_over_a_folder_and_a_child_are_given_no_token(tmp_path: Path) -> None:
    job = EvaluationJob(str(tmp_path), "x", "c", ("xgeo",), ("en",))
    given = {**os.environ, "HF_TOKEN": CANARY, "HUGGING_FACE_HUB_TOKEN": CANARY}
    assert CANARY not in replica_environment(job, ("cpu",), 1, given).values()
    assert CANARY not in child_environment(tmp_path).values()


def test_the_canary_is_nowhere_after_a_hub_model_could_not_be_fetched(tmp_path: Path) -> None:
    store = tmp_path / "store"
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("HF_")},
        "HF_TOKEN": CANARY,
        "HF_ENDPOINT": "http://127.0.0.1:1",
        "HF_HOME": str(tmp_path / "home"),
        "PYTHONPATH": str(ROOT),
    }
    said = ""
    for command in (
        ["checkpoints", "add", f"nobody/{CANARY}"],
        [
            "evaluate",
            "--model",
            "nobody/nothing",
            "--collection",
            "sample",
            "--limit",
            "1",
            "--languages",
            "en",
        ],
        ["jobs", "list"],
    ):
        done = subprocess.run(
            [sys.executable, "-m", "clika", *command, "--store", str(store)],
            env=environment,
            cwd=ROOT,
            capture_output=True,
            text=True,
        )
        said += done.stdout + done.stderr
    assert "could not be fetched from the Hub" in said
    assert CANARY not in said
    holding = [
        path for path in tmp_path.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert holding == []
