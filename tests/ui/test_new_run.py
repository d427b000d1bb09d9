"""The form becomes the jobs that it asks for; what it cannot ask for is a sentence; the command does the same."""

import shlex
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from safetensors.numpy import save_file

from clika.cli import build_parser, main
from clika.conductivity_jobs import Wishes, conductivity_plan
from clika.database.index import Index
from clika.datasets.fictional_world import WorldSettings
from clika.errors import UsageError
from clika.jobs.folder import JobFailure, Progress
from clika.jobs.queue import queued_jobs, submitted
from clika.jobs.spec import EvaluationJob
from clika.languages import LANGUAGES
from clika.question_sources import QuestionSource, sample_source
from clika.settings import Settings
from clika.training.recipe import Recipe
from clika.ui.command_line import shell_commands
from clika.ui.jobs_watch import JobsWatch, job_views
from clika.ui.live_run import LiveModel
from clika.ui.new_run import FITTING, NewRun, checkpoints
from clika.ui.new_run_tab import _AS_THE_PAPER, NewRunTab
from clika.ui.run_estimate import RunEstimate, how_asked, past_rates, run_estimate
from clika.ui.store_watch import StoreWatch
from tests.stores import made_up_questions, seal_questions

OWN = """name = "-my_own"
[choice]
text = '''
It's $(touch x) `touch x` %s \\\\ {question}
{options}
Answer:'''
[premise]
text = '''
{premise} {question}
{options}
Answer:'''
"""
SAMPLE = sample_source()
MADE_UP = QuestionSource("made-up", tuple(made_up_questions(count=30)), stored=True)


def one_job(form: NewRun, source: QuestionSource = SAMPLE) -> EvaluationJob:
    (job,) = form.jobs(source)
    return job


def test_the_form_as_it_opens_asks_the_bundled_sample_twenty_questions_a_data_set_in_all_languages() -> None:
    job = one_job(NewRun(models="owner/name"))
    assert (job.collection, job.limit, job.languages) == ("sample", 20, tuple(LANGUAGES))
    assert (job.name, job.template, job.datasets) == ("name", "english", ("xcopa", "xcsqa", "xgeo", "xpeo"))


def test_models_are_one_a_line_each_once_and_a_folder_is_its_whole_path(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    written = f"owner/name\n\n  {tmp_path}/../{tmp_path.name}/here \nowner/name\ngpt2"
    assert checkpoints(written) == ("owner/name", str(tmp_path / "here"), "gpt2")
    assert [job.name for job in NewRun(models=written).jobs(SAMPLE)] == ["name", "here", "gpt2"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"models": " \n"}, "no model is named"),
        ({"models": None}, "no model is named"),
        ({"models": "/no/such/folder"}, "no folder '/no/such/folder'"),
        ({"models": "a" * 1_000_001}, "models has 1,000,001 characters; write at most 1,000,000"),
        ({"name": "a" * 201}, "the name has 201 characters; write at most 200"),
        ({"languages": ["en"] * 501}, "languages: 501 are chosen; choose at most 500"),
        ({"models": "~nobody-at-all/x"}, "no folder"),
        ({"models": "-rf"}, "no Hub id"),
        ({"models": "<b>x</b>"}, "no Hub id"),
        ({"models": ["a"]}, "write it as a text"),
        ({"models": "\n".join(f"m{n}" for n in range(51))}, "at most 50"),
        ({"models": "a\nb", "name": "one"}, "for 2 models"),
        ({"languages": []}, "at least one"),
        ({"languages": ["en", "xx"]}, "xx"),
        ({"languages": "en"}, "choose of those offered"),
        ({"datasets": ["nosuch"]}, "no data set 'nosuch'"),
        ({"preset": "thorough"}, "preset 'thorough'"),
        ({"preset": "conductivity"}, "python -m clika conductivity"),
        ({"limit": "0"}, "at least 1"),
        ({"limit": "1e9"}, "write a whole number"),
        ({"demonstrations": "9"}, "demonstrations 9"),
        ({"template": "nosuch"}, "template 'nosuch'"),
        ({"template": "own"}, "text is empty"),
        ({"template": "own", "template_text": "name ="}, "no TOML"),
        ({"rule": "nosuch"}, "scoring rule"),
        ({"dtype": "int1"}, "dtype"),
        ({"dtype": "mixed", "rule": "option"}, "near-ties"),
        ({"device": "tpu"}, "device"),
        ({"replicas": 0}, "replicas 0"),
        ({"replicas": 1.5}, "whole number"),
        ({"gpus_per_replica": None}, "whole number"),
        ({"permutations": float("nan")}, "whole number"),
        ({"batch_tokens": "8192"}, "whole number"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_a_sentence(changes: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence):
        replace(NewRun(models="owner/name"), **changes).jobs(SAMPLE)  # type: ignore[arg-type]


FORMS = [
    NewRun(models="owner/name"),
    NewRun(models="owner/name", preset="paper", languages=["zh", "en"], datasets=["xgeo"]),
    NewRun(models="owner/name", name="-a 'name' with $(touch x) & \"quotes\"", limit="7"),
    NewRun(models="owner/name", template="native", demonstrations="3", rotated=True, permutations=4),
    NewRun(models="owner/name", rule="option_per_byte", dtype="bfloat16", device="cpu", replicas=2),
    NewRun(models="owner/name", dtype="mixed", gpus_per_replica=2, batch_tokens=4096, demonstrations="0"),
    NewRun(models="owner/name", template="own", template_text=OWN.replace("\n", "\r\n")),
    NewRun(models="owner/name", template="own", template_text=OWN.replace("It's", "{demonstrations}It's")),
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_the_command_shown_gives_the_same_job(
    form: NewRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = one_job(form)
    *before, command = shell_commands(job, tmp_path / "a store").splitlines()
    if before:  # a template's file, written by a shell as a person's would
        writing = shell_commands(job, tmp_path / "a store").removesuffix(command)
        subprocess.run(["sh", "-c", writing], cwd=tmp_path, check=True)
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)
    assert words[:3] == ["python", "-m", "clika"]
    assert build_parser().parse_args(words[3:]).queue
    assert main(words[3:]) == 0
    (queued,) = queued_jobs(tmp_path / "a store")
    assert queued.job == job
    assert not (tmp_path / "x").exists()


def test_a_folder_with_odd_characters_is_the_same_checkpoint_in_the_command(tmp_path: Path) -> None:
    folder = tmp_path / "it's; a $(model) 模型"
    folder.mkdir()
    words = shlex.split(shell_commands(one_job(NewRun(models=str(folder))), tmp_path))
    assert build_parser().parse_args(words[3:]).model == str(folder.resolve())


@pytest.mark.parametrize("form", FORMS)
def test_a_job_fills_the_form_that_asks_for_it_again(form: NewRun) -> None:
    job = one_job(form)
    assert one_job(NewRun.of(job)) == job


def estimate_of(form: NewRun, devices: Sequence[str] = ("cpu",), **rates: float) -> RunEstimate:
    """``rates``: questions a second of a model that was asked as this form asks."""
    jobs = form.jobs(MADE_UP)
    known = {how_asked(job): rates[job.model] for job in jobs if job.model in rates}
    return run_estimate(jobs, MADE_UP.questions, known, devices)


def test_an_estimate_counts_questions_languages_and_models() -> None:
    found = estimate_of(NewRun(models="a\nb", languages=["en", "de", "he", "fr"]), a=4.0)
    # 30 questions, 20 of them asked, in the three of four languages that there are
    assert (found.questions, found.models) == (60, 2)
    assert found.by_language == {"en": 20, "de": 20, "fr": 0, "he": 20}
    assert found.seconds == 15.0  # 60 questions at 4 a second, for a; of b nothing is known
    assert found.unknown == ("b",)
    said = dict(found.pairs(("cpu",), 10**9))
    assert said["Questions"] == "60 × 2 models = 120"
    assert (
        said["Time"]
        == "15 s, if as fast as the last time; unknown yet for b: not asked like this in this store before"
    )


def test_tokens_are_estimated_from_the_texts_and_options_asked_in_more_orders_are_read_more_often() -> None:
    once = estimate_of(NewRun(models="a", preset="paper"))
    job = one_job(NewRun(models="a", preset="paper"), MADE_UP)
    lengths = sum(len(prompt.text.encode()) for prompt in job.asking.prompts(MADE_UP.questions))
    assert once.tokens == round(lengths / 3)  # 3 bytes a token
    four = estimate_of(NewRun(models="a", preset="paper", permutations=4))
    assert abs(four.tokens - 4 * once.tokens) <= 4
    assert estimate_of(NewRun(models="a", template="chat")).tokens > 0


def test_devices_that_are_not_there_are_said_before_anything_waits() -> None:
    found = estimate_of(NewRun(models="a", device="cuda", replicas=2), devices=("cuda:0", "cpu"))
    assert "this machine has 1" in dict(found.pairs(("cuda:0", "cpu"), 10**9))["Devices here"]
    assert estimate_of(NewRun(models="a")).cannot is None


def test_no_question_in_the_languages_chosen_is_refused() -> None:
    with pytest.raises(UsageError, match="holds none of xgeo in fr"):
        estimate_of(NewRun(models="a", languages=["fr"]))


def test_rates_are_those_of_the_newest_evaluation_that_asked_alike(tmp_path: Path) -> None:
    once = NewRun(models="owner/name")
    four = replace(once, permutations=4, dtype="bfloat16")
    asked = [(once, "5", 1.0), (once, "6", 2.0), (once, "7", None), (four, "5", 0.5)]
    for form, limit, rate in asked:
        job = one_job(replace(form, limit=limit))
        folder = submitted(tmp_path, job).folder
        folder.write_progress(Progress(1, 2, rate=rate))
        folder.write_error(JobFailure("JobError", "ended"))
    world = WorldSettings(0, 2, 4)
    plan = conductivity_plan("owner/name", None, ("de",), Recipe(), world, None, Wishes())
    tuning = submitted(tmp_path, plan.jobs[0]).folder
    tuning.write_progress(Progress(1, 2, rate=9.0, unit="steps"))
    rates = past_rates(job_views(tmp_path))
    assert rates == {how_asked(one_job(once)): 2.0, how_asked(one_job(four)): 0.5}
    assert (
        run_estimate([one_job(replace(once, dtype="float16"))], MADE_UP.questions, rates, ()).seconds is None
    )


def test_a_refused_form_queues_nothing_and_a_whole_one_all_its_models(tmp_path: Path) -> None:
    with Index.open(tmp_path) as index, gr.Blocks():
        tab = NewRunTab(index, Settings(tmp_path), StoreWatch(index), JobsWatch(tmp_path, 0.0), ("cpu",))
        form = NewRun(models="owner/name\n<b>bold</b>")
        values = [getattr(form, field.name) for field in fields(form)]
        with pytest.raises(gr.Error, match="&lt;b&gt;bold"):
            tab.queue_jobs(*values)
        assert "&lt;b&gt;bold" in tab.look(*values)[0]  # type: ignore[operator]
        assert queued_jobs(tmp_path) == ()
        with pytest.raises(gr.Error, match="no collection"):
            tab.queue_jobs("owner/name", "nosuch", *values[2:])
        tab.queue_jobs("owner/name\nowner/other", *values[1:])
        assert [one.request.name for one in queued_jobs(tmp_path)] == ["name", "other"]
        assert (tmp_path / "collections" / "sample").is_dir()
        assert tab._add("owner/third", "owner/name", "chat", "2") == [
            None,
            "owner/name\nowner/third",
            "chat",
            "2",
        ]


def weights(folder: Path, values: int) -> str:
    """A checkpoint's folder with one safetensors file of so many values."""
    folder.mkdir()
    save_file({"weight": np.zeros(values, np.float16)}, folder / "model.safetensors")
    return str(folder)


def test_weights_are_held_against_each_devices_memory(tmp_path: Path) -> None:
    model = weights(tmp_path / "larch", 1000)
    memory = {"cpu": 1 << 20, "cuda:0": 4096, "cuda:1": 0}
    found = estimate_of(NewRun(models=f"{model}\nowner/name"), ("cpu", "cuda:0", "cuda:1"))
    assert found.weights == {"larch": 4000, "name": None}  # 1,000 values of 4 bytes in float32
    said = dict(found.pairs(("cpu", "cuda:0", "cuda:1"), 1, memory))["Memory"]
    # 4,000 is more than nine tenths of 4,096 bytes; of cuda:1 nothing is known
    assert said == (
        "larch: 4 kB of weights, fits cpu (1 MB), too large for cuda:0 (4 kB); name: unknown until its files are here"
    )
    over_two = estimate_of(
        NewRun(models=model, gpus_per_replica=2, dtype="mixed", device="cuda"), ("cuda:0",)
    )
    assert over_two.weights == {"larch": 6000}
    said = dict(over_two.pairs(("cuda:0",), 1, memory))["Memory"]
    assert "fits cuda:0 (8 kB)" in said  # 6,000 of 2 * 4,096
    assert estimate_of(NewRun(models=model, device="cpu", replicas=3)).weights == {"larch": 12000}
    assert estimate_of(NewRun(models=model, device="auto", replicas=3)).weights == {"larch": 12000}


def tab_over(store: Path, bundled: Sequence[LiveModel] = (), **settings: object) -> Iterator[NewRunTab]:
    given = Settings(store, **settings)  # type: ignore[arg-type]
    with Index.open(store) as index, gr.Blocks():
        yield NewRunTab(index, given, StoreWatch(index), JobsWatch(store, 0.0), ("cpu",), bundled)


def test_a_bundled_model_is_added_and_asked_as_it_was_taught(tmp_path: Path) -> None:
    mixed = LiveModel("mixed", tmp_path / "mixed", "knows most", template="alpaca", demonstrations=0)
    for tab in tab_over(tmp_path / "store", (mixed,)):
        assert tab._known_models() == [("mixed: knows most", str(tmp_path / "mixed"))]
        submitted(tmp_path / "store", one_job(NewRun(models="owner/earlier")))
        assert tab._known_models()[1:] == [("owner/earlier", "owner/earlier")]
        added = tab._add(str(tmp_path / "mixed"), "owner/name", FITTING, "")
        assert added == [None, f"owner/name\n{tmp_path / 'mixed'}", "alpaca", "0"]


def test_the_papers_preset_sets_what_the_paper_did_and_the_quick_one_leaves_the_form(tmp_path: Path) -> None:
    for tab in tab_over(tmp_path):
        paper = dict(zip(_AS_THE_PAPER, tab._preset("paper"), strict=True))
        assert (paper["limit"], paper["template"], paper["rule"], paper["permutations"]) == (
            "",
            FITTING,
            "letter",
            1,
        )
        assert paper["languages"] == list(LANGUAGES)
        assert tab._preset("quick") == [gr.skip()] * len(_AS_THE_PAPER)


def test_where_the_page_only_shows_nothing_is_looked_for_or_queued(tmp_path: Path) -> None:
    form = NewRun(models=str(tmp_path))
    values = [getattr(form, field.name) for field in fields(form)]
    for tab in tab_over(tmp_path / "store", space="ada/clika"):
        assert "only shows" in str(tab.look(*values)[0])
        assert str(tmp_path) not in str(tab.look(*values))
        with pytest.raises(gr.Error, match="only shows"):
            tab.queue_jobs(*values)
        with pytest.raises(gr.Error, match="only shows"):
            tab._search("x")


def test_registered_checkpoints_are_offered_under_their_names(tmp_path: Path) -> None:
    known = [("my tuned model", str(tmp_path))]
    with Index.open(tmp_path) as index, gr.Blocks():
        watch, jobs = StoreWatch(index), JobsWatch(tmp_path, 0.0)
        tab = NewRunTab(index, Settings(tmp_path), watch, jobs, ("cpu",), registered=lambda: known)
    assert tab._known_models() == known
    submitted(tmp_path, one_job(NewRun(models=str(tmp_path))))
    assert tab._known_models() == known  # an earlier run of it is no second one


def test_a_source_brings_its_own_languages_and_data_sets_into_the_form(tmp_path: Path) -> None:
    seal_questions(tmp_path, made_up_questions("capitals", languages=("en", "sw", "zh")))
    for tab in tab_over(tmp_path):
        languages, datasets = (update for update in tab._of_source("made-up"))
        assert languages["value"] == ["en", "zh", "sw"]  # type: ignore[index]
        assert [code for _, code in languages["choices"]] == [*LANGUAGES, "sw"]  # type: ignore[index]
        assert ("Swahili", "sw") in languages["choices"]  # type: ignore[index]
        assert datasets["value"] == []  # type: ignore[index]
        assert datasets["choices"][-1] == ("capitals", "capitals")  # type: ignore[index]
        form = NewRun(models="owner/name", source="made-up", languages=languages["value"])  # type: ignore[index]
        (one,) = tab.queued(form)
        assert one.job is not None
        assert (one.job.languages, one.job.datasets) == (("en", "zh", "sw"), ("capitals",))
        again = dict(zip((field.name for field in fields(NewRun)), tab.filled(one.job), strict=True))
        assert again["languages"]["value"] == ["en", "zh", "sw"]  # type: ignore[index]
        assert ("capitals", "capitals") in again["datasets"]["choices"]  # type: ignore[index]
        with pytest.raises(gr.Error, match="no collection"):
            tab._of_source("gone")
