"""What the rooms above ask of the index; every query binds its values and names its columns."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clika.database.index import Index
from clika.errors import StoreError, UsageError
from clika.languages import ALL_LANGUAGES
from clika.records import (
    INVALID,
    NOT_ASKED,
    UNPARSEABLE,
    AnswerMatrix,
    Kind,
    ModelRef,
    Outcome,
    Prediction,
    Question,
    Run,
    ScoringRule,
)
from clika.shards import SCORED_RULES


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run, how many predictions the store holds of it, and over which data sets."""

    run: Run
    predictions: int
    datasets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PredictionRow:
    """One prediction as exports show it, with its model, its run and whether it is right."""

    model: str
    answer_index: int
    prediction: Prediction


def collections(index: Index) -> tuple[str, ...]:
    """The names of the collections whose questions the store holds, in alphabetical order."""
    rows = index.cursor.execute("select distinct collection from items order by collection").fetchall()
    return tuple(name for (name,) in rows)


def answered_collections(index: Index) -> tuple[str, ...]:
    """The collections that some run has answered questions of, in alphabetical order."""
    return index.remembered("answered_collections", lambda: _answered_collections(index))


def _answered_collections(index: Index) -> tuple[str, ...]:
    rows = index.cursor.execute(
        """select distinct r.collection from runs r
        where exists (select 1 from predictions p where p.run = r.number) order by r.collection"""
    ).fetchall()
    return tuple(name for (name,) in rows)


def chosen_collection(index: Index, wanted: str | None, datasets: Sequence[str] = ()) -> str:
    """The collection asked for, or the only one, or the only one with questions of these data sets.

    Raises UsageError where it is absent or not clear, StoreError where nothing could be read.
    """
    known = collections(index)
    if not known and index.alarms:
        raise StoreError(f"no question of the store could be taken in: {index.alarms[0]}")
    if not known:
        raise UsageError("the store is empty; 'python -m clika import DIR' or 'evaluate' fills it")
    if wanted is None:
        fitting = _holding(index, datasets) if len(known) > 1 and datasets else known
        if len(fitting) == 1:
            return fitting[0]
        raise UsageError(
            f"the store holds several collections ({', '.join(fitting or known)}) and nothing mixes them; choose one"
            " as the collection (--collection NAME)"
        )
    if wanted not in known:
        raise UsageError(f"no collection {wanted!r} in the store; known: {', '.join(known)}")
    return wanted


def _holding(index: Index, datasets: Sequence[str]) -> tuple[str, ...]:
    rows = index.cursor.execute(
        "select distinct collection from items where list_contains(?, dataset) order by collection",
        [list(datasets)],
    ).fetchall()
    return tuple(name for (name,) in rows)


def _run(record: str) -> Run:
    values = json.loads(record)
    model = ModelRef(**values.pop("model"))
    return Run(**{**values, "model": model, "rule": ScoringRule(values["rule"])})


def run_summaries(index: Index, collection: str) -> tuple[RunSummary, ...]:
    """The runs over a collection, by model name; looked up once while no row comes or goes."""
    return index.remembered(("run_summaries", collection), lambda: _run_summaries(index, collection))


def _run_summaries(index: Index, collection: str) -> tuple[RunSummary, ...]:
    rows = index.cursor.execute(
        """select r.record, count(*), list(distinct i.dataset order by i.dataset)
        from predictions p join runs r on r.number = p.run join items i on i.item = p.item
        where r.collection = ? group by r.number, r.record, r.model order by lower(r.model), r.number""",
        [collection],
    ).fetchall()
    return tuple(RunSummary(_run(record), count, tuple(datasets)) for record, count, datasets in rows)


def _check_rule_stored(index: Index, collection: str, runs: Sequence[str] | None, rule: ScoringRule) -> None:
    rows = index.cursor.execute(
        f"""select r.model from predictions p join runs r on r.number = p.run
        where r.collection = $1 and ($2 is null or list_contains($2, r.run))
        group by r.number, r.model having count(p.{rule}) = 0 order by r.model limit 1""",
        [collection, list(runs) if runs is not None else None],
    ).fetchall()
    if rows:
        raise UsageError(
            f"{rows[0][0]} has no stored scores of rule {str(rule)!r}; evaluate it with --scoring {rule}, or"
            f" leave it out with --models"
        )


def answer_matrices(
    index: Index,
    collection: str,
    runs: Sequence[str] | None = None,
    datasets: Sequence[str] | None = None,
    rule: ScoringRule | None = None,
) -> tuple[AnswerMatrix, ...]:
    """All answers over a collection in one pass: one matrix a run and data set, runs by model name.

    A matrix holds every question of its data set and every language that the collection has it in;
    what was not asked is NOT_ASKED. ``rule`` chooses again by that rule's stored scores; an answer without
    them counts as not asked. The arrays are read-only: whoever asks the same gets the same. Raises UsageError
    where a run has none at all.
    """
    key = (
        "answer_matrices",
        collection,
        None if runs is None else tuple(runs),
        None if datasets is None else tuple(datasets),
        rule,
    )
    return index.remembered(key, lambda: _answer_matrices(index, collection, runs, datasets, rule))


def _answer_matrices(
    index: Index,
    collection: str,
    runs: Sequence[str] | None,
    datasets: Sequence[str] | None,
    rule: ScoringRule | None,
) -> tuple[AnswerMatrix, ...]:
    cursor = index.cursor
    if rule is not None:
        _check_rule_stored(index, collection, runs, rule)
    languages = dict(cursor.execute("select number, code from languages").fetchall())
    wanted = list(datasets) if datasets is not None else None
    items = cursor.execute(
        """select i.item, i.dataset, i.question_id, i.answer_index, i.choice_count,
            (select list(q.language) from questions q where q.item = i.item)
        from items i where i.collection = $1 and ($2 is null or list_contains($2, i.dataset))
        order by i.item""",
        [collection, wanted],
    ).fetchall()
    summaries = cursor.execute(
        """select number, run from runs where collection = $1 and ($2 is null or list_contains($2, run))
        order by lower(model), number""",
        [collection, list(runs) if runs is not None else None],
    ).fetchall()
    choice = "p.chosen_index"
    if rule is not None:  # a member of a closed enumeration, so its name is safe as a column's
        choice = f"coalesce(list_position(p.{rule}, list_max(p.{rule})) - 1, {NOT_ASKED})"
    answers = cursor.execute(
        f"""select p.run, p.item, p.language,
            case p.outcome when 'answered' then {choice}
                when 'unparseable' then {UNPARSEABLE} else {INVALID} end as chosen
        from predictions p join items i on i.item = p.item
        where i.collection = $1 and ($2 is null or list_contains($2, i.dataset))
            and ($3 is null or list_contains($3, p.run))""",
        [collection, wanted, [number for number, _ in summaries] if runs is not None else None],
    ).fetchnumpy()
    if not items or not summaries:
        return ()
    top = max(item for item, *_ in items) + 1
    blocks: dict[str, list[tuple[int, str, str, int, int, list[int]]]] = {}
    for row in items:
        blocks.setdefault(row[1], []).append(row)
    block_of_item = np.full(top, -1, np.int16)
    place_of_item = np.zeros(top, np.int64)
    for number, rows in enumerate(blocks.values()):
        numbers = [row[0] for row in rows]
        block_of_item[numbers] = number
        place_of_item[numbers] = np.arange(len(rows))
    order = {code: place for place, code in enumerate(ALL_LANGUAGES)}
    codes_of_block: list[list[int]] = []
    for rows in blocks.values():
        present = {language for row in rows for language in row[5] or []}
        codes_of_block.append(sorted(present, key=lambda n: order.get(languages[n], len(order))))
    run_column = np.asarray(answers["run"])
    item_column = np.asarray(answers["item"])
    language_column = np.asarray(answers["language"])
    chosen_column = np.asarray(answers["chosen"]).astype(np.int8)
    row_order = np.argsort(run_column, kind="stable")
    bounds = np.searchsorted(run_column[row_order], [number for number, _ in summaries])
    ends = np.searchsorted(run_column[row_order], [number for number, _ in summaries], side="right")
    # The same for every run: made once, shared by the frozen matrices.
    question_ids = {dataset: tuple(row[2] for row in rows) for dataset, rows in blocks.items()}
    golds = {dataset: np.array([row[3] for row in rows], np.int8) for dataset, rows in blocks.items()}
    counts = {dataset: np.array([row[4] for row in rows], np.int8) for dataset, rows in blocks.items()}
    for shared in (*golds.values(), *counts.values()):
        shared.flags.writeable = False
    matrices = []
    for (_number, run), begin, end in zip(summaries, bounds, ends, strict=True):
        mine = row_order[begin:end]
        block_column = block_of_item[item_column[mine]]
        for block, (dataset, rows) in enumerate(blocks.items()):
            here = mine if len(blocks) == 1 else mine[block_column == block]
            if here.size == 0:
                continue
            codes = codes_of_block[block]
            place_of_language = np.zeros(max(languages) + 1, np.int64)
            place_of_language[codes] = np.arange(len(codes))
            chosen = np.full((len(codes), len(rows)), NOT_ASKED, np.int8)
            chosen[place_of_language[language_column[here]], place_of_item[item_column[here]]] = (
                chosen_column[here]
            )
            chosen.flags.writeable = False
            matrices.append(
                AnswerMatrix(
                    run=run,
                    dataset=dataset,
                    languages=tuple(languages[code] for code in codes),
                    question_ids=question_ids[dataset],
                    chosen=chosen,
                    answers=golds[dataset],
                    choices=counts[dataset],
                )
            )
    return tuple(matrices)


def parallel_question(index: Index, collection: str, dataset: str, question_id: str) -> tuple[Question, ...]:
    """One question in every language it is stored in, in the order of ALL_LANGUAGES.

    Raises UsageError where the store does not hold it.
    """
    rows = index.cursor.execute(
        """select l.code, q.kind, q.premise, q.text, q.choices, i.answer_index, i.origin, q.source_prompt
        from questions q join items i on i.item = q.item join languages l on l.number = q.language
        where i.collection = ? and i.dataset = ? and i.question_id = ?""",
        [collection, dataset, question_id],
    ).fetchall()
    if not rows:
        raise UsageError(
            f"no question {question_id!r} in {dataset!r} of collection {collection!r};"
            f" 'python -m clika export' lists the ids that were asked"
        )
    order = {code: place for place, code in enumerate(ALL_LANGUAGES)}
    questions = [
        Question(
            collection,
            dataset,
            question_id,
            code,
            Kind(kind),
            premise,
            text,
            tuple(choices),
            gold,
            origin,
            prompt,
        )
        for code, kind, premise, text, choices, gold, origin, prompt in rows
    ]
    return tuple(sorted(questions, key=lambda question: order.get(question.language, len(order))))


def prediction_rows(
    index: Index,
    collection: str,
    runs: Sequence[str] | None = None,
    dataset: str | None = None,
    question_id: str | None = None,
) -> list[PredictionRow]:
    """Per-item predictions over a collection, by model name, data set, question and language."""
    rules = ", ".join(f"p.{rule}" for rule in SCORED_RULES)
    rows = index.cursor.execute(
        f"""select r.run, r.model, i.dataset, i.question_id, l.code, i.answer_index,
            p.outcome, p.chosen_index, p.letter_mass, p.raw_text, {rules}
        from predictions p join runs r on r.number = p.run join items i on i.item = p.item
            join languages l on l.number = p.language
        where i.collection = $1 and ($2 is null or list_contains($2, r.run))
            and ($3 is null or i.dataset = $3) and ($4 is null or i.question_id = $4)
        order by lower(r.model), r.number, i.item, l.number""",
        [collection, list(runs) if runs is not None else None, dataset, question_id],
    ).fetchall()
    return [
        PredictionRow(
            model=row[1],
            answer_index=row[5],
            prediction=Prediction(
                run=row[0],
                dataset=row[2],
                question_id=row[3],
                language=row[4],
                outcome=Outcome(row[6]),
                chosen_index=row[7],
                scores={
                    rule: tuple(values)
                    for rule, values in zip(SCORED_RULES, row[10:], strict=True)
                    if values is not None
                },
                letter_mass=row[8],
                raw_text=row[9],
            ),
        )
        for row in rows
    ]


def predictions_of_question(
    index: Index, collection: str, dataset: str, question_id: str, runs: Sequence[str] | None = None
) -> tuple[Prediction, ...]:
    """Every run's (or the given runs') answers to one question, in every language asked."""
    rows = prediction_rows(index, collection, runs, dataset, question_id)
    return tuple(row.prediction for row in rows)
