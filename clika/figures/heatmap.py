"""The heatmap: models down, languages across, every value printed in its cell.

Axes are numbers with names written beside them, because two runs may carry one name and Plotly would
fold equal names into one row. Only attributes of plotly.js 3 are used (Gradio's wheel brings 3.3.1).
Each cell's ``customdata`` is ``[run, language]``: what a click hands back. A mean or ratio has none.
"""

import html
from collections.abc import Callable

import plotly.graph_objects as go

from clika.figures.colours import (
    BLACK,
    DIVERGING,
    SCALE,
    WHITE,
    CellColours,
    surroundings,
    value_colours,
)
from clika.figures.score_grid import CellState, ScoreCell, ScoreGrid, column_head, language_name

ROW_HEIGHT = 34
_FEW_COLUMNS = 3
_FEW_COLUMN_WIDTH = 130
_LETTER_WIDTH = 8
HEAD_HEIGHT = 58
FOOT_HEIGHT = 14
LONGEST_LABEL = 30


def heatmap(grid: ScoreGrid, dark: bool = False, selected: tuple[str, str] | None = None) -> go.Figure:
    """A Plotly figure of the grid, with a transparent background and a height set by its rows.

    ``dark`` gives the text colours of a dark page; ``selected`` (run, language) is framed.
    """
    around = surroundings(dark)
    figure = go.Figure()
    traces = [
        *(_values(grid, text_colour) for text_colour in (BLACK, WHITE)),
        _flat(grid, CellState.UNDEFINED, around.undefined),
        _flat(grid, CellState.NOT_ESTABLISHED, around.undefined),
        _flat(grid, CellState.NOT_RUN, around.not_run),
    ]
    # A trace without a cell would be sent with a place for each; one stays, for the axes of an empty grid.
    figure.add_traces([trace for trace in traces if any(map(any, trace["text"]))] or traces[:1])
    figure.update_xaxes(
        side="top",
        tickmode="array",
        tickvals=list(range(len(grid.languages))),
        ticktext=["<br>".join(map(written, column_head(code))) for code in grid.languages],
        tickangle=0,
        range=[-0.5, len(grid.languages) - 0.5],
    )
    figure.update_yaxes(
        tickmode="array",
        tickvals=list(range(len(grid.runs))),
        ticktext=[written(shortened(label)) for label in grid.labels],
        range=[len(grid.runs) - 0.5, -0.5],
        automargin=True,
        ticklabelstandoff=6,
    )
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, showgrid=False, zeroline=False, showline=False, ticks="")
    figure.update_layout(
        template="none",
        width=_width(grid),
        height=HEAD_HEIGHT + ROW_HEIGHT * max(1, len(grid.runs)) + FOOT_HEIGHT,
        margin={"l": 8, "r": 8, "t": HEAD_HEIGHT, "b": FOOT_HEIGHT},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": around.text, "size": 13, "family": "system-ui, sans-serif"},
        dragmode=False,
        hovermode="closest",
        modebar={
            "remove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale"]
        },
        coloraxis=_colour_axis(grid.extent),
        shapes=_frame(grid, selected, around.selected),
    )
    return figure


def _width(grid: ScoreGrid) -> int | None:
    """Pixels where there are few columns, which would be stretched out of sight; None: as wide as there is room."""
    if len(grid.languages) > _FEW_COLUMNS:
        return None
    longest = max((len(shortened(label)) for label in grid.labels), default=0)
    return _FEW_COLUMN_WIDTH * max(1, len(grid.languages)) + _LETTER_WIDTH * longest + 24


def _values(grid: ScoreGrid, text_colour: str) -> go.Heatmap:
    """The cells whose number is readable in one text colour: Plotly has one text colour a trace."""

    def belongs(cell: ScoreCell) -> bool:
        return cell.state is CellState.VALUE and value_colours(cell.value, grid.extent).text == text_colour

    return _trace(
        grid,
        belongs,
        lambda cell: cell.value,
        textfont={"color": text_colour, "size": 13},
        coloraxis="coloraxis",
    )


def _flat(grid: ScoreGrid, state: CellState, colours: CellColours) -> go.Heatmap:
    """The cells that have no value, in one colour."""
    return _trace(
        grid,
        lambda cell: cell.state is state,
        lambda cell: 0.0,
        textfont={"color": colours.text, "size": 15},
        colorscale=[[0, colours.background], [1, colours.background]],
        showscale=False,
        zmin=0,
        zmax=1,
    )


def _trace(
    grid: ScoreGrid,
    belongs: Callable[[ScoreCell], bool],
    height: Callable[[ScoreCell], float],
    **attributes: object,
) -> go.Heatmap:
    return go.Heatmap(
        z=[[round(height(cell), 4) if belongs(cell) else None for cell in row] for row in grid.cells],
        text=[[cell.printed if belongs(cell) else "" for cell in row] for row in grid.cells],
        hovertext=[
            [hover(grid, cell, label) if belongs(cell) else "" for cell in row]
            for row, label in zip(grid.cells, grid.labels, strict=True)
        ],
        customdata=[
            [[cell.run, cell.language] if belongs(cell) and cell.selectable else None for cell in row]
            for row in grid.cells
        ],
        texttemplate="%{text}",
        hovertemplate="%{hovertext}<extra></extra>",
        hoverongaps=False,
        xgap=2,
        ygap=2,
        **attributes,
    )


def hover(grid: ScoreGrid, cell: ScoreCell, label: str) -> str:
    """The tip of a cell: row, language, value, interval, n."""
    name, code = language_name(cell.language), written(cell.language)
    return (
        f"<b>{written(label)}</b><br>{written(name)}{f' ({code})' if cell.selectable else ''}"
        f"<br>{written(grid.title)}: {written(cell.sentence)}"
    )


def _colour_axis(extent: float | None) -> dict[str, object]:
    low, high = (0.0, 1.0) if extent is None else (-extent, extent)
    scale = SCALE if extent is None else DIVERGING
    return {"colorscale": _stops(scale), "cmin": low, "cmax": high, "showscale": False}


def _frame(grid: ScoreGrid, selected: tuple[str, str] | None, colour: str) -> list[dict[str, object]]:
    if selected is None or grid.cell(*selected) is None:
        return []
    row, column = grid.row(selected[0]) or 0, grid.languages.index(selected[1])
    return [
        {
            "type": "rect",
            "x0": column - 0.5,
            "x1": column + 0.5,
            "y0": row - 0.5,
            "y1": row + 0.5,
            "line": {"color": colour, "width": 3},
        }
    ]


def _stops(colours: tuple[str, ...]) -> list[list[float | str]]:
    return [[place / (len(colours) - 1), colour] for place, colour in enumerate(colours)]


def shortened(label: str) -> str:
    """A row's name as long as there is room for."""
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def written(text: str) -> str:
    """Plotly reads a few HTML tags in its labels: a name must be shown as it is written."""
    return html.escape(text, quote=False)
