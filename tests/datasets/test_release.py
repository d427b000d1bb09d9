"""Reading a release: what a question is, what an answer is, and what is named instead of taken."""

import json
import os
from pathlib import Path

import pytest

from clika.datasets.release import chosen_letter, read_questions, read_release
from clika.errors import DataError
from clika.records import UNPARSEABLE, Kind
from tests.releases import DEMONSTRATED, always_right, prompt, right_in_english, write_answers, write_release

RELEASE = Path(__file__).resolve().parents[3] / "shared" / "clika_release"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_release(tmp_path, {"one": always_right, "two": right_in_english, "three": always_right})


@pytest.mark.parametrize(
    ("text", "choices", "place"),
    [
        ("D.", 4, 3),
        ("\n B. Paris", 4, 1),
        ("A</s>", 2, 0),
        ("\u3000C", 4, 2),  # an ideographic blank is a blank
        ("А. Москва", 4, UNPARSEABLE),  # Cyrillic
        ("E", 4, UNPARSEABLE),
        ("b", 4, UNPARSEABLE),
        ("", 4, UNPARSEABLE),
        ("The answer is B", 4, UNPARSEABLE),
    ],
)
def test_the_authors_rule_takes_the_first_character(text: str, choices: int, place: int) -> None:
    assert chosen_letter(text, choices) == place


def test_questions_are_parallel_and_keep_their_source_text(root: Path) -> None:
    release = read_release(root, "made-up")
    assert len(release.questions) == 4 * 4 * 3  # data sets x items x languages
    assert release.faults == ()
    question = next(
        q for q in release.questions if (q.dataset, q.question_id, q.language) == ("xcopa", "1", "de")
    )
    assert (question.kind, question.premise) == (Kind.CAUSE, "de premise 1.")
    assert question.choices == ("de option 1-0", "de option 1-1")
    assert question.answer_index == 1
    assert question.source_prompt == prompt("x_copa", "de", 1)
    people = [q for q in release.questions if q.dataset == "xpeo"]
    assert {q.origin for q in people} == {"de"}


def test_folder_spellings_lead_to_one_language(root: Path) -> None:
    release = read_release(root, "made-up")
    assert {q.language for q in release.questions if q.dataset == "xcsqa"} == {"en", "de", "he"}


def test_files_that_do_not_belong_are_left_with_the_reason(root: Path) -> None:
    english = root / "x_geo" / "en"
    (english / "one_res_visual.jsonl").write_text("A picture, not JSON\n")
    (english / "one_res_without_uuid.jsonl").write_text(json.dumps({"res": "A"}) + "\n")
    (english / "test.jsonl").write_text("{}\n")
    left = {path.name: reason for path, reason in read_release(root, "made-up").left}
    assert left == {
        "one_res_visual.jsonl": "not JSON lines",
        "one_res_without_uuid.jsonl": "no uuid: its answers cannot be tied to questions",
    }


def test_a_truncated_file_is_named_and_the_others_are_read(root: Path) -> None:
    path = root / "x_geo" / "de" / f"one{DEMONSTRATED}.jsonl"
    path.write_bytes(path.read_bytes()[:-30])
    release = read_release(root, "made-up")
    assert len(release.faults) == 1
    assert f"{path}, line 4" in release.faults[0]
    assert release.files_read == 3 * 4 * 3 - 1
    assert len(release.questions) == 48


def test_a_file_cut_between_lines_keeps_what_it_has_and_says_so(root: Path) -> None:
    path = root / "x_geo" / "de" / f"one{DEMONSTRATED}.jsonl"
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:3]))
    release = read_release(root, "made-up")
    assert "3 of 4 questions" in release.faults[0]
    assert release.files_read == 36


def test_a_misplaced_file_is_named_and_refused(root: Path) -> None:
    name = f"two{DEMONSTRATED}.jsonl"
    (root / "x_geo/de" / name).write_bytes((root / "x_geo/en" / name).read_bytes())
    release = read_release(root, "made-up")
    assert len(release.faults) == 1
    assert "misplaced" in release.faults[0]
    assert str(root / "x_geo/de" / name) in release.faults[0]


def test_a_file_of_another_data_set_is_named_even_where_no_item_has_the_same_id(root: Path) -> None:
    name = f"two{DEMONSTRATED}.jsonl"
    (root / "x_geo/de" / name).write_bytes((root / "x_csqa/DE_trans" / name).read_bytes())
    release = read_release(root, "made-up")
    assert len(release.faults) == 1
    assert str(root / "x_geo/de" / name) in release.faults[0]
    assert "none of its 4 items is in the other files" in release.faults[0]
    assert len(release.questions) == 48


@pytest.mark.parametrize("misplaced", ["one", "two"])
def test_two_files_that_contradict_each_other_are_both_refused(tmp_path: Path, misplaced: str) -> None:
    root = write_release(tmp_path, {"one": always_right, "two": always_right})
    name = f"{misplaced}{DEMONSTRATED}.jsonl"
    (root / "x_geo/de" / name).write_bytes((root / "x_geo/en" / name).read_bytes())
    release = read_release(root, "made-up")
    assert len(release.faults) == 2
    assert all("no majority" in fault for fault in release.faults)
    assert {q.language for q in release.questions if q.dataset == "xgeo"} == {"en", "he"}


@pytest.mark.parametrize("misplaced", ["one", "two"])
def test_prompts_without_the_demonstration_decide_between_two_files(tmp_path: Path, misplaced: str) -> None:
    root = write_release(tmp_path, {"one": always_right, "two": always_right})
    write_answers(root, "x_geo", "de", "generate_input.jsonl", always_right)
    name = f"{misplaced}{DEMONSTRATED}.jsonl"
    (root / "x_geo/de" / name).write_bytes((root / "x_geo/en" / name).read_bytes())
    release = read_release(root, "made-up")
    assert len(release.faults) == 1
    assert str(root / "x_geo/de" / name) in release.faults[0]
    german = [q for q in release.questions if (q.dataset, q.language) == ("xgeo", "de")]
    assert [q.text for q in german] == [f"de question {item} (x_geo)?" for item in range(4)]
    assert [q.source_prompt for q in german] == [prompt("x_geo", "de", item) for item in range(4)]


def test_questions_are_read_where_no_model_has_answered_yet(tmp_path: Path) -> None:
    for language in ("en", "de"):
        write_answers(tmp_path, "x_copa", language, "generate_input.jsonl", always_right)
    questions, sentences = read_questions(tmp_path, "made-up")
    assert sentences == ()
    assert [(q.question_id, q.language, q.source_prompt) for q in questions] == [
        (str(item), language, None) for language in ("en", "de") for item in range(4)
    ]


def test_the_majority_and_not_the_first_file_decides(root: Path) -> None:
    path = root / "x_geo" / "de" / f"one{DEMONSTRATED}.jsonl"  # the first in alphabetical order
    path.write_text(path.read_text().replace('"label": "B"', '"label": "C"'))
    release = read_release(root, "made-up")
    assert len(release.faults) == 1
    assert "item 1 has label 'C'" in release.faults[0]


def test_a_question_that_is_not_parallel_is_refused_in_every_language(tmp_path: Path) -> None:
    root = write_release(tmp_path, {"one": always_right})
    write_answers(root, "x_geo", "de", f"one{DEMONSTRATED}.jsonl", always_right, items=[0, 1, 3])
    release = read_release(root, "made-up")
    assert "xgeo: item 2 not in de" in " ".join(release.faults)
    assert {q.question_id for q in release.questions if q.dataset == "xgeo"} == {"0", "1", "3"}
    assert all("2" not in a.question_ids for m in release.models for a in m.answers if a.dataset == "xgeo")


def test_another_answer_in_one_language_is_refused_and_the_language_named(tmp_path: Path) -> None:
    root = write_release(tmp_path, {"one": always_right})
    path = root / "x_name/he" / f"one{DEMONSTRATED}.jsonl"
    path.write_text(path.read_text().replace('"label": "B"', '"label": "C"'))
    faults = " ".join(read_release(root, "made-up").faults)
    assert "xpeo: item 1 with other choices or another answer in he" in faults


def test_a_cause_asked_for_as_an_effect_in_one_language_is_named_and_kept(tmp_path: Path) -> None:
    root = write_release(tmp_path, {"one": always_right})
    path = root / "x_copa/he" / f"one{DEMONSTRATED}.jsonl"
    lines = path.read_text().splitlines(keepends=True)
    lines[1] = lines[1].replace("What was the cause of this?", "What happened as a result?")
    path.write_text("".join(lines))
    release = read_release(root, "made-up")
    (note,) = release.notes
    assert "xcopa: item 1 in he with the effect for the cause" in note
    assert "kept as released" in note
    assert release.faults == ()
    assert {q.question_id for q in release.questions if q.dataset == "xcopa"} == {"0", "1", "2", "3"}


def test_a_file_whose_name_is_no_text_is_named_and_the_others_are_read(tmp_path: Path) -> None:
    root = write_release(tmp_path, {"one": always_right})
    place = root / "x_geo/de"
    for name in (b"odd\xff", b"two\nlines"):
        (place / os.fsdecode(name + DEMONSTRATED.encode() + b".jsonl")).write_text("{}")
    release = read_release(root, "made-up")
    assert len(release.faults) == 2
    assert all("its name is not one line of UTF-8; rename it" in fault for fault in release.faults)
    assert [model.model for model in release.models] == ["one"]


def test_zero_shot_answers_are_a_run_of_their_own(root: Path) -> None:
    for language in ("en", "de", "he"):
        write_answers(root, "x_geo", language, "chat_res.jsonl", always_right)
    release = read_release(root, "made-up")
    assert ("chat", "") in {(m.model, m.variant) for m in release.models}
    assert release.faults == ()


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "empty"),
        (b'{"uuid": 1, "input": "x", "label": "A"}\n', "res"),
        (b'{"uuid": 1, "input": "x", "label": "A", "res": null}\n', "must be text"),
        (b'{"uuid": 1, "input": "x", "label": "A", "res": ["A"]}\n', "must be text"),
        (b'{"uuid": 1, "input": 7, "label": "A", "res": "A"}\n', "must be text"),
        (b'{"uuid": null, "input": "x", "label": "A", "res": "A"}\n', "every uuid must be"),
        (b'{"uuid": 1, "input": "x", "label": "A", "res": "A"}\n[]\n', "a line that is no object"),
        (b'{"uuid": 1, "input": "x", "label": "A", "res": "A"}\n' * 2, "stands twice"),
        (b'{"uuid": 1, "inp', "line 1: not JSON"),
        (b'\xef\xbb\xbf{"uuid": 1}\n', "byte order mark"),
        (b'{"uuid": 1, "input": "\xff"}\n', "not valid UTF-8"),
        ('{"uuid": 1}\n'.encode("utf-16"), "line 1: not JSON"),
    ],
)
def test_an_unreadable_file_is_named(root: Path, content: bytes, named: str) -> None:
    path = root / "x_geo" / "de" / f"one{DEMONSTRATED}.jsonl"
    path.write_bytes(content)
    faults = read_release(root, "made-up").faults
    assert len(faults) == 1
    assert named in faults[0]


def test_a_folder_without_data_sets_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="give the folder that holds them"):
        read_release(tmp_path, "made-up")


@pytest.mark.skipif(not RELEASE.is_dir(), reason=f"the authors' released answers are not at {RELEASE}")
def test_the_released_part_is_read_whole() -> None:
    release = read_release(RELEASE, "released")
    assert len(release.questions) == 18_800  # 1,880 questions x 10 languages
    assert sum(len(a.question_ids) for m in release.models for a in m.answers) == 7 * 18_800
    (note,) = release.notes  # four Italian items of xCOPA ask the other way about
    assert "xcopa: items 585, 612, 937, 955 in it with the effect for the cause" in note
    assert (release.faults, release.left) == ((), ())
    assert all(q.source_prompt and q.source_prompt.endswith("\nAnswer:") for q in release.questions)
