"""Questions as HTML: the list of a cell, one question in all its languages, and the map of who picked what."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clika.database.cell_questions import (
    ANY_QUESTION,
    Order,
    Place,
    QuestionFilter,
    QuestionPage,
    QuestionRow,
)
from clika.database.queries import PredictionRow
from clika.figures.score_grid import language_name, scope_name
from clika.languages import ALL_LANGUAGES, ENGLISH, LANGUAGES
from clika.records import Kind, Outcome, Prediction, Question, ScoringRule
from clika.ui.markup import NOTHING, Html, direction, joined, letter, paragraph, pick, tag, text

GOLD_SIGN = "✓"
PICKED_SIGN = "●"


@dataclass(frozen=True, slots=True)
class Answerer:
    """The model whose answers stand on the cards, and the rule that it chose by."""

    label: str
    rule: ScoringRule | None = None


def question_list(
    page: QuestionPage,
    offset: int,
    language: str,
    selected: tuple[str, str] | None,
    wanted: QuestionFilter = ANY_QUESTION,
) -> Html:
    """One page of a cell's questions; each row's button opens its question in all languages."""
    if not page.rows:
        return paragraph("No question of this cell is of this kind.", "clika-empty")
    first, last = offset + 1, offset + len(page.rows)
    columns = _value_columns(language, page.rows, wanted)
    head = tag("tr", *(tag("th", text(name), scope="col") for name in ("Question", *columns)))
    rows = [_question_row(row, language, columns, selected) for row in page.rows]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="clika-questions")
    shown = f"Questions {first} to {last} of {page.total}. Press one to read it in every language."
    scroll = tag("div", table, class_="clika-scroll", tabindex="0", role="region", aria_label="Questions")
    return joined([paragraph(shown), scroll])


def _value_columns(language: str, rows: Sequence[QuestionRow], wanted: QuestionFilter) -> tuple[str, ...]:
    """The columns beside a question; English stands beside the cell's language, once where they are one."""
    answers = tuple(dict.fromkeys((language_name(ENGLISH), language_name(language))))
    margin = ("Margin",) if any(row.margin is not None for row in rows) else ()
    models = ("Models right",) if wanted.order is Order.DIVISIVE else ()
    return ("Correct", *answers, *margin, "Languages right", *models)


def _question_row(
    row: QuestionRow, language: str, columns: tuple[str, ...], selected: tuple[str, str] | None
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
    gold = row.answer_index
    values = {
        "Correct": letter(gold),
        language_name(ENGLISH): pick(row.english_chosen, gold, row.english_outcome),
        language_name(language): pick(row.chosen, gold, row.outcome),
        "Margin": "–" if row.margin is None or math.isnan(row.margin) else f"{row.margin:.2f}",
        "Languages right": f"{row.languages_right} of {row.languages_asked}",
        "Models right": f"{row.models_right} of {row.models}",
    }
    return tag("tr", tag("td", button), *(tag("td", text(values[name]), data_label=name) for name in columns))


def place_html(place: Place | None, total: int) -> Html:
    """Where the question stands in the list."""
    if place is None:
        return paragraph("This question is not among those listed.") if total else NOTHING
    return paragraph(f"{place.position + 1} of {place.total} in the list")


def question_cards(
    questions: Sequence[Question],
    predictions: Mapping[str, Prediction],
    model: Answerer,
    selected: str | None,
    grouped: bool = False,
) -> Html:
    """One question in every language side by side, English pinned before the others, with what the model picked.

    ``predictions`` is language -> the model's answer; ``selected`` the language of the selected cell. ``grouped``
    puts the languages together that picked the same option.
    """
    if not questions:
        return paragraph("The store does not hold this question's text.", "clika-empty")
    first = questions[0]
    origin = f" · origin: {language_name(first.origin)}" if first.origin else ""
    heading = tag("h2", text(f"{scope_name(first.dataset)} {first.question_id}{origin}"), tabindex="-1")
    scored = any(option_shares(one, model.rule) for one in predictions.values())
    legend = tag(
        "p",
        text(f"{GOLD_SIGN} correct answer   {PICKED_SIGN} picked by "),
        tag("bdi", text(model.label)),
        text("   Bars: each option's share of the probability of all options." if scored else ""),
        class_="clika-legend",
    )

    def card(question: Question) -> Html:
        prediction = predictions.get(question.language)
        return _card(
            question, prediction, option_shares(prediction, model.rule), question.language == selected
        )

    english = [card(question) for question in questions if question.language == ENGLISH]
    others = [question for question in questions if question.language != ENGLISH]
    if grouped:
        beside = joined(
            [_group(name, [card(one) for one in group]) for name, group in _groups(others, predictions)]
        )
    else:
        beside = tag("div", *(card(question) for question in others), class_="clika-cards")
    held = {question.language for question in questions}
    missing = [language.name for code, language in LANGUAGES.items() if code not in held]
    rest = paragraph(f"This collection does not hold it in {', '.join(missing)}.") if missing else NOTHING
    pinned = tag("div", *english, class_="clika-pinned") if english else NOTHING
    return joined([heading, legend, tag("div", pinned, tag("div", beside), class_="clika-beside"), rest])


def _groups(
    questions: Sequence[Question], predictions: Mapping[str, Prediction]
) -> list[tuple[str, list[Question]]]:
    """Languages by what they picked: the right option first, then by how many picked it."""
    found: dict[int, list[Question]] = {}
    for question in questions:
        prediction = predictions.get(question.language)
        chosen = prediction.chosen_index if prediction else None
        found.setdefault(
            len(question.choices) + (prediction is None) if chosen is None else chosen, []
        ).append(question)
    gold, options = (
        questions[0].answer_index if questions else 0,
        len(questions[0].choices) if questions else 0,
    )

    def name(pick: int) -> str:
        if pick >= options:
            return "No option picked" if pick == options else "Not asked"
        return f"{letter(pick)}{f' {GOLD_SIGN} correct answer' if pick == gold else ''}"

    order = sorted(found, key=lambda pick: (pick != gold, pick >= options, -len(found[pick]), pick))
    return [(f"{name(pick)}: {len(found[pick])}", found[pick]) for pick in order]


def _group(name: str, cards: Sequence[Html]) -> Html:
    return tag("section", tag("h3", text(name)), tag("div", *cards, class_="clika-cards"), aria_label=name)


def option_shares(prediction: Prediction | None, rule: ScoringRule | None) -> tuple[float, ...]:
    """Each option's share (0 to 1) of the probability of all options, by the run's rule; empty without scores."""
    if prediction is None or rule is None:
        return ()
    scores = prediction.scores.get(rule, ())
    if not scores or not all(math.isfinite(score) for score in scores):
        return ()
    best = max(scores)
    weights = [math.exp(score - best) for score in scores]
    return tuple(weight / sum(weights) for weight in weights)


def _card(question: Question, prediction: Prediction | None, shares: Sequence[float], selected: bool) -> Html:
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
        _option(
            place,
            choice,
            place == question.answer_index,
            place == chosen,
            shares[place] if place < len(shares) else None,
            written,
        )
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


def _option(
    place: int, choice: str, gold: bool, picked: bool, share: float | None, written: Mapping[str, str]
) -> Html:
    marks = [
        tag("span", text(f"{GOLD_SIGN} correct answer"), class_="clika-gold", lang="en", dir="ltr")
        if gold
        else None,
        tag("span", text(f"{PICKED_SIGN} picked"), class_="clika-picked", lang="en", dir="ltr")
        if picked
        else None,
    ]
    bar = NOTHING
    if share is not None:
        bar = tag(
            "span",
            tag(
                "span",
                tag("span", style=f"width:{share * 100:.1f}%"),
                class_="clika-share",
                aria_hidden="true",
            ),
            text(f"{share * 100:.1f} %"),
            class_="clika-probability",
            lang="en",
            dir="ltr",
        )
    kinds = [name for name, holds in (("is-gold", gold), ("is-picked", picked)) if holds]
    return tag(
        "li",
        tag("span", text(f"{letter(place)}."), class_="clika-letter"),
        tag(
            "span",
            tag("bdi", text(choice)),
            *(mark for mark in marks if mark),
            bar,
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


def question_map(
    rows: Sequence[PredictionRow], labels: Mapping[str, str], selected: tuple[str, str | None] | None
) -> Html:
    """One question over all models and languages: what each picked, right or wrong by sign and colour.

    ``labels`` are the rows, run -> name; ``selected`` is (run, language). A cell opens its model's cards.
    """
    answers = {(row.prediction.run, row.prediction.language): row for row in rows}
    seen = {language for _, language in answers}
    languages = [*(code for code in ALL_LANGUAGES if code in seen), *sorted(seen - set(ALL_LANGUAGES))]
    head = tag(
        "tr",
        tag("th", text("model"), scope="col"),
        *(tag("th", tag("abbr", text(code), title=language_name(code)), scope="col") for code in languages),
    )
    body = [
        tag(
            "tr",
            tag("th", tag("bdi", text(label)), scope="row", title=label),
            *(_map_cell(run, code, answers.get((run, code)), selected) for code in languages),
        )
        for run, label in labels.items()
        if any((run, code) in answers for code in languages)
    ]
    table = tag("table", tag("thead", head), tag("tbody", *body), class_="clika-map")
    legend = paragraph("The option that each picked: ✓ right, ✗ wrong; ? named none, ! invalid, · not asked.")
    scroll = tag(
        "div",
        table,
        class_="clika-scroll",
        tabindex="0",
        role="region",
        aria_label="All models and languages",
    )
    return joined([legend, scroll])


def _map_cell(
    run: str, language: str, row: PredictionRow | None, selected: tuple[str, str | None] | None
) -> Html:
    if row is None:
        return tag("td", text("·"))
    prediction = row.prediction
    if prediction.chosen_index is None:
        sign, kind = ("!", None) if prediction.outcome is Outcome.INVALID else ("? ✗", "is-wrong")
        said = "invalid" if prediction.outcome is Outcome.INVALID else "named no option, wrong"
    else:
        right = prediction.chosen_index == row.answer_index
        sign = f"{letter(prediction.chosen_index)} {'✓' if right else '✗'}"
        kind, said = ("is-right", f"{sign[0]}, right") if right else ("is-wrong", f"{sign[0]}, wrong")
    button = tag(
        "button",
        text(sign),
        type="button",
        class_=kind,
        data_run=run,
        data_language=language,
        aria_label=f"{language_name(language)}: {said}",
        aria_pressed="true" if selected == (run, language) else None,
    )
    return tag("td", button)
