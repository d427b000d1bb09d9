"""The conductivity job's specification: what it refuses, and that the same one finds the same folder."""

import json
from dataclasses import replace

import pytest

from clika.errors import JobError, UsageError
from clika.jobs.conductivity_spec import ConductivityJob

JOB = ConductivityJob("model", "tiny", "de", "world-1", "{}", seed=7, continents=4, places=4)


def test_a_specification_survives_the_way_through_json() -> None:
    assert ConductivityJob.from_json(JOB.to_json()) == JOB
    assert json.loads(JOB.to_json())["kind"] == "conductivity"


def test_how_it_is_done_makes_no_other_job_and_what_is_taught_does() -> None:
    assert replace(JOB, device="cpu", processes=4).job_id == JOB.job_id
    assert len({JOB.job_id, replace(JOB, seed=8).job_id, replace(JOB, language="zh").job_id}) == 3


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("language", "en", "asked in another language; one of de, fr"),
        ("language", "xx", "'xx'"),
        ("model", " ", "model is empty"),
        ("device", "toaster", "'toaster'"),
        ("processes", 0, "processes 0"),
        ("looks", 101, "looks 101"),
        ("until_gates", -1, "until gates -1"),
        ("direction", "sideways", "'sideways'"),
        ("places", 1, "places"),
    ],
)
def test_impossible_settings_are_refused_with_the_value(field: str, value: object, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        replace(JOB, **{field: value})


def test_unknown_keys_and_wrong_types_are_refused() -> None:
    values = json.loads(JOB.to_json())
    with pytest.raises(JobError, match="'colour'"):
        ConductivityJob.from_json(json.dumps({**values, "colour": "red"}))
    with pytest.raises(JobError, match=r"control 1 .* true or false"):
        ConductivityJob.from_json(json.dumps({**values, "control": 1}))
