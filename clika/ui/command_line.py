"""The command that does what a job asks for, to be copied into a shell."""

import shlex
from dataclasses import fields
from pathlib import Path

from clika.jobs.spec import EvaluationJob
from clika.languages import LANGUAGES
from clika.prompts.own_template import ENDING
from clika.prompts.templates import OWN

_DEFAULTS = {field.name: field.default for field in fields(EvaluationJob)}


def shell_commands(job: EvaluationJob, store: Path) -> str:
    """One command that queues the job; before it, where the template is one's own, one that writes its file."""
    arguments = [
        *("python", "-m", "clika", "evaluate"),
        *_option("--model", job.model),
        *_unless_default(job, "adapter", "--adapter"),
        *(_option("--name", job.name) if job.name != Path(job.adapter or job.model).name else ()),
        *_option("--collection", job.collection),
        *_option("--datasets", ",".join(job.datasets)),
        *_option("--languages", "all" if job.languages == tuple(LANGUAGES) else ",".join(job.languages)),
        *_unless_default(job, "limit", "--limit"),
        *_option("--template", _template_file(job) or job.template),
        *(
            _option("--demonstrations", str(job.demonstrations))
            if job.template_text is not None or job.demonstrations != _DEFAULTS["demonstrations"]
            else ()
        ),
        *(("--rotate-demonstrations",) if job.rotate_demonstrations else ()),
        *_unless_default(job, "permutations", "--permutations"),
        *_unless_default(job, "rule", "--scoring"),
        *_unless_default(job, "dtype", "--dtype"),
        *_unless_default(job, "device", "--device"),
        *_unless_default(job, "batch_tokens", "--batch-tokens"),
        *_unless_default(job, "replicas", "--replicas"),
        *_unless_default(job, "gpus_per_replica", "--gpus-per-replica"),
        *_unless_default(job, "cores", "--cores"),
        "--queue",
        *_option("--store", str(store.resolve())),
    ]
    command = shlex.join(arguments)
    file = _template_file(job)
    if file is None or job.template_text is None:
        return command
    return f"printf %s {shlex.quote(job.template_text)} > ./{file}\n{command}"


def _template_file(job: EvaluationJob) -> str | None:
    """A file named after the own template, whose name has letters, digits, - and _; None for a built-in one."""
    return None if job.template_text is None else job.template.removeprefix(OWN) + ENDING


def _option(name: str, value: str) -> tuple[str, ...]:
    """An option and its value; as one word where the value would be taken for an option itself."""
    return (f"{name}={value}",) if value.startswith("-") else (name, value)


def _unless_default(job: EvaluationJob, field: str, option: str) -> tuple[str, ...]:
    value = getattr(job, field)
    return () if value == _DEFAULTS[field] else _option(option, str(value))
