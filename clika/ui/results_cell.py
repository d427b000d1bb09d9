"""The way down from a cell of the heatmap: its counts, its questions a page at a time, one question in full."""

from dataclasses import dataclass

from clika.database.index import Index
from clika.database.queries import (
    Relation,
    cell_questions,
    parallel_question,
    predictions_of_question,
    run_summaries,
)
from clika.errors import UsageError
from clika.figures.score_grid import language_name
from clika.languages import ALL_LANGUAGES, ENGLISH
from clika.metrics.english_overlap import EnglishOverlap, english_overlap
from clika.ui import markup
from clika.ui.results_view import Scores, View
from clika.ui.run_labels import run_labels

QUESTIONS_A_PAGE = 20
ANY_RELATION = "all"


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a person has selected: a cell, a page and kind of its questions, one question."""

    run: str | None = None
    language: str | None = None
    relation: Relation | None = None
    offset: int = 0
    dataset: str | None = None
    question_id: str | None = None

    @property
    def cell(self) -> tuple[str, str] | None:
        """(run, language) of the selected cell."""
        return (self.run, self.language) if self.run and self.language else None

    @property
    def question(self) -> tuple[str, str] | None:
        """(data set, question id) of the selected question."""
        return (self.dataset, self.question_id) if self.dataset and self.question_id else None


def checked_cell(index: Index, collection: str, run: object, language: object) -> tuple[str, str]:
    """A cell as a click names it. Raises UsageError for a run or language that is not there."""
    known = {summary.run.run for summary in run_summaries(index, collection)}
    if not isinstance(run, str) or run not in known:
        raise UsageError(f"no run {run!r} over collection {collection!r}; press a cell of the heatmap")
    if not isinstance(language, str) or language not in ALL_LANGUAGES:
        raise UsageError(f"no language {language!r}; known: {', '.join(ALL_LANGUAGES)}")
    return run, language


def cell_html(scores: Scores, chosen: Chosen) -> markup.Html:
    """The heading of a cell and its four counts against English, summed over the scope's data sets."""
    if chosen.run is None or chosen.language is None:
        return markup.Html()
    cell = scores.grid.cell(chosen.run, chosen.language)
    if cell is None:
        return markup.paragraph("This run has no answers in this language here.", "clika-empty")
    language = chosen.language
    overlaps = [
        english_overlap(matrix, language)
        for matrix in scores.matrices
        if matrix.run == chosen.run and language in matrix.languages
    ]
    total = EnglishOverlap(
        both=sum(overlap.both for overlap in overlaps),
        english_only=sum(overlap.english_only for overlap in overlaps),
        language_only=sum(overlap.language_only for overlap in overlaps),
        neither=sum(overlap.neither for overlap in overlaps),
        not_comparable=sum(overlap.not_comparable for overlap in overlaps),
    )
    return markup.joined([markup.cell_heading(scores.grid, cell), markup.four_counts(total, language)])


@dataclass(frozen=True, slots=True)
class QuestionsShown:
    """One page of a cell's questions, and whether there is one before and one after it."""

    html: markup.Html
    earlier: bool
    later: bool


def questions_shown(index: Index, view: View, chosen: Chosen) -> QuestionsShown:
    """The questions behind the selected cell; nothing where none is selected."""
    if chosen.run is None or chosen.language is None:
        return QuestionsShown(markup.Html(), False, False)
    page = cell_questions(
        index, chosen.run, view.datasets, chosen.language, chosen.relation, chosen.offset, QUESTIONS_A_PAGE
    )
    html = markup.question_list(page, chosen.offset, chosen.language, chosen.question)
    return QuestionsShown(html, chosen.offset > 0, chosen.offset + len(page.rows) < page.total)


def question_html(index: Index, view: View, chosen: Chosen) -> markup.Html:
    """The selected question in every language, with the selected run's answers."""
    if chosen.question is None or chosen.run is None:
        return markup.NOTHING
    return question_in_full(index, view.collection, chosen.question, chosen.run, chosen.language)


def question_in_full(
    index: Index, collection: str, question: tuple[str, str], run: str, language: str | None
) -> markup.Html:
    """A question, (data set, id), in every language with one run's answers; the card of ``language`` stands out."""
    predictions = predictions_of_question(index, collection, *question, [run])
    runs = [summary.run for summary in run_summaries(index, collection)]
    return markup.question_cards(
        parallel_question(index, collection, *question),
        {prediction.language: prediction for prediction in predictions},
        run_labels(runs).get(run, run),
        language,
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
