"""A conversation as text by a tokenizer's own chat template, the same on every day.

Thinking is switched off by the names that templates know for it, and the date that some of them write is a fixed
one: a run begun today and finished tomorrow is one run.
"""

from collections.abc import Sequence
from typing import Any

from jinja2 import TemplateError

from clika.errors import ModelError
from clika.prompts.chat import REMEDY, Message

# The day that Llama 3's own template falls back to.
_DAY = {
    "%d": "26",
    "%-d": "26",
    "%m": "07",
    "%b": "Jul",
    "%B": "July",
    "%Y": "2024",
    "%y": "24",
    "%A": "Friday",
}
# transformers gives templates the clock and lets nothing callable past it, so the template gets a macro of that name.
# The empty expression keeps a line break that the template may begin with.
_CLOCK = (
    "{%- macro strftime_now(format) -%}{{ format"
    + "".join(f" | replace('{code}', '{value}')" for code, value in _DAY.items())
    + " }}{%- endmacro -%}{{ '' }}"
)

# The template is a program that came with the checkpoint: besides its own complaints (roles, turns) these are
# what its mistakes end in.
_TEMPLATE_FAULTS = (TemplateError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError)


def chat_text(tokenizer: Any, name: str, messages: Sequence[Message]) -> str:
    """The turns as the tokenizer of model ``name`` writes them, with the model's next turn opened.

    Raises ModelError where it has no chat template, where that takes no such turns, and for a turn that holds one of
    the tokenizer's special tokens: in a chat that would end the turn.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ModelError(f"{name} has no chat template, so it is no chat model or came without; {REMEDY}")
    special = control_tokens(tokenizer)
    for message in messages:
        held = sorted(token for token in special if token in message.text)
        if held:
            raise ModelError(
                f"the turn {message.text[:60]!r} holds {held[0]!r}, which {name} takes for the end or the beginning of a"
                f" turn; leave the question out, or {REMEDY}"
            )
    try:
        template = tokenizer.get_chat_template()
        text = tokenizer.apply_chat_template(
            [{"role": str(message.role), "content": message.text} for message in messages],
            chat_template=_CLOCK + template if "strftime_now" in template else template,
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
            thinking=False,
            date_string=f"{_DAY['%d']} {_DAY['%b']} {_DAY['%Y']}",
        )
    except _TEMPLATE_FAULTS as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"the chat template of {name} does not take turns of user and assistant, the user first and last"
            f" ({lines[0][:200]}); {REMEDY}"
        ) from error
    return str(text)


def control_tokens(tokenizer: Any) -> frozenset[str]:
    """The texts of all the special tokens of a tokenizer."""
    added = getattr(tokenizer, "added_tokens_decoder", {}).values()
    return frozenset(
        {*tokenizer.all_special_tokens, *(str(token) for token in added if token.special)} - {""}
    )
