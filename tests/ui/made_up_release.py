"""A folder in the layout of the authors' release with eight made-up questions and hand-set answers."""

import json
from collections.abc import Mapping
from pathlib import Path

from clika.languages import LANGUAGES

FOLDERS = {code: code for code in LANGUAGES} | {"de": "DE", "zh": "ZH"}
QUESTIONS = 8
LETTERS = "ABCD"
INSTRUCTION = "Please choose one of the options.\nQuestion:1+1=?\nA. 1\nB. 2\nC. 3\nD. 4\nAnswer:B. 2\n"


def question_text(number: int, language: str) -> str:
    """Question 1 carries markup: it must be shown as it is written."""
    return f"[{language}] where is town {number}{' <b>bold</b>' if number == 1 else ''}?"


def options(language: str) -> list[str]:
    """The four options, the same for every question."""
    return [f"{language} land {letter}" for letter in "pqrs"]


def gold(number: int) -> int:
    """0-based."""
    return number % 4


def write_made_up_release(folder: Path, right: Mapping[str, Mapping[str, frozenset[int]]]) -> Path:
    """Write ``x_geo`` with the answers of each model.

    ``right`` is model -> language -> numbers of the questions answered correctly; a language that is
    left out was not run. Where an answer is wrong it names the option after the right one, but the last
    question's wrong answer is ``I <i>cannot</i> say``: no option.
    """
    for language, name in FOLDERS.items():
        inside = folder / "x_geo" / name
        inside.mkdir(parents=True)
        _write(
            inside / f"{language}_geo_data.jsonl",
            [
                {
                    "id": number,
                    "questions": question_text(number, language),
                    "answers": options(language),
                    "label": gold(number),
                    "original_lang": "de",
                    "sent_lang": language,
                }
                for number in range(QUESTIONS)
            ],
        )
        for model, languages in right.items():
            if language in languages:
                _write(
                    inside / f"{model}_res_bf16_add_simple_example.jsonl",
                    [_answer(number, language, languages[language]) for number in range(QUESTIONS)],
                )
    return folder


def _answer(number: int, language: str, right: frozenset[int]) -> dict[str, object]:
    lines = [f"{letter}. {choice}" for letter, choice in zip(LETTERS, options(language), strict=True)]
    said = f"{LETTERS[gold(number)]}." if number in right else f"{LETTERS[(gold(number) + 1) % 4]}."
    if number not in right and number == QUESTIONS - 1:
        said = "i <i>cannot</i> say"
    return {
        "id": number,
        "input": f"{INSTRUCTION}Question:{question_text(number, language)}\n"
        + "\n".join(lines)
        + "\nAnswer:",
        "res": said,
        "label": LETTERS[gold(number)],
        "uuid": number,
    }


def _write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
