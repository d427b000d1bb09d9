"""Figures that leave the page: on a background of their own, as a file of HTML or as what a browser draws."""

import json

import plotly.graph_objects as go

PAPER = {False: "#ffffff", True: "#18181b"}
"""The page's own background, light and dark."""
WIDTH = 1200


def on_paper(figure: go.Figure, dark: bool, title: str) -> go.Figure:
    """The figure with its title and the page's background, which on the page shines through."""
    shown = go.Figure(figure)
    top = (shown.layout.margin.t or 0) + 40
    shown.update_layout(
        paper_bgcolor=PAPER[dark],
        margin={"l": 8, "r": 8, **shown.layout.margin.to_plotly_json(), "t": top},
        height=(shown.layout.height or 450) + 40,
        title={"text": title, "x": 0.01, "y": 0.99, "yanchor": "top", "font": {"size": 16}},
    )
    return shown


def figure_html(figure: go.Figure) -> str:
    """A whole page with plotly.js inside: it opens without a network, and sends nothing anywhere."""
    page: str = figure.to_html(
        include_plotlyjs=True, config={"showSendToCloud": False, "displaylogo": False}, full_html=True
    )
    return page


def figure_to_draw(figure: go.Figure, form: str, name: str) -> str:
    """JSON of the figure and of what ``Plotly.downloadImage`` is told: twice the pixels for PNG."""
    drawn = json.loads(figure.to_json())
    size = {"width": WIDTH, "height": drawn["layout"]["height"], "scale": 2 if form == "png" else 1}
    return json.dumps({"figure": drawn, "options": {"format": form, "filename": name, **size}})
