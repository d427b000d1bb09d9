"""Which candidate was chosen for the places of which: a square of counts, the right answers on its diagonal."""

import html
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from clika.figures.colours import SCALE, surroundings
from clika.figures.score_grid import language_name

ROW_HEIGHT = 24


def confusion_figure(
    confusion: npt.NDArray[np.int64], candidates: Sequence[str], language: str, dark: bool = False
) -> go.Figure:
    """``confusion`` is (right, answered) counts, ``candidates`` their names in English, in that order.

    What nobody answered is left blank: it is not the scale's lowest colour. The diagonal is framed.
    """
    around = surroundings(dark)
    count = len(candidates)
    names = [html.escape(name, quote=False) for name in candidates]
    answered = f"answered in {html.escape(language_name(language), quote=False)}"
    places = list(range(count))
    figure = go.Figure(
        go.Heatmap(
            z=[[int(value) or None for value in row] for row in confusion],
            text=[[str(int(value)) if value else "" for value in row] for row in confusion],
            texttemplate="%{text}",
            customdata=[[[right, other] for other in names] for right in names],
            hovertemplate=f"right: %{{customdata[0]}}<br>{answered}: %{{customdata[1]}}<br>%{{z}} places<extra></extra>",
            hoverongaps=False,
            colorscale=[[place / (len(SCALE) - 1), colour] for place, colour in enumerate(SCALE)],
            zmin=0,
            zmax=max(1, int(confusion.sum(axis=1).max(initial=0))),
            showscale=False,
            xgap=1,
            ygap=1,
        )
    )
    figure.update_xaxes(
        side="top", title_text=answered, tickmode="array", tickvals=places, ticktext=names, tickangle=-45
    )
    figure.update_yaxes(
        title_text="right", tickmode="array", tickvals=places, ticktext=names, range=[count - 0.5, -0.5]
    )
    for axes in (figure.update_xaxes, figure.update_yaxes):
        axes(fixedrange=True, showgrid=False, zeroline=False, showline=False, ticks="", automargin=True)
    frame = {"color": around.text, "width": 1}
    figure.update_layout(
        template="none",
        height=150 + ROW_HEIGHT * count,
        margin={"l": 8, "r": 30, "t": 8, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(128,128,128,0.12)",
        font={"color": around.text, "size": 12, "family": "system-ui, sans-serif"},
        dragmode=False,
        shapes=[
            {"type": "rect", "x0": n - 0.5, "x1": n + 0.5, "y0": n - 0.5, "y1": n + 0.5, "line": frame}
            for n in places
        ],
        modebar={
            "remove": ["zoom", "pan", "select", "lasso", "zoomIn", "zoomOut", "autoScale", "resetScale"]
        },
    )
    return figure
