"""An instruction without a question behind it, as a model is taught and asked it: Alpaca's form, or a chat's turn.

Teaching and asking have to write the same text to the letter, so both take it from here.
"""

from collections.abc import Sequence
from enum import StrEnum

from clika.errors import ModelError
from clika.prompts.chat import REMEDY, ChatRenderer, Message, Role

# Alpaca's form without an input (Taori et al. 2023). The line break after "Response:" keeps the answer's first
# token its own: tokenizers of the cl100k kind would make one token of ":" and the word after it.
_ALPACA = (
    "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
    "### Instruction:\n{instruction}\n\n### Response:\n"
)


class InstructionForm(StrEnum):
    """Foundation models are asked in Alpaca's form, tuned ones through their own chat template."""

    ALPACA = "alpaca"
    CHAT = "chat"


def instruction_text(instruction: str, source: str | None) -> str:
    """What is asked: the instruction, and after a space the text that it is about, where there is one."""
    return instruction if source is None else f"{instruction} {source}"


def instruction_prompt(form: InstructionForm, text: str, renderer: ChatRenderer | None = None) -> str:
    """The whole text up to where the answer begins.

    A chat's has the special tokens written in it: a tokenizer must add none. Raises ModelError as the renderer
    does, and where a chat is wanted and there is no renderer or the text does not come back whole.
    """
    if form is InstructionForm.ALPACA:
        return _ALPACA.replace("{instruction}", text)
    if renderer is None:
        raise ModelError(f"a chat is written by a model's own template and no model is at hand; {REMEDY}")
    prompt = renderer.chat([Message(Role.USER, text)])
    if text.strip() not in prompt:
        raise ModelError(f"the chat template leaves out or changes the instruction {text[:60]!r}; {REMEDY}")
    return prompt


def turn_ending(text: str, answer: str, renderer: ChatRenderer, control: Sequence[str]) -> str:
    """What a chat writes after an answer through the end of its turn: the first control token; empty if none.

    ``control`` are the texts of the tokenizer's special tokens.
    """
    whole = renderer.chat([Message(Role.USER, text), Message(Role.ASSISTANT, answer)])
    asked = whole.rfind(text.strip())
    said = whole.find(answer.strip(), asked + len(text.strip())) if asked >= 0 else -1
    if said < 0:
        raise ModelError(f"the chat template leaves out or changes the answer {answer[:60]!r}; {REMEDY}")
    after = whole[said + len(answer.strip()) :]
    ends = [place + len(token) for token in control if (place := after.find(token)) >= 0]
    return after[: min(ends)] if ends else ""
