"""Choices that the store moves: what a browser sent before it had the newest ones is no error.

Gradio refuses a value that is not among a component's choices as the server has them by now, with a sentence about
lists of choices. A timer's tick that was under way while a metric changed would show it to somebody who did nothing
wrong. Here values pass as they were sent, and the listener looks whether there is such a thing, as it does anyway.
"""

from abc import ABCMeta
from typing import Any, cast

import gradio as gr


def _one(self: gr.Dropdown, payload: object) -> str | None:
    return payload if isinstance(payload, str) else None


def _several(self: gr.CheckboxGroup, payload: object) -> list[str]:
    return [one for one in payload if isinstance(one, str)] if isinstance(payload, list) else []


def _subclass(of: type[Any], preprocess: Any) -> Any:
    """Gradio's own way to make a component's class writes a file of types beside the source."""
    name = of.__name__  # by which the browser's part is found
    return ABCMeta.__new__(type(of), name, (of,), {"preprocess": preprocess, "__module__": __name__})


MovingDropdown = cast(type[gr.Dropdown], _subclass(gr.Dropdown, _one))
MovingCheckboxes = cast(type[gr.CheckboxGroup], _subclass(gr.CheckboxGroup, _several))
