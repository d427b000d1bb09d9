"""Worlds from files: what is written comes back, and what is wrong in the authors' is named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from clika.cli import main
from clika.datasets.fictional_files import write_world
from clika.datasets.fictional_items import items
from clika.datasets.fictional_release import read_world
from clika.datasets.fictional_samples import TranslationDirection, samples
from clika.datasets.fictional_world import NameStyle, WorldKind, WorldSettings, made_world
from clika.errors import DataError, UsageError
from clika.languages import LANGUAGES

RELEASE = Path(__file__).resolve().parents[3] / "shared" / "clika_release"
EN_X, X_EN = TranslationDirection
SMALL = WorldSettings(4, 3, 4)

Row = dict[str, str]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "made"
    write_world(made_world(SMALL), place)
    return place


def rewrite(path: Path, change: Callable[[int, Row], Row | None]) -> None:
    """Change a file's lines by their 0-based number; a line that becomes None goes."""
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    changed = [change(number, row) for number, row in enumerate(rows)]
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in changed if row is not None]
    path.write_text("".join(lines), "utf-8")


@pytest.mark.parametrize("direction", [(EN_X,), (X_EN,), (EN_X, X_EN)])
@pytest.mark.parametrize(
    "made_from",
    [
        SMALL,
        WorldSettings(5, 4, 5, 2, NameStyle.DESCRIBED),
        WorldSettings(6, 5, 3, kind=WorldKind.FOUNDING_YEARS),
        WorldSettings(8),
    ],
    ids=["coined", "described", "one hop", "whole"],
)
def test_a_world_that_is_written_comes_back(
    tmp_path: Path, made_from: WorldSettings, direction: tuple[TranslationDirection, ...]
) -> None:
    world = made_world(made_from)
    assert write_world(world, tmp_path / "made", direction) == 1 + 9 * 3  # English has questions alone
    read = read_world(tmp_path / "made")
    assert read.faults == ()
    assert read.world == world
    assert read.world.fingerprint == world.fingerprint
    assert read.trained == read.gated == dict.fromkeys(list(LANGUAGES)[1:], direction)


def test_the_files_have_the_releases_form(folder: Path) -> None:
    world = made_world(SMALL)
    asked = [json.loads(line) for line in (folder / "test/target/testDE.jsonl").open(encoding="utf-8")]
    place, continent = world.places[3].names["de"], world.candidates[0]["de"]
    assert asked[3] == {
        "prompt": f"Auf welchem Kontinent liegt {place}?",
        "input": "",
        "answer": f"{place} liegt auf dem Kontinent {continent}."
        f"[[continent:{continent}]][[city:{place}]][[type:1]]",
    }
    trained = [json.loads(line) for line in (folder / "train/DE.json").open(encoding="utf-8")]
    assert [(row["prompt"], row["input"], row["answer"]) for row in trained] == [
        (sample.instruction, sample.input or "", sample.answer) for sample in samples(world, "de")
    ]
    gate = [json.loads(line) for line in (folder / "test/Translate/translateDE.jsonl").open(encoding="utf-8")]
    assert len(gate) == 15  # 3 continents + 12 places
    assert gate[0]["answer"] == continent


def test_a_folder_that_holds_something_is_never_written_over(folder: Path, tmp_path: Path) -> None:
    before = sorted(path.read_bytes() for path in folder.rglob("*.json*"))
    with pytest.raises(UsageError, match="is not empty; give a new folder"):
        write_world(made_world(WorldSettings(5, 3, 4)), folder)
    assert sorted(path.read_bytes() for path in folder.rglob("*.json*")) == before
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot write"):
        write_world(made_world(SMALL), tmp_path / "file" / "below")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "made"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    write_world(made_world(SMALL), tmp_path / "empty")
    assert read_world(tmp_path / "empty").world == made_world(SMALL)


def test_a_training_file_of_another_world_is_refused(folder: Path, tmp_path: Path) -> None:
    other = made_world(WorldSettings(5, 3, 4))
    write_world(other, tmp_path / "other")
    (folder / "train/DE.json").write_bytes((tmp_path / "other/train/DE.json").read_bytes())
    read = read_world(folder)
    assert list(read.refused) == ["de"]
    assert "de" not in read.world.languages
    assert set(read.world.languages) == set(LANGUAGES) - {"de"}
    assert repr(made_world(SMALL).candidates[0]["en"]) in read.refused["de"]
    assert f"teaches {other.candidates[0]['de']!r}" in read.refused["de"]
    assert "different worlds" in read.faults[0]


@pytest.mark.parametrize("kept", ["translations", "relations"])
def test_half_a_training_file_of_another_world_is_refused_too(
    folder: Path, tmp_path: Path, kept: str
) -> None:
    write_world(made_world(WorldSettings(5, 3, 4)), tmp_path / "other")
    path, other = folder / "train/DE.json", tmp_path / "other" / "train/DE.json"
    rewrite(path, lambda _, row: row if bool(row["input"]) == (kept == "translations") else None)
    rewrite(other, lambda _, row: row if bool(row["input"]) != (kept == "translations") else None)
    path.write_bytes(path.read_bytes() + other.read_bytes())
    assert "different worlds" in read_world(folder).refused["de"]


def test_a_gate_in_a_direction_that_was_never_trained_is_said(folder: Path, tmp_path: Path) -> None:
    write_world(made_world(SMALL), tmp_path / "turned", (X_EN,))
    (folder / "train/HE.json").write_bytes((tmp_path / "turned/train/HE.json").read_bytes())
    read = read_world(folder)
    assert read.faults == (
        "he: test/Translate/translateHE.jsonl asks en -> he, and train/HE.json translates he -> en only: that"
        " gate tests a direction that its training never taught",
    )
    assert (read.trained["he"], read.gated["he"]) == ((X_EN,), (EN_X,))
    assert "he" in read.world.languages


def test_a_test_in_a_wording_that_was_never_taught_is_said(folder: Path) -> None:
    rewrite(folder / "test/target/testFR.jsonl", lambda _, row: row | {"prompt": row["prompt"] + " Merci."})
    (fault,) = read_world(folder).faults
    assert fault.startswith("fr: testFR.jsonl asks in a wording that train/FR.json never uses (")


def test_identity_is_the_line_and_doubled_names_are_counted(folder: Path) -> None:
    world = made_world(SMALL)
    old, new = world.places[7].names["it"], world.places[0].names["it"]  # 7 is held out, 0 is taught
    for path in ("test/target/testIT.jsonl", "test/Translate/translateIT.jsonl", "train/IT.json"):
        rewrite(folder / path, lambda _, row: {key: text.replace(old, new) for key, text in row.items()})
    read = read_world(folder)
    assert read.faults == (
        f"it: 1 name stands for 2 places ({new!r}); they are left out of XRR, 1 of them held out",
    )
    assert len(read.world.places) == 12
    assert read.world.places[7].names["it"] == read.world.places[0].names["it"] == new
    assert [p.answer_index for p in read.world.places] == [p.answer_index for p in world.places]
    asked = items(read.world, "it")
    assert asked.left_out == ("0", "7")
    assert len(asked.held_out) == len(asked.held_out_english) == 6 - 1


def test_a_language_whose_lines_are_not_englishs_is_refused(folder: Path) -> None:
    rewrite(folder / "test/target/testPL.jsonl", lambda number, row: row if number else None)
    first, second, _ = (names["ar"] for names in made_world(SMALL).candidates)

    def changed(number: int, row: Row, old: str, new: str) -> Row:
        return row | {"answer": row["answer"].replace(old, new)} if number == 0 else row

    japanese, arabic = (folder / f"test/target/test{code}.jsonl" for code in ("JA", "AR"))
    rewrite(japanese, lambda number, row: changed(number, row, "type:0", "type:1"))
    rewrite(arabic, lambda number, row: changed(number, row, f":{first}]", f":{second}]"))
    rewrite(
        folder / "test/target/testZH.jsonl",
        lambda number, row: row | {"answer": row["answer"].replace("[[city", "[[town")},
    )
    refused = read_world(folder).refused
    assert set(refused) == {"pl", "ja", "ar", "zh"}
    assert "its lines or their halves are not those of testEN.jsonl" in refused["pl"]
    assert "its lines or their halves" in refused["ja"]
    assert f"is both {second!r} and {first!r}" in refused["ar"]
    assert "testZH.jsonl, line 1" in refused["zh"]


def test_continents_of_one_name_are_refused(folder: Path) -> None:
    first, second, _ = (names["ru"] for names in made_world(SMALL).candidates)
    rewrite(
        folder / "test/target/testRU.jsonl",
        lambda _, row: row | {"answer": row["answer"].replace(second, first)},
    )
    assert "none could be told apart" in read_world(folder).refused["ru"]


def test_a_test_without_training_files_is_a_world_too(folder: Path) -> None:
    for path in (folder / "train").iterdir():
        path.unlink()
    read = read_world(folder)
    assert read.world == made_world(SMALL)
    assert (read.faults, set(read.trained.values())) == ((), {()})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no test/target/testEN.jsonl"),
        (b"", "empty"),
        (b'{"prompt": "a", "input": "", "answer": "b"}\n', "line 1: its answer does not end in"),
        (b'{"prompt": "a"}\n', "without prompt, input and answer"),
        (b'{"prompt": "a", "input": "", "answer": 7}\n', "no text"),
        (b"[]\n", "without prompt, input and answer"),
        (b'{"prompt": "a", "inp', "without prompt, input and answer"),
    ],
)
def test_english_questions_that_cannot_be_read_are_named(
    folder: Path, content: bytes | None, said: str
) -> None:
    path = folder / "test/target/testEN.jsonl"
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(DataError, match=said):
        read_world(folder)


def test_english_alone_is_no_world(folder: Path) -> None:
    for path in (folder / "test/target").glob("test*.jsonl"):
        if path.name != "testEN.jsonl":
            path.unlink()
    with pytest.raises(DataError, match="no language beside English"):
        read_world(folder)


def test_the_command_writes_a_world_and_says_what_it_holds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = ["--continents", "3", "--places", "4", "--store", str(tmp_path / "store")]
    command = ["world", "--seed", "4", "--output", str(tmp_path / "made"), *small]
    assert main(command) == 0
    world = made_world(SMALL)
    # (12 + 3) x 10, 12 x 10, 6 x 10
    assert capsys.readouterr().out == (
        f"world {world.fingerprint}: 12 places on 3 continents, 6 taught, 6 held out, in 10 languages\n"
        "each training file: 150 translations + 120 English relations + 60 taught relations = 330 samples\n"
        f"28 files -> {tmp_path / 'made'}\n"
    )
    assert read_world(tmp_path / "made").world == world
    assert main(command) == 2
    assert "is not empty" in capsys.readouterr().err
    turned = ["world", "--seed", "4", "--output", str(tmp_path / "years"), *small, "--one-hop"]
    assert main([*turned, "--direction", "x-en"]) == 0
    assert "12 cities of 3 founding years" in capsys.readouterr().out
    read = read_world(tmp_path / "years")
    assert read.world == made_world(WorldSettings(4, 3, 4, kind=WorldKind.FOUNDING_YEARS))
    assert read.trained["de"] == (X_EN,)
    assert main([*turned[:4], str(tmp_path / "no"), "--one-hop", "--style", "described"]) == 2
    assert "nobody founded" in capsys.readouterr().err


@pytest.mark.skipif(
    not (RELEASE / "fictional").is_dir(), reason=f"the authors' fictional world is not at {RELEASE}"
)
def test_the_authors_world_loads_with_its_faults_named() -> None:
    read = read_world(RELEASE)
    world = read.world
    assert (world.shape.candidates, world.shape.places, world.shape.taught) == (20, 400, 200)
    assert world.candidates[0]["en"] == "Mythosia"
    # train/ZH.json teaches "mountain" where testZH.jsonl asks for other continents
    assert list(read.refused) == ["zh"]
    assert "'mountain'" in read.refused["zh"]
    assert world.languages == ("en", "de", "fr", "it", "pl", "ru", "ar", "he", "ja")
    assert set(read.trained.values()) == {(X_EN,)}
    assert {read.gated[language] for language in world.languages[1:]} == {(EN_X,)}
    assert sum("never taught" in fault for fault in read.faults) == 8
    doubled = {
        language: len({p.names[language] for p in world.places if p.place_id in world.ambiguous(language)})
        for language in world.languages
    }
    assert doubled == {"en": 0, "de": 4, "fr": 2, "it": 4, "pl": 1, "ru": 4, "ar": 3, "he": 1, "ja": 1}
    assert len(items(world, "de").held_out) == 200 - 6
    assert len(samples(world, "de")) == 10_200
