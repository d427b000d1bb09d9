"""The kinds of jobs that a queue holds, and how a file says which one it is."""

from clika.jobs.conductivity_spec import KIND, ConductivityJob
from clika.jobs.spec import EvaluationJob
from clika.jobs.spec_text import json_object

Job = EvaluationJob | ConductivityJob


def read_job(text: str) -> Job:
    """The job that a ``job.json`` holds; one without a kind is an evaluation. Raises JobError as ``read_spec`` does."""
    kind = json_object(text).get("kind")
    return ConductivityJob.from_json(text) if kind == KIND else EvaluationJob.from_json(text)
