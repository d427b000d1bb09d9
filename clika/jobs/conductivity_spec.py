"""The specification of a conductivity job: teach one checkpoint a fictional world, for one language."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from clika.datasets.fictional_release import read_world
from clika.datasets.fictional_samples import translation_directions
from clika.datasets.fictional_world import NameStyle, World, WorldKind, WorldSettings, made_world
from clika.datasets.sample import read_sample
from clika.errors import JobError, UsageError
from clika.jobs.spec import DEVICES, MOST_REPLICAS, EvaluationJob, check_cores
from clika.jobs.spec_text import json_object, read_spec
from clika.languages import ENGLISH, LANGUAGES
from clika.records import Question

VERSION = 1
KIND = "conductivity"
# How a job is done, not what: it stays the same job when it is resumed otherwise.
_HOW = ("device", "processes", "cores")
MOST_LOOKS = 100


@dataclass(frozen=True, slots=True)
class ConductivityJob:
    """Tune ``model`` on a fictional world with ``language`` as X, and measure what it then answers in X.

    The world is made from ``seed`` and its settings, or read from ``world_folder`` (the release's layout); its
    questions are kept in the store as ``collection``. ``recipe`` is a Recipe's JSON. ``looks`` is how often the
    model is measured on the way, beside before and after. ``until_gates``: the most epochs for which tuning goes
    on until every gate holds; 0 tunes the recipe's epochs. ``side_effects`` names a stored collection whose
    questions are asked before and after. ``processes`` share each step (data parallel). ``adapter`` is the folder of
    a LoRA adapter that was tuned on the world already: it is asked, and nothing is taught. ``cores`` is how many of
    the CPU's it takes, 0 all.
    """

    model: str
    name: str
    language: str
    collection: str
    recipe: str
    seed: int = 0
    style: Literal["coined", "described"] = "coined"
    one_hop: bool = False
    continents: int = 20
    places: int = 20
    world_folder: str | None = None
    direction: Literal["en-x", "x-en", "both"] = "en-x"
    control: bool = False
    looks: int = 3
    until_gates: int = 0
    side_effects: str | None = None
    form: str | None = None
    device: Literal["cpu", "cuda", "mps", "auto"] = "auto"
    processes: int = 1
    adapter: str | None = None
    cores: int = 0
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raises UsageError, with value, rule and remedy, for settings that cannot be."""
        for field in ("model", "name", "collection", "recipe"):
            if not getattr(self, field).strip():
                raise UsageError(f"the {field} is empty; write one")
        if self.language not in LANGUAGES or self.language == ENGLISH:
            others = ", ".join(code for code in LANGUAGES if code != ENGLISH)
            raise UsageError(
                f"language {self.language!r}: what is taught in English is asked in another language; one of {others}"
            )
        if self.adapter is not None and self.processes != 1:
            raise UsageError(f"processes {self.processes} and an adapter to be asked; one process asks it")
        if self.device not in DEVICES:
            raise UsageError(f"device {self.device!r}; known: {', '.join(DEVICES)}")
        if not 1 <= self.processes <= MOST_REPLICAS:
            raise UsageError(f"processes {self.processes}; a job has 1 to {MOST_REPLICAS}")
        check_cores(self.cores)
        if not 0 <= self.looks <= MOST_LOOKS:
            raise UsageError(f"looks {self.looks}; a model is measured 0 to {MOST_LOOKS} times on the way")
        if self.until_gates < 0:
            raise UsageError(
                f"until gates {self.until_gates}; the most epochs, or 0 to tune the recipe's alone"
            )
        translation_directions(self.direction)
        if self.world_folder is None:
            _ = self.world_settings

    @property
    def replicas(self) -> int:
        """One group of processes, which belong together."""
        return 1

    @property
    def gpus_per_replica(self) -> int:
        """A GPU a process."""
        return self.processes

    @property
    def world_settings(self) -> WorldSettings:
        """What the world is made from. Raises UsageError for what makes none."""
        return WorldSettings(
            seed=self.seed,
            continents=self.continents,
            places=self.places,
            style=NameStyle(self.style),
            kind=WorldKind.FOUNDING_YEARS if self.one_hop else WorldKind.CONTINENTS,
        )

    @property
    def job_id(self) -> str:
        """A name made from what is taught to whom: the same command finds the same folder and goes on."""
        what = {name: value for name, value in asdict(self).items() if name not in _HOW}
        if self.adapter is None:  # as it was before there were adapters
            del what["adapter"]
        canonical = json.dumps(what, ensure_ascii=False, sort_keys=True)
        return f"{KIND}-" + hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """The specification as it is written to ``job.json``."""
        values: dict[str, Any] = {"kind": KIND, **asdict(self)}
        return json.dumps(values, ensure_ascii=False, sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> "ConductivityJob":
        """Read a specification. Raises JobError as ``read_spec`` does."""
        values = json_object(text)
        values.pop("kind", None)
        return read_spec(json.dumps(values), cls, VERSION)


def job_world(job: ConductivityJob) -> World:
    """The world that a job teaches; no place in it has the name of a real one of the bundled sample.

    Raises JobError where a folder's world is another one than was submitted, DataError where it cannot be read.
    """
    if job.world_folder is None:
        world = made_world(job.world_settings, read_sample().place_names)
    else:
        world = read_world(Path(job.world_folder)).world
    if job.collection != f"world-{world.fingerprint}":
        raise JobError(
            f"the world is {world.fingerprint} and the job was submitted for collection {job.collection!r}: its files or"
            f" this program's names have changed; submit it again"
        )
    return world


def side_effect_jobs(
    job: ConductivityJob, tuned: Path, is_adapter: bool, questions: Sequence[Question]
) -> tuple[EvaluationJob, EvaluationJob]:
    """The same questions to the model before and after it was tuned: what that cost elsewhere.

    ``tuned`` is an adapter's folder or a whole model's. Raises JobError where there are no questions.
    """
    if not questions:
        raise JobError(
            f"side effects: the store holds no collection {job.side_effects!r}; store its questions first"
        )
    before = EvaluationJob(
        job.model,
        job.name,
        questions[0].collection,
        tuple(sorted({question.dataset for question in questions})),
        tuple(dict.fromkeys(question.language for question in questions)),
        device=job.device,
    )
    after = replace(before, name=f"{job.name} tuned ({job.language})")
    return before, replace(after, adapter=str(tuned)) if is_adapter else replace(after, model=str(tuned))
