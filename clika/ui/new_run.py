"""From what the form New run says to jobs, and back: every value is checked here, whoever sent it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.errors import UsageError
from clika.jobs.spec import EvaluationJob
from clika.languages import ALL_LANGUAGES, LANGUAGES
from clika.prompts.own_template import MOST_BYTES, own_form
from clika.prompts.templates import OWN, Template
from clika.question_sources import QuestionSource, fitting_template, wanted_datasets

QUICK, PAPER, CONDUCTIVITY = "quick", "paper", "conductivity"
QUICK_QUESTIONS = 20
FITTING, OWN_TEXT = "fitting", "own"
MOST_MODELS = 50
TAUGHT_ELSEWHERE = (
    "conductivity teaches the model a fictional world before it asks, a job a language; the tab Conductivity, or"
    " 'python -m clika conductivity', queues it"
)
# The server's own limits: those of a browser's fields bind nobody who writes the request himself.
MOST_CHARACTERS, MOST_CHOSEN, MOST_NAME = 1_000_000, 500, 200
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_WHOLE = re.compile(r"-?[0-9]{1,9}")
_LOOKS_LIKE_A_PATH = ("/", "./", "../", "~")


@dataclass(frozen=True, slots=True)
class NewRun:
    """The form's values in the order of its fields, as a browser sends them: nothing is checked yet.

    ``models`` has one a line. ``limit``, ``name`` and ``demonstrations`` may be empty: the preset's, the
    model's own, and as many as the template has a place for, at most 1.
    """

    models: object = ""
    source: object = "sample"
    languages: object = tuple(LANGUAGES)
    preset: object = QUICK
    datasets: object = ()
    limit: object = ""
    name: object = ""
    template: object = FITTING
    template_text: object = ""
    demonstrations: object = ""
    rotated: object = False
    permutations: object = 1
    rule: object = "letter"
    dtype: object = "float32"
    device: object = "auto"
    replicas: object = 1
    gpus_per_replica: object = 1
    cores: object = 0
    batch_tokens: object = 8192

    @classmethod
    def of(cls, job: EvaluationJob) -> "NewRun":
        """The form that asks for a job."""
        own = job.template_text is not None
        return cls(
            models=job.model,
            source=job.collection,
            languages=job.languages,
            preset=QUICK if job.limit == QUICK_QUESTIONS else PAPER,
            datasets=job.datasets,
            limit="" if job.limit in (None, QUICK_QUESTIONS) else str(job.limit),
            name=job.name,
            template=OWN_TEXT if own else job.template,
            template_text=job.template_text or "",
            demonstrations=str(job.demonstrations),
            rotated=job.rotate_demonstrations,
            permutations=job.permutations,
            rule=job.rule,
            dtype=job.dtype,
            device=job.device,
            replicas=job.replicas,
            gpus_per_replica=job.gpus_per_replica,
            cores=job.cores,
            batch_tokens=job.batch_tokens,
        )

    def jobs(self, source: QuestionSource) -> tuple[EvaluationJob, ...]:
        """A job a model. Raises UsageError, with value, rule and remedy, for values that cannot be."""
        models = checkpoints(self.models)
        if self.preset == CONDUCTIVITY:
            raise UsageError(TAUGHT_ELSEWHERE)
        name = sent_text("name", self.name).strip()
        if len(name) > MOST_NAME:
            raise UsageError(f"the name has {len(name)} characters; write at most {MOST_NAME}")
        if name and len(models) > 1:
            raise UsageError(f"name {name!r} for {len(models)} models; leave it out, or ask one model")
        languages = sent_texts("languages", self.languages)
        datasets = wanted_datasets(",".join(sent_texts("data sets", self.datasets)) or None, source.questions)
        template, template_text, demonstrations = self._template(source, datasets)
        return tuple(
            EvaluationJob(
                model=model,
                name=name or Path(model).name,
                collection=source.collection,
                datasets=datasets,
                languages=tuple(code for code in ALL_LANGUAGES if code in languages)
                + tuple(code for code in languages if code not in ALL_LANGUAGES),
                limit=self._limit(),
                template=template,
                rule=sent_text("scoring rule", self.rule),
                dtype=sent_text("dtype", self.dtype),  # type: ignore[arg-type]  # the job checks it
                device=sent_text("device", self.device),  # type: ignore[arg-type]  # the job checks it
                batch_tokens=sent_whole("tokens a batch", self.batch_tokens),
                replicas=sent_whole("replicas", self.replicas),
                gpus_per_replica=sent_whole("GPUs a replica", self.gpus_per_replica),
                cores=sent_whole("cores a replica", self.cores),
                template_text=template_text,
                demonstrations=demonstrations,
                rotate_demonstrations=self.rotated is True,
                permutations=sent_whole("orders of the options", self.permutations),
            )
            for model in models
        )

    def _limit(self) -> int | None:
        limit = optional_whole("questions a data set", self.limit)
        if limit is not None:
            return limit
        if self.preset not in (QUICK, PAPER):
            raise UsageError(f"preset {self.preset!r}; known: {QUICK}, {PAPER}, {CONDUCTIVITY}")
        return QUICK_QUESTIONS if self.preset == QUICK else None

    def _template(self, source: QuestionSource, datasets: Sequence[str]) -> tuple[str, str | None, int]:
        """(name, text of one's own or None, number of demonstrations)."""
        name = sent_text("template", self.template)
        count = optional_whole("demonstrations", self.demonstrations)
        if name != OWN_TEXT:
            if name == FITTING:
                name = str(fitting_template(source.questions, datasets))
            return name, None, 1 if count is None else count
        # As a file is read: a browser, or whoever sends the form, may end lines otherwise.
        text = sent_text("template's text", self.template_text).replace("\r\n", "\n").replace("\r", "\n")
        if len(text.encode()) > MOST_BYTES:
            raise UsageError(f"the template's text is larger than {MOST_BYTES} bytes; give a template")
        if not text.strip():
            raise UsageError(
                f"the template's text is empty; write one, or choose one of {', '.join(Template)}"
            )
        form = own_form(text)
        return OWN + form.name, text, int(form.demonstrable) if count is None else count


def checkpoints(written: object) -> tuple[str, ...]:
    """The models of a text with one a line, each once: whole paths of folders, and Hub ids as they are.

    Raises UsageError for none, for too many, for a path without a folder and for what is neither.
    """
    lines = dict.fromkeys(line.strip() for line in sent_text("models", written).splitlines() if line.strip())
    if not lines:
        raise UsageError("no model is named; write a checkpoint's folder or a Hub id such as owner/name")
    if len(lines) > MOST_MODELS:
        raise UsageError(f"{len(lines)} models; queue at most {MOST_MODELS} at once")
    return tuple(dict.fromkeys(_checkpoint(line) for line in lines))


def _checkpoint(line: str) -> str:
    if "\0" not in line and len(line) < 4096:
        try:
            place = Path(line).expanduser()
            if place.is_dir():
                return str(place.resolve())
        except (OSError, RuntimeError):  # a name too long for the disk, a home that nobody has
            pass
    if line.startswith(_LOOKS_LIKE_A_PATH):
        raise UsageError(f"no folder {line!r}; give the folder that holds the checkpoint's config.json")
    if not _HUB_ID.fullmatch(line):
        raise UsageError(f"model {line!r} is no folder here and no Hub id; write one such as owner/name")
    return line


def optional_whole(name: str, value: object) -> int | None:
    """A whole number as a text field sends it, None where the field is empty. Raises UsageError for no number."""
    written = sent_text(name, value).strip()
    if not written:
        return None
    if not _WHOLE.fullmatch(written):
        raise UsageError(f"{name} {written!r}; write a whole number, or leave it empty")
    return int(written)


def sent_text(name: str, value: object) -> str:
    """A text as a browser or a program sends it, None as an empty one. Raises UsageError for anything else."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UsageError(f"{name} {str(value)[:200]!r}; write it as a text")
    if len(value) > MOST_CHARACTERS:
        raise UsageError(f"{name} has {len(value):,} characters; write at most {MOST_CHARACTERS:,}")
    return value


def sent_texts(name: str, value: object) -> tuple[str, ...]:
    """A list of texts. Raises UsageError for anything else."""
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise UsageError(f"{name} {str(value)[:200]!r}; choose of those offered")
    if len(value) > MOST_CHOSEN:
        raise UsageError(f"{name}: {len(value):,} are chosen; choose at most {MOST_CHOSEN}")
    return tuple(value)


def sent_whole(name: str, value: object) -> int:
    """A whole number. Raises UsageError for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise UsageError(f"{name} {value!r}; write a whole number")
    return int(value)
