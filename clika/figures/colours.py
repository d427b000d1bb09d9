"""Colours of score cells, chosen so that the printed number is readable on every one of them.

Viridis keeps its order for every kind of colour blindness and holds no grey, so the grey of a cell
without a value cannot be taken for a value.
"""

from dataclasses import dataclass
from functools import lru_cache

from plotly.colors import sample_colorscale, sequential, unlabel_rgb

from clika.figures.score_grid import CellState, ScoreCell

SCALE: tuple[str, ...] = tuple(sequential.Viridis)

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
    selected: str
    undefined: CellColours
    not_run: CellColours


LIGHT = Surroundings(
    text="#1f2937",
    selected="#dc2626",
    undefined=CellColours("#cbcbd1", "#27272a"),
    not_run=CellColours("#f4f4f5", "#52525b"),
)
DARK = Surroundings(
    text="#e5e7eb",
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
def value_colours(value: float) -> CellColours:
    """The scale's colour at a value, fixed from 0 to 1 (what lies beyond takes the end's colour)."""
    sampled = sample_colorscale(list(SCALE), [min(1.0, max(0.0, round(value, 4)))])[0]
    background = "#" + "".join(f"{round(channel):02x}" for channel in unlabel_rgb(sampled))
    text = max((BLACK, WHITE), key=lambda colour: contrast(colour, background))
    return CellColours(background, text)


def cell_colours(cell: ScoreCell, dark: bool) -> CellColours:
    """The colours of any cell, with or without a value."""
    if cell.state is CellState.VALUE:
        return value_colours(cell.value)
    around = surroundings(dark)
    return around.not_run if cell.state is CellState.NOT_RUN else around.undefined


def _luminance(colour: str) -> float:
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
