"""The lower part of the Conductivity tab: the tunings of the store, and one of them as it goes and as it ended."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import gradio as gr

from clika.database.index import Index
from clika.errors import ClikaError, UsageError
from clika.figures.confusion import confusion_figure
from clika.figures.tuning_curves import cross_retrieval_figure, gate_figure, learning_figure
from clika.jobs.conductivity_spec import ConductivityJob
from clika.languages import ENGLISH
from clika.metrics.conductivity import Reading
from clika.training.recipe import Recipe
from clika.ui import markup, tuning_markup
from clika.ui.adapter_file import adapter_archive, is_adapter
from clika.ui.conductivity_line import evaluation_command_line
from clika.ui.job_markup import job_settings
from clika.ui.jobs_watch import JobsWatch, JobView
from clika.ui.listeners import LOOK, in_address, script, spoken
from clika.ui.side_effects import side_effects, side_effects_html
from clika.ui.store_watch import StoreWatch
from clika.ui.tuning_view import (
    PLACES_A_PAGE,
    Measured,
    PlaceFilter,
    candidates,
    measured,
    measured_runs,
    place_page,
)
from clika.ui.tuning_watch import Curve, TuningWatch

MOST_DRAWN = 200
"""A learning curve is drawn anew at most so often while it grows."""
_READINGS = [("chosen among the candidates", str(Reading.CHOSEN)), ("written freely", str(Reading.WRITTEN))]


@dataclass(frozen=True, slots=True)
class Looked:
    """What a person looks at of a tuning, as a browser sends it, held against what there is."""

    job: str
    reading: Reading
    places: PlaceFilter
    offset: int
    dark: bool

    @classmethod
    def of(cls, job: object, reading: object, places: object, offset: object, dark: object) -> "Looked":
        """Whatever is not one of those offered becomes the first."""
        return cls(
            job if isinstance(job, str) else "",
            next((one for one in Reading if one == reading), Reading.CHOSEN),
            next((one for one in PlaceFilter if one == places), PlaceFilter.ALL),
            offset if isinstance(offset, int) and offset >= 0 else 0,
            dark is True,
        )


class TuningPanel:
    """The parts of the panel, drawn into the open Blocks and connected."""

    def __init__(
        self, index: Index, watch: StoreWatch, jobs: JobsWatch, tunings: TuningWatch, page: gr.Blocks
    ) -> None:
        self._index, self._watch, self._jobs, self._tunings = index, watch, jobs, tunings
        self._packed = TemporaryDirectory(prefix="clika-adapters-")
        self._draw_parts()
        self._connect(page)

    def _draw_parts(self) -> None:
        self.chosen = gr.Textbox("", visible=False)  # no State: a link needs its value in the browser
        self.seen, self.offset = gr.State(()), gr.State(0)
        self.dark = gr.Checkbox(visible=False)
        self.table = gr.HTML(apply_default_css=False, elem_id="tunings", js_on_load=script("choices.js"))
        with gr.Column(visible=False, elem_id="tuning") as self.panel:
            self.heading = gr.HTML(apply_default_css=False, elem_id="tuning-heading")
            with gr.Row(equal_height=False):
                self.learning = self._plot("tuning-learning")
                self.gates = self._plot("tuning-gates")
            self.reading = gr.Radio(
                _READINGS, value=str(Reading.CHOSEN), label="Answers about places", elem_id="tuning-reading"
            )
            self.rows = gr.HTML(apply_default_css=False, elem_id="tuning-languages")
            with gr.Row(equal_height=False):
                with gr.Column(min_width=300):
                    self.conduction = self._plot("tuning-xrr")
                with gr.Column(min_width=300):
                    self.confusion = self._plot("tuning-confusion")
            self._draw_places()
            self.cost = gr.HTML(apply_default_css=False, elem_id="tuning-cost")
            with gr.Row(elem_id="tuning-adapter"):
                self.adapter = gr.HTML(apply_default_css=False, elem_id="tuned")
                self.take = gr.Button(
                    "Download the adapter", size="sm", scale=0, min_width=180, elem_id="adapter-button"
                )
            self.file = gr.DownloadButton(visible="hidden", elem_id="adapter-file")
            with gr.Accordion("Settings", open=False):
                self.settings = gr.HTML(apply_default_css=False)
        self.timer = gr.Timer(1.0)

    def _plot(self, name: str) -> gr.Plot:
        return gr.Plot(show_label=False, container=False, elem_id=name, elem_classes="clika-plot", buttons=[])

    def _draw_places(self) -> None:
        with gr.Column(visible=False, elem_id="tuning-places") as self.places_panel:
            gr.Markdown("#### Every held-out place")
            self.filter = gr.Radio(
                [str(one) for one in PlaceFilter],
                value=str(PlaceFilter.ALL),
                label="Show",
                elem_id="place-filter",
            )
            self.places = gr.HTML(apply_default_css=False, elem_id="places")
            with gr.Row():
                self.earlier = gr.Button(
                    "← Earlier", size="sm", scale=0, min_width=110, elem_id="place-earlier"
                )
                self.later = gr.Button("Later →", size="sm", scale=0, min_width=110, elem_id="place-later")

    @property
    def _given(self) -> list[gr.components.Component]:
        """What ``Looked.of`` takes, in its order."""
        return [self.chosen, self.reading, self.filter, self.offset, self.dark]

    @property
    def looks(self) -> list[gr.components.Component | gr.blocks.BlockContext]:
        """What ``look`` draws, in its order."""
        return [
            *(self.seen, self.table, self.panel, self.heading, self.settings, self.learning),
            *(self.gates, self.conduction, self.confusion, self.rows),
            *(self.places_panel, self.places, self.earlier, self.later, self.cost, self.adapter, self.take),
        ]

    @property
    def choosing(self) -> list[gr.components.Component | gr.blocks.BlockContext]:
        """What ``choose`` draws, in its order."""
        return [self.chosen, self.offset, *self.looks]

    def _connect(self, page: gr.Blocks) -> None:
        page.load(
            None,
            None,
            self.dark,
            js="() => document.body.classList.contains('dark')",
            api_visibility="private",
        )
        self.timer.tick(self.look, [self.seen, *self._given], self.looks, **LOOK)
        self.table.click(self._select, [self.reading, self.filter, self.dark], self.choosing, **LOOK).then(
            None,
            js="() => document.querySelector('#tuning')?.scrollIntoView({behavior: 'smooth', block: 'start'})",
            api_visibility="private",
        )
        self.chosen.change(None, self.chosen, js=in_address("job"), api_visibility="private")
        self.reading.input(self.look, [self.seen, *self._given], self.looks, **LOOK)
        for control, turned in ((self.filter.input, 0), (self.earlier.click, -1), (self.later.click, 1)):
            control(self._turning(turned), [self.seen, *self._given], [self.offset, *self.looks], **LOOK)
        self.take.click(self._pack, self.chosen, self.file, **LOOK).then(
            None, js="() => document.querySelector('#adapter-file').click()", api_visibility="private"
        )

    def look(self, seen: Sequence[int], *given: object) -> list[object]:
        """The panel as the store stands; what the browser shows already is left alone."""
        looked = Looked.of(*given)
        self._watch.look()
        try:
            every = self._jobs.jobs()
            views = [view for view in every if isinstance(view.one.job, ConductivityJob)]
            table = tuning_markup.tunings_table(views, looked.job)
        except ClikaError as error:
            every, views, table = (), [], markup.notices([str(error)])
        view = next((view for view in views if view.job_id == looked.job), None)
        parts: list[tuple[object, Callable[[], object]]] = [
            (table, lambda: table),
            (view is not None, lambda: gr.update(visible=view is not None)),
        ]
        if view is not None and isinstance(view.one.job, ConductivityJob):
            parts += self._tuning_parts(view, view.one.job, looked)
            parts += self._measured_parts(view, view.one.job, looked)
            parts += self._after_parts(view, view.one.job, every)
        else:
            parts += [(None, gr.skip)] * (len(self.looks) - 1 - len(parts))
        now = tuple(hash(key) for key, _ in parts)
        before = seen if len(seen) == len(now) else (None,) * len(now)
        updates = [
            gr.skip() if key == old else made()
            for key, old, (_, made) in zip(now, before, parts, strict=True)
        ]
        return [now, *updates]

    def _tuning_parts(
        self, view: JobView, job: ConductivityJob, looked: Looked
    ) -> list[tuple[object, Callable[[], object]]]:
        curve: Curve = self._tunings.curve(view.one.folder.path)
        heading = tuning_markup.tuning_heading(view, job, curve.points)
        if curve.fault is not None:
            heading = markup.joined([heading, markup.notices([curve.fault])])
        settings = job_settings(view)
        drawn = 0
        if curve.points:
            last = curve.points[-1]
            every = max(1, last.steps // MOST_DRAWN)
            drawn = last.step if last.step == last.steps else last.step // every * every
        return [
            (heading, lambda: heading),
            (settings, lambda: settings),
            (
                ("learning", view.job_id, drawn, looked.dark),
                lambda: _figure(learning_figure(curve.points, looked.dark) if curve.points else None),
            ),
        ]

    def _measured_parts(
        self, view: JobView, job: ConductivityJob, looked: Looked
    ) -> list[tuple[object, Callable[[], object]]]:
        shown = measured(self._index, job, measured_runs(view.one.folder.path))
        if shown is None:
            nothing = [(("nothing", n), lambda: _figure(None)) for n in range(3)]
            empty = markup.NOTHING
            return [
                *nothing,
                ("no rows", lambda: empty),
                ("no places", lambda: gr.update(visible=False)),
                *[((), gr.skip)] * 3,
            ]
        code, reading, dark = job.language, looked.reading, looked.dark
        curve = shown.curves[reading]
        runs = (*(run.run for run in shown.runs), dark)
        found = shown.found(reading)
        rows = tuning_markup.languages_table(shown.rows, reading)
        page = (*runs, reading, looked.places, looked.offset)
        total = len(found.places)
        return [
            (("gates", reading, *runs), lambda: _figure(gate_figure(curve, code, dark))),
            (("xrr", reading, *runs), lambda: _figure(cross_retrieval_figure(curve, code, dark))),
            (
                ("confusion", reading, *runs),
                lambda: _figure(
                    confusion_figure(found.confusion, candidates(self._index, shown)[ENGLISH], code, dark)
                ),
            ),
            (rows, lambda: rows),
            (("places", total > 0), lambda: gr.update(visible=total > 0)),
            (page, lambda: self._places(shown, looked)),
            (("earlier", looked.offset > 0), lambda: gr.update(interactive=looked.offset > 0)),
            (("later", page), lambda: gr.update(interactive=self._more(shown, looked))),
        ]

    def _places(self, shown: Measured, looked: Looked) -> markup.Html:
        page = place_page(self._index, shown, looked.reading, looked.places, looked.offset)
        return tuning_markup.places_table(page, looked.offset, shown.language)

    def _more(self, shown: Measured, looked: Looked) -> bool:
        page = place_page(self._index, shown, looked.reading, looked.places, looked.offset)
        return looked.offset + PLACES_A_PAGE < page.total

    def _after_parts(
        self, view: JobView, job: ConductivityJob, views: Sequence[JobView]
    ) -> list[tuple[object, Callable[[], object]]]:
        tuned = view.one.folder.tuned
        if tuned is None:
            nothing = ("nothing", lambda: markup.NOTHING)
            return [nothing, nothing, (False, lambda: gr.update(visible=False))]
        cost = side_effects_html(side_effects(self._index, view, job, views), job.language)
        whole = not Recipe.from_json(job.recipe).lora
        said = tuning_markup.adapter_html(evaluation_command_line(job, tuned), str(tuned), whole)
        to_take = is_adapter(tuned)
        return [
            (cost, lambda: cost),
            (said, lambda: said),
            (("take", to_take), lambda: gr.update(visible=to_take)),
        ]

    def choose(
        self, job_id: str, reading: object = "", places: object = "", dark: object = False
    ) -> list[object]:
        """One tuning in detail, everything drawn anew; none where ``job_id`` is empty or no tuning's."""
        known = {view.job_id for view in self._jobs.jobs(at_once=True)}
        chosen = job_id if job_id in known else ""
        return [chosen, 0, *self.look((), chosen, reading, places, 0, dark)]

    @spoken
    def _select(self, reading: object, places: object, dark: object, event: gr.EventData) -> list[object]:
        return self.choose(self._job(getattr(event, "job", None)).job_id, reading, places, dark)

    def _job(self, job_id: object) -> JobView:
        view = self._jobs.job(job_id)
        if not isinstance(view.one.job, ConductivityJob):
            raise UsageError(f"{job_id!r} tunes no model; press one of the table")
        return view

    def _turning(self, turned: int) -> Callable[..., list[object]]:
        """A listener that turns the places' pages: on, back, or to the first."""

        @spoken
        def turn(seen: Sequence[int], *given: object) -> list[object]:
            looked = Looked.of(*given)
            offset = max(0, looked.offset + turned * PLACES_A_PAGE) if turned else 0
            return [offset, *self.look(seen, *given[:3], offset, *given[4:])]

        return turn

    @spoken
    def _pack(self, chosen: str) -> str:
        """The adapter of a tuning as one file."""
        return str(adapter_archive(self._job(chosen).one.folder, Path(self._packed.name)))


def _figure(figure: object) -> object:
    return gr.update(value=figure, visible=figure is not None)
