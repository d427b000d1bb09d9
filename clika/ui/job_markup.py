"""Jobs as HTML: the table of all, and the parts of one in detail."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from clika.errors import JobError
from clika.figures.score_grid import language_name
from clika.jobs.any_job import Job
from clika.jobs.conductivity_spec import ConductivityJob
from clika.jobs.queue import JobState
from clika.languages import ALL_LANGUAGES
from clika.ui.jobs_watch import JobView
from clika.ui.markup import NOTHING, Html, definitions, joined, notices, paragraph, tag, text

LOG_LINES = 200
MOST_IN_TABLE = 20
_BY_LANGUAGE = "Answered of what is to answer, by model and language"
SIGNS: Mapping[JobState, str] = {
    JobState.QUEUED: "○",
    JobState.SUBMITTED: "○",
    JobState.RUNNING: "▶",
    JobState.ENDING: "◼",
    JobState.DONE: "✓",
    JobState.FAILED: "✗",
    JobState.CANCELLED: "◼",
    JobState.PAUSED: "‖",
    JobState.INTERRUPTED: "!",
}
_COLUMNS = ("Job", "State", "Answered", "Rate", "Remaining", "Devices")
_SETTINGS: Mapping[str, str] = {
    "model": "Model",
    "collection": "Collection",
    "datasets": "Data sets",
    "languages": "Languages",
    "limit": "Questions a data set",
    "template": "Template",
    "demonstrations": "Demonstrations",
    "rotate_demonstrations": "Rotated demonstrations",
    "permutations": "Orders of the options",
    "rule": "Scoring rule",
    "dtype": "Number format",
    "device": "Device",
    "replicas": "Replicas",
    "gpus_per_replica": "GPUs a replica",
    "cores": "Cores a replica",
    "batch_tokens": "Tokens a batch",
}


def duration(seconds: float) -> str:
    """0.2 -> "under a second"; 41 -> "41 s"; 400 -> "7 min"; 4,000 -> "1 h 7 min"; 100,000 -> "1 d 4 h"."""
    if seconds < 1:
        return "under a second"
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24} h"


def jobs_table(views: Sequence[JobView], chosen: str) -> Html:
    """All jobs; each row's button opens its job."""
    if not views:
        return paragraph("No job yet. The tab New run makes one.", "clika-empty")
    head = tag("tr", *(tag("th", text(name), scope="col") for name in _COLUMNS))
    table = tag(
        "table",
        tag("caption", text("Jobs"), class_="clika-hidden"),
        tag("thead", head),
        tag("tbody", *(_row(view, view.job_id == chosen) for view in views)),
        class_="clika-list clika-jobs",
    )
    return tag("div", table, class_="clika-scroll")


def _row(view: JobView, chosen: bool) -> Html:
    button = tag(
        "button",
        tag("bdi", text(view.one.request.name), class_="clika-text"),
        tag("span", text(view.job_id), class_="clika-id"),
        type="button",
        data_job=view.job_id,
        aria_pressed="true" if chosen else "false",
    )
    runs = view.one.state is JobState.RUNNING
    cells = (
        state_html(view.one.state),
        _answered(view),
        text(rate(view) if runs else ""),
        text(_remaining(view) if runs else ""),
        text(", ".join(view.devices)),
    )
    named = zip(_COLUMNS[1:], cells, strict=True)
    return tag("tr", tag("td", button), *(tag("td", cell, data_label=name) for name, cell in named))


def state_html(state: JobState) -> Html:
    """The state as a sign and a word."""
    sign = tag("span", text(SIGNS[state]), aria_hidden="true", class_="clika-sign")
    return tag("span", sign, text(state), class_=f"clika-state is-{state}")


def _answered(view: JobView) -> Html:
    if view.answered is None:
        return NOTHING
    done, total = view.answered
    shown = f"{done} of {total}{_unit(view)}"
    return tag("span", meter(done, total, "done"), text(shown), class_="clika-progress")


def _unit(view: JobView) -> str:
    """What is counted, where it is not questions."""
    unit = view.progress.unit if view.progress else "questions"
    return "" if unit == "questions" else f" {unit}"


def meter(done: int, total: int, what: str) -> Html:
    """A bar that is ``done`` of ``total`` long; the numbers stand beside it for everybody."""
    share = 100 * done / total if total else 0.0
    inner = tag("span", style=f"width:{share:.1f}%")
    return tag("span", inner, class_="clika-meter", title=f"{done} of {total} {what}", aria_hidden="true")


def rate(view: JobView) -> str:
    """Questions a second; empty where unknown."""
    known = view.progress.rate if view.progress else None
    return f"{known:.1f} a second" if known else ""


def _remaining(view: JobView) -> str:
    left = view.progress.seconds_left if view.progress else None
    return duration(left) if left is not None else ""


def job_heading(view: JobView) -> Html:
    """Name, state and how far one job is, and the sentence that there is to say of it."""
    known = [
        f"{view.answered[0]} of {view.answered[1]}{_unit(view) or ' questions answered'}"
        if view.answered
        else "",
        *((rate(view), f"{_remaining(view)} left" if _remaining(view) else "") if _runs(view) else ()),
        f"on {', '.join(view.devices)}" if _runs(view) and view.devices else "",
    ]
    name = tag("h2", tag("bdi", text(view.one.request.name)), text(" "), state_html(view.one.state))
    lines = [paragraph(" · ".join(part for part in known if part))] if any(known) else []
    if _runs(view) and view.progress is None:
        lines.append(paragraph("Loading the model."))
    if view.one.state is JobState.QUEUED:
        lines.append(paragraph("It starts when its devices are free."))
    told = notices([view.sentence]) if view.sentence and view.one.state is not JobState.DONE else NOTHING
    if view.one.state is JobState.DONE:
        lines.append(paragraph(f"{view.sentence}."))
    return tag("div", name, *lines, told, class_="clika-heading")


def _runs(view: JobView) -> bool:
    return view.one.state is JobState.RUNNING


def job_languages(view: JobView) -> Html:
    """How many questions are answered, language by language."""
    if view.progress is None or not view.progress.languages:
        return NOTHING
    rows = [
        tag(
            "tr",
            tag("th", text(language_name(code)), scope="row"),
            tag("td", meter(done, total, "answered"), class_="clika-wide"),
            tag("td", text(f"{done} of {total}"), class_="clika-number"),
        )
        for code, (done, total) in view.progress.languages.items()
    ]
    table = tag("table", tag("tbody", *rows), class_="clika-languages")
    kept = view.progress.kept
    rest = [paragraph(f"{kept} more were answered before and are left out here.")] if kept else []
    return joined([tag("h3", text("By language")), table, *rest])


def languages_table(views: Sequence[JobView]) -> Html:
    """How far each job is in each language, for those that said so; a row's share stands in every cell."""
    shown = [view for view in views if view.progress is not None and view.progress.languages][:MOST_IN_TABLE]
    if not shown:
        return NOTHING
    there = {code for view in shown if view.progress for code in view.progress.languages}
    codes = [*(code for code in ALL_LANGUAGES if code in there), *sorted(there - set(ALL_LANGUAGES))]
    columns = (tag("th", text(code), scope="col", title=language_name(code)) for code in codes)
    rows = (
        tag(
            "tr",
            tag("th", tag("bdi", text(view.one.request.name)), scope="row"),
            *(tag("td", _share(view, code), class_="clika-number") for code in codes),
        )
        for view in shown
    )
    table = tag(
        "table",
        tag("thead", tag("tr", tag("th", text("Job"), scope="col"), *columns)),
        tag("tbody", *rows),
        class_="clika-progresses",
        aria_label=_BY_LANGUAGE,
    )
    return joined([paragraph(_BY_LANGUAGE, "clika-legend"), tag("div", table, class_="clika-scroll")])


def _share(view: JobView, code: str) -> Html:
    done, total = view.progress.languages.get(code, (0, 0)) if view.progress else (0, 0)
    if not total:
        return text("–")
    return joined(
        [meter(done, total, "answered"), text("✓" if done == total else f"{100 * done // total} %")]
    )


def job_settings(view: JobView) -> Html:
    """What is asked of whom, and how the model was asked."""
    if view.one.job is None:
        return paragraph("This job's specification cannot be read.", "clika-empty")
    job = view.one.job
    pairs = [(_SETTINGS.get(name, _spoken(name)), shown) for name, shown in settings_of(job).items()]
    try:
        for writer, record in view.one.folder.scoring().items():
            how = ", ".join(
                f"{name.replace('_', ' ')} {value}" for name, value in asdict(record).items() if value
            )
            pairs.append((f"How {writer} asked", how))
    except JobError as error:
        pairs.append(("How it asked", str(error)))
    listed = definitions([("Job", view.job_id), *pairs])
    if isinstance(job, ConductivityJob) or job.template_text is None:
        return listed
    own = tag("details", tag("summary", text("The template's text")), tag("pre", text(job.template_text)))
    return joined([listed, own])


def settings_of(job: Job) -> dict[str, str]:
    """Field of the specification -> its value for a person; of an evaluation those of _SETTINGS."""
    values = asdict(job)
    if isinstance(job, ConductivityJob):
        return {name: _said(name, value) for name, value in values.items() if name != "version"}
    return {name: _said(name, values[name]) for name in _SETTINGS}


def _spoken(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _said(name: str, value: object) -> str:
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "all" if name == "limit" and value is None else str(value)


def log_html(view: JobView) -> Html:
    """The end of the log, as it was written."""
    lines = view.one.folder.log_tail().splitlines()[-LOG_LINES:]
    if not lines:
        return paragraph("Nothing in the log yet.", "clika-empty")
    return tag("pre", text("\n".join(lines)), class_="clika-log")
