"""The paper's printed cells, recomputed from the authors' own answers to the last digit."""

import json
from pathlib import Path

import numpy as np
import pytest

from clika.languages import language_code
from clika.metrics.score_table import RELEASED_REFERENCES, others_mean, score_table
from clika.records import LETTERS, UNPARSEABLE, AnswerMatrix, Metric

RELEASE = Path(__file__).resolve().parents[3] / "shared" / "clika_release"
FOLDERS = {"x_csqa": ("xcsqa", 5), "x_copa": ("xcopa", 2), "x_name": ("xpeo", 4), "x_geo": ("xgeo", 4)}
LANGUAGES = ("en", "de", "fr", "it", "pl", "ru", "ar", "he", "ja", "zh")

# model: Basic en, zh, others; Factual en, zh, others (x 100); en-CO (Factual) zh, others
PUBLISHED = {
    "llama_13b": ("50.36", "15.98", "17.95", "79.28", "7.49", "42.19", ".8327", ".8975"),
    "chinese_llama_plus_13b": ("29.38", "21.12", "5.88", "44.23", "13.01", "15.44", ".8597", ".7764"),
    "llama2_13b": ("73.29", "43.57", "35.78", "91.58", "40.39", "56.00", ".9648", ".9498"),
    "baichuan2_13b_base": ("87.58", "59.30", "38.61", "86.34", "65.81", "50.51", ".9410", ".9453"),
}

pytestmark = pytest.mark.skipif(
    not RELEASE.is_dir(), reason=f"the authors' released answers are not at {RELEASE}"
)


def answers_of(model: str) -> list[AnswerMatrix]:
    """Read independently of the importer: one model's answers by the authors' rule."""
    matrices = []
    for folder, (dataset, choices) in FOLDERS.items():
        rows: dict[str, dict[str, tuple[str, str]]] = {}
        for path in (RELEASE / folder).glob(f"*/{model}_res_bf16_add_simple_example.jsonl"):
            lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
            rows[language_code(path.parent.name)] = {
                str(line["uuid"]): (line["res"].strip()[:1], line["label"]) for line in lines
            }
        letters = LETTERS[:choices]
        ids = tuple(rows["en"])
        chosen = [
            [letters.index(rows[code][i][0]) if rows[code][i][0] in [*letters] else UNPARSEABLE for i in ids]
            for code in LANGUAGES
        ]
        gold = np.array([letters.index(rows["en"][i][1]) for i in ids], np.int8)
        counts = np.full(len(ids), choices, np.int8)
        matrices.append(AnswerMatrix(model, dataset, LANGUAGES, ids, np.array(chosen, np.int8), gold, counts))
    return matrices


@pytest.mark.parametrize("model", PUBLISHED)
def test_the_published_cells_come_out_to_the_last_digit(model: str) -> None:
    matrices = answers_of(model)
    shown = []
    for scope in ("basic", "factual"):
        (row,) = score_table(matrices, Metric.RA, scope, RELEASED_REFERENCES)
        values = dict(zip(row.languages, row.values, strict=True))
        shown += [f"{100 * value:.2f}" for value in (values["en"], values["zh"], others_mean(row, "zh"))]
    (row,) = score_table(matrices, Metric.EN_CO, "factual", {})
    values = dict(zip(row.languages, row.values, strict=True))
    shown += [f"{value:.4f}".removeprefix("0") for value in (values["zh"], others_mean(row, "zh"))]
    assert tuple(shown) == PUBLISHED[model]
