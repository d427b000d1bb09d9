"""Small release-shaped folders, all names and answers made up."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

FOLDERS = {
    "en": ("en", "en", "en"),
    "de": ("DE_trans", "DE", "de"),
    "he": ("he_trans", "he", "he"),
}
SHAPES = {"x_csqa": (0, 5), "x_copa": (1, 2), "x_geo": (2, 4), "x_name": (2, 4)}
DEMONSTRATED = "_res_bf16_add_simple_example"

Written = Callable[[str, str, int, int], str]
"""(folder, language, item, gold index) -> what a model wrote."""


def gold(item: int, choices: int) -> int:
    """The 0-based answer to an item."""
    return item % choices


def prompt(folder: str, language: str, item: int, demonstration: bool = True) -> str:
    """The whole text that the made-up authors asked with."""
    _, choices = SHAPES[folder]
    options = "\n".join(f"{'ABCDE'[k]}. {language} option {item}-{k}" for k in range(choices))
    shown = "Question:1+1=?\nA. 2\nB. 3\nAnswer:A. 2\n" if demonstration else ""
    if folder == "x_copa":
        ask = "What was the cause of this?" if item % 2 else "What happened as a result?"
        body = f"Premise:{language} premise {item}.\nQuestion:{ask}"
    else:
        body = f"Question:{language} question {item} ({folder})?"
    return f"Choose one.\n{shown}{body}\n{options}\nAnswer:"


def write_answers(
    root: Path, folder: str, language: str, file: str, written: Written, items: Sequence[int] = range(4)
) -> Path:
    """One model's file in one language."""
    place, choices = SHAPES[folder]
    path = root / folder / FOLDERS[language][place] / file
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [
        {
            "id": number,
            "input": prompt(folder, language, item, DEMONSTRATED in file),
            "res": written(folder, language, item, gold(item, choices)),
            "label": "ABCDE"[gold(item, choices)],
            "uuid": f"u{item}" if folder == "x_csqa" else item,
        }
        for number, item in enumerate(items)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def always_right(folder: str, language: str, item: int, answer: int) -> str:
    """The gold letter, as foundation models write it."""
    return f"{'ABCDE'[answer]}."


def right_in_english(folder: str, language: str, item: int, answer: int) -> str:
    """Right in English; elsewhere right on even items, and no letter on the others."""
    return f"{'ABCDE'[answer]}." if language == "en" or item % 2 == 0 else "Ich weiß nicht"


def write_release(root: Path, models: dict[str, Written], items: Sequence[int] = range(4)) -> Path:
    """A whole folder: the four data sets in English, German and Hebrew."""
    for folder in SHAPES:
        for language in FOLDERS:
            for model, written in models.items():
                write_answers(root, folder, language, f"{model}{DEMONSTRATED}.jsonl", written, items)
            if folder in ("x_geo", "x_name"):
                kind = "geo_data" if folder == "x_geo" else "name_data_generate"
                data = root / folder / language / f"{language}_{kind}.jsonl"
                rows = [{"id": item, "original_lang": "de", "sent_lang": language} for item in items]
                data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root
