"""Job specifications: what they refuse, and that the same one finds the same folder."""

import json
from dataclasses import replace

import pytest

from clika.errors import JobError, UsageError
from clika.jobs.spec import EvaluationJob

JOB = EvaluationJob("model", "tiny", "made-up", ("xgeo",), ("en", "de"))


def test_a_specification_survives_the_way_through_json() -> None:
    assert EvaluationJob.from_json(JOB.to_json()) == JOB


def test_the_same_specification_has_the_same_folder_and_another_another() -> None:
    assert JOB.job_id == EvaluationJob.from_json(JOB.to_json()).job_id
    assert JOB.job_id != replace(JOB, limit=3).job_id


@pytest.mark.parametrize(
    ("change", "named"),
    [({"colour": "red"}, "'colour'"), ({"version": 7}, "version 7")],
)
def test_an_unknown_key_or_version_is_refused(change: dict[str, object], named: str) -> None:
    text = json.dumps({**json.loads(JOB.to_json()), **change})
    with pytest.raises(JobError, match=named):
        EvaluationJob.from_json(text)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("limit", "3", "whole number or null"),
        ("limit", True, "whole number or null"),
        ("limit", 0, "at least 1"),
        ("datasets", "xgeo", "list of texts"),
        ("model", 5, "must be text"),
        ("rule", "first_character", "known: letter, letter_variants, option, option_per_byte, pmi"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_rule(name: str, value: object, rule: str) -> None:
    with pytest.raises(JobError, match=rule):
        EvaluationJob.from_json(json.dumps({**json.loads(JOB.to_json()), name: value}))


def test_something_missing_or_no_json_is_refused() -> None:
    values = json.loads(JOB.to_json())
    del values["model"]
    with pytest.raises(JobError, match="lacks"):
        EvaluationJob.from_json(json.dumps(values))
    with pytest.raises(JobError, match="not JSON"):
        EvaluationJob.from_json("{")


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("limit", 0, "limit 0"),
        ("dtype", "int3", "'int3'"),
        ("device", "toaster", "'toaster'"),
        ("languages", ("en", "xx"), "xx"),
        ("datasets", (), "no data set"),
        ("model", " ", "model is empty"),
        ("collection", "../elsewhere", "plain name"),
        ("batch_tokens", 0, "batch tokens 0"),
    ],
)
def test_impossible_settings_are_refused_with_the_value(field: str, value: object, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        replace(JOB, **{field: value})


def test_mixed_precision_is_for_the_letter_rule() -> None:
    with pytest.raises(UsageError, match="rule letter"):
        replace(JOB, dtype="mixed", rule="pmi")
