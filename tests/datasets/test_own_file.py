"""A user's own file: what is read, and that every fault in it is named with its row."""

import codecs
import csv
import json
import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clika.datasets.own_file import own_collection, read_own_file
from clika.errors import UsageError
from clika.records import Kind, Question

HEADER = "question_id,language,question,choices,answer"
ROWS: list[dict[str, object]] = [
    {
        "question_id": "hauptstadt", "language": "de", "question": "Welche Stadt ist die Hauptstadt Österreichs?",
        "choices": ["Graz", "Wien", "Linz"], "answer": "B", "dataset": "xgeo", "origin": "de",
    },
    {
        "question_id": "hauptstadt", "language": "zh", "question": "奥地利的首都是哪座城市？",
        "choices": ["格拉茨", "维也纳", "林茨"], "answer": "B", "dataset": "xgeo", "origin": "de",
    },
    {
        "question_id": "7", "language": "de", "question": "Was geschah daraufhin?",
        "choices": ["Es zerbrach.", "Es flog."], "answer": "A",
        "dataset": "xcopa", "kind": "effect", "premise": "Das Glas fiel herunter.",
    },
]  # fmt: skip


def written(folder: Path, text: str | bytes, name: str = "own.csv") -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def faults(path: Path) -> tuple[str, ...]:
    """What is wrong with a file; where something is, no question is taken."""
    own = read_own_file(path, "own")
    assert own.faults
    assert own.questions == ()
    return own.faults


def in_every_format(folder: Path, rows: Sequence[dict[str, object]]) -> list[Path]:
    """The same rows as CSV with | and with a JSON list, with ;, as JSONL, as Parquet of lists and of texts."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    texts = [{**row, "choices": "|".join(map(str, row["choices"]))} for row in rows]  # type: ignore[call-overload]
    lists = [{**row, "choices": json.dumps(row["choices"])} for row in rows]
    paths = []
    for number, (cells, delimiter) in enumerate([(texts, ","), (lists, ","), (texts, ";")]):
        paths.append(folder / f"{number}.csv")
        with paths[-1].open("w", encoding="utf-8", newline="") as file:
            table = csv.DictWriter(file, names, delimiter=delimiter)
            table.writeheader()
            table.writerows(cells)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    paths.append(written(folder, lines, "own.jsonl"))
    for name, cells in (("lists", list(rows)), ("texts", texts)):
        paths.append(folder / f"{name}.parquet")
        pq.write_table(pa.table({key: [row.get(key) for row in cells] for key in names}), paths[-1])
    return paths


def test_the_same_rows_are_the_same_questions_in_every_format(tmp_path: Path) -> None:
    expected = (
        Question(
            "own", "xgeo", "hauptstadt", "de", Kind.CHOICE, None, "Welche Stadt ist die Hauptstadt Österreichs?",
            ("Graz", "Wien", "Linz"), 1, "de",
        ),
        Question(
            "own", "xgeo", "hauptstadt", "zh", Kind.CHOICE, None, "奥地利的首都是哪座城市？",
            ("格拉茨", "维也纳", "林茨"), 1, "de",
        ),
        Question(
            "own", "xcopa", "7", "de", Kind.EFFECT, "Das Glas fiel herunter.", "Was geschah daraufhin?",
            ("Es zerbrach.", "Es flog."), 0,
        ),
    )  # fmt: skip
    for path in in_every_format(tmp_path, ROWS):
        own = read_own_file(path, "own")
        assert own.faults == (), path
        assert own.questions == expected, path


def test_without_a_data_set_it_is_the_users_own_one(tmp_path: Path) -> None:
    (question,) = read_own_file(written(tmp_path, f"{HEADER}\nq,en,Why?,a|b,0\n"), "own").questions
    assert (question.dataset, question.kind, question.premise, question.origin) == (
        "own",
        Kind.CHOICE,
        None,
        None,
    )


@pytest.mark.parametrize(
    ("choices", "answer", "place"),
    [
        ("red|green|blue", "C", 2),
        ("red|green|blue", "c", 2),
        ("red|green|blue", "2", 2),  # counted from 0
        ("red|green|blue", "blue", 2),
        ("red|green|blue", "0", 0),
        ('["a|b", "c"]', "a|b", 0),
        ('["1990", "1991"]', "1991", 1),
        ("[1990, 1991]", "1991", 1),
        ("0|1", "1", 1),  # as an index and as a text the same
        (" red | green ", " green ", 1),
    ],
)
def test_an_answer_is_a_letter_an_index_or_a_text(
    tmp_path: Path, choices: str, answer: str, place: int
) -> None:
    cells = f'{HEADER}\nq,en,Why?,"{choices.replace(chr(34), chr(34) * 2)}",{answer}\n'
    (question,) = read_own_file(written(tmp_path, cells), "own").questions
    assert question.answer_index == place


@pytest.mark.parametrize(
    ("choices", "answer", "named"),
    [
        ("1|0|7", "1", "as index it is '0', as text it is '1'"),
        ("B|A", "A", "as letter it is 'B', as text it is 'A'"),
        ("red|green", "2", "'2' is no letter A to B, no index 0 to 1"),
        ("red|green", "-1", "'-1' is no letter"),
        ("red|green", "C", "'C' is no letter"),
        ("red|green", "Α", "'Α' is no letter"),  # a Greek letter
        ("red|green", "١", "'١' is no letter"),  # an Arabic-Indic digit
        ("red|green", "0.0", "'0.0' is no letter"),
        ("red|green", "yellow", "none of the choices' texts"),
        ("red|green", "", "answer is empty"),
        ("red", "A", "1 choices; a question has 2 to 26"),
        ("red;green", "A", "1 choices"),
        ("|".join(map(str, range(27))), "A", "27 choices"),
        ("red||green", "A", "choice B is empty"),
        ("red|green|red", "A", "choices A and C are both 'red'"),
        ("Zu\u0308rich|Z\u00fcrich", "A", "choices A and B are both"),  # decomposed and composed
        ('["red", "green"', "A", "no JSON list"),
        ('["red", null]', "A", "a choice is 'None'"),
        ('["red", 1.5]', "A", "a choice is '1.5'"),
        ("[" * 100_000, "A", "no JSON list"),
    ],
)
def test_choices_and_answers_that_cannot_be_are_named(
    tmp_path: Path, choices: str, answer: str, named: str
) -> None:
    cells = f'{HEADER}\nq,en,Why?,"{choices.replace(chr(34), chr(34) * 2)}",{answer}\n'
    (fault,) = faults(written(tmp_path, cells))
    assert fault.startswith("own.csv, row 2: ")
    assert named in fault


def test_every_fault_is_named_with_its_row_and_not_only_the_first(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"{HEADER},kind,premise,dataset,origin\n"
        "q1,en,Why?,a|b,A,,,,\n"
        "q2,klingon,Why?,a|b,C,,,,\n"  # row 3: language, answer
        ",en,,a,A,,,,\n"  # row 4: id, question, choices
        "\n"  # row 5: an empty one is no fault
        "q3,en,Why?,a|b,A\n"  # row 6: ragged
        "q4,en,Why?,a|b,A,cause,,,\n"  # row 7: a cause without a premise
        "q5,en,Why?,a|b|c,A,effect,It fell.,,\n"  # row 8: an effect with three choices
        "q6,en,Why?,a|b,A,,It fell.,,\n"  # row 9: a premise without a kind
        "q7,en,Why?,a|b,A,riddle,,xquiz,xx\n"  # row 10: kind, data set, origin
        "q1,en,Why?,a|b,A,,,,\n"  # row 11: as row 2
    )  # fmt: skip
    found = faults(path)
    rows = [re.match(r"own\.csv, row (\d+): ", fault) for fault in found]
    assert [int(row[1]) for row in rows if row] == [3, 3, 4, 4, 4, 6, 7, 8, 9, 10, 10, 10, 11]
    assert "5 cells where the header has 9" in found[5]
    assert "(row 2)" in found[-1]
    assert all(";" in fault for fault in found)  # each has a remedy


def test_what_is_not_the_same_in_every_language_is_named(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        f"{HEADER},origin\n"
        "q1,en,Why?,a|b,A,en\n"
        "q1,de,Warum?,a|b|c,A,en\n"
        "q2,en,Who?,a|b,A,\n"
        "q2,de,Wer?,a|b,b,de\n"
        "q3,en,When?,a|b,A,\n",
    )
    first, second, third, fourth = faults(path)
    assert "row 3: own 'q1' has number of choices 3 in de and 2 in en (row 2)" in first
    assert "row 5: own 'q2' has answer B (index 1) in de and A (index 0) in en (row 4)" in second
    assert "row 5: own 'q2' has origin de in de and none in en" in third
    assert "row 6: own 'q3' is missing in de" in fourth


def test_ids_are_one_whatever_their_unicode_form(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "zürich") for form in ("NFC", "NFD"))
    assert composed != decomposed
    rows = f"{HEADER}\n{composed},en,Why?,a|b,A\n{decomposed},de,Warum?,{decomposed}|b,{composed}\n"
    english, german = read_own_file(written(tmp_path, rows), "own").questions
    assert english.question_id == german.question_id == composed
    assert german.choices == (composed, "b")
    twice = f"{HEADER}\n{composed},en,Why?,a|b,A\n{decomposed},en,Why?,a|b,A\n"
    (fault,) = faults(written(tmp_path, twice))
    assert "row 3" in fault
    assert "stands in en already" in fault


def test_a_byte_order_mark_windows_line_ends_and_breaks_inside_a_text_are_no_fault(tmp_path: Path) -> None:
    text = f'{HEADER}\r\nq,en,"Which\u2028of\r\nthese?",a|b,A\r\nr,en,Why?,a|b,B\r\n'
    own = read_own_file(written(tmp_path, codecs.BOM_UTF8 + text.encode()), "own")
    assert own.faults == ()
    assert [question.text for question in own.questions] == ["Which\u2028of\r\nthese?", "Why?"]


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"", "no row with a question"),
        (b"\xef\xbb\xbf", "no row with a question"),
        (f"{HEADER}\n".encode(), "no row with a question"),
        (f"{HEADER}\nq,en,Why?,a|b,A\n".encode("utf-16"), "UTF-16"),
        (
            f"{HEADER}\nq,de,F\xfcr?,a|b,A\n".encode("latin-1"),
            "line 2: byte 0xfc after 'q,de,F' is not UTF-8",
        ),
        (f'{HEADER}\nq,en,"Why?,a|b,A\n'.encode(), "row 2: no CSV"),
        (f'{HEADER}\nq,en,"Why"?,a|b,A\n'.encode(), "row 2: no CSV"),
        (f"{HEADER}\nq,en,{'y' * 200_000},a|b,A\n".encode(), "row 2: no CSV"),
        (f"{HEADER}\nq,en,Wh\x00y?,a|b,A\n".encode(), "row 2: question holds the character U+0000"),
        (f"{HEADER}\nq,en,Wh\x1by?,a|b,A\n".encode(), "U+001B"),
        (f"{HEADER},answer\nq,en,Why?,a|b,A,A\n".encode(), "column 'answer' stands 2 times"),
        (f"{HEADER},orgin\nq,en,Why?,a|b,A,en\n".encode(), "unknown column 'orgin'"),
        (b"question_id,language,question,choices\nq,en,Why?,a|b\n", "no column 'answer'"),
        (b"q,en,Why?,a|b,A\n", "unknown column 'q'"),
        (b"\n\n", "no column 'question_id'"),
    ],
)
def test_a_hostile_csv_is_named_and_not_half_taken(tmp_path: Path, content: bytes, named: str) -> None:
    found = faults(written(tmp_path, content))
    assert any(named in fault for fault in found), found


def test_every_line_that_is_not_utf_8_is_named(tmp_path: Path) -> None:
    content = f"{HEADER}\nq,de,F\xfcr?,a|b,A\nr,de,Wer?,a|b,A\ns,de,M\xfcde?,a|b,A\n".encode("latin-1")
    assert [fault.split(":")[0] for fault in faults(written(tmp_path, content))] == [
        "own.csv, line 2",
        "own.csv, line 4",
    ]


GOOD = '{"question_id": "q", "language": "en", "question": "Why?", "choices": ["a", "b"], "answer": 1}'


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("{", "no JSON"),
        ("[1, 2]", "is no object"),
        ('[["question_id", "q"]]', "is no object"),
        ("null", "is no object"),
        ("[" * 100_000, "no JSON"),
        (GOOD.replace('"answer": 1', '"answer": 1, "answer": 0'), "'answer' stands 2 times"),
        (GOOD.replace('"answer": 1', '"answer": true'), "answer is 'True'"),
        (GOOD.replace('"answer": 1', '"answer": 1.0'), "answer is '1.0'"),
        (GOOD.replace('"answer": 1', '"answer": null'), "answer is empty"),
        (GOOD.replace('"answer": 1', '"answer": 1, "note": "x"'), "unknown column 'note'"),
        (GOOD.replace(', "answer": 1', ""), "no column 'answer'"),
        (GOOD.replace('["a", "b"]', '{"a": "b"}'), "a choice is"),
        (GOOD.replace('["a", "b"]', "7"), "choices are '7'"),
        (GOOD.replace("Why?", "Wh\\ud800y?"), "U+D800"),
    ],
)
def test_a_hostile_line_of_jsonl_is_named(tmp_path: Path, line: str, named: str) -> None:
    path = written(tmp_path, f"{GOOD}\n\n{line}\n", "own.jsonl")
    found = faults(path)
    assert all(fault.startswith("own.jsonl, line 3: ") for fault in found)
    assert any(named in fault for fault in found), found


def test_a_good_line_of_jsonl_is_taken_with_a_number_for_an_answer(tmp_path: Path) -> None:
    (question,) = read_own_file(
        written(tmp_path, codecs.BOM_UTF8 + GOOD.encode(), "own.jsonl"), "own"
    ).questions
    assert (question.answer_index, question.choices) == (1, ("a", "b"))


def test_a_file_that_is_no_parquet_or_has_other_columns_is_named(tmp_path: Path) -> None:
    (fault,) = faults(written(tmp_path, b"PAR1 no table", "own.parquet"))
    assert "no Parquet" in fault
    pq.write_table(pa.table({"question_id": ["q"], "score": [1.5]}), tmp_path / "own.parquet")
    found = faults(tmp_path / "own.parquet")
    assert "unknown column 'score'" in found[0]
    assert len(found) == 5  # score, and language, question, choices, answer that are not there
    table = {
        "question_id": [1],
        "language": ["en"],
        "question": ["Why?"],
        "choices": [[0.5, 1.5]],
        "answer": [0],
    }
    pq.write_table(pa.table(table), tmp_path / "own.parquet")
    assert "row 1: a choice is '0.5'" in faults(tmp_path / "own.parquet")[0]


def test_another_ending_or_no_file_is_wrong_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"'own\.xlsx'.*\.csv, \.jsonl, \.parquet"):
        read_own_file(written(tmp_path, b"", "own.xlsx"), "own")
    with pytest.raises(UsageError, match="no file"):
        read_own_file(tmp_path / "none.csv", "own")


@pytest.mark.parametrize(
    ("name", "collection"),
    [
        ("Meine Fragen (2).csv", "meine-fragen-2"),
        ("quiz_v1.jsonl", "quiz_v1"),
        ("问题.csv", "questions"),
        ("sample.csv", "own-sample"),
        ("released.csv", "own-released"),
        (f"{'x' * 90}.csv", "x" * 60),
    ],
)
def test_the_collection_is_named_after_the_file(name: str, collection: str) -> None:
    assert own_collection(Path(name)) == collection


def test_the_example_in_the_readme_is_two_parallel_questions(tmp_path: Path) -> None:
    readme = (Path(__file__).resolve().parents[2] / "README.md").read_text("utf-8")
    (block,) = re.findall(r"^    (question_id,.*\n(?:    .+\n)+)", readme, re.MULTILINE)
    own = read_own_file(written(tmp_path, block.replace("\n    ", "\n")), "own")
    assert own.faults == ()
    assert [(q.language, q.answer_index) for q in own.questions] == [("en", 1), ("de", 1)]
