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
        ("template", "klingon", "'klingon'; known: released, english, native, chat, alpaca"),
        ("template", "own:lost", "the text of 'own:lost' is missing"),
        ("template_text", 3, "text or null"),
        ("template_text", 'name = "x"', "neither"),
        ("demonstrations", "2", "whole number"),
        ("demonstrations", 6, "'english' has 5"),
        ("rotate_demonstrations", 1, "true or false"),
        ("permutations", 0, "permutations 0"),
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


# A job file as it was written before there were demonstrations, permutations and templates of one's own.
WRITTEN_BEFORE = """{
 "batch_tokens": 8192,
 "collection": "made-up",
 "datasets": [
  "xgeo"
 ],
 "device": "auto",
 "dtype": "float32",
 "languages": [
  "en",
  "de"
 ],
 "limit": null,
 "model": "model",
 "name": "tiny",
 "rule": "letter",
 "template": "english",
 "version": 1
}"""


def test_a_job_written_before_is_read_keeps_its_name_and_its_run() -> None:
    assert EvaluationJob.from_json(WRITTEN_BEFORE) == JOB
    assert JOB.to_json() == WRITTEN_BEFORE
    assert JOB.settings == {}


def test_what_differs_from_the_default_makes_another_run() -> None:
    changed = replace(JOB, demonstrations=3, rotate_demonstrations=True, permutations=2)
    assert EvaluationJob.from_json(changed.to_json()) == changed
    assert changed.job_id != JOB.job_id
    assert changed.settings == {
        "demonstrations": "3",
        "demonstration_letters": "rotated",
        "permutations": "2",
    }


OWN = """name = "mine"
[choice]
text = "{instruction} {demonstrations}{question} {options} A:"
"""


def test_a_template_of_ones_own_travels_whole_and_enters_the_run_by_its_content() -> None:
    own = replace(JOB, template="own:mine", template_text=OWN)
    assert EvaluationJob.from_json(own.to_json()) == own
    other = replace(own, template_text=OWN.replace("A:", "B:"))
    assert own.settings.keys() == {"template_digest"}
    assert own.settings != other.settings
    assert own.settings == replace(own, template_text=OWN + "# a remark\n").settings
    with pytest.raises(UsageError, match="template 'english' with the text of 'own:mine'"):
        replace(JOB, template_text=OWN)


def test_released_refuses_what_would_change_the_sources_text() -> None:
    for change in ({"demonstrations": 0}, {"permutations": 2}, {"rotate_demonstrations": True}):
        with pytest.raises(UsageError, match="with template 'released'"):
            replace(JOB, template="released", **change)
