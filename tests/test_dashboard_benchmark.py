"""The page's benchmark in small: it walks down without an error, counts bytes, and ends with one JSON object."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.dashboard import ITEMS

pytestmark = pytest.mark.long


ROOT = Path(__file__).resolve().parents[1]


def test_the_made_up_store_is_of_the_releases_size() -> None:
    assert 46 * 10 * sum(count for count, _ in ITEMS.values()) == 864_800


def test_the_last_line_says_what_was_measured() -> None:
    command = [sys.executable, "-m", "benchmarks.dashboard", "--models", "2", "--share", "0.05"]
    command += ["--rounds", "1", "--viewers", "2", "--seconds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    *_, made, last = done.stdout.splitlines()
    measured = json.loads(last)
    assert made == "1880 made-up predictions"  # 2 x 10 x (50 + 25 + 10 + 9)
    assert (measured["runs"], measured["viewers"], measured["errors"]) == (2, 2, 0)
    for walked in (measured["alone"], measured["together"]):
        assert set(walked) == {
            "first_view", "metric_switch", "scope_switch", "cell_to_questions", "question_to_cards",
        }  # fmt: skip
        assert all(step["p50_ms"] > 0 and step["most_bytes"] > 1000 for step in walked.values())
