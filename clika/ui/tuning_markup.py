"""Tunings as HTML: the list of all, one in detail, its languages, and every held-out place."""

import math
from collections.abc import Mapping, Sequence

from clika.figures.score_grid import language_name, printed
from clika.figures.tuning_curves import gate_name
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.queue import JobState
from clika.languages import ENGLISH
from clika.metrics.conductivity import Conduction, PlaceOutcome, Reading
from clika.metrics.gates import GATE_PERCENT, GateShare
from clika.records import INVALID, Gate, Metric, TrainingPoint
from clika.ui.job_markup import duration, meter, state_html
from clika.ui.jobs_watch import JobView
from clika.ui.markup import NOTHING, Html, direction, joined, notices, paragraph, tag, text
from clika.ui.tuning_view import LanguageRow, PlacePage, PlaceRow

_COLUMNS = ("Model", "Language", "State", "Steps", "Remaining", "World")
_PLACE_COLUMNS = ("Asked in English", "Answered", "Asked in {}", "Answered", "The same answer")


def tunings_table(views: Sequence[JobView], chosen: str) -> Html:
    """All conductivity jobs; each row's button opens its job."""
    jobs = [(view, view.one.job) for view in views if isinstance(view.one.job, ConductivityJob)]
    if not jobs:
        return paragraph("No model has been tuned in this store yet.", "clika-empty")
    head = tag("tr", *(tag("th", text(name), scope="col") for name in _COLUMNS))
    rows = [
        _tuning_row(view, job, view.job_id == chosen)
        for view, job in jobs
        if isinstance(job, ConductivityJob)
    ]
    table = tag(
        "table",
        tag("caption", text("Conductivity runs"), class_="clika-hidden"),
        tag("thead", head),
        tag("tbody", *rows),
        class_="clika-list clika-jobs",
    )
    return tag("div", table, class_="clika-scroll")


def _tuning_row(view: JobView, job: ConductivityJob, chosen: bool) -> Html:
    button = tag(
        "button",
        tag("bdi", text(view.one.request.name), class_="clika-text"),
        tag("span", text(view.job_id), class_="clika-id"),
        type="button",
        data_job=view.job_id,
        aria_pressed="true" if chosen else "false",
    )
    runs = view.one.state is JobState.RUNNING
    left = view.progress.seconds_left if view.progress is not None and runs else None
    steps = NOTHING
    if view.progress is not None:
        done, total = view.progress.done, view.progress.total
        steps = tag("span", meter(done, total, "steps"), text(f"{done} of {total}"), class_="clika-progress")
    cells = (
        text(language_name(job.language)),
        state_html(view.one.state),
        steps,
        text("" if left is None else duration(left)),
        tag("bdi", text(world_name(job))),
    )
    named = zip(_COLUMNS[1:], cells, strict=True)
    return tag("tr", tag("td", button), *(tag("td", cell, data_label=name) for name, cell in named))


def world_name(job: ConductivityJob) -> str:
    """Where a job's world comes from."""
    if job.world_folder is not None:
        return f"from {job.world_folder}"
    kind = "cities" if job.one_hop else job.style
    return f"seed {job.seed}, {kind}, {job.continents} × {job.places}"


def tuning_heading(view: JobView, job: ConductivityJob, points: Sequence[TrainingPoint]) -> Html:
    """Name, language and state; the last step's numbers; the sentence that there is to say of it."""
    name = tag(
        "h3",
        tag("bdi", text(view.one.request.name)),
        text(f" · {language_name(job.language)} "),
        state_html(view.one.state),
    )
    lines = []
    if points:
        lines.append(paragraph(_step_sentence(points[-1], view.one.state is JobState.RUNNING)))
    elif view.one.state is JobState.RUNNING:
        lines.append(paragraph("Loading the model, and asking it before it is taught."))
    if view.one.state is JobState.QUEUED:
        lines.append(paragraph("It starts when its devices are free."))
    if view.one.state is JobState.DONE:
        lines.append(paragraph(f"{view.sentence}."))
    told = notices([view.sentence]) if view.sentence and view.one.state is not JobState.DONE else NOTHING
    return tag("div", name, *lines, told, class_="clika-heading")


def _step_sentence(point: TrainingPoint, runs: bool) -> str:
    parts = [
        f"step {point.step:,} of {point.steps:,}",
        f"loss {point.loss:.4g}",
        f"learning rate {point.learning_rate:.3g}",
        f"{point.tokens_per_s:,.0f} tokens a second",
        f"{point.samples_per_s:,.3g} samples a second",
    ]
    if runs and point.seconds_left > 0:
        parts.append(f"{duration(point.seconds_left)} left")
    return " · ".join(parts)


def cross_retrieval_printed(found: Conduction) -> str:
    """XRR as the heatmap prints it: in parentheses where it is not established, a dash where it is undefined."""
    if math.isnan(found.xrr.value):
        return "–"
    shown = printed(found.xrr.value, Metric.XRR)
    return shown if found.gates.established else f"({shown})"


def languages_table(rows: Sequence[LanguageRow], reading: Reading) -> Html:
    """XRR by language, with its interval, the untuned floor, and the four gates; what failed is named."""
    if not rows:
        return NOTHING
    gates = (str(gate)[:1].upper() + str(gate)[1:] for gate in Gate)
    names = ("Language", "XRR", "95 % interval", "Untuned", "Both / English", *gates, "Step")
    head = tag("tr", *(tag("th", text(name), scope="col") for name in names))
    body = [_language_cells(row, row.found[reading], row.floor, reading) for row in rows]
    table = tag(
        "table",
        tag("caption", text(f"XRR by language, by what was {reading}"), class_="clika-hidden"),
        tag("thead", head),
        tag("tbody", *body),
        class_="clika-compared clika-conduction",
    )
    failed = [
        f"{language_name(row.language)}: not established, not over {GATE_PERCENT} %: "
        + "; ".join(
            f"{gate_name(share.gate, row.language)} {_share(share)}"
            for share in row.found[reading].gates.shares
            if not share.holds
        )
        for row in rows
        if not row.found[reading].gates.established
    ]
    note = paragraph(
        "(…): not established, because a gate does not hold. Both / English: held-out places right in this language"
        " and in English, of those right in English. An open mark of the curve is a look whose gates do not all hold.",
        "clika-legend",
    )
    return joined([tag("div", table, class_="clika-scroll"), note, *(paragraph(one) for one in failed)])


def _language_cells(
    row: LanguageRow, found: Conduction, floor: Mapping[Reading, Conduction] | None, reading: Reading
) -> Html:
    xrr = found.xrr
    undefined = math.isnan(xrr.value)
    interval = "–" if undefined else f"{printed(xrr.low, Metric.XRR)} to {printed(xrr.high, Metric.XRR)}"
    untuned = "not asked" if floor is None else _bare(floor[reading].xrr.value)
    numbers = (cross_retrieval_printed(found), interval, untuned, f"{xrr.both} / {xrr.english}")
    return tag(
        "tr",
        tag("th", text(language_name(row.language)), scope="row"),
        *(tag("td", text(value), class_="clika-number") for value in numbers),
        *(_gate_cell(share) for share in found.gates.shares),
        tag("td", text(f"{row.step:,}"), class_="clika-number"),
    )


def _gate_cell(share: GateShare) -> Html:
    sign = tag("span", text("✓" if share.holds else "✗"), aria_hidden="true", class_="clika-sign")
    said = tag("span", text("holds" if share.holds else "fails"), class_="clika-hidden")
    state = "clika-number" if share.holds else "clika-number is-failed-gate"
    return tag("td", sign, said, text(f" {_share(share)}"), class_=state, title=share.sentence())


def _share(share: GateShare) -> str:
    return f"{share.share:.1%}" if share.asked else "not asked"


def _bare(value: float) -> str:
    return "–" if math.isnan(value) else printed(value, Metric.XRR)


def places_table(page: PlacePage, offset: int, language: str) -> Html:
    """A page of held-out places: asked and answered in English and in X, chosen and written."""
    if not page.rows:
        return paragraph("No held-out place is of this kind.", "clika-empty")
    names = [name.format(language_name(language)) for name in _PLACE_COLUMNS]
    head = tag("tr", *(tag("th", text(name), scope="col") for name in names))
    rows = [_place_row(row, names, page, language) for row in page.rows]
    shown = f"Places {offset + 1} to {offset + len(page.rows)} of {page.total}."
    table = tag(
        "table",
        tag("caption", text("Held-out places"), class_="clika-hidden"),
        tag("thead", head),
        tag("tbody", *rows),
        class_="clika-places",
    )
    return joined([paragraph(shown), tag("div", table, class_="clika-scroll")])


def _place_row(row: PlaceRow, names: Sequence[str], page: PlacePage, language: str) -> Html:
    cells: list[Html] = []
    for code in (ENGLISH, language):
        written = {"lang": code, "dir": direction(code)}
        asked = tag("span", text(row.asked[code]), **written)
        answers = joined([_answer(row.chosen, code, page), _wrote(row, code)])
        cells += [asked, answers]
    same = [f"chosen: {_same(row.chosen)}"]
    if row.written is not None:
        same.append(f"written: {_same(row.written)}")
    cells.append(tag("span", *(tag("span", text(one), class_="clika-line clika-whole") for one in same)))
    labelled = zip(names, cells, strict=True)
    return tag("tr", *(tag("td", cell, data_label=name) for name, cell in labelled))


def _answer(place: PlaceOutcome, code: str, page: PlacePage) -> Html:
    """What was chosen, right or wrong, and what would have been right."""
    picked = place.english if code == ENGLISH else place.here
    names = page.candidates.get(code, ())
    right = picked == place.answer_index
    sign = "✓" if right else "✗"
    said = [text(f"{sign} chose "), _name(picked, names, code)]
    if not right:
        said += [text("; right: "), _name(place.answer_index, names, code)]
    return tag("span", *said, class_="clika-line")


def _name(candidate: int, names: Sequence[str], code: str) -> Html:
    if candidate < 0:
        return text("nothing: NaN logits" if candidate == INVALID else "no candidate")
    shown = names[candidate] if candidate < len(names) else str(candidate)
    return tag("bdi", text(shown), lang=code, dir=direction(code))


def _wrote(row: PlaceRow, code: str) -> Html:
    if row.written is None:
        return NOTHING
    answer = row.written.english if code == ENGLISH else row.written.here
    sign = "✓" if answer == row.written.answer_index else "✗"
    wrote = row.wrote.get(code)
    if wrote is None:
        return tag("span", text(f"{sign} wrote nothing: NaN logits"), class_="clika-line")
    said = tag("bdi", text(wrote.strip() or "an empty answer"), lang=code, dir="auto")
    return tag("span", text(f"{sign} wrote "), said, class_="clika-line")


def _same(place: PlaceOutcome) -> str:
    if not place.carried:
        return "✗ another"
    return "✓ the same" if place.here == place.answer_index else "✓ the same, wrong"


def adapter_html(command: str, folder: str, whole: bool) -> Html:
    """Where the tuned weights lie, and the command that evaluates them."""
    what = "The tuned model" if whole else "The adapter, in peft's layout,"
    return joined(
        [
            tag("p", text(f"{what} lies in "), tag("code", text(folder)), text(". To evaluate it:")),
            tag("pre", text(command), class_="clika-log", tabindex="0"),
        ]
    )
