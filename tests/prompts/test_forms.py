"""Forms: what they refuse, and that what is put into a field is not read as a field again."""

from dataclasses import replace

import pytest

from clika.errors import UsageError
from clika.prompts.forms import Demonstration, Form, Layout, demonstration_place, filled, parsed, rotation_of

PLAIN = Layout("{instruction}\n{demonstrations}Q: {question}\n{options}\nA:", "Choose.")
FORM = Form("mine", PLAIN)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{question} {options} {colour} A:", r"unknown field \{colour\}; known: \{instruction\}"),
        ("{options} A:", r"\{question\} is missing, so a question would lose it"),
        ("{question} A:", r"\{options\} is missing"),
        ("{question} {question} {options} A:", r"\{question\} stands 2 times"),
        ("{question:>9} {options} A:", r"\{question:>9\}; a field is a name in braces"),
        ("{question!r} {options} A:", r"\{question!r\}; a field is a name"),
        ("{question.text} {options} A:", r"\{question\.text\}; a field is a name"),
        ("{question[0]} {options} A:", r"\{question\[0\]\}; a field is a name"),
        ("{0} {question} {options} A:", r"\{0\}; a field is a name"),
        ("{} {question} {options} A:", r"\{\}; a field is a name"),
        ("{question {options} A:", "is written twice"),
        ("{question} {options}} A:", "is written twice"),
        ("{question} {options}", "ends in .* end it in words that ask for it"),
        ("{question} {options}\nA: ", "without a blank or a line break"),
        ("{question} {options}\nA:\n", "without a blank or a line break"),
        (
            "{premise} {question} {options} A:",
            r"\[choice\]: \{premise\} .* put it into the text of \[premise\]",
        ),
        ("{question} {demonstrations} {options} A:", "put it before the whole question"),
    ],
)
def test_a_text_that_would_lose_or_change_a_part_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=rf"template 'mine', \[choice\].*{said}|{said}"):
        replace(FORM, choice=replace(PLAIN, text=text))


def test_a_layout_for_premises_needs_the_premise() -> None:
    with pytest.raises(UsageError, match=r"\[premise\] text: \{premise\} is missing"):
        Form("mine", premise=PLAIN)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": "a b"}, "name 'a b'"),
        ({"name": ""}, "1 to 40"),
        ({"choice": None}, "neither"),
        ({"option": "{letter}."}, r"option: \{option\} is missing"),
        ({"option": "{letter} {option} {letter}"}, "stands 2 times"),
        ({"answer": "({letter}) {option}"}, r"does not begin with \{letter\}"),
        ({"chat": True}, "turns of their own"),
    ],
)
def test_a_form_that_cannot_be_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        replace(FORM, **change)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("shown", "said"),
    [
        (Demonstration("1+1?", "2", ("2", "3")), "two options are the same"),
        (Demonstration("1+1?", "2", ()), "no wrong options"),
        (Demonstration("1+1?", " ", ("3",)), "a part of it is empty"),
        (Demonstration("1+1?", "2", ("3",), "Sums."), r"move it to \[premise\]"),
    ],
)
def test_a_demonstration_that_cannot_be_is_refused(shown: Demonstration, said: str) -> None:
    with pytest.raises(UsageError, match=rf"\[choice\], demonstration 1.*{said}"):
        Form("mine", replace(PLAIN, demonstrations=(shown,)))


def test_braces_in_a_value_stay_what_they_are() -> None:
    text = parsed("{{x}} {question} {options}")
    assert filled(text, {"question": "{options}{0}{{", "options": "}"}) == "{x} {options}{0}{{ }"


def test_the_right_option_stands_where_it_is_told_and_the_others_keep_their_order() -> None:
    shown = Demonstration("1+1?", "2", ("3", "4", "5"))
    assert [shown.options(3, place) for place in range(3)] == [
        ("2", "3", "4"),
        ("3", "2", "4"),
        ("3", "4", "2"),
    ]
    assert shown.options(2, 1) == ("3", "2")


def test_five_demonstrations_show_every_letter_of_five_and_move_on_together() -> None:
    # the places 1, 0, 3, 2, 4, and by one letter more: 2, 1, 4, 3, 5 - 5 = 0
    assert [demonstration_place(number, 5, 0) for number in range(5)] == [1, 0, 3, 2, 4]
    assert [demonstration_place(number, 5, 1) for number in range(5)] == [2, 1, 4, 3, 0]
    assert [demonstration_place(number, 2, 0) for number in range(5)] == [1, 0, 1, 0, 0]


def test_rotations_are_spread_over_the_letters() -> None:
    found = [rotation_of(str(number), 4) for number in range(400)]
    assert all(70 < found.count(place) < 130 for place in range(4))  # 100 each, give or take
    assert rotation_of("17", 4) == rotation_of("17", 4)


def test_the_digest_is_of_the_content_and_not_of_the_name() -> None:
    assert len(FORM.digest) == 16
    assert replace(FORM, name="other").digest == FORM.digest
    assert replace(FORM, choice=replace(PLAIN, instruction="Pick.")).digest != FORM.digest
    assert replace(FORM, separator="\n\n").digest != FORM.digest
