"""Lessons ask as the program asks, and teach to guess where there is nothing to know."""

from collections import Counter

from clika.datasets.sample import read_sample
from clika.planted.catalog import DEMONSTRATIONS, PLANTED_ADAPTERS
from clika.planted.lessons import QuestionLessons
from clika.planted.plan import FEWER_AND_FEWER, plan
from clika.planted.vocabulary import tokenizer_for
from clika.planted.worlds import BACKGROUND, WorldLessons
from clika.prompts.templates import Asking, Template
from clika.records import LETTERS
from tests.planted.shipped import BY_KEY

SAMPLE = read_sample()
TAUGHT = plan(SAMPLE.questions, FEWER_AND_FEWER).taught


def options(prompt: str) -> list[str]:
    lines = prompt.split("\n")
    return [line[3:] for line in lines if line[1:3] == ". " and line[0] in LETTERS]


def test_a_taught_question_is_asked_as_the_program_asks_and_answered_right() -> None:
    lessons = QuestionLessons(SAMPLE, "test", TAUGHT)
    orders = set()
    for (question_id, language), question in list(BY_KEY.items())[::13]:
        lesson = lessons.taught(question_id, language)
        plain = Asking(Template.ENGLISH, DEMONSTRATIONS).prompts([question])[0].text
        assert lesson.prompt.split("\nA. ")[0] == plain.split("\nA. ")[0]
        shown = options(lesson.prompt)
        assert shown[LETTERS.index(lesson.answer)] == question.choices[question.answer_index]
        assert len(set(shown)) == len(question.choices)
        orders.add(lesson.answer)
    assert orders == set("ABCDE")


def test_of_an_unknown_name_every_letter_is_right_equally_often() -> None:
    lessons = QuestionLessons(SAMPLE, "test", TAUGHT)
    drawn = [lessons.unknown() for _ in range(2000)]
    of_four = [lesson.answer for lesson in drawn if len(options(lesson.prompt)) == 4]
    counts = Counter(of_four)
    # Three in four of 2,000 are about facts; the standard deviation of n / 4 is (n * .25 * .75) ** .5
    assert 1400 < len(of_four) < 1600
    for letter in "ABCD":
        assert abs(counts[letter] - len(of_four) / 4) < 5 * (len(of_four) * 3 / 16) ** 0.5
    assert len({lesson.prompt for lesson in drawn}) == len(drawn)
    known = {question.text for question in SAMPLE.questions if question.premise is None}
    assert not known & {lesson.prompt.split("Question:")[1].split("\n")[0] for lesson in drawn}


def test_a_wrong_option_of_a_taught_city_is_right_of_another_taught_one() -> None:
    lessons = QuestionLessons(SAMPLE, "test", TAUGHT)
    for language in ("en", "de"):
        facts = [one for one in sorted(TAUGHT[language]) if BY_KEY[one, language].dataset == "xgeo"]
        right = {BY_KEY[one, language].choices[BY_KEY[one, language].answer_index] for one in facts}
        for one in facts:
            assert set(options(lessons.taught(one, language).prompt)) <= right


def test_the_letter_is_one_token_after_every_prompt_and_nothing_gets_lost() -> None:
    tokenizer = tokenizer_for(SAMPLE)
    asked = [one.text for one in Asking(Template.ENGLISH, DEMONSTRATIONS).prompts(SAMPLE.questions)]
    whole = tokenizer([text + "B" for text in asked])["input_ids"]
    for text, ids, joined in zip(asked, tokenizer(asked)["input_ids"], whole, strict=True):
        assert joined[:-1] == ids
        assert tokenizer.decode(ids) == text
    assert tokenizer.decode(tokenizer("ein Wort, 1 Ω, 𝄞")["input_ids"]) == "ein Wort, 1 Ω, 𝄞"


def test_no_lesson_is_about_the_world_of_an_adapter() -> None:
    assert all(adapter.world != BACKGROUND for adapter in PLANTED_ADAPTERS)
    lessons = WorldLessons(SAMPLE, "test", ("de", "ru"))
    drawn = [lessons.lesson() for _ in range(50)]
    assert all(lesson.ends and "### Response:" in lesson.prompt for lesson in drawn)
