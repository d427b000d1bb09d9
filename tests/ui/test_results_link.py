"""A link says all that is seen, and an old or forged one is read as far as it makes sense."""

from dataclasses import replace

import pytest

from clika.database.cell_questions import Order, Pattern, QuestionFilter, Relation
from clika.ui.arrangement import Arrangement
from clika.ui.results_cell import Chosen
from clika.ui.results_figures import Shape
from clika.ui.results_link import NAMES, Switches, link_of, switches_of

FULL = Switches(
    "released",
    "en-co",
    "factual",
    Shape.TABLE,
    Arrangement(("r1", "r2"), ("en", "zh"), "zh", "r1", "-zh/en"),
    True,
    Chosen(
        "r2",
        "he",
        QuestionFilter(Relation.BOTH, Pattern.ALL_WRONG, 3, "xgeo", "de", "a&b=c #\u202eשָׁ", Order.DIVISIVE),
        40,
        "xgeo",
        "a:b/c?d",
        "r1",
        True,
    ),
)


def test_a_link_says_all_that_is_seen() -> None:
    assert switches_of(f"?tab=results&{link_of(FULL)}", dark=True) == FULL
    assert switches_of("", dark=False) == Switches()
    assert link_of(replace(Switches(), collection="c")) == "collection=c"


@pytest.mark.parametrize(
    "query",
    [
        "?model=a&model=b&from=-1&same=x&kind=nonsense&pattern=%00&order=up&view=Pie",
        "?from=" + "9" * 5000,
        "?same=" + "9" * 5000 + "&question=noid&runs=,,,&grouped=1",
        "?%ff=%ff&&=&;",
        "?same=²&from=٣",
    ],
)
def test_a_forged_link_is_read_as_far_as_it_makes_sense(query: str) -> None:
    read = switches_of(query, dark=False)
    assert read.shape is Shape.HEATMAP
    assert read.chosen.wanted.relation is None
    assert read.chosen.question is None
    assert read.wish == Arrangement()
    assert 0 <= read.chosen.offset < 10**9
    assert 0 <= read.chosen.wanted.same_wrong < 1000


def test_no_name_in_the_address_is_gradios_own() -> None:
    # gradio/routes.py looks pages of a Blocks up by it, and answers 500 where there is none of that name
    assert not {"page", "session_hash", "__theme", "__sign", "deep_link"} & set(NAMES)
