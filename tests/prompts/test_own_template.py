"""A user's own template: what a file may say, and what is refused with its place and remedy."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from clika.errors import UsageError
from clika.prompts.own_template import own_form, read_own_template
from clika.prompts.templates import Asking, Template, built_in_form
from tests.prompts.test_templates import CAPITAL, LIGHT

README = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
CAREFUL = '''
name = "careful"
option = "({letter}) {option}"
answer = "{letter})"

[choice]
instruction = "Pick one."
text = """
{instruction} Braces: {{}}
{demonstrations}{language} question: {question}
{options}
The answer is ("""

[[choice.demonstrations]]
question = "1 + 1 = ?"
answer = "2"
others = ["1", "3", "4"]
'''


def test_a_template_says_what_its_file_says() -> None:
    (asked,) = Asking(own_form(CAREFUL)).prompts([replace(CAPITAL, language="de", text="{options}?")])
    assert asked.text == (
        "Pick one. Braces: {}\n"
        "German question: 1 + 1 = ?\n(A) 1\n(B) 2\n(C) 3\nThe answer is (B)\n"
        "German question: {options}?\n(A) Elbe\n(B) Rhine\n(C) Danube\nThe answer is ("
    )
    assert asked.header == asked.text[: asked.text.index("{options}?")]
    assert asked.answer_slot == "The answer is ("


def test_what_the_file_leaves_out_is_as_in_english() -> None:
    text = "{instruction}\\n{demonstrations}Question:{question}\\n{options}\\nAnswer:"
    form = own_form(f'name = "same"\n[choice]\ntext = "{text}"')
    english = built_in_form(Template.ENGLISH)
    assert form.choice == english.choice
    assert Asking(form, 3).prompts([CAPITAL]) == Asking(Template.ENGLISH, 3).prompts([CAPITAL])


def test_the_readmes_template_is_one() -> None:
    (shown,) = [one for one in re.findall("```toml\n(.*?)```", README, re.DOTALL) if "[choice]" in one]
    form = own_form(shown)
    (choice, premise) = Asking(form, demonstrations=5).prompts([CAPITAL, LIGHT])
    assert choice.text.startswith("Exactly one option is right.\nQuestion (English): How many days")
    assert choice.text.endswith("C. Danube\nThe letter of the right option:")
    assert premise.text.startswith(
        "The glass fell onto the stone floor. What happened as a result?\nA. It filled"
    )


def test_a_template_without_a_layout_for_premises_refuses_them() -> None:
    with pytest.raises(
        UsageError, match=r"'careful' has only \[choice\] .* 'effect'; add \[premise\] .*\{premise\}"
    ):
        Asking(own_form(CAREFUL)).check([LIGHT])


def test_more_demonstrations_than_there_are_are_refused() -> None:
    with pytest.raises(UsageError, match="demonstrations 2: template 'careful' has 1; ask for 0 to 1"):
        Asking(own_form(CAREFUL), demonstrations=2)
    with pytest.raises(UsageError, match=r"demonstrations 6: template 'english' has 5.*of your own"):
        Asking(demonstrations=6)


def test_a_demonstration_with_too_few_letters_is_refused() -> None:
    five = replace(CAPITAL, choices=("a", "b", "c", "d", "e"))
    with pytest.raises(
        UsageError, match=r"demonstration 1 has 3 wrong options .* 5 choices; .* at least 4 others"
    ):
        Asking(own_form(CAREFUL)).prompts([five])


def test_demonstrations_need_a_place_in_the_text() -> None:
    form = own_form('name = "bare"\n[choice]\ntext = "{question}\\n{options}\\nAnswer:"')
    assert not form.demonstrable
    with pytest.raises(UsageError, match=r"demonstrations 1: template 'bare' has no \{demonstrations\}"):
        Asking(form, demonstrations=1)
    assert Asking(form, 0).prompts([CAPITAL])[0].text == (
        "Which river flows through Cologne?\nA. Elbe\nB. Rhine\nC. Danube\nAnswer:"
    )


def test_a_chat_may_be_ones_own() -> None:
    form = own_form('name = "kurz"\nchat = true\n[choice]\ntext = "{question}\\n{options}"\n')
    assert form.chat
    assert form.demonstrable


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("name =", "no TOML"),
        ('[choice]\ntext = "{question}{options}:"', "has no name"),
        ('name = "x"\ncolour = 1', "unknown key 'colour'"),
        ('name = 3\n[choice]\ntext = "x"', "name is 3; write it as a text"),
        ('name = "x"\nchat = "yes"', "it is true or false"),
        ('name = "x"\nchoice = "text"', "is 'text'; it is a table"),
        ('name = "x"\n[choice]\ntxt = "x"', r"\[choice\]: unknown key 'txt'"),
        ('name = "x"\n[choice]\ninstruction = "x"', r"\[choice\] has no text"),
        (
            'name = "x"\n[choice]\ntext = "{question}{options}:"\ndemonstrations = 3',
            r"write \[\[choice\.demonst",
        ),
        (
            'name = "x"\n[choice]\ntext = "{question}{options}:"\n[[choice.demonstrations]]\nquestion = "q"\n'
            'answer = "a"\nothers = "b"',
            "demonstration 1: others are 'b'",
        ),
    ],
)
def test_a_file_that_cannot_be_is_refused_with_the_value(content: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        own_form(content)


def test_a_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    with pytest.raises(UsageError, match=r"mine\.toml cannot be read .* UTF-8"):
        read_own_template(path)
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(UsageError, match="cannot be read"):
        read_own_template(path)
    path.write_text(CAREFUL)
    assert read_own_template(path) == ("own:careful", CAREFUL)
