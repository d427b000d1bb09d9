"""The questions behind a cell of the heatmap: filtered, ordered, a page at a time; and the one before and after."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from clika.database.index import Index
from clika.database.text_search import matching_items
from clika.languages import ENGLISH
from clika.records import Outcome
from clika.shards import SCORED_RULES


class Relation(StrEnum):
    """How an answer stands to the English answer to the same question."""

    BOTH = "both"
    ENGLISH_ONLY = "english_only"
    LANGUAGE_ONLY = "language_only"
    NEITHER = "neither"


class Pattern(StrEnum):
    """Which of the languages that a question was asked in are right: English and no other, all others but it, …"""

    ONLY_ENGLISH = "only-english"
    ALL_BUT_ENGLISH = "all-but-english"
    ALL_RIGHT = "all-right"
    ALL_WRONG = "all-wrong"


class Order(StrEnum):
    """As the data sets have them; or first those that divide the chosen models into right and wrong most evenly."""

    SOURCE = "source"
    DIVISIVE = "divisive"


@dataclass(frozen=True, slots=True)
class QuestionFilter:
    """Which of a cell's questions are listed, and in which order.

    ``same_wrong`` asks for one wrong option picked in at least so many languages, 0 for none. ``models`` are the
    runs that ``Order.DIVISIVE`` looks at.
    """

    relation: Relation | None = None
    pattern: Pattern | None = None
    same_wrong: int = 0
    dataset: str | None = None
    origin: str | None = None
    search: str = ""
    order: Order = Order.SOURCE
    models: tuple[str, ...] = ()


ANY_QUESTION = QuestionFilter()


@dataclass(frozen=True, slots=True)
class QuestionCell:
    """A run in a language over some data sets of a collection."""

    collection: str
    run: str
    language: str
    datasets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QuestionRow:
    """One line of a cell's question list; the picks are 0-based, None where there is no choice.

    ``margin`` is the best score less the second-best (nats), None without scores. ``models_right`` of ``models``
    have the language's answer right; both 0 unless ordered by that.
    """

    dataset: str
    question_id: str
    text: str
    answer_index: int
    english_chosen: int | None
    chosen: int | None
    outcome: Outcome | None
    languages_right: int
    languages_asked: int
    relation: Relation | None
    margin: float | None = None
    english_outcome: Outcome | None = None
    models_right: int = 0
    models: int = 0


@dataclass(frozen=True, slots=True)
class QuestionPage:
    """One page of a cell's questions, and how many there are in all."""

    total: int
    rows: tuple[QuestionRow, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a question stands in a cell's list: 0-based, of how many, and its neighbours as (data set, id)."""

    position: int
    total: int
    before: tuple[str, str] | None
    after: tuple[str, str] | None


_ANSWERED = """with answered as (
    select p.item, l.code as language, p.outcome,
        case when p.outcome = 'answered' then p.chosen_index end as chosen,
        p.outcome = 'answered' and p.chosen_index = i.answer_index as right_answer,
        {margin} as margin
    from predictions p join runs r on r.number = p.run
        join items i on i.item = p.item join languages l on l.number = p.language
    where r.run = $run and list_contains($datasets, i.dataset)),
counted as (
    select item, count(*) filter (where right_answer) as languages_right, count(*) as asked
    from answered where outcome <> 'invalid' group by item),
wrong as (
    select item, max(same) as same_wrong from (
        select item, chosen, count(*) as same from answered
        where outcome = 'answered' and not right_answer group by item, chosen) group by item),
judged as ({judged}),
listed as (
    select i.item, i.dataset, i.question_id, i.answer_index, i.origin,
        e.chosen as english_chosen, e.outcome as english_outcome, h.chosen, h.outcome, h.margin,
        coalesce(c.languages_right, 0) as languages_right, coalesce(c.asked, 0) as asked,
        coalesce(w.same_wrong, 0) as same_wrong,
        e.item is not null and e.outcome <> 'invalid' as english_asked,
        coalesce(e.right_answer, false) as english_right,
        coalesce(j.models, 0) as models, coalesce(j.models_right, 0) as models_right,
        case when e.item is null or e.outcome = 'invalid' or h.outcome = 'invalid' then null
            when e.right_answer and h.right_answer then 'both'
            when e.right_answer then 'english_only'
            when h.right_answer then 'language_only' else 'neither' end as relation
    from answered h join items i on i.item = h.item
        left join answered e on e.item = h.item and e.language = $english
        left join counted c on c.item = h.item
        left join wrong w on w.item = h.item
        left join judged j on j.item = h.item
    where h.language = $language),
wanted as (
    select * from listed
    where ($relation is null or relation = $relation)
        and ($dataset is null or dataset = $dataset)
        and ($origin is null or origin = $origin)
        and same_wrong >= $same_wrong
        and ($items is null or item in (select unnest($items)))
        and case $pattern
            when 'only-english' then english_right and languages_right = 1
            when 'all-but-english' then english_asked and not english_right and asked > 1
                and languages_right = asked - 1
            when 'all-right' then asked > 0 and languages_right = asked
            when 'all-wrong' then asked > 0 and languages_right = 0
            else true end)
"""
_NO_JUDGES = (
    "select 0 as item, 0 as models, 0 as models_right where $models is null and false"  # names what is bound
)
_JUDGED = """select p.item, count(*) as models,
        count(*) filter (where p.outcome = 'answered' and p.chosen_index = i.answer_index) as models_right
    from predictions p join runs r on r.number = p.run
        join items i on i.item = p.item join languages l on l.number = p.language
    where list_contains($models, r.run) and list_contains($datasets, i.dataset)
        and l.code = $language and p.outcome <> 'invalid'
    group by p.item"""
_ORDERS = {
    Order.SOURCE: "item",
    # A question of two models, one right, divides no less than one of ten, five right; but ten say more.
    Order.DIVISIVE: "case when models > 1 then abs(models_right / models - 0.5) else 1 end, models desc, item",
}


def _margin(index: Index, run: str) -> str:
    """SQL of the best score less the second-best, by the rule that the run chooses by."""
    row = index.cursor.execute(
        "select json_extract_string(record, 'rule') from runs where run = ?", [run]
    ).fetchone()
    rule = next((rule for rule in SCORED_RULES if row and rule == row[0]), None)
    if rule is None:
        return "null::float"
    scores = (
        f"list_reverse_sort(p.{rule})"  # a member of a closed enumeration: its name is safe as a column's
    )
    return f"{scores}[1] - {scores}[2]"


def _query(index: Index, cell: QuestionCell, wanted: QuestionFilter) -> tuple[str, dict[str, object]]:
    divisive = wanted.order is Order.DIVISIVE
    items = matching_items(index, cell.collection, wanted.search) if wanted.search.strip() else None
    query = _ANSWERED.format(margin=_margin(index, cell.run), judged=_JUDGED if divisive else _NO_JUDGES)
    return query, {
        "run": cell.run,
        "datasets": list(cell.datasets),
        "english": ENGLISH,
        "language": cell.language,
        "relation": str(wanted.relation) if wanted.relation else None,
        "pattern": str(wanted.pattern) if wanted.pattern else None,
        "same_wrong": wanted.same_wrong,
        "dataset": wanted.dataset,
        "origin": wanted.origin,
        "items": None if items is None else list(items),
        "models": list(wanted.models) if divisive else None,
    }


def cell_questions(
    index: Index, cell: QuestionCell, wanted: QuestionFilter = ANY_QUESTION, offset: int = 0, limit: int = 20
) -> QuestionPage:
    """The questions that a cell is made from and a filter lets through, a page at a time."""
    query, bound = _query(index, cell, wanted)
    rows = index.cursor.execute(
        f"""{query}, page as (
            select *, count(*) over () as total,
                row_number() over (order by {_ORDERS[wanted.order]}) as place
            from wanted)
        select g.dataset, g.question_id, coalesce(concat_ws(' ', q.premise, q.text), ''), g.answer_index,
            g.english_chosen, g.chosen, g.outcome, g.languages_right, g.asked, g.relation, g.margin,
            g.english_outcome, g.models_right, g.models, g.total
        from page g join languages l on l.code = $language
            left join questions q on q.item = g.item and q.language = l.number
        where g.place > $offset and g.place <= $offset + $limit order by g.place""",
        {**bound, "limit": limit, "offset": offset},
    ).fetchall()
    page = tuple(
        QuestionRow(
            dataset=row[0],
            question_id=row[1],
            text=row[2],
            answer_index=row[3],
            english_chosen=row[4],
            chosen=row[5],
            outcome=Outcome(row[6]),
            languages_right=row[7],
            languages_asked=row[8],
            relation=Relation(row[9]) if row[9] else None,
            margin=row[10],
            english_outcome=Outcome(row[11]) if row[11] else None,
            models_right=row[12],
            models=row[13],
        )
        for row in rows
    )
    return QuestionPage(total=rows[0][14] if rows else 0, rows=page)


def question_place(
    index: Index, cell: QuestionCell, wanted: QuestionFilter, question: tuple[str, str]
) -> Place | None:
    """Where a question, (data set, id), stands in the cell's list; None where the filter leaves it out."""
    query, bound = _query(index, cell, wanted)
    row = index.cursor.execute(
        f"""{query}, numbered as (
            select dataset, question_id, row_number() over o as place, count(*) over () as total,
                lag(dataset) over o as dataset_before, lag(question_id) over o as before,
                lead(dataset) over o as dataset_after, lead(question_id) over o as after
            from wanted window o as (order by {_ORDERS[wanted.order]}))
        select place - 1, total, dataset_before, before, dataset_after, after from numbered
        where dataset = $this_dataset and question_id = $this_question""",
        {**bound, "this_dataset": question[0], "this_question": question[1]},
    ).fetchone()
    if row is None:
        return None
    return Place(row[0], row[1], (row[2], row[3]) if row[3] else None, (row[4], row[5]) if row[5] else None)


def origins(index: Index, collection: str, datasets: Sequence[str]) -> tuple[str, ...]:
    """The languages that a collection's questions say they come from, in alphabetical order."""
    rows = index.cursor.execute(
        """select distinct origin from items
        where collection = ? and list_contains(?, dataset) and origin is not null order by origin""",
        [collection, list(datasets)],
    ).fetchall()
    return tuple(origin for (origin,) in rows)
