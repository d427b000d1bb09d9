"""The speed benchmarks run from end to end on a tiny model and say what they did not measure."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks import forced_choice, gpu_forced_choice
from benchmarks.core_watch import Cores
from benchmarks.fact_prompts import fact_prompts, made_up_release

pytestmark = pytest.mark.long


def last_line(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The JSON list that a benchmark printed last."""
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made_up_release(tmp_path_factory.mktemp("release"))


def test_without_the_harness_its_ratios_are_null_and_float32_choices_are_the_authors(
    release: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    threads = torch.get_num_threads()
    asked = ["--sizes", "tiny", "--rounds", "1", "--items", "160", "--batch-tokens", "256"]
    forced_choice.main([*asked, "--threads", str(threads), "--release", str(release)])
    results = last_line(capsys)
    assert [one["dtype"] for one in results] == ["float32", "bfloat16", "mixed"]
    for one in results:
        assert one["vs_lm_eval"] is None
        assert one["vs_lm_eval_same_dtype"] is None
        assert one["vs_authors"] > 0
        assert one["items_per_s"] > 0
        assert one["share_of_matmul_limit"] > 0
        assert one["memory_mib"] > 0
        assert one["path"] in ("prefix_cache", "full", "unbatched")
        # 2 layers x (4 x 64 x 64 + 3 x 64 x 128) + 64 x 2,000 = 209,920 weights, 0 million
        assert one["params_m"] == 0
    assert results[0]["choices_identical"] is True
    assert results[2]["choices_identical"] is True


def test_the_gpu_benchmark_runs_on_a_tiny_shape_without_a_gpu(
    release: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gpu_forced_choice.main(
        [
            *("--shape", "tiny", "--device", "cpu", "--items", "60", "--compared", "20", "--rounds", "1"),
            *("--batch-tokens", "512", "--dtype", "float32", "--release", str(release)),
        ]
    )
    (result,) = last_line(capsys)
    assert result["choices_alike"] == result["choices_compared"] == 20
    assert result["choices_unlike_beyond_noise"] == 0
    assert result["items_per_s"] > 0
    assert result["share_of_matmul_rate"] > 0


def test_prompts_taken_from_the_front_are_even_over_data_sets_and_languages(release: Path) -> None:
    front = [(one.question.dataset, one.question.language) for one in fact_prompts(release)[:40]]
    # 2 data sets x 10 languages = 20 families, dealt twice
    assert {front.count(family) for family in front} == {2}


def test_a_core_held_by_others_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert Cores(own=1.0, others=1.0, load=2.0).disturbed(threads=2)
    assert not Cores(own=1.95, others=0.05, load=2.0).disturbed(threads=2)
    assert not Cores(own=1.0, others=1.0, load=2.0).disturbed(threads=1)
