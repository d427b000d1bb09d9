"""Two runs side by side as HTML."""

from clika.figures.score_grid import language_name, scope_name
from clika.metrics.answer_changes import Change, LanguageChange
from clika.ui.comparison import ChangedPage, ChangedQuestion, Comparison
from clika.ui.markup import Html, direction, joined, letter, paragraph, pick, tag, text

_NAMES = {Change.LOST: "was right, now wrong", Change.WON: "was wrong, now right"}
_HOW_TO_READ = (
    "Accuracy is over the questions that both runs answered, times 100. p is McNemar's exact test, two-sided, of the"
    " two counts beside it; with ten languages, a single p below .05 is no surprise: look for p below .005. Press a"
    " count to read its questions."
)


def differences_html(found: Comparison) -> Html:
    """Only what differs in the settings."""
    if not found.differences:
        return paragraph("Their settings are the same.")
    first, second = _names(found)
    head = tag("tr", *(tag("th", cell, scope="col") for cell in (text("Setting"), first, second)))
    rows = [
        tag(
            "tr",
            tag("th", text(one.name), scope="row"),
            *(tag("td", tag("bdi", text(value))) for value in (one.first, one.second)),
        )
        for one in found.differences
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="clika-compared")
    return joined([tag("h3", text("What differs")), tag("div", table, class_="clika-scroll")])


def changes_html(found: Comparison, chosen: tuple[str, Change] | None) -> Html:
    """Accuracies side by side, and the counts of what changed as buttons."""
    if not any(one.both_asked for one in found.by_language):
        return paragraph("No question was answered by both yet.", "clika-empty")
    first, second = _names(found)
    columns = ("Questions", first, second, "Difference", *_NAMES.values(), "p")
    head = tag(
        "tr",
        tag("th", text("Language"), scope="col"),
        *(
            tag("th", name if isinstance(name, Html) else text(name), scope="col", class_="clika-number")
            for name in columns
        ),
    )
    rows = [_row(one, chosen) for one in found.by_language if one.both_asked]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="clika-compared")
    return joined(
        [
            tag("h3", text("Answers to the same questions")),
            tag("div", table, class_="clika-scroll"),
            paragraph(_HOW_TO_READ, "clika-legend"),
        ]
    )


def _names(found: Comparison) -> tuple[Html, Html]:
    first, second = (tag("bdi", text(found.labels[run.run])) for run in (found.first, found.second))
    return first, second


def _row(one: LanguageChange, chosen: tuple[str, Change] | None) -> Html:
    before, after, p = one.first_accuracy or 0.0, one.second_accuracy or 0.0, one.p
    buttons = [
        _count(one.language, change, number, chosen == (one.language, change))
        for change, number in ((Change.LOST, one.lost), (Change.WON, one.won))
    ]
    values = (
        text(f"{one.both_asked:,}"),
        text(f"{100 * before:.2f}"),
        text(f"{100 * after:.2f}"),
        text(f"{100 * (after - before):+.2f}"),
        *buttons,
        text(p_value(p)),
    )
    return tag(
        "tr",
        tag("th", text(language_name(one.language)), scope="row"),
        *(tag("td", value, class_="clika-number") for value in values),
    )


def p_value(p: float | None) -> str:
    """.0312 -> "0.031"; a smaller one than a thousandth is said so; a dash where there is none."""
    if p is None:
        return "–"
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def _count(language: str, change: Change, number: int, pressed: bool) -> Html:
    if number == 0:
        return text("0")
    return tag(
        "button",
        text(number),
        type="button",
        class_="clika-count",
        data_language=language,
        data_change=str(change),
        aria_label=f"{language_name(language)}: {number} questions, {_NAMES[change]}",
        aria_pressed="true" if pressed else "false",
    )


def changed_list(
    found: Comparison,
    page: ChangedPage,
    offset: int,
    language: str,
    change: Change,
    selected: tuple[str, str] | None,
) -> Html:
    """One page of the questions that changed; each row's button opens its question in all languages."""
    if not page.rows:
        return paragraph("No question changed so.", "clika-empty")
    columns = ("Correct", *(found.labels[run.run] for run in (found.first, found.second)))
    head = tag("tr", *(tag("th", tag("bdi", text(name)), scope="col") for name in ("Question", *columns)))
    rows = [_changed_row(row, language, columns, selected) for row in page.rows]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="clika-questions")
    shown = (
        f"{language_name(language)}, {_NAMES[change]}: questions {offset + 1} to {offset + len(page.rows)} of"
        f" {page.total}. Press one to read it in every language."
    )
    return joined([paragraph(shown), tag("div", table, class_="clika-scroll")])


def _changed_row(
    row: ChangedQuestion, language: str, columns: tuple[str, ...], selected: tuple[str, str] | None
) -> Html:
    button = tag(
        "button",
        tag("span", text(f"{scope_name(row.dataset)} {row.question_id}"), class_="clika-id"),
        tag("span", text(row.text), lang=language, dir=direction(language), class_="clika-text"),
        type="button",
        data_dataset=row.dataset,
        data_question=row.question_id,
        aria_pressed="true" if selected == (row.dataset, row.question_id) else "false",
    )
    values = (
        letter(row.gold),
        pick(row.first_pick, row.gold, row.first_outcome),
        pick(row.second_pick, row.gold, row.second_outcome),
    )
    cells = (tag("td", text(value), data_label=name) for name, value in zip(columns, values, strict=True))
    return tag("tr", tag("td", button), *cells)
