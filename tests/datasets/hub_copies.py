"""Small copies of the Hub's repositories, laid out as there: parquet files, named in the README's header."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

Rows = Sequence[Mapping[str, object]]


def repository(folder: Path, configurations: Mapping[str, Mapping[str, Rows]]) -> None:
    """``configurations``: name -> split -> rows."""
    header = {"configs": []}
    for name, splits in configurations.items():
        files = []
        for split, rows in splits.items():
            place = f"{name}/{split}-00000-of-00001.parquet"
            (folder / name).mkdir(parents=True, exist_ok=True)
            pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), folder / place)
            files.append({"split": split, "path": place})
        header["configs"].append({"config_name": name, "data_files": files})
    (folder / "README.md").write_text(f"---\n{json.dumps(header)}\n---\n")


def causal(key: str, number: int, language: str, label: int | None = None) -> dict[str, object]:
    """One row of (X)COPA: by turns cause and effect, the first or the second right."""
    return {
        "premise": f"premise {number} {language}",
        "choice1": f"first {number} {language}",
        "choice2": f"second {number} {language}",
        "question": "cause" if number % 2 else "effect",
        "label": number // 2 % 2 if label is None else label,
        key: number,
    }


def concept(number: int, language: str, answer: str = "") -> dict[str, object]:
    """One row of X-CSQA."""
    return {
        "id": f"id{number}",
        "lang": language,
        "question": {
            "stem": f"stem {number} {language}",
            "choices": {
                "label": list("ABCDE"),
                "text": [f"{letter} {number} {language}" for letter in "abcde"],
            },
        },
        "answerKey": answer or "ABCDE"[number % 5],
    }


def copies(folder: Path, *, first_id: int = 501, shuffled_english: bool = False) -> Path:
    """Twenty items of each: XCOPA in it, zh, sw (one label of zh changed); X-CSQA in en, de, jap, ur (one less in de)."""
    numbers = range(1, 21)
    repository(
        folder / "xcopa",
        {
            language: {
                "test": [causal("idx", n, language, 1 - n // 2 % 2 if (n, language) == (3, "zh") else None)
                         for n in numbers],
                "validation": [causal("idx", 900, language)],
            }
            for language in ("it", "zh", "sw", "translation-it")
        },
    )  # fmt: skip
    english = [causal("id", n, "en") | {"id": n - 1 + first_id, "mirrored": False} for n in numbers]
    if shuffled_english:
        english = [row | {"label": 1 - int(str(row["label"]))} for row in english]
    mirrored = causal("id", 1, "mirrored") | {"id": first_id, "mirrored": True}
    repository(folder / "balanced-copa", {"default": {"test": [*english, mirrored]}})
    repository(
        folder / "xcsr",
        {
            f"X-CSQA-{language}": {
                "validation": [concept(n, language) for n in numbers if (n, language) != (7, "de")],
                "test": [concept(n, language, " ") for n in (90, 91)],
            }
            for language in ("en", "de", "jap", "ur")
        }
        | {"X-CODAH-en": {"validation": [concept(1, "en")]}},
    )
    return folder
