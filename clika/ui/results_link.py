"""The state of the Results tab as a query of the page's address, and back: a link restores the view in any browser.

A link is old text that anybody may have changed: what it names is held against the store before it is shown.
"""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode

from clika.database.cell_questions import Order
from clika.ui.arrangement import AS_IT_IS, Arrangement
from clika.ui.results_cell import Chosen, checked_filter
from clika.ui.results_figures import Shape, wanted_shape

NAMES = (
    *("collection", "metric", "scope", "view", "runs", "languages", "study", "baseline", "sort"),
    *("model", "language", "kind", "pattern", "same", "set", "origin", "search", "order", "from"),
    *("question", "shown", "grouped"),
)
"""The names in the address that are this tab's; other tabs have theirs, and ``page`` is Gradio's own."""


@dataclass(frozen=True, slots=True)
class Switches:
    """What the tab's switches say, as a browser or a link says it: wishes, not yet held against the store."""

    collection: str | None = None
    metric: str | None = None
    scope: str | None = None
    shape: Shape = Shape.HEATMAP
    wish: Arrangement = AS_IT_IS
    dark: bool = False
    chosen: Chosen = field(default_factory=Chosen)


def link_of(now: Switches) -> str:
    """The query, without a question mark, that ``switches_of`` reads back; what is as usual is left out."""
    chosen, wanted = now.chosen, now.chosen.wanted
    values = {
        "collection": now.collection,
        "metric": now.metric,
        "scope": now.scope,
        "view": None if now.shape is Shape.HEATMAP else str(now.shape),
        "runs": ",".join(now.wish.models),
        "languages": ",".join(now.wish.languages),
        "study": now.wish.study,
        "baseline": now.wish.baseline,
        "sort": now.wish.sort,
        "model": chosen.run,
        "language": chosen.language,
        "kind": wanted.relation and str(wanted.relation),
        "pattern": wanted.pattern and str(wanted.pattern),
        "same": str(wanted.same_wrong) if wanted.same_wrong else None,
        "set": wanted.dataset,
        "origin": wanted.origin,
        "search": wanted.search,
        "order": None if wanted.order is Order.SOURCE else str(wanted.order),
        "from": str(chosen.offset) if chosen.offset else None,
        "question": f"{chosen.dataset}:{chosen.question_id}" if chosen.question else None,
        "shown": chosen.shown,
        "grouped": "yes" if chosen.grouped else None,
    }
    return urlencode({name: value for name, value in values.items() if value})


def switches_of(query: str, dark: bool) -> Switches:
    """What a query wishes; names that are not this tab's are passed over, of repeated ones the last counts."""
    values = {name: found[-1] for name, found in parse_qs(query.removeprefix("?")).items() if name in NAMES}
    dataset, _, question_id = values.get("question", "").partition(":")
    offset = values.get("from", "")
    chosen = Chosen(
        run=values.get("model"),
        language=values.get("language"),
        wanted=checked_filter(
            *(values.get(name) for name in ("kind", "pattern", "same", "set", "origin", "search", "order"))
        ),
        offset=int(offset[:9]) if offset.isdecimal() else 0,
        dataset=dataset or None,
        question_id=question_id or None,
        shown=values.get("shown"),
        grouped=values.get("grouped") == "yes",
    )
    return Switches(
        values.get("collection"),
        values.get("metric"),
        values.get("scope"),
        wanted_shape(values.get("view")),
        Arrangement(
            tuple(filter(None, values.get("runs", "").split(","))),
            tuple(filter(None, values.get("languages", "").split(","))),
            values.get("study"),
            values.get("baseline"),
            values.get("sort", ""),
        ),
        dark,
        chosen,
    )


WRITE_ADDRESS = f"""(query) => {{
  const address = new URL(window.location.href);
  const steps = ["model", "language", "question"];  // to each of them Back leads
  const before = steps.map((name) => address.searchParams.get(name)).join();
  for (const name of {json.dumps(NAMES)}) address.searchParams.delete(name);
  new URLSearchParams(query).forEach((value, name) => address.searchParams.set(name, value));
  if (query) address.searchParams.set("tab", "results");
  const after = steps.map((name) => address.searchParams.get(name)).join();
  if (address.searchParams.toString() !== new URL(window.location.href).searchParams.toString())
    window.history[before === after ? "replaceState" : "pushState"](null, "", address);
}}"""
"""JavaScript that writes a query of this tab into the address and leaves other tabs' names alone."""

READ_ADDRESS = "() => [document.body.classList.contains('dark'), window.location.search]"

COPY_LINK = """async (query) => {
  const address = new URL(window.location.href);
  address.search = query;
  address.searchParams.set("tab", "results");
  try { await navigator.clipboard.writeText(address.href); }
  catch {  // no clipboard without https: an older way
    const field = document.createElement("textarea");
    field.value = address.href;
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
  }
}"""
"""JavaScript that puts the page's address with a query of this tab into the clipboard."""
