"""Writes a made-up release in the authors' layout, by default of the public one's size and surprises.

    python -m benchmarks.release_files DIR [--models N] [--seed S] [--scale F]

46 models x 1,880 questions x 10 languages, about half a gigabyte of JSON lines, all names, questions and
answers invented: only a part of the authors' release lies beside this project, and a program that is to
import all of it must be measured on all of it.
"""

import argparse
import json
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

LANGUAGES = ("en", "de", "fr", "it", "pl", "ru", "ar", "he", "ja", "zh")
ITEMS = {"x_csqa": 1000, "x_copa": 500, "x_geo": 200, "x_name": 180}
CHOICES = {"x_csqa": 5, "x_copa": 2, "x_geo": 4, "x_name": 4}
CHATGPT = "chatgpt"

_SPELLINGS = {
    "x_csqa": {
        code: "en" if code == "en" else f"{code if code in ('ar', 'he') else code.upper()}_trans"
        for code in LANGUAGES
    },
    "x_copa": {code: code.upper() if code in ("de", "fr", "ja", "pl", "ru") else code for code in LANGUAGES},
}
_DEMONSTRATED = "_res_bf16_add_simple_example.jsonl"
_LATIN = ["ba", "do", "fe", "gi", "lu", "mo", "na", "po", "ri", "su", "ta", "ve", "za"]
_SYLLABLES = {
    "ru": ["ба", "до", "фе", "ги", "лу", "мо", "на", "по", "ри", "су", "та", "ве", "за"],
    "ar": ["با", "دو", "في", "جي", "لو", "مو", "نا", "بو", "ري", "سو", "تا"],
    "he": ["בא", "דו", "פה", "גי", "לו", "מו", "נא", "פו", "רי", "סו", "תא"],
    "ja": list("あかさたなはまやらわいきしちに"),
    "zh": list("山水木石火土天月星云雨雪风河"),
}
_INSTRUCTION = "Read the question and pick the one option that answers it best, by its letter."
_CAUSE_OR_EFFECT = {"cause": "What was the cause of this?", "effect": "What happened as a result?"}
# Cyrillic А, В and С are no Latin letters; Python strips the no-break and the ideographic blank, SQL does not.
_SURPRISES = (
    "", "А. не знаю", "\u3000", "\u00a0C.", "\n\nB", "I cannot say", "В", "С.", "none", "A</s>", "\u3000B. ", "a",
)  # fmt: skip
_SURPRISE_EVERY = 331


@dataclass(frozen=True, slots=True)
class _Item:
    """A question in one language; ``answer`` is 0-based, ``asks`` cause or effect (xCOPA)."""

    uuid: str | int
    asks: str
    premise: str
    question: str
    options: tuple[str, ...]
    answer: int


def model_names(count: int) -> tuple[str, ...]:
    """``count`` made-up names with the shapes of real ones (dots, dashes, learning rates), ChatGPT last."""
    shapes = ("Larch_{}b_v1.{}", "birch{}_{}b_chat", "Rowan{}-ChatZH{}e-4", "hazel_{}b_base_{}")
    return (*(shapes[n % 4].format(1 + n // 4, 1 + n % 9) for n in range(count - 1)), CHATGPT)


def language_folder(folder: str, language: str) -> str:
    """How the authors spell a language's folder: ``ZH_trans`` in x_csqa, ``DE`` in x_copa, else the code."""
    return _SPELLINGS.get(folder, {}).get(language, language)


def write_release(
    root: Path,
    models: Sequence[str],
    items: Mapping[str, int] = ITEMS,
    languages: Sequence[str] = LANGUAGES,
    seed: int = 1,
) -> int:
    """Write the tree; returns the number of answers in files that belong to it.

    ``items`` gives for each folder how many questions; they stand in the same order in every language.
    The model named ``chatgpt`` is asked without a demonstration and writes the option out, as the real one.
    Equal arguments write equal bytes.
    """
    chance = random.Random(seed)
    surprises = _surprises()
    written = 0
    for folder, count in items.items():
        gold = [chance.randrange(CHOICES[folder]) for _ in range(count)]
        asks = [chance.choice(("cause", "effect")) for _ in range(count)]
        uuids = [f"{chance.getrandbits(64):016x}" if folder == "x_csqa" else n for n in range(count)]
        for language in languages:
            place = root / folder / language_folder(folder, language)
            place.mkdir(parents=True, exist_ok=True)
            asked = [_item(chance, folder, language, *known) for known in zip(uuids, asks, gold, strict=True)]
            _write_questions(place, folder, language, asked)
            for demonstrated in (True, False):
                frames = [_frame(n, folder, item, demonstrated) for n, item in enumerate(asked)]
                for model in (name for name in models if (name != CHATGPT) == demonstrated):
                    path = place / (f"{model}{_DEMONSTRATED}" if demonstrated else f"{model}_res.jsonl")
                    answers = _answers(chance, asked, demonstrated, surprises)
                    _write(path, (f"{a}{answer}{b}" for (a, b), answer in zip(frames, answers, strict=True)))
                    written += count
            if folder == "x_csqa":
                _write_strays(place, language, asked)
    return written


def _surprises() -> Iterator[str | None]:
    """Escaped surprises, one each so many answers and each kind in its turn; None for the others."""
    while True:
        for text in _SURPRISES:
            yield from [None] * (_SURPRISE_EVERY - 1)
            yield json.dumps(text)


def _words(chance: random.Random, language: str, count: int) -> str:
    syllables = _SYLLABLES.get(language, _LATIN)
    blank = "" if language in ("ja", "zh") else " "
    return blank.join("".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(count))


def _item(
    chance: random.Random, folder: str, language: str, uuid: str | int, asks: str, answer: int
) -> _Item:
    premise = _words(chance, language, 6)
    question = _CAUSE_OR_EFFECT[asks] if folder == "x_copa" else f"{_words(chance, language, 12)}?"
    options = tuple(f"{_words(chance, language, 2)} {k}" for k in range(CHOICES[folder]))
    return _Item(uuid, asks, premise, question, options, answer)


def _prompt(folder: str, item: _Item, demonstrated: bool) -> str:
    letters = "ABCDE"[: len(item.options)]
    counted = "\n".join(f"{letter}. {n}" for n, letter in enumerate(letters))
    premise = "Premise:One stone lies here.\n" if folder == "x_copa" else ""
    example = f"{premise}Question:How many stones lie here?\n{counted}\nAnswer:B. 1\n" if demonstrated else ""
    body = f"Premise:{item.premise}\n" if folder == "x_copa" else ""
    lettered = "\n".join(f"{letter}. {option}" for letter, option in zip(letters, item.options, strict=True))
    return f"{_INSTRUCTION}\n{example}{body}Question:{item.question}\n{lettered}\nAnswer:"


def _frame(number: int, folder: str, item: _Item, demonstrated: bool) -> tuple[str, str]:
    """The JSON line before and after the value of ``res``: escaped once, used by every model."""
    asked = json.dumps(_prompt(folder, item, demonstrated))
    rest = f', "label": "{"ABCDE"[item.answer]}", "uuid": {json.dumps(item.uuid)}}}'
    return f'{{"id": {number}, "input": {asked}, "res": ', rest


def _answers(
    chance: random.Random, asked: Sequence[_Item], demonstrated: bool, surprises: Iterator[str | None]
) -> Iterator[str]:
    """One model's answers as JSON strings: right by an ability of its own, otherwise guessed."""
    able = chance.uniform(0.2, 0.95)
    for item in asked:
        right = chance.random() < able
        pick = item.answer if right else int(chance.random() * len(item.options))
        text = f'"{"ABCDE"[pick]}."' if demonstrated else json.dumps(f"{'ABCDE'[pick]}. {item.options[pick]}")
        surprise = next(surprises)
        yield text if surprise is None else surprise


def _write(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _write_questions(place: Path, folder: str, language: str, asked: Sequence[_Item]) -> None:
    """What stands beside the answers, in all folders but x_csqa."""
    if folder == "x_csqa":
        return
    frames = [_frame(n, folder, item, demonstrated=False) for n, item in enumerate(asked)]
    _write(place / "generate_input.jsonl", (f'{before}""{after}' for before, after in frames))
    if folder == "x_copa":
        rows: list[dict[str, object]] = [
            {
                "label": item.answer,
                "id": item.uuid,
                "premise": item.premise,
                "question": item.asks,
                "choice1": item.options[0],
                "choice2": item.options[1],
                "mirrored": False,
            }
            for item in asked
        ]
        name = "test.jsonl"
    else:
        rows = [
            {
                "id": item.uuid,
                "questions": item.question,
                "answers": item.options,
                "label": item.answer,
                "original_lang": LANGUAGES[n % len(LANGUAGES)],
                "sent_lang": language,
            }
            for n, item in enumerate(asked)
        ]
        name = f"{language}_{'geo_data' if folder == 'x_geo' else 'name_data_generate'}.jsonl"
    _write(place / name, map(json.dumps, rows))


def _write_strays(place: Path, language: str, asked: Sequence[_Item]) -> None:
    """Files whose names look like answers and that are none: nine for people to read, two without uuid."""
    if language != "zh":
        _write(place / f"{CHATGPT}_res_visual.jsonl", ("Read by people,", "not by programs: no JSON lines."))
    if language in ("en", "de"):
        rows = [{"id": n, "res": "A", "label": "ABCDE"[item.answer]} for n, item in enumerate(asked)]
        _write(place / f"{CHATGPT}_res_without_uuid.jsonl", map(json.dumps, rows))


def main() -> None:
    """Write a release where the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.release_files", description="Write a made-up release."
    )
    parser.add_argument("folder", metavar="DIR", type=Path)
    parser.add_argument("--models", type=int, default=46, help="how many, ChatGPT among them (default 46)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="times the number of questions (default 1)")
    options = parser.parse_args()
    items = {folder: max(1, round(count * options.scale)) for folder, count in ITEMS.items()}
    written = write_release(options.folder, model_names(options.models), items, seed=options.seed)
    print(f"{written} answers written to {options.folder}")


if __name__ == "__main__":
    main()
