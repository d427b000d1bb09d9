"""Single answers for people and programs: a table of predictions, and one question with its answers as JSON."""

import json
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute

from clika.database.queries import PredictionRow
from clika.exports.csv_cells import safe_cell
from clika.records import Question, Run


def question_json(question: Question, rows: Sequence[PredictionRow]) -> dict[str, object]:
    return {
        "collection": question.collection,
        "dataset": question.dataset,
        "question_id": question.question_id,
        "language": question.language,
        "premise": question.premise,
        "text": question.text,
        "choices": list(question.choices),
        "answer": question.answer_index,
        "origin": question.origin,
        "predictions": [
            {
                "run": row.prediction.run,
                "model": row.model,
                "outcome": str(row.prediction.outcome),
                "chosen": row.prediction.chosen_index,
                "correct": row.prediction.chosen_index == question.answer_index,
                "raw_text": row.prediction.raw_text,
                "scores": {str(rule): list(values) for rule, values in row.prediction.scores.items()},
            }
            for row in rows
            if row.prediction.language == question.language
        ],
    }


def predictions_table(rows: Sequence[PredictionRow], runs: dict[str, Run]) -> pa.Table:
    """One row a prediction; log_probabilities are nats, one a choice, null for imported answers.

    ``margin`` is the best of them less the second-best; ``letter_mass`` the letters' total probability.
    """
    predictions = [row.prediction for row in rows]
    return pa.table(
        {
            "run": [p.run for p in predictions],
            "model": [row.model for row in rows],
            "dataset": [p.dataset for p in predictions],
            "question_id": [p.question_id for p in predictions],
            "language": [p.language for p in predictions],
            "outcome": [str(p.outcome) for p in predictions],
            "chosen": pa.array([p.chosen_index for p in predictions], pa.int8()),
            "correct": [row.prediction.chosen_index == row.answer_index for row in rows],
            "log_probabilities": pa.array(
                [p.scores.get(runs[p.run].rule) for p in predictions], pa.list_(pa.float32())
            ),
            "margin": pa.array([_margin(p.scores.get(runs[p.run].rule)) for p in predictions], pa.float32()),
            "letter_mass": pa.array([p.letter_mass for p in predictions], pa.float32()),
        }
    )


def for_spreadsheets(table: pa.Table) -> pa.Table:
    """A table as CSV has it: lists as JSON, and no text that a spreadsheet would take for a formula."""
    return pa.table([_written(column) for column in table.columns], names=table.column_names)


def _written(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if pa.types.is_list(column.type):
        lists = column.to_pylist()
        return pa.array([None if values is None else json.dumps(values) for values in lists], pa.string())
    if not pa.types.is_string(column.type):
        return column
    once = pyarrow.compute.dictionary_encode(column).combine_chunks()  # few names, many rows
    safe = [None if one is None else safe_cell(one) for one in once.dictionary.to_pylist()]
    return pa.array(safe, pa.string()).take(once.indices)


def _margin(scores: Sequence[float] | None) -> float | None:
    """The best score less the second-best, in the scores' unit; None where there are none."""
    if scores is None:
        return None
    best, second = sorted(scores, reverse=True)[:2]
    return best - second
