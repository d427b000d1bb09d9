"""How a tuning went, step by step: what it learnt by, its gates, and what it carried across.

Only attributes of plotly.js 3 are used. Lines differ in colour, mark and dash, so that none is told by colour alone.
"""

import html
import math
from collections.abc import Sequence

import plotly.graph_objects as go
from plotly.subplots import make_subplots

from clika.figures.colours import surroundings
from clika.figures.score_grid import language_name
from clika.metrics.conductivity import CurvePoint
from clika.metrics.gates import GATE_PERCENT
from clika.records import Gate, TrainingPoint

MOST_POINTS = 600
"""A longer curve is drawn through every second, third, … point and the last."""

_LIGHT = ("#0072b2", "#b34700", "#00755a", "#9c3f78")
_DARK = ("#56b4e9", "#f0a35e", "#3fcf9f", "#e4a3c7")
_MARKS = ("circle", "square", "diamond", "triangle-up")
_DASHES = ("solid", "dash", "dot", "dashdot")
_PANELS = ("loss", "learning rate", "tokens a second")


def learning_figure(points: Sequence[TrainingPoint], dark: bool = False) -> go.Figure:
    """Loss (nats a labelled token), learning rate and tokens a second over the steps, one below the other."""
    drawn = _thinned(points)
    steps = [point.step for point in drawn]
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.06)
    values = (
        [point.loss for point in drawn],
        [point.learning_rate for point in drawn],
        [point.tokens_per_s for point in drawn],
    )
    for row, (name, heights) in enumerate(zip(_PANELS, values, strict=True), 1):
        line = go.Scatter(
            x=steps,
            y=heights,
            mode="lines" if len(steps) > 1 else "markers",
            line={"color": _colours(dark)[0], "width": 1.8},
            name=name,
            hovertemplate=f"step %{{x}}: %{{y:.4~g}}<extra>{name}</extra>",
        )
        figure.add_trace(line, row=row, col=1)
        figure.update_yaxes(title_text=name, rangemode="tozero" if row == 3 else "normal", row=row, col=1)
    figure.update_xaxes(title_text="step", row=3, col=1)
    return _finished(figure, dark, height=430, legend=False)


def gate_figure(points: Sequence[CurvePoint], language: str, dark: bool = False) -> go.Figure:
    """The four gates' shares right over the steps, and the line that they have to be above."""
    figure = go.Figure()
    steps = [point.step for point in points]
    for place, gate in enumerate(Gate):
        shares = [
            next(share.share for share in point.conduction.gates.shares if share.gate is gate)
            for point in points
        ]
        figure.add_trace(_line(place, dark, steps, shares, gate_name(gate, language), ":.1%"))
    _level(figure, GATE_PERCENT / 100, f"over {GATE_PERCENT} %", dark, "left")
    figure.update_yaxes(title_text="right", range=[-0.03, 1.05], tickformat=".0%")
    figure.update_xaxes(title_text="step")
    return _finished(figure, dark, height=430)


def cross_retrieval_figure(points: Sequence[CurvePoint], language: str, dark: bool = False) -> go.Figure:
    """XRR with its 95 % interval over the steps, above the untuned model's as its floor.

    A look whose gates do not all hold is an open mark; one without a right English answer has no XRR and is left out.
    """
    known = [point for point in points if not math.isnan(point.conduction.xrr.value)]
    found = [point.conduction.xrr for point in known]
    figure = go.Figure()
    line = _line(0, dark, [point.step for point in known], [one.value for one in found], "XRR", ":.4f")
    line.update(
        error_y={
            "type": "data",
            "array": [one.high - one.value for one in found],
            "arrayminus": [one.value - one.low for one in found],
            "thickness": 1.2,
            "color": _colours(dark)[0],
        },
        marker={
            "symbol": ["circle" if point.conduction.gates.established else "circle-open" for point in known],
            "size": 9,
        },
        customdata=[
            [one.both, one.english, _established(point)] for one, point in zip(found, known, strict=True)
        ],
        hovertemplate="step %{x}: XRR %{y:.4f}, %{customdata[0]} of %{customdata[1]}, %{customdata[2]}<extra></extra>",
        name=f"XRR in {_written(language_name(language))}",
    )
    figure.add_trace(line)
    floor = next((point.conduction.xrr.value for point in points if point.step == 0), math.nan)
    if not math.isnan(floor):
        _level(figure, floor, "untuned", dark, "right")
    top = max([1.0 - one.chance for one in found], default=1.0)
    figure.update_yaxes(title_text="XRR", range=[-0.03, top + 0.05])
    figure.update_xaxes(title_text="step", rangemode="tozero")
    return _finished(figure, dark, height=340)


def gate_name(gate: Gate, language: str) -> str:
    """A gate for a person: X's taught half goes by the language's name."""
    return f"{language_name(language)}, {gate}" if gate is Gate.TAUGHT else str(gate)


def _established(point: CurvePoint) -> str:
    return "established" if point.conduction.gates.established else "not established"


def _thinned(points: Sequence[TrainingPoint]) -> list[TrainingPoint]:
    every = math.ceil(len(points) / MOST_POINTS)
    if every <= 1:
        return list(points)
    drawn = list(points[::every])
    return drawn if drawn[-1] is points[-1] else [*drawn, points[-1]]


def _line(
    place: int, dark: bool, steps: Sequence[int], values: Sequence[float], name: str, form: str
) -> go.Scatter:
    colour = _colours(dark)[place]
    return go.Scatter(
        x=list(steps),
        y=[None if math.isnan(value) else value for value in values],
        mode="lines+markers",
        line={"color": colour, "width": 2, "dash": _DASHES[place]},
        marker={"symbol": _MARKS[place], "size": 7, "color": colour},
        name=_written(name),
        hovertemplate=f"step %{{x}}: %{{y{form}}}<extra>{_written(name)}</extra>",
    )


def _level(figure: go.Figure, height: float, name: str, dark: bool, side: str) -> None:
    """A dotted line across, its name at one side."""
    colour = surroundings(dark).text
    figure.add_hline(
        y=height,
        line={"color": colour, "width": 1, "dash": "dot"},
        annotation={"text": name, "font": {"color": colour, "size": 12}},
        annotation_position=f"top {side}",
    )


def _colours(dark: bool) -> tuple[str, ...]:
    return _DARK if dark else _LIGHT


def _finished(figure: go.Figure, dark: bool, height: int, legend: bool = True) -> go.Figure:
    around = surroundings(dark)
    grid = "rgba(128,128,128,0.25)"
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, gridcolor=grid, zeroline=False, linecolor=grid, automargin=True)
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 8, "r": 12, "t": 34 if legend else 10, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": around.text, "size": 12, "family": "system-ui, sans-serif"},
        dragmode=False,
        hovermode="closest",
        showlegend=legend,
        legend={"orientation": "h", "x": 0, "y": 1.0, "yanchor": "bottom"},
        modebar={
            "remove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale"]
        },
    )
    return figure


def _written(text: str) -> str:
    """Plotly reads a few HTML tags in its labels: a name must be shown as it is written."""
    return html.escape(text, quote=False)
