"""Rows of a heatmap can be told apart."""

from dataclasses import replace

from clika.records import ModelRef, Run, ScoringRule
from clika.ui.run_labels import run_labels


def run(identity: str, name: str = "tiny", dtype: str | None = "float32", template: str = "english") -> Run:
    return Run(identity, ModelRef(name, f"base:{name}", dtype=dtype), "c", template, ScoringRule.LETTER)


def test_a_name_that_stands_once_is_enough() -> None:
    assert run_labels([run("1"), run("2", name="small")]) == {"1": "tiny", "2": "small"}


def test_runs_of_one_name_say_in_what_they_differ() -> None:
    labels = run_labels([run("1"), run("2", dtype="bfloat16")])
    assert labels == {"1": "tiny (float32)", "2": "tiny (bfloat16)"}


def test_runs_that_differ_in_nothing_shown_say_their_identifiers() -> None:
    labels = run_labels([run("aaaaaaaaaaaaaaaa"), run("bbbbbbbbbbbbbbbb")])
    assert labels == {"aaaaaaaaaaaaaaaa": "tiny [aaaaaaaa]", "bbbbbbbbbbbbbbbb": "tiny [bbbbbbbb]"}


def test_runs_that_were_put_otherwise_say_how() -> None:
    other = replace(run("2"), settings={"permutations": "4", "demonstrations": "3"})
    assert run_labels([run("1"), other]) == {"1": "tiny", "2": "tiny (demonstrations 3, permutations 4)"}
