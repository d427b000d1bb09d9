"""A template as data: the texts around a question, with named fields, and the answered questions before it.

A template that is built in and one that a user brings are the same form and pass the same checks. Fields are
put in in one pass, so that braces in a question stay what they are.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from string import Formatter

from clika.errors import UsageError
from clika.records import LETTERS

DEMONSTRATIONS = "demonstrations"
FIELDS = ("instruction", DEMONSTRATIONS, "premise", "question", "options", "language")
"""What the text of a layout may name: once, and in braces."""

_ASKED = ("premise", "question", "options")
_OPTION_FIELDS = ("letter", "option")
_NAME = re.compile(r"[\w-]{1,40}")
_PLACES = (1, 0, 3, 2, 4)  # so that five demonstrations of five options show every letter once

Piece = tuple[str, str | None]
"""Words of the text's own, and the field that follows them: None at the end."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A question with its right answer and the wrong ones, which must be enough for the questions asked."""

    question: str
    answer: str
    others: tuple[str, ...]
    premise: str | None = None

    def options(self, count: int, place: int) -> tuple[str, ...]:
        """``count`` options with the right one at ``place`` (0-based); ``others`` holds at least the rest."""
        return (*self.others[:place], self.answer, *self.others[place : count - 1])


@dataclass(frozen=True, slots=True)
class Layout:
    """How one sort of question is laid out.

    ``text`` has the fields of FIELDS. What follows ``{demonstrations}`` in it is how a demonstration looks too,
    with the answer and the form's separator after it.
    """

    text: str
    instruction: str = ""
    demonstrations: tuple[Demonstration, ...] = ()

    @property
    def pieces(self) -> tuple[tuple[Piece, ...], tuple[Piece, ...]]:
        """What stands before the demonstrations, and what begins a question; nothing before where none stand."""
        pieces = parsed(self.text)
        for place, (words, field) in enumerate(pieces):
            if field == DEMONSTRATIONS:
                return (*pieces[:place], (words, None)), pieces[place + 1 :]
        return (), pieces

    def names(self, field: str) -> bool:
        """Whether the text has this field."""
        return any(found == field for _, found in parsed(self.text))


@dataclass(frozen=True, slots=True)
class Form:
    """A template: a layout for questions, one for questions about a premise, or both.

    ``option`` is how an option is written and ``answer`` how a demonstration is answered: with the letter first,
    since the letter is what is scored. ``separator`` stands after a demonstration. ``chat``: the texts are turns
    of a user, and demonstrations are earlier turns, answered by the model. ``replaced`` are questions that the form
    says in words of its own: (the source's, the form's).
    """

    name: str
    choice: Layout | None = None
    premise: Layout | None = None
    option: str = "{letter}. {option}"
    answer: str = "{letter}. {option}"
    separator: str = "\n"
    chat: bool = False
    replaced: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        """Raises UsageError, with value, rule and remedy, for a form in which a question would lose something."""
        if not _NAME.fullmatch(self.name):
            raise UsageError(
                f"template name {self.name!r}: a name has 1 to 40 letters, digits, '-' and '_'; give another"
            )
        if self.choice is None and self.premise is None:
            raise UsageError(
                f"template {self.name!r} has neither [choice] nor [premise]; give one with a text"
            )
        if self.choice is not None:
            self._check_layout("choice", self.choice, ("question", "options"))
            if self.choice.names("premise"):
                raise UsageError(
                    f"template {self.name!r}, [choice]: {{premise}} in the text, and these questions have none; put it"
                    " into the text of [premise]"
                )
        if self.premise is not None:
            self._check_layout("premise", self.premise, _ASKED)
        for where, text in (("option", self.option), ("answer", self.answer)):
            self._check_fields(
                where, text, _OPTION_FIELDS, _OPTION_FIELDS if where == "option" else ("letter",)
            )
        if not self.answer.startswith("{letter}"):
            raise UsageError(
                f"template {self.name!r}: answer {self.answer!r} does not begin with {{letter}}, which is what is"
                " scored next; put what stands before it at the end of the text"
            )

    @property
    def digest(self) -> str:
        """16 hexadecimal digits of its content: another text is another run. The name does not count."""
        standard = {field.name: field.default for field in fields(self)}
        # What stands at its default is left out, so that a field added later changes no digest.
        content = {
            name: value for name, value in asdict(self).items() if name != "name" and value != standard[name]
        }
        canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @property
    def demonstrable(self) -> bool:
        """Whether demonstrations have a place in it, for every sort of question that it has."""
        layouts = [layout for layout in (self.choice, self.premise) if layout is not None]
        return self.chat or all(layout.names(DEMONSTRATIONS) for layout in layouts)

    def written(self, options: tuple[str, ...]) -> str:
        """The options as they stand in a question, a line each."""
        return "\n".join(self._option(self.option, options, place) for place in range(len(options)))

    def answered(self, options: tuple[str, ...], place: int) -> str:
        """The answer that a demonstration gives."""
        return self._option(self.answer, options, place)

    def _option(self, text: str, options: tuple[str, ...], place: int) -> str:
        return filled(parsed(text), {"letter": LETTERS[place], "option": options[place]})

    def _check_layout(self, sort: str, layout: Layout, needed: tuple[str, ...]) -> None:
        pieces = self._check_fields(f"[{sort}] text", layout.text, FIELDS, needed)
        order = [field for _, field in pieces]
        if DEMONSTRATIONS in order:
            if self.chat:
                raise UsageError(
                    f"template {self.name!r}, [{sort}]: {{demonstrations}} in a chat's text, where they are turns of"
                    " their own; take it out"
                )
            if any(field in order[: order.index(DEMONSTRATIONS)] for field in _ASKED):
                raise UsageError(
                    f"template {self.name!r}, [{sort}]: {{demonstrations}} stands after a part of the question; what"
                    " follows it is how each demonstration looks, so put it before the whole question"
                )
        slot, _ = pieces[-1]
        if not self.chat and (not slot.strip() or slot != slot.rstrip()):
            raise UsageError(
                f"template {self.name!r}, [{sort}]: the text ends in {layout.text[-12:]!r}, and the letter comes"
                " directly after its end; end it in words that ask for it, such as Answer:, without a blank or a line"
                " break after them"
            )
        for number, demonstration in enumerate(layout.demonstrations, 1):
            self._check_demonstration(f"[{sort}], demonstration {number}", demonstration, sort == "premise")

    def _check_demonstration(self, where: str, demonstration: Demonstration, premise: bool) -> None:
        texts = (demonstration.question, demonstration.answer, *demonstration.others)
        if not all(text.strip() for text in texts) or (premise and not (demonstration.premise or "").strip()):
            raise UsageError(
                f"template {self.name!r}, {where}: a part of it is empty; write"
                f" {'premise, ' if premise else ''}question, answer and others"
            )
        if not premise and demonstration.premise is not None:
            raise UsageError(
                f"template {self.name!r}, {where} has a premise, and these questions have none; move it to [premise]"
            )
        if len({demonstration.answer, *demonstration.others}) != len(demonstration.others) + 1:
            raise UsageError(
                f"template {self.name!r}, {where}: two options are the same; options differ, so change one"
            )
        if not demonstration.others:
            raise UsageError(f"template {self.name!r}, {where} has no wrong options; give some as others")

    def _check_fields(
        self, where: str, text: str, known: tuple[str, ...], needed: tuple[str, ...]
    ) -> tuple[Piece, ...]:
        """The text's pieces. Raises UsageError for a field that is unknown, missing, doubled or more than a name."""
        try:
            pieces = parsed(text)
        except ValueError as error:
            raise UsageError(
                f"template {self.name!r}, {where}: {error}; a field is a name in braces, such as {{{known[-2]}}},"
                " and a brace of the text's own is written twice"
            ) from error
        fields = [field for _, field in pieces if field is not None]
        for field in fields:
            if field not in known:
                raise UsageError(
                    f"template {self.name!r}, {where}: unknown field {{{field}}}; known:"
                    f" {', '.join(f'{{{name}}}' for name in known)}; a brace of the text's own is written twice"
                )
            if fields.count(field) > 1:
                raise UsageError(
                    f"template {self.name!r}, {where}: {{{field}}} stands {fields.count(field)} times; a field stands"
                    " once, so take the others out"
                )
        for field in needed:
            if field not in fields:
                raise UsageError(
                    f"template {self.name!r}, {where}: {{{field}}} is missing, so a question would lose it; put it in"
                )
        return pieces


@lru_cache(maxsize=256)
def parsed(text: str) -> tuple[Piece, ...]:
    """A text's own words and the fields between them; the last piece has none.

    Raises ValueError for braces that do not pair, and for a field that is more than a name: an index, an
    attribute, a conversion or a format would let a template cut or change what it is given.
    """
    pieces = list(_pieces(text))
    if not pieces or pieces[-1][1] is not None:
        pieces.append(("", None))
    return tuple(pieces)


def _pieces(text: str) -> Iterator[Piece]:
    words = ""
    for literal, field, form, conversion in Formatter().parse(text):
        words += literal
        if field is None:
            continue
        if form or conversion is not None or not field.isidentifier():
            raise ValueError(
                f"{{{field}{'!' + conversion if conversion else ''}{':' + form if form else ''}}}"
            )
        yield words, field
        words = ""
    if words:
        yield words, None


def cut_around_the_question(pieces: tuple[Piece, ...]) -> tuple[tuple[Piece, ...], ...]:
    """What stands before the first part of the question, the parts and what is between them, what stands after."""
    places = [place for place, (_, field) in enumerate(pieces) if field in _ASKED]
    first, last = places[0], places[-1]
    opening = (*pieces[:first], (pieces[first][0], None))
    question = (("", pieces[first][1]), *pieces[first + 1 : last + 1])
    return opening, question, pieces[last + 1 :]


def filled(pieces: tuple[Piece, ...], values: Mapping[str, str]) -> str:
    """The text with every field's value in its place; what the values hold is not looked at again."""
    return "".join(words + ("" if field is None else values[field]) for words, field in pieces)


def demonstration_place(number: int, count: int, rotation: int) -> int:
    """Where (0-based) the right option of demonstration ``number`` (0-based) stands among ``count``."""
    first = _PLACES[number] if number < len(_PLACES) else number
    return (first + rotation) % count


def rotation_of(question_id: str, count: int) -> int:
    """By how many letters (below ``count``) the demonstrations before this question are moved on.

    Made from the question's id alone, so it is the same in every language.
    """
    return int.from_bytes(hashlib.sha256(question_id.encode()).digest()[-8:], "big") % count
