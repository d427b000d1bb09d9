"""A question as the last turn of a conversation, written by the model's own chat template.

A chat template is a program that came with the checkpoint: it may leave turns out, cut them, or write
something else each time. What it writes is looked at before a model is asked with it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from clika.errors import ModelError
from clika.records import Prompt, Question

REMEDY = "use --template english, or a template file of your own"

_THINKING = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>|\[(/?)THINK\]")


class Role(StrEnum):
    """Who speaks. There is no system turn, which many templates refuse."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    text: str


class ChatRenderer(Protocol):
    """Whatever knows a model's chat template."""

    def chat(self, messages: Sequence[Message]) -> str:
        """The conversation as text with its special tokens, up to where the model's next turn begins.

        Raises ModelError where there is no chat template or it does not take these turns.
        """
        ...


def chat_prompt(
    question: Question, messages: Sequence[Message], opening: str, renderer: ChatRenderer
) -> Prompt:
    """The prompt of a conversation whose last turn asks ``question`` after the words ``opening``.

    Raises ModelError where the text is not the same twice, lacks a turn or a part of one, or leaves a thinking
    part open where the answer belongs.
    """
    text = renderer.chat(messages)
    of = f"the chat template, for question {question.question_id!r} of {question.dataset} in {question.language},"
    if renderer.chat(messages) != text:
        raise ModelError(f"{of} writes something else each time, and a run must be repeatable; {REMEDY}")
    start = end = 0
    for number, message in enumerate(messages, 1):
        # Many templates take blanks at both ends of a turn away, which harms nobody.
        start = text.find(message.text.strip(), end)
        if start < 0:
            raise ModelError(
                f"{of} leaves out or changes turn {number} of {len(messages)} ({message.text.strip()[:60]!r}); a prompt"
                f" holds the whole question and every option: {REMEDY}"
            )
        end = start + len(message.text.strip())
    slot = text[end:]
    if not slot.strip():
        raise ModelError(f"{of} opens no answer: nothing follows the question; {REMEDY}")
    opened = list(_THINKING.finditer(slot))
    if opened and not (opened[-1][1] or opened[-1][2]):
        raise ModelError(
            f"{of} opens a thinking part ({opened[-1][0]}) that it cannot be told to leave out, and the answer's letter"
            f" must come next; {REMEDY}"
        )
    header = text[:start] + opening.lstrip()
    return Prompt(question, text, len(question.choices), header, slot, holds_special_tokens=True)
