"""The switches of the Results tab: metric, questions, what they are shown as; rows and columns."""

from collections.abc import Sequence
from typing import Any

import gradio as gr

from clika.figures.score_grid import METRIC_NAMES, language_name, scope_name
from clika.languages import ENGLISH
from clika.records import Metric
from clika.ui.arrangement import PARENT, Arrangement, sort_choices
from clika.ui.moving_choices import MovingCheckboxes, MovingDropdown
from clika.ui.results_cell import Chosen
from clika.ui.results_figures import Shape, wanted_shape
from clika.ui.results_link import Switches
from clika.ui.results_view import Scores, View

NO_CASE, NO_BASELINE = "", ""


class SwitchParts:
    """The parts, drawn into the open Blocks, and what they say."""

    def __init__(self) -> None:
        with gr.Row(elem_id="switches"):
            self.metric = gr.Radio(
                [
                    (METRIC_NAMES[name], str(name))
                    for name in (Metric.RA, Metric.EN_CO, Metric.XRR, Metric.ACCURACY)
                ],
                label="Metric",
                elem_id="metric",
                min_width=385,
                scale=5,
            )
            self.scope = MovingDropdown(
                label="Questions", elem_id="scope", min_width=150, scale=2, filterable=False
            )
            self.collection = MovingDropdown(
                label="Collection",
                elem_id="collection",
                visible=False,
                min_width=150,
                scale=2,
                filterable=False,
            )
            self.shape = gr.Radio(
                [str(shape) for shape in Shape],
                value=str(Shape.HEATMAP),
                label="Show as",
                elem_id="shape",
                min_width=690,
                scale=9,
            )
        with gr.Accordion(
            "Models, languages, case study, differences, order", open=False, elem_id="rows-columns"
        ):
            with gr.Row():
                self.study = MovingDropdown(
                    [("None: all languages", NO_CASE)],
                    value=NO_CASE,
                    label="Case study",
                    elem_id="study",
                    min_width=180,
                )
                self.baseline = MovingDropdown(
                    [("Absolute values", NO_BASELINE)],
                    value=NO_BASELINE,
                    label="Difference to",
                    elem_id="baseline",
                    min_width=180,
                )
                self.sort = MovingDropdown(
                    sort_choices(()), value="", label="Sort rows by", elem_id="sort", min_width=180
                )
            self.languages = MovingCheckboxes([], label="Languages (none: all)", elem_id="languages-shown")
            self.models = MovingCheckboxes([], label="Models (none: all)", elem_id="models-shown")

    @property
    def inputs(self) -> list[Any]:
        """What ``switches`` is given, in its order, before the page's darkness and what is chosen."""
        return [
            *(self.collection, self.metric, self.scope, self.shape),
            *(self.models, self.languages, self.study, self.baseline, self.sort),
        ]

    def wished(self, wanted: Switches) -> dict[Any, object]:
        """The switches that stand before anything is in the store, as ``wanted``."""
        metric = wanted.metric if wanted.metric in set(Metric) else None
        return {self.metric: gr.update(value=metric), self.shape: gr.update(value=str(wanted.shape))}

    def updates(self, view: View, scores: Scores, shape: Shape, held: Switches) -> dict[Any, object]:
        """The switches for what is shown now. A value that they ``held`` already is left alone: it may have moved on."""
        wish = scores.wish
        cases = [("None: all languages", NO_CASE)]
        cases += [(f"{language_name(code)} ({code})", code) for code in scores.languages if code != ENGLISH]
        baselines = [("Absolute values", NO_BASELINE), ("Each row's parent", PARENT)]
        baselines += [(label, run) for run, label in scores.labels.items()]
        return {
            self.collection: gr.update(
                choices=list(view.collections),
                visible=len(view.collections) > 1,
                **_moved(held.collection, view.collection),
            ),
            self.metric: gr.update(**_moved(held.metric, str(view.metric))),
            self.scope: gr.update(
                choices=[(scope_name(name), name) for name in view.scopes], **_moved(held.scope, view.scope)
            ),
            self.shape: gr.update(**_moved(str(held.shape), str(shape))),
            self.models: gr.update(
                choices=[(label, run) for run, label in scores.labels.items()],
                **_moved(list(held.wish.models), list(wish.models)),
            ),
            self.languages: gr.update(
                choices=[(language_name(code), code) for code in scores.languages],
                **_moved(list(held.wish.languages), list(wish.languages)),
            ),
            self.study: gr.update(choices=cases, **_moved(held.wish.study or "", wish.study or NO_CASE)),
            self.baseline: gr.update(
                choices=baselines, **_moved(held.wish.baseline or "", wish.baseline or NO_BASELINE)
            ),
            self.sort: gr.update(
                choices=sort_choices(scores.grid.languages), **_moved(held.wish.sort, wish.sort)
            ),
        }


def _moved(held: object, shown: object) -> dict[str, Any]:
    return {} if held == shown else {"value": shown}


def switches(
    collection: str | None,
    metric: str | None,
    scope: str | None,
    shape: str,
    models: Sequence[str] | None,
    languages: Sequence[str] | None,
    study: str | None,
    baseline: str | None,
    sort: str | None,
    dark: bool,
    chosen: Chosen,
) -> Switches:
    """The switches' values as a browser sends them."""
    wish = Arrangement(
        tuple(models or ()), tuple(languages or ()), study or None, baseline or None, sort or ""
    )
    return Switches(collection, metric, scope, wanted_shape(shape), wish, dark, chosen)
