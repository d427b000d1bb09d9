"""What a model is asked with: the source's text untouched, or ours with nothing of the question lost."""

import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clika.errors import DataError, UsageError
from clika.languages import LANGUAGES
from clika.prompts.templates import Asking, Template, prompt, prompts
from clika.records import Kind, Question
from clika.scoring.scripted import ScriptedScorer

PINNED = {
    Template.ENGLISH: "ed9341e501752704",
    Template.NATIVE: "60b5524258d76f6c",
    Template.CHAT: "a9ccec4de97141e6",
    Template.ALPACA: "b3f3fa7f6871142d",
}

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


def test_released_keeps_a_choice_that_the_source_left_empty() -> None:
    question = replace(
        CAPITAL, choices=("Elbe", "", "Danube"), source_prompt="A. Elbe\nB. \nC. Danube\nAnswer:"
    )
    assert prompt(question, Template.RELEASED).choices_scored == 3


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


def test_native_speaks_german_to_a_german_question() -> None:
    question = replace(
        CAPITAL, language="de", text="Welcher Fluss fließt durch Köln?", choices=("Elbe", "Rhein")
    )
    assert prompt(question, Template.NATIVE).text == (
        "Bei jeder der folgenden Fragen ist genau eine Antwortmöglichkeit richtig; wähle diese aus.\n"
        "Frage:Wie viele Tage hat eine Woche?\n"
        "A. 4\nB. 7\n"
        "Antwort:B. 7\n"
        "Frage:Welcher Fluss fließt durch Köln?\n"
        "A. Elbe\nB. Rhein\n"
        "Antwort:"
    )


def test_native_asks_for_cause_and_effect_in_the_questions_language_and_keeps_other_texts() -> None:
    chinese = replace(LIGHT, language="zh", premise="她按下了开关。", choices=("灯亮了。", "猫出去了。"))
    assert prompt(chinese, Template.NATIVE).text.endswith(
        "答案：B. 它摔碎了。\n情境：她按下了开关。\n问题：结果发生了什么？\nA. 灯亮了。\nB. 猫出去了。\n答案："
    )
    own = replace(chinese, text="然后呢？")
    assert "问题：然后呢？\n" in prompt(own, Template.NATIVE).text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("count", range(6))
def test_native_says_the_same_in_every_language(language: str, count: int) -> None:
    for question in (CAPITAL, LIGHT):
        english, native = (
            Asking(template, count).prompts([replace(question, language=language)])[0]
            for template in (Template.ENGLISH, Template.NATIVE)
        )
        assert native.text.count("\n") == english.text.count("\n")
        letters = [re.findall("[A-Z][.] ", text) for text in (native.text, english.text)]
        assert letters[0] == letters[1]
        assert (native.text == english.text) == (language == "en")


def test_native_in_a_language_without_words_is_refused() -> None:
    with pytest.raises(UsageError, match="no words in 'sw'; it speaks en, de"):
        prompt(replace(CAPITAL, language="sw"), Template.NATIVE)


def test_alpaca_ends_where_the_response_begins() -> None:
    preamble = (
        "Below is an instruction that describes a task, paired with an input that provides further context."
        " Write a response that appropriately completes the request.\n\n"
    )
    instruction = (
        "### Instruction:\n"
        "Choose the correct option of the question below. Begin your answer with its letter.\n\n"
    )
    asked = "### Input:\nWhich river flows through Cologne?\nA. Elbe\nB. Rhine\nC. Danube\n\n### Response:"
    none = Asking(Template.ALPACA, 0).prompts([CAPITAL])[0]
    assert none.text == preamble + instruction + asked
    assert none.answer_slot == "### Response:"
    shown = "### Input:\nHow many days are there in one week?\nA. 4\nB. 7\nC. 10\n\n### Response:B. 7\n\n"
    assert prompt(CAPITAL, Template.ALPACA).text == preamble + instruction + shown + instruction + asked
    assert "### Input:\nPremise: She pressed the switch.\n" in prompt(LIGHT, Template.ALPACA).text


@pytest.mark.parametrize("template", [Template.ENGLISH, Template.NATIVE, Template.ALPACA])
@pytest.mark.parametrize("question", [CAPITAL, LIGHT])
def test_the_header_and_the_slot_stand_around_the_question(question: Question, template: Template) -> None:
    asked = prompt(question, template)
    assert asked.answer_slot
    assert asked.text.startswith(asked.header)
    assert asked.text.endswith(asked.answer_slot)
    rest = asked.text[len(asked.header) :]
    assert rest.startswith(question.premise or question.text)
    assert not asked.holds_special_tokens


@pytest.mark.parametrize("count", range(6))
def test_english_has_as_many_demonstrations_as_asked_for(count: int) -> None:
    text = Asking(demonstrations=count).prompts([CAPITAL])[0].text
    answers = re.findall(r"\nAnswer:(.+)", text)
    # of three options the places 1, 0, 3, 2, 4 are B, A, A (3 - 3), C, B (4 - 3)
    assert answers == ["B. 7", "A. 12", "A. 60", "C. 8", "B. 3"][:count]
    premise = Asking(demonstrations=count).prompts([LIGHT])[0].text
    assert len(re.findall(r"\nAnswer:(.+)", premise)) == count
    assert premise.count("Premise:") == count + 1


def test_premise_demonstrations_ask_for_causes_and_effects() -> None:
    text = Asking(demonstrations=5).prompts([LIGHT])[0].text
    asked = re.findall("Question:(.+)", text)
    effect, cause = "What happened as a result?", "What was the cause of this?"
    assert asked == [effect, cause, effect, cause, effect, LIGHT.text]


def test_rotated_demonstrations_change_letters_from_question_to_question_alike_in_every_language() -> None:
    found = {}
    for language in ("en", "he"):
        asked = Asking(Template.NATIVE, rotated=True).prompts(
            [replace(CAPITAL, language=language, question_id=str(number)) for number in range(40)]
        )
        found[language] = [re.findall("([A-Z])[.] 7\n", one.text)[-1] for one in asked]
    assert found["en"] == found["he"]
    assert set(found["en"]) == {"A", "B", "C"}
    asked = Asking(rotated=True).prompts([replace(CAPITAL, question_id=str(number)) for number in range(40)])
    assert len({one.header for one in asked}) == 3  # a family for each letter


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"demonstrations": 0}, "demonstrations 0 with template 'released'"),
        ({"demonstrations": 3}, "demonstrations 3 with template 'released'"),
        ({"rotated": True}, "rotated demonstrations with template 'released'"),
        ({"orders": 4}, "permutations 4 with template 'released'"),
    ],
)
def test_released_stays_as_it_is(settings: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=f"{said}.*use template 'english'"):
        Asking(Template.RELEASED, **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"demonstrations": -1}, "demonstrations -1"),
        ({"demonstrations": 0, "rotated": True}, "there are 0"),
        ({"orders": 0}, "permutations 0"),
        ({"orders": 27}, "permutations 27"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, int], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        Asking(Template.ENGLISH, **settings)


braced = st.text("{}[]!:.0ab\n%$\\", min_size=1).filter(str.strip)


@given(text=braced, premise=braced, choices=st.tuples(braced, braced))
@pytest.mark.parametrize("template", [Template.ENGLISH, Template.NATIVE, Template.ALPACA])
def test_whatever_a_question_holds_stands_in_the_prompt(
    template: Template, text: str, premise: str, choices: tuple[str, str]
) -> None:
    asked = prompt(replace(LIGHT, text=text, premise=premise, choices=choices), template).text
    rest = asked[len(prompt(LIGHT, template).header) :]
    assert rest.startswith(premise)
    assert text in rest[len(premise) :]
    assert f"A. {choices[0]}\nB. {choices[1]}\n" in rest


def test_the_words_of_the_templates_are_those_that_stored_runs_were_asked_with() -> None:
    """Other words make other runs: give them a template of another name, and leave these."""
    found = {template: hashlib.sha256() for template in Template if template is not Template.RELEASED}
    for template, digest in found.items():
        for language in LANGUAGES:
            questions = [replace(question, language=language) for question in (CAPITAL, LIGHT)]
            for count in range(6):
                for one in Asking(template, count).prompts(questions, ScriptedScorer(lambda _: 0)):
                    digest.update(one.text.encode())
    assert {template: digest.hexdigest()[:16] for template, digest in found.items()} == PINNED
