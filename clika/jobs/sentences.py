"""What there is to say of a job, for a person: on the command line and on the page."""

from clika.jobs.queue import JobState, QueuedJob
from clika.jobs.slurm_record import slurm_job


def job_sentence(one: QueuedJob, resuming: str) -> str:
    """How a job ended or why it stands still; empty where there is nothing to say.

    ``resuming`` says how it goes on, in the words of the place where the sentence is read.
    """
    if one.fault is not None:
        return one.fault
    end, failure = one.folder.done(), one.folder.error()
    if one.state is JobState.DONE and end is not None:
        return end.sentence()
    if one.state in (JobState.FAILED, JobState.PAUSED) and failure is not None:
        return failure.sentence
    if one.state is JobState.INTERRUPTED:
        return f"its workers are gone; what they sealed is kept: {resuming}"
    if one.state is JobState.CANCELLED:
        return f"cancelled; what was sealed is kept: {resuming}"
    there = slurm_job(one.folder)
    return "" if there is None else there.sentence()
