"""A spreadsheet opens what leaves the store as text, and numbers as numbers."""

import csv
import io

import numpy as np
import pytest

from clika.database.queries import PredictionRow
from clika.exports.csv_cells import safe_cell
from clika.exports.predictions import for_spreadsheets, predictions_table
from clika.exports.scores import SCORE_FORMATS
from clika.records import LanguageScores, Metric, Outcome, Prediction, ScoringRule
from tests.stores import made_up_run

FORMULAS = [
    "=1+1",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠A1",
    "  =1",
    "\u3000＝1",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_what_begins_like_a_formula_is_a_text(text: str) -> None:
    assert safe_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "llama-7b", "a=b", "ー長音", "—", "3", "'", "שלום"])
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert safe_cell(text) == text


def test_scores_escape_names_and_leave_negative_numbers() -> None:
    run = made_up_run("=HYPERLINK(1)")
    values = np.array([-0.25])
    row = LanguageScores(run.run, Metric.RA, "xgeo, less =1", ("en",), values, values, values, np.array([8]))
    (line,) = csv.DictReader(io.StringIO(SCORE_FORMATS["csv"]([row], {run.run: run})))
    assert (line["model"], line["value"]) == ("'=HYPERLINK(1)", "-0.25")


def test_predictions_escape_every_text_and_keep_numbers_and_nothing() -> None:
    run = made_up_run("@evil")
    rows = [
        PredictionRow(run.model.name, 0, Prediction(run.run, "xgeo", one, "en", outcome, chosen, scores))
        for one, outcome, chosen, scores in (
            ("=1", Outcome.ANSWERED, 0, {ScoringRule.LETTER: (-1.0, -2.0)}),
            ("2", Outcome.UNPARSEABLE, None, {}),
        )
    ]
    first, second = for_spreadsheets(predictions_table(rows, {run.run: run})).to_pylist()
    assert (first["model"], first["question_id"], first["log_probabilities"]) == (
        "'@evil",
        "'=1",
        "[-1.0, -2.0]",
    )
    assert (second["question_id"], second["chosen"], second["log_probabilities"]) == ("2", None, None)
    assert first["margin"] == 1.0  # -1 - -2
