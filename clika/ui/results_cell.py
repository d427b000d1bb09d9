"""The way down from a cell of the heatmap: its counts, its questions a page at a time, one question in full."""

from dataclasses import dataclass, replace

from clika.database.cell_questions import (
    ANY_QUESTION,
    Order,
    Pattern,
    QuestionCell,
    QuestionFilter,
    Relation,
    cell_questions,
    question_place,
)
from clika.database.index import Index
from clika.database.queries import parallel_question, prediction_rows, predictions_of_question, run_summaries
from clika.errors import UsageError
from clika.figures.score_grid import language_name
from clika.languages import ALL_LANGUAGES, ENGLISH
from clika.metrics.english_overlap import EnglishOverlap, english_overlap
from clika.ui import markup
from clika.ui.question_markup import Answerer, place_html, question_cards, question_list, question_map
from clika.ui.results_view import Scores, View
from clika.ui.run_labels import run_labels

QUESTIONS_A_PAGE = 20
ANY_RELATION = "all"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person has selected: a cell, a page and kind of its questions, one question.

    ``shown`` is the run whose answers stand on the cards; None for the cell's. ``grouped`` puts languages together
    that picked the same option.
    """

    run: str | None = None
    language: str | None = None
    wanted: QuestionFilter = ANY_QUESTION
    offset: int = 0
    dataset: str | None = None
    question_id: str | None = None
    shown: str | None = None
    grouped: bool = False

    @property
    def cell(self) -> tuple[str, str] | None:
        """(run, language) of the selected cell."""
        return (self.run, self.language) if self.run and self.language else None

    @property
    def question(self) -> tuple[str, str] | None:
        """(data set, question id) of the selected question."""
        return (self.dataset, self.question_id) if self.dataset and self.question_id else None

    @property
    def answerer(self) -> str | None:
        """The run whose answers stand on the cards."""
        return self.shown or self.run


def checked_cell(index: Index, collection: str, run: object, language: object) -> tuple[str, str]:
    """A cell as a click names it. Raises UsageError for a run or language that is not there."""
    known = {summary.run.run for summary in run_summaries(index, collection)}
    if not isinstance(run, str) or run not in known:
        raise UsageError(f"no run {run!r} over collection {collection!r}; press a cell of the heatmap")
    if not isinstance(language, str) or language not in ALL_LANGUAGES:
        raise UsageError(f"no language {language!r}; known: {', '.join(ALL_LANGUAGES)}")
    return run, language


def checked_question(index: Index, collection: str, dataset: object, question_id: object) -> tuple[str, str]:
    """A question as a press names it. Raises UsageError for one that the store does not hold."""
    if not isinstance(dataset, str) or not isinstance(question_id, str):
        raise UsageError(f"no question {question_id!r} in {dataset!r}; press one of the list")
    parallel_question(index, collection, dataset, question_id)
    return dataset, question_id


def checked_filter(
    relation: object,
    pattern: object,
    same_wrong: object,
    dataset: object,
    origin: object,
    search: object,
    order: object,
) -> QuestionFilter:
    """A filter as a form or a link says it; what is no such kind counts as not said."""
    whole = same_wrong if isinstance(same_wrong, str) and same_wrong.isdecimal() else "0"
    return QuestionFilter(
        relation=Relation(str(relation)) if relation in set(Relation) else None,
        pattern=Pattern(str(pattern)) if pattern in set(Pattern) else None,
        same_wrong=int(whole[:3]),
        dataset=dataset if isinstance(dataset, str) and dataset else None,
        origin=origin if isinstance(origin, str) and origin else None,
        search=str(search or "")[:500],
        order=Order(str(order)) if order in set(Order) else Order.SOURCE,
    )


def cell_html(scores: Scores, chosen: Chosen) -> markup.Html:
    """The heading of a cell and its four counts against English, summed over the scope's data sets."""
    if chosen.run is None or chosen.language is None:
        return markup.Html()
    cell = scores.grid.cell(chosen.run, chosen.language)
    if cell is None:
        name = scores.runs[chosen.run].model.name if chosen.run in scores.runs else chosen.run
        heading = markup.tag("h2", markup.text(f"{name} · {language_name(chosen.language)}"))
        rest = markup.paragraph("It is not among the rows and columns above.", "clika-empty")
        top = markup.tag("div", heading, rest, class_="clika-heading")
    else:
        top = markup.cell_heading(scores.grid, cell)
    language = chosen.language
    overlaps = [
        english_overlap(matrix, language)
        for matrix in scores.matrices
        if matrix.run == chosen.run and language in matrix.languages
    ]
    if not overlaps:
        return markup.joined(
            [top, markup.paragraph("This run has no answers in this language here.", "clika-empty")]
        )
    total = EnglishOverlap(
        both=sum(overlap.both for overlap in overlaps),
        english_only=sum(overlap.english_only for overlap in overlaps),
        language_only=sum(overlap.language_only for overlap in overlaps),
        neither=sum(overlap.neither for overlap in overlaps),
        not_comparable=sum(overlap.not_comparable for overlap in overlaps),
    )
    return markup.joined([top, markup.four_counts(total, language)])


@dataclass(frozen=True, slots=True)
class QuestionsShown:
    """One page of a cell's questions, and whether there is one before and one after it."""

    html: markup.Html
    earlier: bool
    later: bool


def _cell(view: View, chosen: Chosen) -> QuestionCell | None:
    if chosen.run is None or chosen.language is None:
        return None
    return QuestionCell(view.collection, chosen.run, chosen.language, view.datasets)


def _filter(index: Index, view: View, chosen: Chosen) -> QuestionFilter:
    """The filter with the models that the most divisive questions divide: those chosen, else all."""
    if chosen.wanted.order is not Order.DIVISIVE:
        return chosen.wanted
    known = tuple(summary.run.run for summary in run_summaries(index, view.collection))
    return replace(chosen.wanted, models=tuple(run for run in known if run in view.wish.models) or known)


def questions_shown(index: Index, view: View, chosen: Chosen) -> QuestionsShown:
    """The questions behind the selected cell; nothing where none is selected."""
    cell = _cell(view, chosen)
    if cell is None:
        return QuestionsShown(markup.Html(), False, False)
    wanted = _filter(index, view, chosen)
    page = cell_questions(index, cell, wanted, chosen.offset, QUESTIONS_A_PAGE)
    html = question_list(page, chosen.offset, cell.language, chosen.question, wanted)
    return QuestionsShown(html, chosen.offset > 0, chosen.offset + len(page.rows) < page.total)


@dataclass(frozen=True, slots=True)
class QuestionShown:
    """One question in full: its cards, its map, its place (0-based), and its neighbours as (data set, id)."""

    cards: markup.Html = markup.NOTHING
    map: markup.Html = markup.NOTHING
    place: markup.Html = markup.NOTHING
    position: int | None = None
    before: tuple[str, str] | None = None
    after: tuple[str, str] | None = None


def question_shown(index: Index, view: View, chosen: Chosen) -> QuestionShown:
    """The selected question in every language and over all models; nothing where none is selected."""
    run = chosen.answerer
    if chosen.question is None or run is None:
        return QuestionShown()
    cell = _cell(view, chosen)
    place = question_place(index, cell, _filter(index, view, chosen), chosen.question) if cell else None
    labels = run_labels([summary.run for summary in run_summaries(index, view.collection)])
    rows = prediction_rows(index, view.collection, None, *chosen.question)
    return QuestionShown(
        cards=question_in_full(index, view.collection, chosen.question, run, chosen.language, chosen.grouped),
        map=question_map(rows, labels, (run, chosen.language)),
        place=place_html(place, cell is not None),
        position=place.position if place else None,
        before=place.before if place else None,
        after=place.after if place else None,
    )


def question_in_full(
    index: Index,
    collection: str,
    question: tuple[str, str],
    run: str,
    language: str | None,
    grouped: bool = False,
) -> markup.Html:
    """A question, (data set, id), in every language with one run's answers; the card of ``language`` stands out."""
    predictions = predictions_of_question(index, collection, *question, [run])
    runs = {summary.run.run: summary.run for summary in run_summaries(index, collection)}
    label = run_labels(list(runs.values())).get(run, run)
    return question_cards(
        parallel_question(index, collection, *question),
        {prediction.language: prediction for prediction in predictions},
        Answerer(label, runs[run].rule if run in runs else None),
        language,
        grouped,
    )


def relation_choices(language: str | None) -> list[tuple[str, str]]:
    """Label and value of the four kinds of questions, and of all together."""
    if language == ENGLISH:
        return [("All", ANY_RELATION), ("Right", str(Relation.BOTH)), ("Wrong", str(Relation.NEITHER))]
    name = language_name(language) if language else "this language"
    return [
        ("All", ANY_RELATION),
        ("Both right", str(Relation.BOTH)),
        ("Only English right", str(Relation.ENGLISH_ONLY)),
        (f"Only {name} right", str(Relation.LANGUAGE_ONLY)),
        ("Both wrong", str(Relation.NEITHER)),
    ]
