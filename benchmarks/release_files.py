"""Writes a made-up release of the public one's size and surprises: ``python -m benchmarks.release_files DIR``.

46 models x 1,880 questions x 10 languages, about half a gigabyte of JSON lines in the authors' layout, all
names, questions and answers invented: only a part of their release lies beside this project, and a program
that is to import all of it must be measured on all of it.
"""

import json
import random
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

FOLDERS = {
    "x_csqa": (
        "en", "DE_trans", "FR_trans", "IT_trans", "PL_trans",
        "RU_trans", "ar_trans", "he_trans", "JA_trans", "ZH_trans",
    ),
    "x_copa": ("en", "DE", "FR", "it", "PL", "RU", "ar", "he", "JA", "zh"),
    "x_geo": ("en", "de", "fr", "it", "pl", "ru", "ar", "he", "ja", "zh"),
    "x_name": ("en", "de", "fr", "it", "pl", "ru", "ar", "he", "ja", "zh"),
}  # fmt: skip
ITEMS = {"x_csqa": 1000, "x_copa": 500, "x_geo": 200, "x_name": 180}
CHOICES = {"x_csqa": 5, "x_copa": 2, "x_geo": 4, "x_name": 4}
LANGUAGES = ("en", "de", "fr", "it", "pl", "ru", "ar", "he", "ja", "zh")
DEMONSTRATED = "_res_bf16_add_simple_example.jsonl"

_SYLLABLES = {
    "latin": ["ba", "do", "fe", "gi", "lu", "mo", "na", "po", "ri", "su", "ta", "ve", "za"],
    "ru": ["ба", "до", "фе", "ги", "лу", "мо", "на", "по", "ри", "су", "та", "ве", "за"],
    "ar": ["با", "دو", "في", "جي", "لو", "مو", "نا", "بو", "ري", "سو", "تا"],
    "he": ["בא", "דו", "פה", "גי", "לו", "מו", "נא", "פו", "רי", "סו", "תא"],
    "ja": list("あかさたなはまやらわいきしちに"),
    "zh": list("山水木石火土天月星云雨雪风河"),
}
_INSTRUCTION = "Read the question and pick the one option that answers it best, by its letter."
_ODD_ANSWERS = ("", "А. не знаю", "\u3000", "\u00a0C.", "\n\nB", "I cannot say", "В", "С", "none", "E</s>")


def model_names(count: int) -> list[str]:
    """Made-up names with the shapes of real ones: dots, dashes, learning rates."""
    shapes = ("Larch_{}b_v1.{}", "birch{}_{}b_chat", "Rowan2-{}B-ChatZH{}e-4", "hazel_{}b_base_{}")
    return [shapes[n % len(shapes)].format(1 + n // 2, 1 + n % 9) for n in range(count)]


def _words(chance: random.Random, language: str, count: int) -> str:
    syllables = _SYLLABLES.get(language, _SYLLABLES["latin"])
    glue = "" if language in ("ja", "zh") else " "
    return glue.join("".join(chance.choices(syllables, k=chance.randint(2, 4))) for _ in range(count))


def _prompt(folder: str, question: str, premise: str, options: Sequence[str], demonstration: bool) -> str:
    letters = "ABCDE"[: len(options)]
    shown = "\n".join(f"{letter}. {n}" for n, letter in enumerate(letters))
    example = f"Question:0+1=?\n{shown}\nAnswer:B. 1\n" if demonstration else ""
    body = f"Premise:{premise}\nQuestion:{question}" if folder == "x_copa" else f"Question:{question}"
    lettered = "\n".join(f"{letter}. {option}" for letter, option in zip(letters, options, strict=True))
    return f"{_INSTRUCTION}\n{example}{body}\n{lettered}\nAnswer:"


def _write(path: Path, rows: Iterable[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="ascii")


def write_release(root: Path, models: int = 46, seed: int = 1) -> int:
    """Write the whole tree; returns the number of answers in files that belong to it."""
    chance = random.Random(seed)
    names = model_names(models - 1)
    answers = 0
    for folder, places in FOLDERS.items():
        count, choices = ITEMS[folder], CHOICES[folder]
        ids: list[object] = [
            f"{chance.getrandbits(64):016x}" if folder == "x_csqa" else n for n in range(count)
        ]
        gold = [chance.randrange(choices) for _ in range(count)]
        kinds = [chance.choice(["What was the cause of this?", "What happened as a result?"]) for _ in ids]
        for language, place in zip(LANGUAGES, places, strict=True):
            inside = root / folder / place
            asked = []
            for number in range(count):
                question = kinds[number] if folder == "x_copa" else _words(chance, language, 12) + "?"
                premise = _words(chance, language, 6)
                options = [f"{_words(chance, language, 2)} {k}" for k in range(choices)]
                asked.append((question, premise, options))
            prompts = {
                demonstrated: [_prompt(folder, *parts, demonstrated) for parts in asked]
                for demonstrated in (True, False)
            }
            for model in (*names, "chatgpt"):
                demonstrated = model != "chatgpt"
                able = chance.uniform(0.2, 0.95)
                rows = []
                for number in range(count):
                    pick = gold[number] if chance.random() < able else chance.randrange(choices)
                    text = (
                        f"{'ABCDE'[pick]}." if demonstrated else f"{'ABCDE'[pick]}. {asked[number][2][pick]}"
                    )
                    if chance.random() < 0.003:
                        text = chance.choice(_ODD_ANSWERS)
                    rows.append(
                        {
                            "id": number,
                            "input": prompts[demonstrated][number],
                            "res": text,
                            "label": "ABCDE"[gold[number]],
                            "uuid": ids[number],
                        }
                    )
                _write(inside / (f"{model}{DEMONSTRATED}" if demonstrated else "chatgpt_res.jsonl"), rows)
                answers += count
            if folder == "x_csqa" and language != "zh":
                (inside / "chatgpt_res_visual.jsonl").write_text("A page to look at,\nno JSON lines.\n")
                if language in ("en", "de"):
                    rows = [{"id": n, "res": "A", "label": "A"} for n in range(count)]
                    _write(inside / "chatgpt_res_without_uuid.jsonl", rows)
            if folder in ("x_geo", "x_name"):
                kind = "geo_data" if folder == "x_geo" else "name_data_generate"
                rows = [
                    {"id": n, "original_lang": LANGUAGES[n % 10], "sent_lang": language} for n in range(count)
                ]
                _write(inside / f"{language}_{kind}.jsonl", rows)
    return answers


def main() -> None:
    """``python -m benchmarks.release_files DIR``"""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m benchmarks.release_files DIR")
    print(f"{write_release(Path(sys.argv[1]))} answers written to {sys.argv[1]}")


if __name__ == "__main__":
    main()
