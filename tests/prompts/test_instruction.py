"""An instruction's text: Alpaca's form, or the model's own chat; what a template drops is noticed."""

from collections.abc import Sequence

import pytest

from clika.errors import ModelError
from clika.prompts.chat import Message
from clika.prompts.instruction import InstructionForm, instruction_prompt, turn_ending


class Bracketed:
    """Writes ``[user]text[end]`` and so on; ``keeps`` characters of each turn."""

    def __init__(self, keeps: int = 1000) -> None:
        self._keeps = keeps

    def chat(self, messages: Sequence[Message]) -> str:
        turns = (f"[{message.role}]{message.text[: self._keeps]}[end]" for message in messages)
        return "".join(turns) + "[assistant]"


def test_a_chat_is_the_renderers_text_and_its_turn_ends_at_the_first_control_token() -> None:
    assert instruction_prompt(InstructionForm.CHAT, "Ask.", Bracketed()) == "[user]Ask.[end][assistant]"
    assert turn_ending("Ask.", "Say.", Bracketed(), ["[assistant]", "[end]"]) == "[end]"
    assert turn_ending("Ask.", "Say.", Bracketed(), []) == ""


def test_an_answer_that_the_instruction_holds_too_is_found_in_its_own_turn() -> None:
    assert turn_ending("Say Say.", "Say", Bracketed(), ["[end]"]) == "[end]"


def test_what_a_template_drops_is_noticed() -> None:
    with pytest.raises(ModelError, match="no model is at hand"):
        instruction_prompt(InstructionForm.CHAT, "Ask.")
    with pytest.raises(ModelError, match="leaves out or changes the instruction 'Where is it"):
        instruction_prompt(InstructionForm.CHAT, "Where is it?", Bracketed(keeps=5))
    with pytest.raises(ModelError, match="leaves out or changes the answer 'In Mythosia"):
        turn_ending("Where?", "In Mythosia.", Bracketed(keeps=6), ["[end]"])
