"""The errors that CLiKA raises on purpose; each one shows the value, the rule and the remedy.

ClikaError                  everything a person can cause and mend; ui and cli print its text
├── UsageError              the request itself is wrong: unknown language, metric, data set, option
├── DataError               a file that questions or answers come from
│   └── ParallelismError    questions that are not the same in every language
├── ModelError              a checkpoint that cannot be loaded or cannot be asked this way
│   ├── InvalidLogitsError  a model that answers with NaN or infinity
│   └── CheckpointRefusedError  its files break a rule that keeps strangers' files harmless
├── StoreError              the store on disk
│   ├── StoreFullError      there is no room to write
│   ├── StoreLockedError    another process owns the database of this store
│   ├── ShardError          a sealed file that is not what its manifest says
│   └── ConflictError       two different payloads for one key
├── JobError                a job's specification, or its worker's end
│   └── NoSlurmError        this machine does not submit to a cluster
└── SlurmUnreachableError   Slurm does not answer now: a job there goes on as it was
"""

from clika.redaction import redacted


class ClikaError(Exception):
    """Base of all: its text is a sentence for a person (value, rule, remedy), without any access token."""

    def __init__(self, sentence: str = "") -> None:
        super().__init__(redacted(sentence))


class UsageError(ClikaError):
    """The request is wrong; nothing was done. The command line ends with status 2."""


class DataError(ClikaError):
    """A file of questions or answers is not what its place or name says."""


class ParallelismError(DataError):
    """Questions of one id differ between languages in their choices or their answer."""


class ModelError(ClikaError):
    """A checkpoint cannot be loaded, or cannot answer by forced choice as it stands."""


class InvalidLogitsError(ModelError):
    """Too many of a model's answers are NaN or infinite for the run to mean anything."""


class CheckpointRefusedError(ModelError):
    """Files that are not taken as a checkpoint: a code that programs read, the cause, and the remedy."""

    def __init__(self, code: str, cause: str, remedy: str) -> None:
        super().__init__(f"{cause}; {remedy} [{code}]")
        self.code = code
        self.cause = cause
        self.remedy = remedy


class StoreError(ClikaError):
    """The store on disk cannot be read or written."""


class StoreFullError(StoreError):
    """There is no room to write: nothing is lost, the work goes on when there is room again."""


class StoreLockedError(StoreError):
    """Another process holds ``store/LOCK``; its name is in the text."""


class ShardError(StoreError):
    """A sealed shard is missing, or its bytes are not those its manifest records."""


class ConflictError(StoreError):
    """A key that is stored arrives again with another payload: an alarm, not a merge."""


class JobError(ClikaError):
    """A job specification is invalid, or its worker ended without finishing."""


class NoSlurmError(JobError):
    """This machine has not Slurm's commands."""


class SlurmUnreachableError(ClikaError):
    """Slurm does not answer; what is known of its jobs is as it was."""
