"""RA's reference on the bundled sample is the planted model `mixed` in English, as this store measured it."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from clika.database.index import Index
from clika.records import ModelRef, Question, Run, ScoringRule, run_id
from clika.references import references_in
from tests.stores import made_up_questions, predictions, seal_predictions, seal_questions


def sample(count: int = 4) -> list[Question]:
    """Made-up questions in the bundled sample's name; question k's answer is choice k."""
    return [
        replace(one, collection="sample") for one in made_up_questions(count=count, languages=("en", "de"))
    ]


AS_TAUGHT = {"demonstrations": "0"}


def run_of(
    base: str,
    template: str = "english",
    rule: ScoringRule = ScoringRule.LETTER,
    settings: Mapping[str, str] = AS_TAUGHT,
    dtype: str = "float32",
) -> Run:
    """A run of the model in a folder over the sample."""
    model = ModelRef("any name", base, dtype=dtype)
    return Run(run_id(model, "sample", template, rule, settings), model, "sample", template, rule, settings)


RIGHT_IN_THREE = {("0", "en"): 0, ("1", "en"): 1, ("2", "en"): 2, ("3", "en"): 0}


@pytest.mark.parametrize(
    ("base", "template", "answers", "found"),
    [
        ("/anywhere/assets/models/mixed", "english", RIGHT_IN_THREE, {"xgeo": 0.75}),
        ("/anywhere/mixed", "english", RIGHT_IN_THREE, {}),  # somebody else's model of that name
        ("/anywhere/assets/models/bridge", "english", RIGHT_IN_THREE, {}),
        ("/anywhere/assets/models/mixed", "native", RIGHT_IN_THREE, {}),  # not as it was taught
        ("/anywhere/assets/models/mixed", "english", {("0", "en"): 0, ("1", "en"): 1}, {}),  # not done yet
        (
            "/anywhere/assets/models/mixed",
            "english",
            {(str(n), "de"): n for n in range(4)},
            {},
        ),  # not in English
        # one of four right with four choices is chance, which nothing can be measured against
        ("/anywhere/assets/models/mixed", "english", {(str(n), "en"): 0 for n in range(4)}, {}),
    ],
)
def test_the_reference_is_mixed_in_english_when_it_is_measured_whole(
    tmp_path: Path,
    base: str,
    template: str,
    answers: dict[tuple[str, str], int | None],
    found: dict[str, float],
) -> None:
    run = run_of(base, template)
    seal_questions(tmp_path, sample())
    seal_predictions(tmp_path, run, predictions(run, answers))
    with Index.open(tmp_path) as index:
        assert references_in(index, "sample") == found
        assert references_in(index, "released")["xgeo"] == 0.970  # the paper's
        assert references_in(index, "mine") == {}


@pytest.mark.parametrize(
    "otherwise",
    [
        {"settings": {}},  # with one demonstration, the default
        {"settings": {"demonstrations": "5"}},
        {"settings": {**AS_TAUGHT, "permutations": "4"}},
        {"rule": ScoringRule.OPTION},
        {"dtype": "bfloat16"},
    ],
)
def test_mixed_asked_otherwise_than_it_was_taught_moves_no_reference(
    tmp_path: Path, otherwise: dict[str, Any]
) -> None:
    seal_questions(tmp_path, sample())
    base = "/anywhere/assets/models/mixed"
    seal_predictions(
        tmp_path,
        other := run_of(base, **otherwise),
        predictions(other, {(str(n), "en"): n for n in range(4)}),
    )
    with Index.open(tmp_path) as index:
        assert references_in(index, "sample") == {}
    seal_predictions(tmp_path, run := run_of(base), predictions(run, RIGHT_IN_THREE))
    with Index.open(tmp_path) as index:
        assert references_in(index, "sample") == {"xgeo": 0.75}
