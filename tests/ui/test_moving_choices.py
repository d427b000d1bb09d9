"""A value that the server no longer offers reaches the listener, and is Gradio's component all the same."""

import gradio as gr
import pytest

from clika.ui.moving_choices import MovingCheckboxes, MovingDropdown


def test_what_was_sent_before_the_choices_changed_passes() -> None:
    with gr.Blocks():
        one, several = MovingDropdown(["factual"]), MovingCheckboxes(["en", "de"])
        with pytest.raises(gr.Error, match="not in the list of choices"):
            gr.Dropdown(["factual"]).preprocess("fictional")
    assert one.preprocess("fictional") == "fictional"
    assert several.preprocess(["en", "he"]) == ["en", "he"]
    assert (one.get_block_name(), several.get_block_name()) == ("dropdown", "checkboxgroup")
    assert isinstance(one, gr.Dropdown)


@pytest.mark.parametrize("odd", [None, 7, {"a": 1}, ["x", 3]])
def test_what_no_browser_sends_is_nothing(odd: object) -> None:
    with gr.Blocks():
        one, several = MovingDropdown([]), MovingCheckboxes([])
    assert one.preprocess(odd) is None  # type: ignore[arg-type]
    assert several.preprocess(odd) == (["x"] if isinstance(odd, list) else [])  # type: ignore[arg-type]
