"""A model of the Hub at one commit: resolved, downloaded (what came whole is kept), then a folder like any other."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from clika.errors import CheckpointRefusedError, ModelError, UsageError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
FILES = (
    "*.json", "*.safetensors", "*.model", "*.txt", "*.tiktoken", "*.jinja", "README.md", "LICENSE*",
)  # fmt: skip
_REVISION = re.compile(r"[A-Za-z0-9][\w./-]{0,200}")
_SNAPSHOT = re.compile(r"models--([A-Za-z0-9][\w.-]*)/snapshots/([0-9a-f]{40})")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A downloaded model: its absolute folder, the folder that its links may lead into, and the commit."""

    folder: Path
    inside: Path
    commit: str


def snapshot(hub_id: str, revision: str | None, token: str | None) -> Snapshot:
    """Resolve a revision (default: main) to its commit, look at the names there, and download what is read.

    Raises UsageError for names that cannot be, CheckpointRefusedError where the repository has no safetensors,
    ModelError where the Hub cannot be reached or does not give it.
    """
    from huggingface_hub import HfApi, snapshot_download

    if not HUB_ID.fullmatch(hub_id) or ".." in hub_id:
        raise UsageError(f"{hub_id!r} is no Hub id; write one such as owner/name")
    if revision is not None and (not _REVISION.fullmatch(revision) or ".." in revision):
        raise UsageError(f"revision {revision[:80]!r}; write a branch, a tag or a commit")
    try:
        info = HfApi(token=token or False).model_info(hub_id, revision=revision)
        commit = str(info.sha)
        names = [file.rfilename for file in info.siblings or ()]
        if names and not any(name.endswith(".safetensors") and "/" not in name for name in names):
            raise CheckpointRefusedError(
                "no-weights",
                f"{hub_id} holds no safetensors at {commit[:12]}",
                "give a model or revision that does",
            )
        folder = Path(
            snapshot_download(
                hub_id,
                revision=commit,
                allow_patterns=list(FILES),
                ignore_patterns=["*/*"],
                token=token or False,
            )
        )
    except CheckpointRefusedError:
        raise
    except Exception as error:  # the Hub's client, HTTP and file system errors share no base
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(
            f"model {hub_id!r} could not be fetched from the Hub ({type(error).__name__}: {lines[0][:300]}); check"
            " name, revision and connection (files that came whole are kept), or give a folder"
        ) from error
    return Snapshot(Path(os.path.abspath(folder)), Path(os.path.abspath(folder)).parents[1], commit)


def snapshot_of(folder: Path) -> tuple[str, str] | None:
    """(Hub id, commit) of a folder in the Hub's cache, by its path; None for any other."""
    found = _SNAPSHOT.search("/".join(folder.parts[-3:]))
    return (found[1].replace("--", "/", 1), found[2]) if found else None
