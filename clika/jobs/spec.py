"""Job specifications: versioned JSON that validates itself and refuses keys it does not know."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import PurePath
from typing import Any, Literal

from clika.errors import UsageError
from clika.jobs.spec_text import read_spec
from clika.languages import ALL_LANGUAGES
from clika.prompts.forms import Form
from clika.prompts.own_template import own_form
from clika.prompts.templates import OWN, Asking, Template
from clika.records import ScoringRule

VERSION = 1
DTYPES = ("float32", "bfloat16", "float16", "mixed")
RULES = tuple(str(rule) for rule in ScoringRule if rule is not ScoringRule.FIRST_CHARACTER)
DEVICES = ("cpu", "cuda", "mps", "auto")
# How a job is done, not what: any of these may change when it is resumed, and it stays the same job.
_HOW = ("device", "batch_tokens", "replicas", "gpus_per_replica", "cores")
MOST_REPLICAS = 64
# Left out of the text where they stand at their defaults, so that jobs written before them keep their names.
_LATER = (
    "template_text",
    "demonstrations",
    "rotate_demonstrations",
    "permutations",
    "replicas",
    "gpus_per_replica",
    "cores",
    "adapter",
)


def check_cores(cores: int) -> None:
    """Raises UsageError for a number of CPU cores that no job can take."""
    if cores < 0:
        raise UsageError(f"cores {cores}; a replica takes at least 1, or 0 for all that there are")


@dataclass(frozen=True, slots=True)
class EvaluationJob:
    """Ask one checkpoint the questions of a collection.

    ``limit`` is the most questions a data set, the same in every language; None asks all. ``batch_tokens``
    bounds a batch and moves no choice. ``dtype`` mixed is bfloat16 with near-ties asked again in float32.
    ``adapter`` is the folder of a LoRA adapter to be put on the model. ``replicas`` copies of the model share the
    questions, each over ``gpus_per_replica`` GPUs (of no meaning on a CPU, whose cores the replicas share). On a CPU
    each takes ``cores`` of them and leaves the rest to other jobs; 0 is all, shared by the replicas.
    ``template`` is a built-in one's name, or ``own:`` and the name of a user's own, whose TOML content is
    ``template_text``. ``permutations`` is the number of cyclic orders that options are asked in.
    """

    model: str
    name: str
    collection: str
    datasets: tuple[str, ...]
    languages: tuple[str, ...]
    limit: int | None = None
    template: str = "english"
    rule: str = "letter"
    dtype: Literal["float32", "bfloat16", "float16", "mixed"] = "float32"
    device: Literal["cpu", "cuda", "mps", "auto"] = "auto"
    batch_tokens: int = 8192
    replicas: int = 1
    gpus_per_replica: int = 1
    cores: int = 0
    adapter: str | None = None
    template_text: str | None = None
    demonstrations: int = 1
    rotate_demonstrations: bool = False
    permutations: int = 1
    version: int = VERSION

    def __post_init__(self) -> None:
        """Raises UsageError, with value, rule and remedy, for settings that cannot be."""
        unknown = [code for code in self.languages if code not in ALL_LANGUAGES]
        if unknown or not self.languages:
            raise UsageError(
                f"languages {unknown or '()'}: known are {', '.join(ALL_LANGUAGES)}; name at least one"
            )
        for field in ("model", "name", "collection"):
            if not getattr(self, field).strip():
                raise UsageError(f"the {field} is empty; write one")
        if self.collection in (".", "..") or PurePath(self.collection).name != self.collection:
            raise UsageError(
                f"collection {self.collection!r}: a collection's name is a plain name, not a path;"
                f" give the name it was imported under"
            )
        if not self.datasets:
            raise UsageError("no data set to ask; name at least one")
        if self.limit is not None and self.limit < 1:
            raise UsageError(f"limit {self.limit}: ask at least 1 question a data set, or leave it out")
        if self.dtype not in DTYPES:
            raise UsageError(f"dtype {self.dtype!r}; known: {', '.join(DTYPES)}")
        if self.device not in DEVICES:
            raise UsageError(f"device {self.device!r}; known: {', '.join(DEVICES)}")
        if self.batch_tokens < 1:
            raise UsageError(f"batch tokens {self.batch_tokens}; a batch needs at least 1")
        if not 1 <= self.replicas <= MOST_REPLICAS:
            raise UsageError(f"replicas {self.replicas}; a job has 1 to {MOST_REPLICAS}")
        if self.gpus_per_replica < 1:
            raise UsageError(f"gpus per replica {self.gpus_per_replica}; a replica needs at least 1")
        check_cores(self.cores)
        if self.rule not in RULES:
            raise UsageError(f"scoring rule {self.rule!r}; known: {', '.join(RULES)}")
        if self.dtype == "mixed" and self.rule != "letter":
            raise UsageError(
                f"dtype 'mixed' with scoring rule {self.rule!r}: near-ties are found by the letters' margins;"
                f" use rule letter, or dtype float32 or bfloat16"
            )
        _ = self.asking

    @property
    def asking(self) -> Asking:
        """How the questions are put. Raises UsageError for a template that is none or cannot do what is asked."""
        return Asking(self._template(), self.demonstrations, self.rotate_demonstrations, self.permutations)

    def _template(self) -> Template | Form:
        if self.template_text is not None:
            form = own_form(self.template_text)
            if self.template != OWN + form.name:
                raise UsageError(
                    f"template {self.template!r} with the text of {OWN + form.name!r}: a template of one's own goes by"
                    f" {OWN!r} and its name; name it so"
                )
            return form
        if self.template not in list(Template):
            text = f"; the text of {self.template!r} is missing" if self.template.startswith(OWN) else ""
            raise UsageError(
                f"template {self.template!r}; known: {', '.join(Template)}, or the text of one's own{text}"
            )
        return Template(self.template)

    @property
    def settings(self) -> dict[str, str]:
        """What makes a prediction besides model, data, template's name and rule: only what is not the default.

        It enters a run's identity, so what is added here later must be left out at its default too.
        """
        found: dict[str, str] = {}
        template = self._template()
        if isinstance(template, Form):
            found["template_digest"] = template.digest
        if self.demonstrations != 1:
            found["demonstrations"] = str(self.demonstrations)
        if self.rotate_demonstrations:
            found["demonstration_letters"] = "rotated"
        if self.permutations != 1:
            found["permutations"] = str(self.permutations)
        return found

    @property
    def job_id(self) -> str:
        """A name made from what is asked of whom: the same command finds the same folder and goes on."""
        what = {name: value for name, value in self._values().items() if name not in _HOW}
        canonical = json.dumps(what, ensure_ascii=False, sort_keys=True)
        return "evaluate-" + hashlib.sha256(canonical.encode()).hexdigest()[:12]

    def to_json(self) -> str:
        """The specification as it is written to ``job.json``."""
        return json.dumps(self._values(), ensure_ascii=False, sort_keys=True, indent=1)

    def _values(self) -> dict[str, Any]:
        standard = {field.name: field.default for field in fields(self)}
        return {
            name: value
            for name, value in asdict(self).items()
            if name not in _LATER or value != standard[name]
        }

    @classmethod
    def from_json(cls, text: str) -> "EvaluationJob":
        """Read a specification.

        Raises JobError for unknown or missing keys, another version, and values that cannot be.
        """
        return read_spec(text, cls, VERSION)
