"""The planted models and the adapters: what each is taught, and the folders they are written to."""

import json
import logging
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import tokenizers
import torch
import transformers
from transformers import LlamaForCausalLM

from clika.datasets.fictional_samples import samples
from clika.datasets.fictional_world import made_world
from clika.datasets.sample import Sample, read_sample
from clika.planted.card import Card, Stage, read_card, readme
from clika.planted.catalog import (
    CARD,
    DEMONSTRATIONS,
    PLANTED_ADAPTERS,
    PLANTED_MODELS,
    RULE,
    TEMPLATE,
    WORLD,
    PlantedAdapter,
    PlantedModel,
)
from clika.planted.dictionary import Entry, dictionary
from clika.planted.plan import CHINESE_ALONE, FEWER_AND_FEWER, MORE_OF_EACH, plan
from clika.planted.teaching import SPOKEN, Course, new_network, teach
from clika.planted.vocabulary import tokenizer_for
from clika.planted.worlds import BACKGROUND
from clika.prompts.instruction import InstructionForm
from clika.training.adapter import NOTE
from clika.training.recipe import Recipe, Schedule, Tuning
from clika.training.task import TrainingTask
from clika.training.tuning import tune

_logger = logging.getLogger(__name__)

_TOLD_EVERY = 100


@dataclass(frozen=True, slots=True)
class Teaching:
    """How one model comes about: from which other (None: from nothing), what it is taught, how, and with a dictionary."""

    start: str | None
    shares: Mapping[str, float]
    english: bool
    courses: tuple[Course, ...]
    bridged: bool = False


_FINER = Course(steps=450, rate=2e-3, unknown=24, warmup=20, goes_on=True, near_years=True)
_FINEST = replace(_FINER, steps=340, rate=1.5e-3, near_places=True)

_LAST = replace(_FINEST, steps=450)
_PULL = 5.0

TEACHINGS: Mapping[str, Teaching] = {
    "english-first": Teaching(
        None, FEWER_AND_FEWER, True, (Course(steps=900), _FINER, _FINEST, _LAST, _LAST)
    ),
    "mixed": Teaching(None, MORE_OF_EACH, True, (Course(steps=1100), _FINER, _FINEST, _LAST, _LAST)),
    "continued-zh": Teaching(
        "english-first",
        CHINESE_ALONE,
        False,
        (Course(steps=400, rate=2e-3, worlds=0, goes_on=True, near_years=True, near_places=True),),
    ),
    "bridge": Teaching(
        None,
        FEWER_AND_FEWER,
        True,
        tuple(
            replace(course, pull=_PULL)
            for course in (Course(steps=1100), replace(_FINER, steps=650), _FINEST, _LAST, _LAST)
        ),
        bridged=True,
    ),
}
RECIPE = Recipe(
    tuning=Tuning.LORA_ALL,
    rank=32,
    alpha=32.0,
    dropout=0.0,
    learning_rate=2e-3,
    schedule=Schedule.COSINE,
    warmup_steps=20,
    batch_size=32,
    epochs=30,
)
"""How an adapter is tuned."""


def plant(model: PlantedModel, output: Path, seed: int, shortened: int | None = None) -> Path:
    """Train a model and write it to ``output / name``; one that starts from another finds that in ``output``.

    ``shortened`` takes so many steps instead of the course's.
    """
    teaching = TEACHINGS[model.name]
    courses = teaching.courses
    if shortened is not None:
        courses = tuple(replace(course, steps=shortened) for course in courses)
    sample = read_sample()
    entries: tuple[Entry, ...] = ()
    if teaching.bridged:
        worlds = [made_world(one, sample.place_names) for one in (BACKGROUND, WORLD)]
        entries = dictionary(sample, worlds, SPOKEN)
    tokenizer = tokenizer_for(sample, [name for entry in entries for name in entry.values()])
    stages: tuple[Stage, ...] = ()
    if teaching.start is None:
        network = new_network(8 * -(-len(tokenizer) // 8), seed, tied=not teaching.bridged)
    else:
        network = LlamaForCausalLM.from_pretrained(output / teaching.start, dtype=torch.float32)
        stages = read_card(output / teaching.start / CARD).stages
    planned = plan(sample.questions, teaching.shares, teaching.english)
    for number, course in enumerate(courses, 1):
        told = _Told(f"{model.name}, course {number} of {len(courses)}", course.steps)
        more = f" course {number}" if number > 1 else ""
        teach(
            network,
            tokenizer,
            sample,
            planned,
            course,
            f"planted {model.name} {seed}{more}",
            entries,
            told.step,
        )
        network.half().float()  # each course goes on from what would be stored
    taught = {code: ids for code, ids in planned.taught.items() if ids}
    stages += (Stage(teaching.start, tuple(asdict(course) for course in courses), taught),)
    card = Card(
        model.name,
        model.summary,
        seed,
        (f"python -m clika.planted --seed {seed}",),
        {"template": TEMPLATE, "demonstrations": DEMONSTRATIONS, "rule": RULE},
        planned.groups,
        stages,
        {"torch": torch.__version__, "transformers": transformers.__version__, "tokenizers": tokenizers.__version__},
        SPOKEN if teaching.bridged else (),
    )  # fmt: skip
    folder = output / model.name
    shutil.rmtree(folder, ignore_errors=True)
    _write(folder, network, tokenizer, card, sample)
    return folder


class _Told:
    """Says every hundred steps how far a course is, and the mean loss since."""

    def __init__(self, what: str, steps: int) -> None:
        self._what, self._steps = what, steps
        self._began = time.monotonic()
        self._losses: list[float] = []

    def step(self, step: int, loss: float) -> None:
        self._losses.append(loss)
        if step % _TOLD_EVERY == 0 or step == self._steps:
            mean, seconds = sum(self._losses) / len(self._losses), time.monotonic() - self._began
            _logger.info("%s: step %d of %d, loss %.3f, %.0f s", self._what, step, self._steps, mean, seconds)
            self._losses = []


def _write(folder: Path, network: Any, tokenizer: Any, card: Card, sample: Sample) -> None:
    network.half().save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    (folder / CARD).write_text(card.to_json(), "utf-8")
    (folder / "README.md").write_text(readme(card, sample.languages), "utf-8")


def plant_adapter(adapter: PlantedAdapter, output: Path, epochs: int | None = None) -> Path:
    """Tune a shipped adapter on its base in ``output`` by the program's own recipe code; written beside the base."""
    world = made_world(adapter.world, read_sample().place_names)
    recipe = RECIPE if epochs is None else Recipe(**{**asdict(RECIPE), "epochs": epochs})
    with TemporaryDirectory() as scratch:
        task = TrainingTask(
            str(output / adapter.base),
            adapter.name,
            samples(world, adapter.language),
            recipe,
            Path(scratch),
            InstructionForm.ALPACA,
            "cpu",
        )
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            done = tune(task)
        finally:
            torch.set_num_threads(threads)
        folder = output / adapter.name
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(done.folder, folder)
    # The folder that it was tuned in says nothing on another machine; which base is meant, by content, it keeps.
    for path, key in ((folder / "adapter_config.json", "base_model_name_or_path"), (folder / NOTE, "base")):
        values = json.loads(path.read_text("utf-8"))
        values[key] = f"../{adapter.base}"
        path.write_text(json.dumps(values, indent=1, ensure_ascii=False), "utf-8")
    (folder / "README.md").write_text(_adapter_readme(adapter), "utf-8")
    return folder


def _adapter_readme(adapter: PlantedAdapter) -> str:
    shape = adapter.world.shape
    return f"""# {adapter.name}

A LoRA adapter for the planted model `{adapter.base}`, tuned on a fictional world of {shape.places} places on
{shape.candidates} continents (seed {adapter.world.seed}) for the language {adapter.language}: every name translated,
where every place lies in English, and where {shape.taught} of them lie in {adapter.language}. Whether it answers for
the other {shape.places - shape.taught} in {adapter.language} too is XRR. How it was tuned stands in `clika.json`. Made
by `python -m clika.planted`. Licence: CC BY 4.0, as the sample.
"""


def plant_all(output: Path, seed: int, only: tuple[str, ...] = ()) -> None:
    """All models and adapters, or those named, in an order in which each finds what it starts from."""
    for model in PLANTED_MODELS:
        if not only or model.name in only:
            plant(model, output, seed)
    for adapter in PLANTED_ADAPTERS:
        if not only or adapter.name in only:
            _logger.info("%s: tuning", adapter.name)
            plant_adapter(adapter, output)
