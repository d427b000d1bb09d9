"""XRR by hand, the paper's printed values, and rows of several runs with their gates."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika.errors import UsageError
from clika.metrics.conductivity import final_runs, tuning_of
from clika.metrics.cross_retrieval import cross_retrieval, cross_retrieval_of
from clika.metrics.gates import GateShare
from clika.metrics.score_table import metric_datasets, score_table
from clika.records import (
    INVALID,
    NOT_ASKED,
    UNPARSEABLE,
    AnswerMatrix,
    Gate,
    Metric,
    ModelRef,
    Run,
    ScoringRule,
)


def matrix(chosen: list[list[int]], run: str = "run", dataset: str = "fictional") -> AnswerMatrix:
    """Answers in en and de to questions with 20 candidates; the right one of question k is candidate k."""
    count = len(chosen[0])
    return AnswerMatrix(
        run=run,
        dataset=dataset,
        languages=("en", "de")[: len(chosen)],
        question_ids=tuple(map(str, range(count))),
        chosen=np.array(chosen, np.int8),
        answers=np.arange(count, dtype=np.int8),
        choices=np.full(count, 20, np.int8),
    )


def test_xrr_by_hand() -> None:
    # en right on 0, 1, 2 of those asked in both (3 is invalid in de, 4 not asked); de on 0 and 5: 1/3 - 1/20
    answers = matrix([[0, 1, 2, 3, 4, 0], [0, UNPARSEABLE, 7, INVALID, NOT_ASKED, 5]])
    found = cross_retrieval(answers, "de")
    assert (found.both, found.english, found.chance) == (1, 3, 0.05)
    assert found.value == pytest.approx(1 / 3 - 0.05)
    # Wilson of 1 of 3: .0615 to .7923, less .05
    assert (found.low, found.high) == (pytest.approx(0.0115, abs=1e-4), pytest.approx(0.7423, abs=1e-4))


def test_guessing_is_clipped_at_0_and_nothing_known_in_english_is_undefined() -> None:
    assert cross_retrieval(matrix([[0, 1], [9, 9]]), "de").value == 0.0
    for answers, language in (
        (matrix([[5, 5], [0, 1]]), "de"),  # C_en is empty
        (matrix([[0, 1], [0, 1]]), "en"),  # English itself
        (matrix([[0, 1]]), "de"),  # not asked
    ):
        found = cross_retrieval(answers, language)
        assert math.isnan(found.value)
        assert math.isnan(found.low)
        assert found.english == 0


@pytest.mark.parametrize(
    ("both", "english", "printed"), [(36, 199, 0.1309), (23, 199, 0.0656), (10, 199, 0.0003)]
)
def test_the_papers_printed_values(both: int, english: int, printed: float) -> None:
    # 36/199 - .05 = .180905 - .05; 23/199 - .05 = .115578 - .05; 10/199 - .05 = .050251 - .05
    assert round(cross_retrieval_of(both, english, 1 / 20).value, 4) == printed


@given(st.integers(0, 200), st.integers(0, 200), st.integers(2, 26))
def test_the_value_lies_in_its_interval(some: int, others: int, candidates: int) -> None:
    both, english = min(some, others), max(some, others)
    found = cross_retrieval_of(both, english, 1 / candidates)
    assert math.isnan(found.value) == (english == 0)
    if english:
        assert 0 <= found.low <= found.value + 1e-12 <= found.high + 2e-12 <= 1 - 1 / candidates + 3e-12


@pytest.mark.parametrize(
    ("right", "asked", "holds"), [(180, 200, False), (181, 200, True), (0, 0, False), (10, 10, True)]
)
def test_a_gate_holds_over_ninety_percent(right: int, asked: int, holds: bool) -> None:
    assert GateShare(Gate.TAUGHT, right, asked).holds is holds


def run(name: str, language: str, step: int, tuning: str = "lora") -> Run:
    settings = {"language": language, "step": str(step), "tuning": tuning, "direction": "en-x"}
    model = ModelRef(f"{name}", "base", adapter=name, fingerprint="f")
    return Run(name, model, "world-1", "alpaca", ScoringRule.OPTION, settings)


RIGHT, WRONG = [0, 1, 2], [1, 2, 0]


def answers_of(name: str, held_out: list[int], taught: list[int]) -> list[AnswerMatrix]:
    translation = matrix([[NOT_ASKED] * 3, [0, 1, 2]], name, "fictional-translation")
    return [
        matrix([RIGHT, held_out], name),
        matrix([RIGHT, taught], name, "fictional-taught"),
        translation,
    ]


def test_a_row_of_xrr_is_a_tuning_with_its_last_step_in_each_language() -> None:
    runs = [run("a", "de", 20), run("b", "de", 100), run("c", "de", 100, "full")]
    matrices = [
        *answers_of("a", WRONG, RIGHT),
        *answers_of("b", [0, 1, 0], RIGHT),
        *answers_of("c", RIGHT, WRONG),
    ]
    assert metric_datasets(Metric.XRR, "fictional") == (
        "fictional", "fictional-taught", "fictional-translation",
    )  # fmt: skip
    lora, full = score_table(matrices, Metric.XRR, "fictional", {}, runs)
    assert (lora.run, lora.languages, lora.sources, lora.unmet) == ("b", ("de",), {"de": "b"}, {})
    assert lora.values[0] == pytest.approx(2 / 3 - 0.05)
    assert lora.n.tolist() == [3]
    assert full.values[0] == pytest.approx(0.95)  # kept, and not established
    assert full.unmet == {"de": (Gate.TAUGHT,)}
    assert dict(tuning_of(runs[0]).settings) == {"tuning": "lora", "direction": "en-x"}


def test_languages_of_one_tuning_share_a_row_and_other_runs_have_none() -> None:
    plain = Run("p", ModelRef("p", "base", fingerprint="f"), "world-1", "alpaca", ScoringRule.LETTER)
    german, hebrew = run("d", "de", 5), run("h", "he", 5)
    (of_tuning,) = final_runs([hebrew, plain, german]).values()
    assert of_tuning == {"he": hebrew, "de": german}
    (row,) = score_table(
        [*answers_of("d", RIGHT, RIGHT), *answers_of("h", RIGHT, RIGHT)],
        Metric.XRR,
        "fictional",
        {},
        [hebrew, plain, german],
    )
    assert (row.run, row.languages) == ("h", ("de", "he"))
    assert row.unmet["he"] == (Gate.TRANSLATION, Gate.TAUGHT)  # these matrices hold no Hebrew
    assert math.isnan(row.values[1])


def test_xrr_of_other_data_is_refused() -> None:
    with pytest.raises(UsageError, match=r"XRR over 'xgeo'.*give fictional or fictional-written"):
        metric_datasets(Metric.XRR, "xgeo")
    with pytest.raises(UsageError, match="XRR over 'factual'"):
        score_table([], Metric.XRR, "factual", {})
