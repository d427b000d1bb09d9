"""The made-up release of the benchmarks is one that the import reads as it would the authors'."""

import json
from pathlib import Path

from benchmarks.release_files import LANGUAGES, model_names, write_release
from clika.imports import import_release

TINY = {"x_csqa": 12, "x_copa": 8, "x_geo": 6, "x_name": 5}
MODELS = model_names(4)


def contents(root: Path) -> dict[str, bytes]:
    """Every file's bytes by its path from the root."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def test_a_made_up_release_imports_whole_and_its_strays_are_left(tmp_path: Path) -> None:
    written = write_release(tmp_path / "release", MODELS, TINY)
    assert written == 4 * 10 * (12 + 8 + 6 + 5)
    report = import_release(tmp_path / "release", tmp_path / "store")
    assert report.faults == ()
    assert report.answers_new == written
    assert report.files_read == 4 * 10 * 4
    assert report.questions_new == 10 * (12 + 8 + 6 + 5)
    strays = sorted(path.name for path, _ in report.left)
    assert strays == ["chatgpt_res_visual.jsonl"] * 9 + ["chatgpt_res_without_uuid.jsonl"] * 2


def test_surprises_are_among_the_answers(tmp_path: Path) -> None:
    write_release(tmp_path, MODELS, {"x_csqa": 120}, ("en", "ru"))
    answers = [
        json.loads(line)["res"]
        for path in tmp_path.rglob("*_res*.jsonl")
        if "visual" not in path.name
        for line in path.read_text("ascii").splitlines()
    ]
    # 4 models x 120 items x 2 languages = 960 answers, one in 331 a surprise: the first two kinds
    assert answers.count("") == 1
    assert answers.count("А. не знаю") == 1


def test_one_seed_writes_the_same_bytes_and_another_writes_others(tmp_path: Path) -> None:
    for place, seed in (("a", 1), ("b", 1), ("c", 2)):
        write_release(tmp_path / place, MODELS, {"x_geo": 3}, ("en", "zh"), seed)
    assert contents(tmp_path / "a") == contents(tmp_path / "b")
    assert contents(tmp_path / "a") != contents(tmp_path / "c")


def test_items_stand_in_the_same_order_in_every_language(tmp_path: Path) -> None:
    write_release(tmp_path, MODELS[-1:], {"x_csqa": 9})
    orders = {
        tuple((row["uuid"], row["label"]) for row in map(json.loads, path.read_text("ascii").splitlines()))
        for path in tmp_path.rglob("chatgpt_res.jsonl")
    }
    assert len(orders) == 1
    assert len(list(tmp_path.rglob("chatgpt_res.jsonl"))) == len(LANGUAGES)
