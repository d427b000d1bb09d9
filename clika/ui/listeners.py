"""How the page's functions answer a browser: errors as sentences, and looks that wait for nobody.

A listener can be called by anybody who reaches the page, private or not: whatever arrives is checked by the
function that uses it.
"""

import json
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Literal, ParamSpec, TypedDict, TypeVar

import gradio as gr

from clika.errors import ClikaError, UsageError
from clika.ui import markup

ASSETS = Path(__file__).resolve().parents[2] / "assets"

P = ParamSpec("P")
T = TypeVar("T")


class Listening(TypedDict):
    """How a listener is run."""

    concurrency_limit: int | None
    show_progress: Literal["hidden"]
    api_visibility: Literal["private"]


LOOK = Listening(concurrency_limit=None, show_progress="hidden", api_visibility="private")
"""For what only looks: any number at once, without a progress veil."""


def spoken(listener: Callable[P, T]) -> Callable[P, T]:
    """A listener whose ClikaErrors reach the person as their sentence; other errors stay what they are."""

    @wraps(listener)
    def told(*arguments: P.args, **named: P.kwargs) -> T:
        try:
            return listener(*arguments, **named)
        except ClikaError as error:
            raise gr.Error(markup.toast(str(error)), print_exception=False) from error

    return told


READ_ONLY = (
    "this page only shows; to ask models of your own duplicate the Space, or run CLiKA on a machine of yours"
)


def check_writable(read_only: bool) -> None:
    """Raises UsageError where the page only shows: said inside every listener that changes the store."""
    if read_only:
        raise UsageError(READ_ONLY)


def script(name: str) -> str:
    """A browser script of the assets."""
    return (ASSETS / name).read_text(encoding="utf-8")


GO_BACK = """() => {
  if (window.clikaGoesBack) return;
  window.clikaGoesBack = true;
  window.addEventListener("popstate", () => window.location.reload());
}"""
"""JavaScript by which the browser's Back and Forward show what the address says: the page is made from it anew."""


def in_address(name: str, value: str | None = None, goes_back: bool = False) -> str:
    """JavaScript that writes ``name=value`` into the page's address, so that a reload and a copied link restore it.

    Without ``value`` it is the listener's first input, a list with commas; an empty one takes the name out.
    ``goes_back``: the browser's Back leads to how it was before.
    """
    act = "pushState" if goes_back else "replaceState"
    given = "" if value is None else f" = {json.dumps(value)}"
    return (
        f"(value{given}) => {{ const address = new URL(window.location.href);"
        f" if (String(value ?? '')) address.searchParams.set({json.dumps(name)}, value);"
        f" else address.searchParams.delete({json.dumps(name)});"
        " const before = new URL(window.location.href).searchParams.toString();"  # however that is written
        f" if (address.searchParams.toString() !== before) window.history.{act}(null, '', address); }}"
    )


def in_address_if_selected(name: str, value: str) -> str:
    """``in_address`` for a tab: the first selection of a page is its own, made before the address is read."""
    write = in_address(name, value, goes_back=True)
    return f"() => {{ if (window.clikaOpened) ({write})(); else window.clikaOpened = true; }}"


def of_tab_in_address(name: str) -> str:
    """JavaScript for a selected tab's own part of the address: ``name`` is its first input. See above."""
    return f"(value) => {{ if (window.clikaOpened) ({in_address(name)})(value); }}"
