"""The index's benchmark in small: it counts what it made, reads without an error, and ends with one JSON object."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long


ROOT = Path(__file__).resolve().parents[1]


def test_the_last_line_says_what_was_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.index_speed", "--predictions", "20000", "--seconds", "2"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    measured = json.loads(done.stdout.splitlines()[-1])
    assert (measured["predictions"], measured["errors"]) == (
        20000,
        0,
    )  # one run: 4 x 500 questions x 10 languages
    assert measured["ingested_meanwhile"] == 20000
    assert measured["reads"] >= measured["readers"] == 50
    assert {"rebuild_s", "cpu_s", "peak_mib", "load", "p50_s", "p95_s", "max_s"} <= measured.keys()
