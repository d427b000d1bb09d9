"""In a Space the page shows and lets nobody write, but for one live run within a quota; its owner may open the rest."""

import ast
import re
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError
from playwright.sync_api import Browser, expect

from clika.database.index import Index
from clika.errors import UsageError
from clika.jobs.folder import JobEnd
from clika.jobs.queue import queued_jobs, submitted
from clika.serving import on_local_disk
from clika.settings import Settings
from clika.ui.live_run import LiveModel, LiveRuns, live_job
from clika.ui.page import build_page
from clika.ui.space_panel import banner
from clika.ui.store_watch import StoreWatch
from tests.scripted_worker import scripted_job
from tests.stores import made_up_questions, made_up_run, predictions, seal_predictions, seal_questions
from tests.test_house import sources
from tests.ui.dashboard import ROOT, running_browser, scripted_queue
from tests.ui.served import served_page

SPACE = "ada/clika"
READING = {"/scores", "/answers", "/runs", "/status"}
SLOW = 30_000


def bundled(folder: Path, seconds: float = 0.0) -> tuple[LiveModel, ...]:
    """Two models that the scripted worker takes for such."""
    made = []
    for name in ("english-first", "mixed"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "seconds").write_text(str(seconds))
        made.append(LiveModel(name, folder / name, "<i>planted</i>"))
    return tuple(made)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    place = tmp_path / "store"
    seal_questions(place, made_up_questions())
    run = made_up_run("larch")
    seal_predictions(place, run, predictions(run, {("0", "en"): 0}), job="larch")
    submitted(place, scripted_job())
    return place


def test_visitors_have_the_reading_endpoints_and_one_that_writes(store: Path, tmp_path: Path) -> None:
    with served_page(store, bundled(tmp_path), space=SPACE) as address:
        client = Client(address, verbose=False)
        found = client.view_api(return_format="dict")["named_endpoints"]
        assert set(found) == READING | {"/live_run"}
        assert client.predict(api_name="/runs")[0]["model"] == "larch"
        with pytest.raises(ValueError, match="submit"):
            client.predict(models=["gpt2"], api_name="/submit")
        for route in ("call/submit", "api/submit", "run/submit"):
            assert httpx.post(f"{address}/gradio_api/{route}", json={"data": [["gpt2"]]}).status_code >= 400
        upload = httpx.post(f"{address}/gradio_api/upload", files={"files": ("a.txt", b"x")})
        assert upload.status_code >= 400
    assert len(queued_jobs(store)) == 1


def test_no_listener_of_a_space_changes_the_store(store: Path) -> None:
    settings = Settings(store, space=SPACE)
    with Index.open(store) as index:
        page, writing = build_page(index, settings), build_page(index, Settings(store))
    names = {one.fn.__name__ for one in page.fns.values() if one.fn is not None}
    everywhere = {one.fn.__name__ for one in writing.fns.values() if one.fn is not None}
    changing = {"act", "_resume", "_rename", "_delete", "take_in", "evaluate", "submit"}
    assert changing <= everywhere
    assert names & changing == set()
    (queue,) = [one for one in page.fns.values() if one.fn is not None and one.fn.__name__ == "queue"]
    values = [getattr(part, "value", None) for part in queue.inputs]
    values[0] = str(ROOT)
    before = sorted(path.as_posix() for path in store.rglob("*"))
    with pytest.raises(gr.Error, match="only shows"):
        queue.fn(*values)
    for name in ("_queue", "_save"):  # of a tuning, of a run's tags
        (listener,) = [one for one in page.fns.values() if one.fn is not None and one.fn.__name__ == name]
        with pytest.raises(gr.Error, match="only shows"):
            listener.fn(*[getattr(part, "value", None) for part in listener.inputs])
    assert sorted(path.as_posix() for path in store.rglob("*")) == before


def test_the_live_run_is_no_tool(store: Path, tmp_path: Path) -> None:
    with Index.open(store) as index:
        page = build_page(index, Settings(store, space=SPACE, mcp=True), bundled(tmp_path))
    assert set(page.get_api_info()["named_endpoints"]) == READING


def test_the_owner_may_open_the_rest(store: Path) -> None:
    with Index.open(store) as index:
        page = build_page(index, Settings(store, space=SPACE, space_writes=True), ())
    assert set(page.get_api_info()["named_endpoints"]) == READING | {"/submit"}
    assert "lets whoever reaches it" in banner(Settings(space=SPACE, space_writes=True))
    assert banner(Settings()) == ""


def test_the_banner_leads_to_a_copy_whatever_the_space_is_called() -> None:
    assert 'href="https://huggingface.co/spaces/ada/clika?duplicate=true"' in banner(Settings(space=SPACE))
    hostile = banner(Settings(space='"><script>x</script>'))
    assert "<script" not in hostile


@pytest.fixture
def live(tmp_path: Path) -> Iterator[tuple[LiveRuns, list[float]]]:
    """Live runs over an empty store, three an hour, and their clock."""
    now = [0.0]
    with Index.open(tmp_path / "live") as index:
        yield LiveRuns(tmp_path / "live", StoreWatch(index), bundled(tmp_path), 3, lambda: now[0]), now


def test_one_live_run_at_a_time_and_the_same_one_is_shown(live: tuple[LiveRuns, list[float]]) -> None:
    runs, _ = live
    first = runs.start("mixed")
    assert runs.start("mixed").job_id == first.job_id
    with pytest.raises(UsageError, match="mixed, live is queued; try again"):
        runs.start("english-first")
    with pytest.raises(UsageError, match="no model '/etc/passwd' to run live; known: english-first, mixed"):
        runs.start("/etc/passwd")
    with pytest.raises(UsageError, match="no model"):
        runs.start(["mixed"])


def test_the_quota_is_shared_and_given_again_after_an_hour(live: tuple[LiveRuns, list[float]]) -> None:
    runs, now = live
    for minute in (0, 10, 20):
        now[0] = minute * 60.0
        runs.start("mixed").folder.write_done(JobEnd(1, 0, 0, "run"))
    now[0] = 30 * 60.0
    with pytest.raises(
        UsageError, match=r"3 live runs in the last hour.*in 30 minutes"
    ):  # 60 - 30 since the first
        runs.start("mixed")
    now[0] = 61 * 60.0
    runs.start("mixed")


def test_the_last_live_run_of_a_model_leaves_no_folder_behind(
    live: tuple[LiveRuns, list[float]], tmp_path: Path
) -> None:
    runs, _ = live
    runs.start("mixed").folder.write_done(JobEnd(1, 0, 0, "run"))
    one = runs.start("mixed")
    assert one.folder.done() is None
    assert len(queued_jobs(tmp_path / "live")) == 1
    assert list((tmp_path / "live" / "deleted").iterdir()) == []


def test_a_live_run_is_another_run_than_the_usual_one(tmp_path: Path) -> None:
    assert live_job(bundled(tmp_path)[0]).settings == {"demonstrations": "0", "permutations": "2"}


def test_a_store_is_read_from_a_bucket_and_served_from_the_local_disk(store: Path, tmp_path: Path) -> None:
    (store / "clika.duckdb").write_bytes(b"a database that somebody left on the bucket")
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    local = on_local_disk(store, tmp_path / "local")
    assert {path.name for path in local.iterdir()} == {"collections", "jobs"}
    with Index.open(local) as index:
        assert index.cursor.execute("select count(*) from predictions").fetchall() == [(1,)]
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before
    assert on_local_disk(tmp_path / "nowhere", tmp_path / "other") == tmp_path / "other"


def test_the_spaces_settings_are_those_of_this_repository() -> None:
    front = re.match(r"---\n(.*?)\n---\n", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert front is not None
    settings = dict(line.split(": ", 1) for line in front[1].splitlines())
    assert (settings["sdk"], settings["app_file"]) == ("gradio", "app.py")
    assert f"gradio=={settings['sdk_version']}" in (ROOT / "requirements.txt").read_text()
    assert len(settings["short_description"]) <= 60


def test_the_requirements_name_every_library_that_is_imported() -> None:
    named = {
        re.split(r"[\[=]", line)[0].lower() for line in (ROOT / "requirements.txt").read_text().splitlines()
    }
    tops = set()
    for path in sources(ROOT):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                tops |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                tops.add(node.module.partition(".")[0])
    distributions = packages_distributions()
    needed = {distributions[top][0].lower() for top in tops - {"clika"} if top in distributions}
    assert "duckdb" in needed
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    optional = {line.partition("==")[0] for line in project["optional-dependencies"]["hub"]}
    assert needed - optional <= named


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_browser() as opened:
        yield opened


@pytest.mark.browser
def test_a_visitor_watches_a_bundled_model_being_asked(browser: Browser, tmp_path: Path) -> None:
    store = tmp_path / "store"
    with scripted_queue(store), served_page(store, bundled(tmp_path, 0.02), space=SPACE) as address:
        page = browser.new_page(viewport={"width": 390, "height": 844})
        page.goto(address)
        expect(page.locator("#space-banner a")).to_have_text("Duplicate this Space", timeout=SLOW)
        expect(page.get_by_role("tab", name="New run")).to_have_count(0)
        page.locator("#live-run").click()
        heading = page.locator("#job-heading")
        expect(heading).to_contain_text("english-first, live", timeout=SLOW)
        expect(heading).to_contain_text(re.compile(r"[1-9]\d* of 800"), timeout=SLOW)
        expect(page.locator("#job-cancel")).to_have_count(0)
        page.get_by_role("tab", name="Results").click()
        expect(page.locator("#heatmap .ytick")).to_have_text(["english-first"], timeout=SLOW)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        with pytest.raises(AppError, match="choices"):
            Client(address, verbose=False).predict("gpt2", api_name="/live_run")
        page.close()
