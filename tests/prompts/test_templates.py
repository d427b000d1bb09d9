"""What a model is asked with: the source's text untouched, or ours with nothing of the question lost."""

from dataclasses import replace

import pytest

from clika.errors import DataError, UsageError
from clika.prompts.templates import Template, prompt, prompts
from clika.records import Kind, Question

CAPITAL = Question(
    collection="made-up",
    dataset="xgeo",
    question_id="1",
    language="en",
    kind=Kind.CHOICE,
    premise=None,
    text="Which river flows through Cologne?",
    choices=("Elbe", "Rhine", "Danube"),
    answer_index=1,
)
LIGHT = replace(
    CAPITAL,
    dataset="xcopa",
    kind=Kind.EFFECT,
    premise="She pressed the switch.",
    text="What happened as a result?",
    choices=("The lamp went on.", "The cat went out."),
)


def test_released_is_the_sources_text_byte_for_byte() -> None:
    text = "Frage: \u00e4 a\u0308 \r\n A. x\u00a0\nAnswer:\n\n"
    asked = prompt(replace(CAPITAL, source_prompt=text), Template.RELEASED)
    assert asked.text.encode() == text.encode()
    assert asked.choices_scored == 3


def test_released_without_a_source_text_is_refused_with_the_other_template() -> None:
    with pytest.raises(UsageError, match=r"'released' with question '1' of xgeo in en: .*'?english'?"):
        prompt(CAPITAL, Template.RELEASED)


def test_english_has_an_instruction_a_demonstration_of_as_many_options_and_an_open_answer() -> None:
    assert prompt(CAPITAL, Template.ENGLISH).text == (
        "Each question below has exactly one correct option; choose that option.\n"
        "Question:How many days are there in one week?\n"
        "A. 4\nB. 7\nC. 10\n"
        "Answer:B. 7\n"
        "Question:Which river flows through Cologne?\n"
        "A. Elbe\nB. Rhine\nC. Danube\n"
        "Answer:"
    )


def test_english_shows_the_premise_of_cause_and_effect() -> None:
    assert prompt(LIGHT, Template.ENGLISH).text.endswith(
        "Answer:B. It broke into pieces.\n"
        "Premise:She pressed the switch.\n"
        "Question:What happened as a result?\n"
        "A. The lamp went on.\nB. The cat went out.\n"
        "Answer:"
    )


@pytest.mark.parametrize("count", range(2, 27))
def test_every_number_of_options_has_a_demonstration_with_the_same_letters(count: int) -> None:
    question = replace(CAPITAL, choices=tuple(f"option {number}" for number in range(count)))
    asked = prompt(question, Template.ENGLISH)
    demonstration, own = asked.text.removesuffix("Answer:").split("Answer:B. 7\n")
    lines = demonstration.splitlines()[2:]
    assert [line[:3] for line in lines] == [line[:3] for line in own.splitlines()[1:]]
    assert len({line[3:] for line in lines}) == count
    assert asked.choices_scored == count


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (replace(CAPITAL, choices=("one",)), "has 1 choices"),
        (replace(CAPITAL, choices=tuple("x" * 27)), "has 27 choices"),
        (replace(CAPITAL, choices=("a", " ", "c")), "choice B is empty"),
        (replace(CAPITAL, text=" \n"), "empty text"),
        (replace(CAPITAL, premise="It rained."), "would be dropped"),
        (replace(LIGHT, premise=None), "no premise"),
        (replace(LIGHT, choices=("a", "b", "c")), "has 3 choices; this kind has 2"),
    ],
)
def test_a_question_that_would_lose_a_part_is_refused(question: Question, said: str) -> None:
    with pytest.raises(DataError, match=said):
        prompt(question, Template.ENGLISH)


def test_prompts_keep_the_order_of_questions() -> None:
    assert [asked.question for asked in prompts([LIGHT, CAPITAL], Template.ENGLISH)] == [LIGHT, CAPITAL]
