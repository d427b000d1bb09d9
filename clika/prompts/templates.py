"""The text that a model is asked with: an instruction, one demonstration, the question, ``Answer:``.

Both templates end in ``Answer:`` and both demonstrations answer ``Answer:`` + letter + ``. `` + option, so
the letter is what a model that follows the form writes next. The form is that of Gao et al. 2024
(CLiKA); the wording and the demonstrations of ``english`` are our own.
"""

from collections.abc import Iterable
from enum import StrEnum

from clika.errors import DataError, UsageError
from clika.records import LETTERS, Kind, Prompt, Question


class Template(StrEnum):
    """``released``: the source's own text, byte for byte. ``english``: ours, in English throughout."""

    RELEASED = "released"
    ENGLISH = "english"


_CHOICE_INSTRUCTION = "Each question below has exactly one correct option; choose that option."
_CHOICE_DEMONSTRATION = "How many days are there in one week?"
_CHOICE_DEMONSTRATION_OPTIONS = ("4", "7", *(str(number) for number in range(10, 34)))
_CHOICE_DEMONSTRATION_ANSWER = 1

_PREMISE_INSTRUCTION = "Each question below is about a premise; choose the more plausible of its two options."
_PREMISE_DEMONSTRATION_PREMISE = "The glass fell onto the stone floor."
_PREMISE_DEMONSTRATION = "What happened as a result?"
_PREMISE_DEMONSTRATION_OPTIONS = ("It filled with water.", "It broke into pieces.")
_PREMISE_DEMONSTRATION_ANSWER = 1


def prompt(question: Question, template: Template) -> Prompt:
    """The text that asks ``question`` in ``template``; every one of its choices is scored.

    Raises UsageError when ``released`` is asked of a question that has no source text, and DataError for
    a question that cannot be asked by letters: not 2 to 26 choices, an empty text or choice, a premise
    where the kind has none or none where it needs one.
    """
    _check_askable(question)
    if template is Template.RELEASED:
        if question.source_prompt is None:
            raise UsageError(
                f"template 'released' with {_named(question)}: the template is the source's own text and this"
                f" question has none; use template '{Template.ENGLISH}', or data that hold the source's text"
            )
        text = question.source_prompt
    elif question.kind is Kind.CHOICE:
        text = _choice_text(question)
    else:
        text = _premise_text(question)
    return Prompt(question, text, len(question.choices))


def prompts(questions: Iterable[Question], template: Template) -> list[Prompt]:
    """``prompt`` of every question, in the order given; raises as ``prompt`` does."""
    return [prompt(question, template) for question in questions]


def _choice_text(question: Question) -> str:
    # A demonstration with other letters than the question's would teach letters that are not on offer.
    options = _CHOICE_DEMONSTRATION_OPTIONS[: len(question.choices)]
    return (
        f"{_CHOICE_INSTRUCTION}\n"
        f"Question:{_CHOICE_DEMONSTRATION}\n"
        f"{_lettered(options)}\n"
        f"Answer:{_answer(options, _CHOICE_DEMONSTRATION_ANSWER)}\n"
        f"Question:{question.text}\n"
        f"{_lettered(question.choices)}\n"
        "Answer:"
    )


def _premise_text(question: Question) -> str:
    return (
        f"{_PREMISE_INSTRUCTION}\n"
        f"Premise:{_PREMISE_DEMONSTRATION_PREMISE}\n"
        f"Question:{_PREMISE_DEMONSTRATION}\n"
        f"{_lettered(_PREMISE_DEMONSTRATION_OPTIONS)}\n"
        f"Answer:{_answer(_PREMISE_DEMONSTRATION_OPTIONS, _PREMISE_DEMONSTRATION_ANSWER)}\n"
        f"Premise:{question.premise}\n"
        f"Question:{question.text}\n"
        f"{_lettered(question.choices)}\n"
        "Answer:"
    )


def _lettered(options: tuple[str, ...]) -> str:
    return "\n".join(f"{LETTERS[index]}. {option}" for index, option in enumerate(options))


def _answer(options: tuple[str, ...], index: int) -> str:
    return f"{LETTERS[index]}. {options[index]}"


def _named(question: Question) -> str:
    return f"question {question.question_id!r} of {question.dataset} in {question.language}"


def _check_askable(question: Question) -> None:
    """Raises DataError for a question that has no place in a lettered form."""
    count = len(question.choices)
    if not 2 <= count <= len(LETTERS):
        raise DataError(
            f"{_named(question)} has {count} choices; a lettered question has 2 to {len(LETTERS)}:"
            " correct or leave out this question"
        )
    if not question.text.strip():
        raise DataError(f"{_named(question)} has an empty text; write the question or leave it out")
    for index, choice in enumerate(question.choices):
        if not choice.strip():
            raise DataError(
                f"{_named(question)}: choice {LETTERS[index]} is empty; every choice needs a text"
            )
    if question.kind is Kind.CHOICE:
        if question.premise is not None:
            raise DataError(
                f"{_named(question)} is of kind 'choice' but has a premise, which would be dropped;"
                " put the premise into the text, or give kind 'cause' or 'effect'"
            )
        return
    if question.premise is None or not question.premise.strip():
        raise DataError(
            f"{_named(question)} is of kind {question.kind.value!r} and has no premise; give it one"
        )
    if count != 2:
        raise DataError(
            f"{_named(question)} is of kind {question.kind.value!r} and has {count} choices; this kind has 2:"
            " give two choices, or kind 'choice'"
        )
