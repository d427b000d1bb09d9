"""A user's own template: a TOML file with named fields, read and checked before anything is asked.

    name = "careful"

    [choice]
    instruction = "One option is right."
    text = '''
    {instruction}
    {demonstrations}Question ({language}): {question}
    {options}
    Answer:'''

    [premise]                                 the same, with {premise} in its text

    [[choice.demonstrations]]                 in the place of those built in
    question = "How many legs does a beetle have?"
    answer = "6"
    others = ["2", "4", "8"]

Instruction and demonstrations are those of template ``english`` where the file has none. ``option``, ``answer``,
``separator`` and ``chat`` are those of ``Form``.
"""

import tomllib
from pathlib import Path
from typing import Any

from clika.errors import UsageError
from clika.prompts.forms import Demonstration, Form, Layout
from clika.prompts.templates import OWN, Template, built_in_form

ENDING = ".toml"
MOST_BYTES = 1_000_000

_TEXTS = ("name", "option", "answer", "separator")
_LAYOUT_KEYS = ("text", "instruction", "demonstrations")
_DEMONSTRATION_KEYS = ("question", "answer", "others", "premise")


def read_own_template(path: Path) -> tuple[str, str]:
    """(the name that runs show, the content) of a template file. Raises UsageError for one that cannot be used."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(
                f"template file {path} is larger than {MOST_BYTES} bytes; give a template's file"
            )
        content = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"template file {path} cannot be read ({error}); give a TOML file in UTF-8, or one of {', '.join(Template)}"
        ) from error
    return OWN + own_form(content).name, content


def own_form(content: str) -> Form:
    """The form that a template file's content describes.

    Raises UsageError, with value, rule and remedy, for what is no TOML, for unknown or missing keys, and for texts in
    which a question would lose something.
    """
    try:
        values = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"a template file is no TOML: {error}; correct it there") from error
    _check_keys("a template file", values, (*_TEXTS, "chat", "choice", "premise"), ("name",))
    name = _text("a template file", values, "name")
    chat = values.get("chat", False)
    if not isinstance(chat, bool):
        raise UsageError(f"template {name!r}: chat is {chat!r}; it is true or false")
    standard = built_in_form(Template.CHAT if chat else Template.ENGLISH)
    given: dict[str, Any] = {key: _text(f"template {name!r}", values, key) for key in _TEXTS if key in values}
    choice, premise = (
        _layout(name, sort, values[sort], layout) if sort in values and layout is not None else None
        for sort, layout in (("choice", standard.choice), ("premise", standard.premise))
    )
    return Form(choice=choice, premise=premise, chat=chat, **given)


def _layout(name: str, sort: str, values: object, standard: Layout) -> Layout:
    where = f"template {name!r}, [{sort}]"
    table = _table(where, values)
    _check_keys(where, table, _LAYOUT_KEYS, ("text",))
    instruction = _text(where, table, "instruction") if "instruction" in table else standard.instruction
    shown = standard.demonstrations
    if "demonstrations" in table:
        if not isinstance(table["demonstrations"], list):
            raise UsageError(f"{where}: demonstrations are a list; write [[{sort}.demonstrations]] for each")
        shown = tuple(
            _demonstration(f"{where}, demonstration {number}", value)
            for number, value in enumerate(table["demonstrations"], 1)
        )
    return Layout(_text(where, table, "text"), instruction, shown)


def _demonstration(where: str, values: object) -> Demonstration:
    table = _table(where, values)
    _check_keys(where, table, _DEMONSTRATION_KEYS, ("question", "answer", "others"))
    others = table["others"]
    if not isinstance(others, list) or not all(isinstance(other, str) for other in others):
        raise UsageError(f"{where}: others are {others!r}; write the wrong options as a list of texts")
    premise = _text(where, table, "premise") if "premise" in table else None
    return Demonstration(
        _text(where, table, "question"), _text(where, table, "answer"), tuple(others), premise
    )


def _table(where: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{where} is {value!r}; it is a table with keys of its own")
    return value


def _text(where: str, table: dict[str, Any], key: str) -> str:
    value = table[key]
    if not isinstance(value, str):
        raise UsageError(f"{where}: {key} is {value!r}; write it as a text in quotes")
    return value


def _check_keys(where: str, table: dict[str, Any], known: tuple[str, ...], needed: tuple[str, ...]) -> None:
    for key in table:
        if key not in known:
            raise UsageError(f"{where}: unknown key {key!r}; known: {', '.join(known)}")
    for key in needed:
        if key not in table:
            raise UsageError(f"{where} has no {key}; write one")
