"""Plotly's own browser script, for pages that carry it with them."""

from plotly.offline import get_plotlyjs


def plotly_script() -> str:
    """The whole script, MIT licence and version in its first lines (4.8 MB)."""
    return str(get_plotlyjs())
