"""HTML of the page: the one place that escapes. Whatever is not ``Html`` is text and is shown as text.

Model names, questions and answers come from files that anybody may have written.
"""

import html
import math
from collections.abc import Mapping, Sequence

from clika.database.queries import QuestionPage, QuestionRow
from clika.figures.colours import cell_colours
from clika.figures.score_grid import METRIC_NAMES, CellState, ScoreCell, ScoreGrid, language_name, scope_name
from clika.languages import ALL_LANGUAGES, ENGLISH, LANGUAGES, Direction
from clika.metrics.english_overlap import EnglishOverlap
from clika.records import LETTERS, Kind, Outcome, Prediction, Question

GOLD_SIGN = "✓"
PICKED_SIGN = "●"


class Html(str):
    """Markup that is safe to show: made by this module alone."""

    __slots__ = ()


NOTHING = Html()


def text(value: object) -> Html:
    """A value as text, with everything that HTML would read escaped."""
    return Html(html.escape(str(value)))


def tag(name: str, *content: Html, **attributes: str | bool | None) -> Html:
    """An element. ``class_`` and ``data_run`` become ``class`` and ``data-run``; None, False are left out."""
    written = "".join(
        f" {key.rstrip('_').replace('_', '-')}" + ("" if value is True else f'="{html.escape(str(value))}"')
        for key, value in attributes.items()
        if value is not None and value is not False
    )
    return Html(f"<{name}{written}>{''.join(content)}</{name}>")


def joined(parts: Sequence[Html], between: str = "") -> Html:
    """Pieces of markup one after the other, ``between`` being text."""
    return Html(text(between).join(parts))


def paragraph(sentence: str, class_: str | None = None) -> Html:
    """One paragraph of text."""
    return tag("p", text(sentence), class_=class_)


def notices(sentences: Sequence[str]) -> Html:
    """Sentences that a person should see above the page; nothing where there are none."""
    if not sentences:
        return NOTHING
    return tag("div", *(paragraph(sentence) for sentence in sentences), class_="clika-notices", role="status")


def definitions(pairs: Sequence[tuple[str, str]]) -> Html:
    """Names and values, one pair a line."""
    entries = (tag("div", tag("dt", text(name)), tag("dd", tag("bdi", text(value)))) for name, value in pairs)
    return tag("dl", *entries, class_="clika-settings")


def direction(language: str) -> str:
    """HTML's ``dir`` of a language; left to right where ALL_LANGUAGES does not have it."""
    return str(ALL_LANGUAGES[language].direction if language in ALL_LANGUAGES else Direction.LEFT_TO_RIGHT)


def letter(choice: int) -> str:
    """0 -> A."""
    return LETTERS[choice] if 0 <= choice < len(LETTERS) else str(choice + 1)


def score_table_html(grid: ScoreGrid, dark: bool, selected: tuple[str, str] | None = None) -> Html:
    """The grid as a table of buttons: what the heatmap says, for the keyboard and for screen readers."""
    head = tag(
        "tr",
        tag("th", text("model"), scope="col"),
        *(
            tag("th", text(language_name(code)), tag("span", text(code)), scope="col")
            for code in grid.languages
        ),
    )
    rows = [
        tag(
            "tr",
            tag("th", text(label), scope="row", title=label),
            *(_score_button(cell, label, dark, selected) for cell in cells),
        )
        for label, cells in zip(grid.labels, grid.cells, strict=True)
    ]
    caption = tag("caption", text(f"{METRIC_NAMES[grid.metric]}, {scope_name(grid.scope)}"))
    table = tag("table", caption, tag("thead", head), tag("tbody", *rows), class_="clika-scores")
    return tag("div", table, class_="clika-scroll")


def _score_button(cell: ScoreCell, label: str, dark: bool, selected: tuple[str, str] | None) -> Html:
    colours = cell_colours(cell, dark)
    button = tag(
        "button",
        text(cell.printed),
        type="button",
        class_="clika-cell",
        style=f"background:{colours.background};color:{colours.text}",
        data_run=cell.run,
        data_language=cell.language,
        aria_label=f"{label}, {language_name(cell.language)}: {cell.sentence}",
        aria_pressed="true" if selected == (cell.run, cell.language) else "false",
        title=cell.sentence,
        disabled=cell.state is CellState.NOT_RUN,
    )
    return tag("td", button)


def cell_heading(grid: ScoreGrid, cell: ScoreCell) -> Html:
    """Model, language and value of the selected cell."""
    what = f"{METRIC_NAMES[grid.metric]}, {scope_name(grid.scope)}: {cell.sentence}"
    name = f"{grid.label(cell.run)} · {language_name(cell.language)}"
    return tag("div", tag("h3", text(name)), paragraph(what), class_="clika-heading")


def four_counts(overlap: EnglishOverlap, language: str) -> Html:
    """How the language's answers stand to the English answers to the same questions."""
    if language == ENGLISH:
        right, wrong = overlap.both, overlap.neither
        return joined(
            [
                tag("dl", _count("Right", right), _count("Wrong", wrong), class_="clika-counts"),
                paragraph("This is English itself, which the other languages are compared with."),
            ]
        )
    name = language_name(language)
    counts = tag(
        "dl",
        _count("Both right", overlap.both),
        _count("Only English right", overlap.english_only),
        _count(f"Only {name} right", overlap.language_only),
        _count("Both wrong", overlap.neither),
        class_="clika-counts",
    )
    if overlap.not_comparable == 0:
        return counts
    left_out = (
        f"{overlap.not_comparable} questions have no answer in English or none in {name}: not compared."
    )
    return joined([counts, paragraph(left_out)])


def _count(name: str, number: int) -> Html:
    return tag("div", tag("dt", text(name)), tag("dd", text(number)))


def question_list(page: QuestionPage, offset: int, language: str, selected: tuple[str, str] | None) -> Html:
    """One page of a cell's questions; each row's button opens its question in all languages."""
    if not page.rows:
        return paragraph("No question of this cell is of this kind.", "clika-empty")
    first, last = offset + 1, offset + len(page.rows)
    head = tag(
        "tr",
        *(tag("th", text(name), scope="col") for name in ("Question", *_value_columns(language))),
    )
    rows = [_question_row(row, language, selected) for row in page.rows]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="clika-questions")
    shown = f"Questions {first} to {last} of {page.total}. Press one to read it in every language."
    return joined([paragraph(shown), tag("div", table, class_="clika-scroll")])


def _value_columns(language: str) -> tuple[str, ...]:
    """The columns beside a question; English stands beside the cell's language, once where they are one."""
    answers = dict.fromkeys((language_name(ENGLISH), language_name(language)))
    return ("Correct", *answers, "Languages right")


def _question_row(row: QuestionRow, language: str, selected: tuple[str, str] | None) -> Html:
    pressed = selected == (row.dataset, row.question_id)
    button = tag(
        "button",
        tag("span", text(f"{scope_name(row.dataset)} {row.question_id}"), class_="clika-id"),
        tag("span", text(row.text), lang=language, dir=direction(language), class_="clika-text"),
        type="button",
        data_dataset=row.dataset,
        data_question=row.question_id,
        aria_pressed="true" if pressed else "false",
    )
    gold = row.answer_index
    picks = [pick(row.chosen, gold, row.outcome)]
    if language != ENGLISH:
        picks.insert(0, pick(row.english_chosen, gold, None))
    values = (letter(gold), *picks, f"{row.languages_right} of {row.languages_asked}")
    return tag(
        "tr",
        tag("td", button),
        *(
            tag("td", text(value), data_label=name)
            for name, value in zip(_value_columns(language), values, strict=True)
        ),
    )


def pick(chosen: int | None, gold: int, outcome: Outcome | None) -> str:
    """What was picked and whether it is right; why there is no pick; a dash where nothing was asked."""
    if chosen is not None:
        return f"{letter(chosen)} {'✓ right' if chosen == gold else '✗ wrong'}"
    if outcome is Outcome.UNPARSEABLE:
        return "✗ no option named"
    if outcome is Outcome.INVALID:
        return "invalid"
    return "–"


def question_cards(
    questions: Sequence[Question], predictions: Mapping[str, Prediction], model: str, selected: str | None
) -> Html:
    """One question in every language side by side, with what the model picked.

    ``predictions`` is language -> the model's answer; ``selected`` the language of the selected cell.
    """
    if not questions:
        return paragraph("The store does not hold this question's text.", "clika-empty")
    first = questions[0]
    origin = f" · origin: {language_name(first.origin)}" if first.origin else ""
    heading = tag("h3", text(f"{scope_name(first.dataset)} {first.question_id}{origin}"))
    legend = paragraph(f"{GOLD_SIGN} correct answer   {PICKED_SIGN} picked by {model}", "clika-legend")
    cards = [
        _card(question, predictions.get(question.language), question.language == selected)
        for question in questions
    ]
    held = {question.language for question in questions}
    missing = [language.name for code, language in LANGUAGES.items() if code not in held]
    rest = paragraph(f"This collection does not hold it in {', '.join(missing)}.") if missing else NOTHING
    return joined([heading, legend, tag("div", *cards, class_="clika-cards"), rest])


def _card(question: Question, prediction: Prediction | None, selected: bool) -> Html:
    language = ALL_LANGUAGES.get(question.language)
    own = language.own_name if language else question.language
    written = {"lang": question.language, "dir": direction(question.language)}
    names = [tag("span", text(own), class_="clika-own", **written)]
    if own != language_name(question.language):
        names.append(tag("span", text(language_name(question.language))))
    premise = [paragraph_in(question.premise, written, "clika-premise")] if question.premise else []
    asked = question.text or {Kind.CAUSE: "Cause?", Kind.EFFECT: "Effect?"}.get(question.kind, "")
    chosen = prediction.chosen_index if prediction else None
    options = [
        _option(place, choice, place == question.answer_index, place == chosen, written)
        for place, choice in enumerate(question.choices)
    ]
    prompt = (
        [
            tag(
                "details",
                tag("summary", text("The source's own prompt")),
                tag("pre", text(question.source_prompt), **written),
            )
        ]
        if question.source_prompt
        else []
    )
    return tag(
        "article",
        tag("header", *names, tag("code", text(question.language))),
        *premise,
        paragraph_in(asked, written, "clika-asked"),
        tag("ol", *options, class_="clika-options", **written),
        tag("div", *_verdict(question, prediction), class_="clika-verdict"),
        *prompt,
        class_="clika-card clika-selected" if selected else "clika-card",
        aria_label=language_name(question.language),
    )


def paragraph_in(sentence: str, written: Mapping[str, str], class_: str) -> Html:
    """A paragraph with the ``lang`` and ``dir`` of its language."""
    return tag("p", text(sentence), class_=class_, **written)


def _option(place: int, choice: str, gold: bool, picked: bool, written: Mapping[str, str]) -> Html:
    marks = [
        tag("span", text(f"{GOLD_SIGN} correct answer"), class_="clika-gold", lang="en", dir="ltr")
        if gold
        else None,
        tag("span", text(f"{PICKED_SIGN} picked"), class_="clika-picked", lang="en", dir="ltr")
        if picked
        else None,
    ]
    kinds = [name for name, holds in (("is-gold", gold), ("is-picked", picked)) if holds]
    return tag(
        "li",
        tag("span", text(f"{letter(place)}."), class_="clika-letter"),
        tag(
            "span",
            tag("bdi", text(choice)),
            *(mark for mark in marks if mark),
            class_="clika-choice",
            **written,
        ),
        class_=" ".join(kinds) or None,
    )


def _verdict(question: Question, prediction: Prediction | None) -> list[Html]:
    if prediction is None:
        return [paragraph("Not asked in this language.")]
    if prediction.outcome is Outcome.INVALID:
        return [paragraph("Invalid: the model's logits were not numbers.")]
    if prediction.outcome is Outcome.UNPARSEABLE:
        raw = prediction.raw_text
        if raw is None or not raw.strip():
            return [paragraph("✗ Wrong: the answer is empty.")]
        return [
            paragraph("✗ Wrong: the answer names none of the options. As it was written:"),
            tag("pre", text(raw), dir="auto"),
        ]
    right = prediction.chosen_index == question.answer_index
    lines = [paragraph("✓ Right" if right else "✗ Wrong")]
    if prediction.letter_mass is not None and not math.isnan(prediction.letter_mass):
        lines.append(paragraph(f"Probability of all letters together: {prediction.letter_mass:.3f}"))
    return lines


def toast(sentence: str) -> str:
    """An error's sentence for Gradio's pop-up, which reads HTML."""
    return str(text(sentence))
