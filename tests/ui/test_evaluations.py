"""What the empty page starts: a release folder's questions, or the bundled ones where no folder is named."""

from pathlib import Path

import pytest

from clika.errors import UsageError
from clika.jobs.queue import queued_jobs
from clika.settings import Settings
from clika.ui.evaluations import Evaluations
from tests.ui.made_up_release import write_made_up_release


def test_without_a_folder_the_bundled_sample_is_asked_in_all_languages(tmp_path: Path) -> None:
    Evaluations(Settings(store=tmp_path)).start("owner/name", " ")
    (one,) = queued_jobs(tmp_path)
    assert one.job is not None
    assert (one.job.collection, one.job.limit, len(one.job.languages)) == ("sample", 20, 10)
    assert (tmp_path / "collections" / "sample").is_dir()


def test_a_release_folder_is_asked_in_its_own_text(tmp_path: Path) -> None:
    release = write_made_up_release(tmp_path / "release", {"rowan": {"en": frozenset({0})}})
    evaluations = Evaluations(Settings(store=tmp_path / "store"))
    evaluations.start("owner/name", str(release))
    (one,) = queued_jobs(tmp_path / "store")
    assert one.job is not None
    assert (one.job.collection, one.job.datasets, one.job.template) == ("released", ("xgeo",), "released")
    assert evaluations.sentences() == ("name: queued.",)


def test_a_model_that_cannot_be_one_is_refused_before_anything_is_stored(tmp_path: Path) -> None:
    for model in ("", "/no/such/folder", "<b>"):
        with pytest.raises(UsageError):
            Evaluations(Settings(store=tmp_path)).start(model, "")
    assert list(tmp_path.iterdir()) == []
