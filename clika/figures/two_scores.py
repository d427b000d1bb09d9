"""One score against another: basic against factual knowledge, and en-CO against XRR.

The second is the paper's argument in one picture: a language may agree with English in what it knows while
nothing that is taught in English reaches it.
"""

import math
from collections.abc import Mapping

import plotly.graph_objects as go

from clika.figures.colours import SERIES, surroundings
from clika.figures.heatmap import written
from clika.figures.score_grid import CellState, ScoreCell, ScoreGrid, is_language, language_name
from clika.records import Metric

SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "cross",
    "x",
    "triangle-up",
    "triangle-down",
    "star",
    "hexagon",
    "pentagon",
)


def two_scores(
    across: ScoreGrid, up: ScoreGrid, dark: bool = False, partners: Mapping[str, str] | None = None
) -> go.Figure:
    """A point for each row and language that has both values: a colour and a symbol a language.

    ``partners`` maps rows of ``up`` to rows of ``across``; without it a row's partner is the row of the same run.
    A hollow point is an XRR whose gates do not hold. A point's ``customdata`` is ``[run, language]`` of ``up``.
    """
    around = surroundings(dark)
    figure = go.Figure()
    highest = 0.0
    for number, language in enumerate(code for code in up.languages if is_language(code)):
        points = _points(across, up, language, partners)
        if not points:
            continue
        highest = max([highest, *(value for _, x, y in points for value in (x.value, y.value))])
        hollow = [y.state is CellState.NOT_ESTABLISHED for _, _, y in points]
        symbol = SYMBOLS[number % len(SYMBOLS)]
        figure.add_trace(
            go.Scatter(
                mode="markers",
                name=written(language_name(language)),
                x=[x.value * _times(across) for _, x, _ in points],
                y=[y.value * _times(up) for _, _, y in points],
                marker={
                    "color": SERIES[number % len(SERIES)],
                    "symbol": [f"{symbol}-open" if one else symbol for one in hollow],
                    "size": 10,
                    "line": {"color": around.text, "width": 1},
                },
                hovertext=[
                    f"<b>{written(label)}</b><br>{written(language_name(language))} ({written(language)})"
                    f"<br>{written(across.title)}: {written(x.sentence)}<br>{written(up.title)}: {written(y.sentence)}"
                    for label, x, y in points
                ],
                hovertemplate="%{hovertext}<extra></extra>",
                customdata=[[y.run, language] for _, _, y in points],
            )
        )
    if across.metric is up.metric:
        end = max(1.0, highest) * _times(up)
        figure.add_shape(
            type="line", x0=0, y0=0, x1=end, y1=end, line={"color": around.grid, "width": 1, "dash": "dot"}
        )
    figure.update_xaxes(title={"text": written(across.title)})
    figure.update_yaxes(title={"text": written(up.title)})
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, gridcolor=around.grid, zerolinecolor=around.text)
    figure.update_layout(
        template="none",
        height=560,
        margin={"l": 64, "r": 8, "t": 16, "b": 56},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": around.text, "size": 13, "family": "system-ui, sans-serif"},
        legend={"itemclick": "toggle"},
        showlegend=True,
        dragmode=False,
        hovermode="closest",
    )
    return figure


def _points(
    across: ScoreGrid, up: ScoreGrid, language: str, partners: Mapping[str, str] | None
) -> list[tuple[str, ScoreCell, ScoreCell]]:
    """(row's name, value across, value up) of each row that has both in a language."""
    found = []
    if language not in across.languages:
        return []
    rows = dict(zip(across.runs, across.cells, strict=True))
    column, other = up.languages.index(language), across.languages.index(language)
    for run, label, cells in zip(up.runs, up.labels, up.cells, strict=True):
        partner = rows.get(run if partners is None else partners.get(run, ""))
        if partner is None:
            continue
        x, y = partner[other], cells[column]
        if not math.isnan(x.value) and not math.isnan(y.value):
            found.append((label, x, y))
    return found


def _times(grid: ScoreGrid) -> int:
    return 1 if grid.metric in (Metric.EN_CO, Metric.XRR) else 100
