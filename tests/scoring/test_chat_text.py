"""A tokenizer's chat template: what it is given, and what becomes of its complaints."""

import pytest
from transformers import PreTrainedTokenizerFast

from clika.errors import ModelError
from clika.prompts.chat import Message, Role
from clika.scoring.chat_text import chat_text
from tests.models import tiny_tokenizer

TURNS = (Message(Role.USER, "One?"), Message(Role.ASSISTANT, "A."), Message(Role.USER, "Two?"))
CHAT = "{% for m in messages %}<{{ m.role }}>{{ m.content }}{{ eos_token }}{% endfor %}"
OPEN = "{% if add_generation_prompt %}<assistant>{% endif %}"


def tokenizer(template: str | None) -> PreTrainedTokenizerFast:
    made = tiny_tokenizer()
    made.chat_template = template
    return made


def test_turns_are_written_with_special_tokens_and_the_next_turn_is_opened() -> None:
    assert chat_text(tokenizer("{{ bos_token }}" + CHAT + OPEN), "tiny", TURNS) == (
        "<s><user>One?</s><assistant>A.</s><user>Two?</s><assistant>"
    )


@pytest.mark.parametrize("name", ["enable_thinking", "thinking"])
def test_thinking_is_switched_off_by_the_names_that_templates_know(name: str) -> None:
    template = CHAT + OPEN + f"{{% if {name} is defined and {name} is false %}}<think></think>{{% endif %}}"
    assert chat_text(tokenizer(template), "tiny", TURNS).endswith("<assistant><think></think>")


def test_a_date_is_the_same_on_every_day() -> None:
    template = "\n{% set day = strftime_now('%d %b %Y') %}{{ day }}, {{ strftime_now('%Y-%m-%d') }}, {{ date_string }}"
    assert chat_text(tokenizer(template), "tiny", TURNS) == "\n26 Jul 2024, 2024-07-26, 26 Jul 2024"


@pytest.mark.parametrize("template", [None, ""])
def test_a_model_without_a_chat_template_is_refused_with_the_remedy(template: str | None) -> None:
    with pytest.raises(ModelError, match=r"tiny has no chat template.*--template english"):
        chat_text(tokenizer(template), "tiny", TURNS)


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("{{ raise_exception('A system turn is needed') }}", "A system turn is needed"),
        ("{{ messages[7].content }}", "no element 7"),
        ("{% for", "tiny does not take turns"),
        ("{{ 1 / 0 }}", "division by zero"),
        ("{{ messages[0].content + 1 }}", "concatenate"),
    ],
)
def test_a_template_that_complains_or_fails_is_a_sentence(template: str, said: str) -> None:
    with pytest.raises(ModelError, match=rf"chat template of tiny does not take .*{said}|{said}"):
        chat_text(tokenizer(template), "tiny", TURNS)


def test_a_special_token_in_a_turn_is_refused() -> None:
    with pytest.raises(ModelError, match=r"holds '</s>', which tiny takes for the end"):
        chat_text(tokenizer(CHAT + OPEN), "tiny", (Message(Role.USER, "What does </s> mean?"),))
