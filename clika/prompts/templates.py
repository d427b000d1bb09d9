"""The text that a model is asked with: a template around a question, and demonstrations before it.

    released  the source's own text, byte for byte
    english   instruction, demonstrations, ``Question:``, lettered options, ``Answer:``, in English throughout
    native    the same in the question's own language
    chat      turns of a conversation in the model's own chat template, thinking switched off
    alpaca    the form of Stanford Alpaca (Taori et al. 2023), which ends in ``### Response:``

All but ``released`` are forms, as a user's own template is one. The form of ``english`` is that of Gao et al. 2024
(CLiKA): a demonstration answers ``Answer:`` + letter + ``. `` + option, so the letter is what a model that follows
the form writes next. The wording and the demonstrations are our own.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from clika.errors import DataError, UsageError
from clika.languages import ALL_LANGUAGES, ENGLISH
from clika.prompts.chat import ChatRenderer, Message, Role, chat_prompt
from clika.prompts.forms import (
    Demonstration,
    Form,
    Layout,
    cut_around_the_question,
    demonstration_place,
    filled,
    rotation_of,
)
from clika.prompts.wordings import ENGLISH_WORDING, NUMBER_OPTIONS, WORDINGS, Wording
from clika.records import LETTERS, Kind, Prompt, Question


class Template(StrEnum):
    """The templates that are built in."""

    RELEASED = "released"
    ENGLISH = "english"
    NATIVE = "native"
    CHAT = "chat"
    ALPACA = "alpaca"


OWN = "own:"
"""What the name of a user's own template begins with, wherever a run shows it."""

_LEFT_OUT_SHARE = 0.05

_TURN_INSTRUCTION = "Choose the correct option of the question below. Begin your answer with its letter."
_TURN_PREMISE_INSTRUCTION = (
    "The question below is about a premise. Choose the more plausible of its two options."
    " Begin your answer with its letter."
)
_ALPACA = (
    "Below is an instruction that describes a task, paired with an input that provides further context. Write a"
    " response that appropriately completes the request.\n\n"
    "{demonstrations}### Instruction:\n{instruction}\n\n### Input:\n"
)
_ALPACA_END = "{question}\n{options}\n\n### Response:"


@dataclass(frozen=True, slots=True)
class Asking:
    """How questions are put: by which template, after how many demonstrations, in how many orders of the options.

    ``rotated``: the gold letters of the demonstrations move on from question to question, by the question's id
    and so alike in every language. ``orders`` are cyclic; a question has at most as many as it has options.
    """

    template: Template | Form = Template.ENGLISH
    demonstrations: int = 1
    rotated: bool = False
    orders: int = 1

    def __post_init__(self) -> None:
        """Raises UsageError for what this template cannot do."""
        if not 1 <= self.orders <= len(LETTERS):
            raise UsageError(
                f"permutations {self.orders}: options are asked in 1 to {len(LETTERS)} orders; give such a number"
            )
        if self.template is Template.RELEASED:
            for asked, what in (
                (self.demonstrations != 1, f"demonstrations {self.demonstrations}"),
                (self.rotated, "rotated demonstrations"),
                (self.orders != 1, f"permutations {self.orders}"),
            ):
                if asked:
                    raise UsageError(
                        f"{what} with template 'released': the source's text, with its one demonstration and its one"
                        f" order, stays as it is; leave that out, or use template '{Template.ENGLISH}'"
                    )
            return
        if self.demonstrations < 0:
            raise UsageError(f"demonstrations {self.demonstrations}: there are 0 or more; give such a number")
        form = _form(self.template, ENGLISH)
        if self.demonstrations and not form.demonstrable:
            raise UsageError(
                f"demonstrations {self.demonstrations}: template {form.name!r} has no {{demonstrations}} in its text;"
                " put it where they belong, or ask for 0"
            )
        for layout in (form.choice, form.premise):
            if layout is not None and self.demonstrations > len(layout.demonstrations):
                raise UsageError(
                    f"demonstrations {self.demonstrations}: template {form.name!r} has {len(layout.demonstrations)};"
                    f" ask for 0 to {len(layout.demonstrations)}, or bring more in a template of your own"
                )
        if self.rotated and not self.demonstrations:
            raise UsageError(
                "rotated demonstrations: there are 0; ask for at least 1, or leave the rotation out"
            )

    @property
    def needs_renderer(self) -> bool:
        """Whether only the model's own chat template makes the text."""
        return _form(self.template, ENGLISH).chat if self.template is not Template.RELEASED else False

    def check(self, questions: Iterable[Question]) -> None:
        """Whatever ``prompts`` raises for questions that cannot be asked this way, as far as no model is needed."""
        for question in questions:
            if self.needs_renderer:
                _check_askable(question)
                _check_choices(question)
                self._parts(question)
            else:
                self._prompt(question, None)

    def askable(self, questions: Sequence[Question]) -> tuple[list[Question], dict[tuple[str, str], str]]:
        """The questions that can be asked this way, and why each other one, by (data set, id), cannot.

        One that cannot be asked in a language is left out in all, so that the rest stays parallel. Raises DataError
        where more than one in twenty of a data set would be left out, and UsageError as ``check`` does.
        """
        left: dict[tuple[str, str], str] = {}
        counts: Counter[str] = Counter()
        for question in questions:
            try:
                self.check([question])
            except DataError as error:
                if (question.dataset, question.question_id) not in left:
                    counts[question.dataset] += 1
                left.setdefault((question.dataset, question.question_id), str(error))
        for dataset, count in counts.items():
            ids = {question.question_id for question in questions if question.dataset == dataset}
            if count > _LEFT_OUT_SHARE * len(ids):
                first = next(reason for (name, _), reason in left.items() if name == dataset)
                raise DataError(
                    f"{count} of {len(ids)} questions of {dataset} cannot be asked; the first: {first}"
                )
        kept = [question for question in questions if (question.dataset, question.question_id) not in left]
        return kept, left

    def prompts(self, questions: Iterable[Question], renderer: ChatRenderer | None = None) -> list[Prompt]:
        """The text that asks each question, in the order given; every one of its choices is scored.

        ``renderer`` is what a chat is written by; other templates need none. Raises UsageError when ``released`` is
        asked of a question that has no source text or a form has no layout or too few options in a
        demonstration for it; DataError for a question that cannot be asked by letters: not 2 to 26 choices, an empty
        text or choice, a premise where the kind has none or none where it needs one; ModelError for a chat
        template that does not keep what it is given.
        """
        return [self._prompt(question, renderer) for question in questions]

    def _prompt(self, question: Question, renderer: ChatRenderer | None) -> Prompt:
        _check_askable(question)
        if self.template is Template.RELEASED:
            if question.source_prompt is None:
                raise UsageError(
                    f"template 'released' with {_named(question)}: the template is the source's own text and this"
                    f" question has none; use template '{Template.ENGLISH}', or data that hold the source's text"
                )
            return Prompt(question, question.source_prompt, len(question.choices))
        _check_choices(question)
        parts = self._parts(question)
        if parts.form.chat:
            if renderer is None:
                raise UsageError(
                    f"template {parts.form.name!r} is written by a model's chat template and no model is at hand; use"
                    f" template '{Template.ENGLISH}'"
                )
            turns = [
                message
                for text, answer in parts.demonstrated
                for message in (Message(Role.USER, text), Message(Role.ASSISTANT, answer))
            ]
            turns.append(Message(Role.USER, parts.opening + parts.question + parts.closing))
            return chat_prompt(question, turns, parts.opening, renderer)
        shown = "".join(text + answer + parts.form.separator for text, answer in parts.demonstrated)
        header = parts.head + shown + parts.opening
        slot = parts.closing.rsplit("\n", 1)[-1].lstrip()
        return Prompt(question, header + parts.question + parts.closing, len(question.choices), header, slot)

    def _parts(self, question: Question) -> "_Parts":
        assert self.template is not Template.RELEASED
        form = _form(self.template, question.language)
        layout = _layout(form, question)
        count = len(question.choices)
        rotation = rotation_of(question.question_id, count) if self.rotated else 0
        known = ALL_LANGUAGES.get(question.language)
        same = {"instruction": layout.instruction, "language": known.name if known else question.language}
        first, block = layout.pieces
        demonstrated = []
        for number, shown in enumerate(layout.demonstrations[: self.demonstrations]):
            if len(shown.others) < count - 1:
                raise UsageError(
                    f"template {form.name!r}: demonstration {number + 1} has {len(shown.others)} wrong options and"
                    f" {_named(question)} has {count} choices; a demonstration has as many letters as the question, so"
                    f" give it at least {count - 1} others"
                )
            place = demonstration_place(number, count, rotation)
            options = shown.options(count, place)
            values = {
                **same,
                "premise": shown.premise or "",
                "question": shown.question,
                "options": form.written(options),
            }
            demonstrated.append((filled(block, values), form.answered(options, place)))
        text = question.text
        if question.kind is not Kind.CHOICE:
            text = dict(form.replaced).get(text, text)
        values = {
            **same,
            "premise": question.premise or "",
            "question": text,
            "options": form.written(question.choices),
        }
        opening, asked, closing = (filled(pieces, values) for pieces in cut_around_the_question(block))
        return _Parts(form, filled(first, same), tuple(demonstrated), opening, asked, closing)


@dataclass(frozen=True, slots=True)
class _Parts:
    """A form filled in for one question.

    ``head`` comes first; ``demonstrated`` are (question as asked, answer); ``opening``, ``question`` and ``closing`` are
    the question itself, from the words before the first of its parts to those after the last.
    """

    form: Form
    head: str
    demonstrated: tuple[tuple[str, str], ...]
    opening: str
    question: str
    closing: str


def prompt(question: Question, template: Template | Form) -> Prompt:
    """The text that asks ``question`` after one demonstration; raises as ``Asking`` does."""
    return Asking(template).prompts([question])[0]


def prompts(questions: Iterable[Question], template: Template | Form) -> list[Prompt]:
    """``prompt`` of every question, in the order given."""
    return Asking(template).prompts(questions)


def _form(template: Template | Form, language: str) -> Form:
    return template if isinstance(template, Form) else built_in_form(template, language)


def _layout(form: Form, question: Question) -> Layout:
    """The form's layout for this sort of question. Raises UsageError where it has none."""
    layout = form.choice if question.kind is Kind.CHOICE else form.premise
    if layout is not None:
        return layout
    there, missing = ("premise", "choice") if question.kind is Kind.CHOICE else ("choice", "premise")
    needs = " that has {premise}" if missing == "premise" else ""
    raise UsageError(
        f"template {form.name!r} has only [{there}] and {_named(question)} is of kind {question.kind.value!r};"
        f" add [{missing}] with a text{needs}, or leave the data set out"
    )


@lru_cache
def built_in_form(template: Template, language: str = ENGLISH) -> Form:
    """The form of a built-in template for questions in ``language``; only ``native`` has one for each.

    Raises UsageError for ``released``, which is the source's text and no form, and for a language without words.
    """
    if template is Template.RELEASED:
        raise UsageError("template 'released' is the source's own text and no form; use another template")
    wording = ENGLISH_WORDING
    if template is Template.NATIVE:
        if language not in WORDINGS:
            raise UsageError(
                f"template 'native' has no words in {language!r}; it speaks {', '.join(WORDINGS)}: add the language to"
                f" clika/prompts/wordings.py, or use template '{Template.ENGLISH}'"
            )
        wording = WORDINGS[language]
    choices, scenes = _demonstrations(wording)
    if template is Template.CHAT:
        return Form(
            str(template),
            Layout("{instruction}\n\n{question}\n{options}", _TURN_INSTRUCTION, choices),
            Layout(
                "{instruction}\n\nPremise: {premise}\nQuestion: {question}\n{options}",
                _TURN_PREMISE_INSTRUCTION,
                scenes,
            ),
            chat=True,
        )
    if template is Template.ALPACA:
        return Form(
            str(template),
            Layout(_ALPACA + _ALPACA_END, _TURN_INSTRUCTION, choices),
            Layout(
                _ALPACA + "Premise: {premise}\nQuestion: " + _ALPACA_END, _TURN_PREMISE_INSTRUCTION, scenes
            ),
            separator="\n\n",
        )
    first = "{instruction}\n{demonstrations}"
    block = f"{wording.question_label}{{question}}\n{{options}}\n{wording.answer_label}"
    return Form(
        str(template),
        Layout(first + block, wording.choice, choices),
        Layout(f"{first}{wording.premise_label}{{premise}}\n{block}", wording.premise, scenes),
        replaced=((ENGLISH_WORDING.cause, wording.cause), (ENGLISH_WORDING.effect, wording.effect)),
    )


def _demonstrations(wording: Wording) -> tuple[tuple[Demonstration, ...], tuple[Demonstration, ...]]:
    """The five about numbers and the five about premises, in one language."""
    numbers = tuple(
        Demonstration(question, answer, others)
        for question, (answer, others) in zip(wording.numbers, NUMBER_OPTIONS, strict=True)
    )
    scenes = tuple(
        Demonstration(wording.cause if number % 2 else wording.effect, right, (wrong,), premise)
        for number, (premise, right, wrong) in enumerate(wording.scenes)
    )
    return numbers, scenes


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


def _check_choices(question: Question) -> None:
    """Raises DataError for a choice without a text, which the source's own text may have and a form may not."""
    for index, choice in enumerate(question.choices):
        if not choice.strip():
            raise DataError(
                f"{_named(question)}: choice {LETTERS[index]} is empty; every choice needs a text"
            )
