"""A conversation is asked only as the chat template keeps it: every turn whole, the same twice, the answer next."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from clika.errors import ModelError, UsageError
from clika.prompts.chat import Message
from clika.prompts.templates import Asking, Template
from tests.prompts.test_templates import CAPITAL, LIGHT


class Renderer:
    """Writes turns as ``<role>text</end>`` and then ``tail``, changed by ``change``."""

    def __init__(self, tail: str = "<assistant>", change: Callable[[str], str] = lambda text: text) -> None:
        self.seen: list[Message] = []
        self._tail, self._change = tail, change

    def chat(self, messages: Sequence[Message]) -> str:
        self.seen = list(messages)
        turns = [f"<{turn.role}>{self._change(turn.text.strip())}</end>\n" for turn in messages]
        return "<s>" + "".join(turns) + self._tail


def test_instruction_and_question_are_one_turn_after_those_of_the_demonstrations() -> None:
    renderer = Renderer()
    (asked,) = Asking(Template.CHAT).prompts([CAPITAL], renderer)
    instruction = "Choose the correct option of the question below. Begin your answer with its letter."
    assert [(str(turn.role), turn.text) for turn in renderer.seen] == [
        ("user", f"{instruction}\n\nHow many days are there in one week?\nA. 4\nB. 7\nC. 10"),
        ("assistant", "B. 7"),
        ("user", f"{instruction}\n\nWhich river flows through Cologne?\nA. Elbe\nB. Rhine\nC. Danube"),
    ]
    assert asked.text.endswith("C. Danube</end>\n<assistant>")
    assert asked.answer_slot == "</end>\n<assistant>"
    assert asked.holds_special_tokens
    assert asked.text.startswith(asked.header)
    assert asked.text[len(asked.header) :].startswith(CAPITAL.text)


def test_without_demonstrations_there_is_one_turn_and_a_premise_is_in_it() -> None:
    renderer = Renderer()
    Asking(Template.CHAT, demonstrations=0).prompts([LIGHT], renderer)
    (turn,) = renderer.seen
    assert turn.text.endswith(
        "\n\nPremise: She pressed the switch.\nQuestion: What happened as a result?\n"
        "A. The lamp went on.\nB. The cat went out."
    )


def test_blanks_at_a_turns_ends_may_go() -> None:
    question = replace(CAPITAL, choices=("Elbe", "Rhine", "Danube "))
    assert Asking(Template.CHAT).prompts([question], Renderer())[0].text.endswith("Danube</end>\n<assistant>")


@pytest.mark.parametrize(
    ("renderer", "said"),
    [
        (Renderer(change=lambda text: text.replace("Danube", "")), "changes turn 3 of 3 .* every option"),
        (Renderer(change=lambda text: text.replace("7", "seven")), "changes turn 1 of 3"),
        (Renderer(change=str.upper), "leaves out or changes"),
        (Renderer(tail="<assistant><think>\n"), r"opens a thinking part \(<think>\)"),
        (Renderer(tail="[THINK]"), "opens a thinking part"),
    ],
)
def test_a_chat_template_that_loses_or_opens_something_is_refused(renderer: Renderer, said: str) -> None:
    with pytest.raises(ModelError, match=rf"'1' of xgeo in en, .*{said}.*--template english"):
        Asking(Template.CHAT).prompts([CAPITAL], renderer)


def test_a_closed_thinking_part_is_thinking_switched_off() -> None:
    renderer = Renderer(tail="<assistant><think>\n\n</think>\n\n")
    assert Asking(Template.CHAT).prompts([CAPITAL], renderer)[0].text.endswith("</think>\n\n")


def test_a_chat_template_that_writes_something_else_each_time_is_refused() -> None:
    class Clock(Renderer):
        ticks = 0

        def chat(self, messages: Sequence[Message]) -> str:
            self.ticks += 1
            return f"{self.ticks}{super().chat(messages)}"

    with pytest.raises(ModelError, match="something else each time"):
        Asking(Template.CHAT).prompts([CAPITAL], Clock())


def test_a_chat_template_that_ends_with_the_question_opens_no_answer() -> None:
    class Bare(Renderer):
        def chat(self, messages: Sequence[Message]) -> str:
            return "\n".join(turn.text for turn in messages)

    with pytest.raises(ModelError, match="opens no answer"):
        Asking(Template.CHAT).prompts([CAPITAL], Bare())


def test_a_chat_needs_a_model_and_a_question_is_checked_before_there_is_one() -> None:
    with pytest.raises(UsageError, match="no model is at hand"):
        Asking(Template.CHAT).prompts([CAPITAL])
    Asking(Template.CHAT).check([CAPITAL, LIGHT])
