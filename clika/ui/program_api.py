"""The page's API for programs: typed functions, called by ``gradio_client`` or over HTTP.

They are the page's only public endpoints. What arrives is checked by the function that uses it; an error is the
sentence that a person would read, as plain text.
"""

import inspect
import json
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec, TypedDict, TypeVar, cast

import gradio as gr

from clika.database.index import Index
from clika.database.queries import (
    answer_matrices,
    answered_collections,
    chosen_collection,
    parallel_question,
    prediction_rows,
    run_summaries,
)
from clika.database.run_choice import chosen_runs
from clika.errors import ClikaError, UsageError
from clika.exports.predictions import question_json
from clika.exports.scores import SCORE_FORMATS
from clika.metrics.score_table import metric_datasets, score_table
from clika.records import Metric
from clika.references import references_in
from clika.ui.jobs_watch import JobsWatch, JobView
from clika.ui.new_run import PAPER, NewRun, sent_text, sent_texts
from clika.ui.new_run_tab import NewRunTab
from clika.ui.store_watch import StoreWatch

P = ParamSpec("P")
T = TypeVar("T")


class Score(TypedDict):
    """One number of a heatmap; ``value`` is null where it is undefined, XRR has its interval and gates too."""

    run: str
    model: str
    metric: str
    scope: str
    language: str
    value: float | None
    n: int


class RunRow(TypedDict):
    """A model with its settings, and how many answers the store holds of it."""

    run: str
    model: str
    checkpoint: str
    collection: str
    template: str
    rule: str
    settings: dict[str, str]
    datasets: list[str]
    answers: int


class JobRow(TypedDict):
    """How a job stands; what is not known yet is null. ``languages`` is code -> [answered, to answer]."""

    job: str
    name: str
    state: str
    sentence: str
    answered: int | None
    total: int | None
    rate: float | None
    seconds_left: float | None
    languages: dict[str, list[int]]
    run: str | None


def told(function: Callable[P, T]) -> Callable[P, T]:
    """A function whose ClikaErrors reach the program as their sentence."""

    @wraps(function)
    def answering(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return function(*arguments, **named)
        except ClikaError as error:
            raise gr.Error(str(error), print_exception=False) from error

    return answering


class ProgramApi:
    """The endpoints, added to the open Blocks."""

    def __init__(self, index: Index, watch: StoreWatch, jobs: JobsWatch, new: NewRunTab, mcp: bool) -> None:
        """With ``mcp`` what writes is left out of the documented endpoints, which are the tools."""
        self._index = index
        self._watch = watch
        self._jobs = jobs
        self._new = new
        for function in (self.scores, self.answers, self.runs, self.status):
            gr.events.api(function, api_name=function.__name__, concurrency_limit=None)
        if not new.read_only:
            gr.events.api(
                self.submit,
                api_name="submit",
                concurrency_limit=1,
                api_visibility="undocumented" if mcp else "public",
            )

    @told
    def scores(
        self, metric: str, scope: str, collection: str | None = None, models: list[str] | None = None
    ) -> list[Score]:
        """Accuracy, RA, en-CO or XRR over a level or a data set: a row for each model and language.

        Parameters:
            metric: accuracy, ra, en-co or xrr
            scope: factual, basic, or a data set such as xgeo; of xrr fictional or fictional-written
            collection: needed where the store holds several
            models: names or run ids; all without it
        """
        self._watch.look()
        name, over = sent_text("metric", metric), sent_text("scope", scope)
        if name not in set(Metric):
            raise UsageError(f"metric {name!r}; known: {', '.join(Metric)}")
        of, needed = Metric(name), metric_datasets(Metric(name), over)
        wanted = self._collection(collection, needed)
        runs = chosen_runs(self._index, wanted, _names(models))
        matrices = answer_matrices(self._index, wanted, list(runs), needed)
        rows = score_table(matrices, of, over, references_in(self._index, wanted), list(runs.values()))
        return cast(list[Score], json.loads(SCORE_FORMATS["json"](rows, runs)))

    @told
    def answers(
        self, dataset: str, question: str, collection: str | None = None, models: list[str] | None = None
    ) -> list[dict[str, Any]]:
        """One question in every language, each with what every model answered.

        Parameters:
            dataset: such as xgeo
            question: the question's id, the same in every language
            collection: needed where the store holds several
            models: names or run ids; all without it
        """
        self._watch.look()
        key = sent_text("dataset", dataset), sent_text("question", question)
        wanted = self._collection(collection, key[:1])
        parallel = parallel_question(self._index, wanted, *key)
        runs = chosen_runs(self._index, wanted, _names(models))
        rows = prediction_rows(self._index, wanted, list(runs), *key)
        return [question_json(one, rows) for one in parallel]

    @told
    def runs(self, collection: str | None = None) -> list[RunRow]:
        """The runs of the store: models with their settings, and over which data sets they were asked.

        Parameters:
            collection: one of them; all without it
        """
        self._watch.look()
        name = sent_text("collection", collection)
        names = [self._collection(name)] if name else answered_collections(self._index)
        return [
            RunRow(
                run=one.run.run,
                model=one.run.model.name,
                checkpoint=one.run.model.base,
                collection=collection_name,
                template=one.run.template,
                rule=str(one.run.rule),
                settings=dict(one.run.settings),
                datasets=list(one.datasets),
                answers=one.predictions,
            )
            for collection_name in names
            for one in run_summaries(self._index, collection_name)
        ]

    @told
    def status(self, job: str | None = None) -> list[JobRow]:
        """How the jobs stand: state, progress by language, rate and remaining time.

        Parameters:
            job: one job's id; all of them without it
        """
        name = sent_text("job", job)
        return [job_row(view) for view in ([self._jobs.job(name)] if name else self._jobs.jobs(at_once=True))]

    @told
    def submit(
        self,
        models: list[str],
        collection: str = "sample",
        languages: list[str] | None = None,
        datasets: list[str] | None = None,
        limit: int | None = None,
        template: str = "fitting",
        rule: str = "letter",
        dtype: str = "float32",
        device: str = "auto",
    ) -> list[JobRow]:
        """Put an evaluation of each model into the queue, and say how these jobs stand.

        Parameters:
            models: checkpoints' folders on the server, or Hub ids
            collection: sample, or one that the store holds
            languages: codes such as en; all without it
            datasets: all of the collection without it
            limit: at most so many questions a data set; all without it
            template: fitting, released, english, native, chat or alpaca
            rule: letter, letter_variants, option, option_per_byte or pmi
            dtype: float32, bfloat16, float16 or mixed
            device: auto, cpu, cuda or mps
        """
        form = NewRun(
            models="\n".join(sent_texts("models", models)),
            source=collection,
            preset=PAPER,
            limit=_written(limit),
            datasets=sent_texts("data sets", datasets or ()),
            template=template,
            rule=rule,
            dtype=dtype,
            device=device,
            **({} if languages is None else {"languages": languages}),
        )
        queued = {one.job_id for one in self._new.queued(form)}
        return [job_row(view) for view in self._jobs.jobs(at_once=True) if view.job_id in queued]

    def _collection(self, name: object, datasets: Sequence[str] = ()) -> str:
        return chosen_collection(self._index, sent_text("collection", name) or None, datasets)


def job_row(view: JobView) -> JobRow:
    """A job as programs read it."""
    end = view.one.folder.done()
    answered, total = view.answered or (None, None)
    return JobRow(
        job=view.job_id,
        name=view.one.request.name,
        state=str(view.one.state),
        sentence=view.sentence,
        answered=answered,
        total=total,
        rate=view.progress.rate if view.progress else None,
        seconds_left=view.progress.seconds_left if view.progress else None,
        languages={} if view.progress is None else {k: list(v) for k, v in view.progress.languages.items()},
        run=None if end is None else end.run,
    )


def described(read_only: bool) -> list[tuple[str, str]]:
    """(call, what it gives) of every endpoint, from the functions themselves."""
    shown: list[Callable[..., object]] = [
        *(ProgramApi.scores, ProgramApi.answers, ProgramApi.runs, ProgramApi.status),
        *(() if read_only else (ProgramApi.submit,)),
    ]
    return [endpoint(one) for one in shown]


def endpoint(function: Callable[..., object]) -> tuple[str, str]:
    """How a function is called, and the first line of what it says of itself."""
    shown = [
        name if one.default is one.empty else f"{name}={one.default!r}"
        for name, one in inspect.signature(function).parameters.items()
        if name != "self"
    ]
    said = (inspect.getdoc(function) or "").partition("\n")[0]
    return f"/{function.__name__}({', '.join(shown)})", said


def _names(models: object) -> tuple[str, ...] | None:
    return None if models is None else sent_texts("models", models)


def _written(limit: object) -> str:
    """The limit as the form's text field has it: what is no number is refused there, under its own name."""
    return "" if limit is None else str(limit)
