"""Colours of score cells, chosen so that the printed number is readable on every one of them.

Viridis keeps its order for every kind of colour blindness and holds no grey, so the grey of a cell
without a value cannot be taken for a value. Differences go from red over pale yellow to blue (ColorBrewer's
RdYlBu, safe for the colour-blind): its middle is no grey either, and a sign stands before each number.
"""

from dataclasses import dataclass
from functools import lru_cache

from plotly.colors import diverging, sample_colorscale, sequential, unlabel_rgb

from clika.figures.score_grid import CellState, ScoreCell

SCALE: tuple[str, ...] = tuple(sequential.Viridis)
DIVERGING: tuple[str, ...] = tuple(diverging.RdYlBu)

SERIES: tuple[str, ...] = (
    *("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#8f8400", "#7f7f7f"),
    *("#332288", "#aa4499"),
)
"""Colours of rows or languages side by side: Okabe and Ito's for the colour-blind, two of Tol's after them."""

BLACK = "#000000"
WHITE = "#ffffff"


@dataclass(frozen=True, slots=True)
class CellColours:
    """Background and text, each as ``#rrggbb``."""

    background: str
    text: str


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The colours that depend on whether the page is light or dark."""

    text: str
    grid: str
    selected: str
    undefined: CellColours
    not_run: CellColours


LIGHT = Surroundings(
    text="#1f2937",
    grid="#d4d4d8",
    selected="#dc2626",
    undefined=CellColours("#cbcbd1", "#27272a"),
    not_run=CellColours("#f4f4f5", "#52525b"),
)
DARK = Surroundings(
    text="#e5e7eb",
    grid="#52525b",
    selected="#f87171",
    undefined=CellColours("#5b5b64", "#ffffff"),
    not_run=CellColours("#27272a", "#c4c4cc"),
)


def surroundings(dark: bool) -> Surroundings:
    """The colours of the dark or of the light page."""
    return DARK if dark else LIGHT


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two ``#rrggbb`` colours, 1 to 21 (WCAG 2.2; 4.5 is asked of text)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@lru_cache(maxsize=4096)
def value_colours(value: float, extent: float | None = None) -> CellColours:
    """The scale's colour at a value, fixed from 0 to 1 (what lies beyond takes the end's colour).

    With ``extent`` it is a difference's: from -extent to extent, with 0 in the middle.
    """
    scale, share = (SCALE, value) if extent is None else (DIVERGING, 0.5 + value / (2 * extent))
    sampled = sample_colorscale(list(scale), [min(1.0, max(0.0, round(share, 4)))])[0]
    background = "#" + "".join(f"{round(channel):02x}" for channel in unlabel_rgb(sampled))
    text = max((BLACK, WHITE), key=lambda colour: contrast(colour, background))
    return CellColours(background, text)


def cell_colours(cell: ScoreCell, dark: bool, extent: float | None = None) -> CellColours:
    """The colours of any cell, with or without a value; ``extent`` is its grid's."""
    if cell.state is CellState.VALUE:
        return value_colours(cell.value, extent)
    around = surroundings(dark)
    return around.not_run if cell.state is CellState.NOT_RUN else around.undefined


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
