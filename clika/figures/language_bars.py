"""Bars by language: a few rows side by side, every bar with its interval."""

import math

import plotly.graph_objects as go

from clika.figures.colours import SERIES, surroundings
from clika.figures.heatmap import hover, written
from clika.figures.score_grid import CellState, ScoreCell, ScoreGrid, column_head
from clika.records import Metric

MOST_ROWS = 8
"""More bars beside each other can be told apart by nobody."""

PATTERNS = ("", "/", ".", "\\", "x", "-", "|", "+")


def language_bars(grid: ScoreGrid, dark: bool = False) -> go.Figure:
    """A Plotly figure of the first ``MOST_ROWS`` rows: a group of bars a column, a colour and a pattern a row.

    Values are printed as the paper prints them (accuracy and RA times 100). A dash stands where a value is
    undefined, a dot where nothing was run, so that neither looks like 0. A bar's ``customdata`` is
    ``[run, language]``.
    """
    around = surroundings(dark)
    times = 1 if grid.metric in (Metric.EN_CO, Metric.XRR) else 100
    figure = go.Figure()
    rows = list(zip(grid.labels, grid.cells, strict=True))[:MOST_ROWS]
    for number, (label, cells) in enumerate(rows):
        heights = [_number(cell.value * times) for cell in cells]
        figure.add_trace(
            go.Bar(
                name=written(label),
                x=list(range(len(cells))),
                y=[0 if height is None else height for height in heights],
                text=[
                    "" if height is not None else cell.printed
                    for cell, height in zip(cells, heights, strict=True)
                ],
                textposition="outside",
                cliponaxis=False,
                error_y={
                    "type": "data",
                    "symmetric": False,
                    "array": [_reach(cell.high - cell.value, times) for cell in cells],
                    "arrayminus": [_reach(cell.value - cell.low, times) for cell in cells],
                    "color": around.text,
                    "thickness": 1,
                    "width": 2,
                },
                marker={
                    "color": SERIES[number],
                    "line": {"color": around.text, "width": [_line(cell) for cell in cells]},
                    "pattern": {"shape": PATTERNS[number], "solidity": 0.2, "fillmode": "overlay"},
                },
                hovertext=[hover(grid, cell, label) for cell in cells],
                hovertemplate="%{hovertext}<extra></extra>",
                customdata=[[cell.run, cell.language] if cell.selectable else None for cell in cells],
            )
        )
    figure.update_xaxes(
        tickmode="array",
        tickvals=list(range(len(grid.languages))),
        ticktext=["<br>".join(map(written, column_head(code))) for code in grid.languages],
        tickangle=0,
        showgrid=False,
    )
    figure.update_yaxes(title={"text": written(grid.title)}, gridcolor=around.grid, zerolinecolor=around.text)
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True)
    figure.update_layout(
        template="none",
        height=430 + 20 * len(rows),
        barmode="group",
        bargap=0.18,
        margin={"l": 64, "r": 8, "t": 16 + 20 * len(rows), "b": 48},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": around.text, "size": 13, "family": "system-ui, sans-serif"},
        legend={"orientation": "v", "x": 0, "y": 1.0, "yanchor": "bottom", "itemclick": False},
        showlegend=True,
        dragmode=False,
        hovermode="closest",
    )
    return figure


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _reach(length: float, times: int) -> float:
    return 0.0 if math.isnan(length) else max(0.0, length * times)


def _line(cell: ScoreCell) -> float:
    """A value whose gates do not hold has a frame."""
    return 2.0 if cell.state is CellState.NOT_ESTABLISHED else 0.0
