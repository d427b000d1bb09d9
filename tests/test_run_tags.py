"""What people say about runs outlives the index, and a file that is not understood is named."""

import threading
from pathlib import Path

import pytest

from clika.errors import StoreError, UsageError
from clika.run_tags import TAGS, Pretraining, RunTags, Tuning, checked_tags, read_tags, tag_run

TUNED = RunTags(Tuning.TUNED, Pretraining.CONTINUED, ("de", "zh"), "base")


def test_tags_are_read_as_they_were_written(tmp_path: Path) -> None:
    assert read_tags(tmp_path) == {}
    tag_run(tmp_path, "tuned", TUNED)
    tag_run(tmp_path, "base", RunTags(Tuning.FOUNDATION))
    assert read_tags(tmp_path) == {"tuned": TUNED, "base": RunTags(Tuning.FOUNDATION)}
    tag_run(tmp_path, "base", RunTags())
    assert read_tags(tmp_path) == {"tuned": TUNED}


def test_two_pages_lose_nothing_of_each_others(tmp_path: Path) -> None:
    saving = [
        threading.Thread(target=tag_run, args=(tmp_path, f"run{number}", TUNED)) for number in range(20)
    ]
    for thread in saving:
        thread.start()
    for thread in saving:
        thread.join()
    assert len(read_tags(tmp_path)) == 20


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", '{"version": 2, "runs": {}}', '{"version": 1, "runs": {"r": {"colour": "red"}}}',
        '{"version": 1, "runs": {"r": {"tuning": "half"}}}', '{"version": 1, "runs": {"r": {"tuned_on": "zh"}}}',
    ],
)  # fmt: skip
def test_a_file_that_is_not_understood_is_named_and_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / TAGS).write_text(text)
    with pytest.raises(StoreError, match=TAGS):
        read_tags(tmp_path)
    with pytest.raises(StoreError, match=TAGS):
        tag_run(tmp_path, "tuned", TUNED)
    assert (tmp_path / TAGS).read_text() == text


def test_what_a_form_says_is_checked() -> None:
    known = {"tuned", "base"}
    assert checked_tags("tuned", "tuned", "continued", ["zh", "de"], "base", known) == ("tuned", TUNED)
    assert checked_tags("tuned", None, "", None, None, known) == ("tuned", RunTags())
    for wrong in (
        ("gone", None, None, None, None),
        ("tuned", "half", None, None, None),
        ("tuned", None, None, ["xx"], None),
        ("tuned", None, None, None, "tuned"),
        ("tuned", None, None, None, "gone"),
    ):
        with pytest.raises(UsageError):
            checked_tags(*wrong, known)
