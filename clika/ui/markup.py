"""HTML of the page: the one place that escapes. Whatever is not ``Html`` is text and is shown as text.

Model names, questions and answers come from files that anybody may have written.
"""

import html
from collections.abc import Sequence

from clika.figures.colours import cell_colours
from clika.figures.score_grid import CellState, ScoreCell, ScoreGrid, column_head, language_name
from clika.languages import ALL_LANGUAGES, ENGLISH, Direction
from clika.metrics.english_overlap import EnglishOverlap
from clika.records import LETTERS, Outcome


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


def score_table_html(
    grid: ScoreGrid, dark: bool, selected: tuple[str, str] | None = None, sort: str = ""
) -> Html:
    """The grid as a table of buttons: what the heatmap says, for the keyboard and for screen readers.

    The columns' heads are buttons that sort: ``data-sort`` is what they ask for; ``sort`` is what holds now.
    """
    head = tag(
        "tr",
        tag("th", tag("button", text("model"), type="button", data_sort=""), scope="col"),
        *(_column_head(code, sort) for code in grid.languages),
    )
    rows = [
        tag(
            "tr",
            tag("th", tag("bdi", text(label)), scope="row", title=label),
            *(_score_button(grid, cell, label, dark, selected) for cell in cells),
        )
        for label, cells in zip(grid.labels, grid.cells, strict=True)
    ]
    caption = tag("caption", text(grid.title))
    table = tag("table", caption, tag("thead", head), tag("tbody", *rows), class_="clika-scores")
    return tag("div", table, class_="clika-scroll", tabindex="0", role="region", aria_label=grid.title)


def _column_head(code: str, sort: str) -> Html:
    name, below = column_head(code)
    order = {code: "descending", f"-{code}": "ascending"}.get(sort)
    sign = {"descending": " ↓", "ascending": " ↑"}.get(order or "", "")
    button = tag(
        "button",
        text(f"{name}{sign}"),
        tag("span", text(below)),
        type="button",
        data_sort=f"-{code}" if order == "descending" else code,
        title="Sort by this column",
    )
    return tag("th", button, scope="col", aria_sort=order)


def _score_button(
    grid: ScoreGrid, cell: ScoreCell, label: str, dark: bool, selected: tuple[str, str] | None
) -> Html:
    colours = cell_colours(cell, dark, grid.extent)
    style = f"background:{colours.background};color:{colours.text}"
    if not cell.selectable and cell.state is not CellState.NOT_RUN:
        return tag(
            "td", tag("span", text(cell.printed), class_="clika-cell", style=style, title=cell.sentence)
        )
    button = tag(
        "button",
        text(cell.printed),
        type="button",
        class_="clika-cell",
        style=style,
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
    name = joined([tag("bdi", text(grid.label(cell.run))), text(f" · {language_name(cell.language)}")])
    return tag("div", tag("h2", name), paragraph(f"{grid.title}: {cell.sentence}"), class_="clika-heading")


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


def pick(chosen: int | None, gold: int, outcome: Outcome | None) -> str:
    """What was picked and whether it is right; why there is no pick; a dash where nothing was asked."""
    if chosen is not None:
        return f"{letter(chosen)} {'✓ right' if chosen == gold else '✗ wrong'}"
    if outcome is Outcome.UNPARSEABLE:
        return "✗ no option named"
    if outcome is Outcome.INVALID:
        return "invalid"
    return "–"


def toast(sentence: str) -> str:
    """An error's sentence for Gradio's pop-up, which reads HTML."""
    return str(text(sentence))
