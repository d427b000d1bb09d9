"""The About tab says what the README says, and what is in the store."""

from pathlib import Path

import gradio as gr
import pytest

from clika import __version__
from clika.database.index import Index
from clika.errors import DataError
from clika.settings import Settings
from clika.ui.about_tab import README, AboutTab, calling, folder_bytes, measurements
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions


def test_the_three_measurements_stand_there_as_in_the_readme() -> None:
    text = measurements(README)
    for part in ("RA = max(0,", "en-CO = |", "XRR = max(0,", "Undefined where nothing is right in English"):
        assert part in text
    assert "## " not in text


def test_a_readme_without_the_section_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        measurements(tmp_path / "README.md")
    (tmp_path / "README.md").write_text("# CLiKA\n")
    with pytest.raises(DataError, match="no section"):
        measurements(tmp_path / "README.md")


def test_store_and_versions_are_told(tmp_path: Path) -> None:
    seal_questions(tmp_path, made_up_questions(count=4))
    run = made_up_run()
    seal_predictions(tmp_path, run, predictions(run, {("0", "en"): 0, ("1", "de"): 1}))
    with Index.open(tmp_path) as index, gr.Blocks():
        html = AboutTab(index, Settings(tmp_path), ("cuda:0", "cpu")).look()
    for name, value in (("Collections", 1), ("Questions", 4), ("Runs", 1), ("Answers", 2)):
        assert f"<dt>{name}</dt><dd><bdi>{value}</bdi></dd>" in html
    assert str(tmp_path) in html
    assert __version__ in html
    assert "cuda:0, cpu" in html


def test_a_folders_size_is_that_of_its_files(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "one").write_bytes(b"12345")
    (tmp_path / "two").write_bytes(b"123")
    assert folder_bytes(tmp_path) == 8


def test_the_lines_that_call_this_page_are_python_and_name_its_own_address() -> None:
    for settings, line in (
        (Settings(port=7999), "client = Client('http://127.0.0.1:7999')"),
        (Settings(space="ada/clika"), "client = Client('ada/clika')"),
        (Settings(auth="ada:file"), 'auth=("user", "password"))'),
    ):
        lines = calling(settings)
        compile(lines, "about", "exec")
        assert line in lines
        assert "file" not in lines


def test_the_live_run_is_described_where_there_is_one(tmp_path: Path) -> None:
    with Index.open(tmp_path) as index:
        for live in (True, False):
            with gr.Blocks() as page:
                AboutTab(index, Settings(tmp_path, space="ada/clika"), ("cpu",), live)
            shown = "".join(str(part.value) for part in page.blocks.values() if isinstance(part, gr.HTML))
            assert ("/live_run(model)" in shown) is live
            assert "/submit" not in shown
