"""Processes that touch strangers' files for this one: a small environment, a time limit, and one line of JSON back."""

import json
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clika.errors import CheckpointRefusedError

PACKAGE = Path(__file__).resolve().parents[2]
_SECONDS = 240
_MOST_SAID = 1 << 20
_SIGNALS = {
    signal.SIGXCPU: "processor time",
    signal.SIGABRT: "memory",
    signal.SIGKILL: "memory",
    signal.SIGXFSZ: "disk",
}


def child_environment(home: Path) -> dict[str, str]:
    """No token, no home with one, nothing but what a Python needs; offline."""
    return {
        "HOME": str(home),
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "TRANSFORMERS_OFFLINE": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "OMP_NUM_THREADS": "1",
        "CUDA_VISIBLE_DEVICES": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(PACKAGE),
        "PYTHONSAFEPATH": "1",
        "TMPDIR": str(home),
    }


def inspected(folder: Path, adapter: Path | None = None) -> dict[str, Any]:
    """What the child finds in a model's folder, or of an adapter on it.

    Raises CheckpointRefusedError for what is refused there, and for a checkpoint that ended the child.
    """
    arguments = [
        str(folder.resolve()),
        *(["--adapter", str(adapter.resolve())] if adapter is not None else []),
    ]
    return told_by("clika.workers.inspection", arguments)


def told_by(module: str, arguments: Sequence[str], seconds: int = _SECONDS) -> dict[str, Any]:
    """The ``found`` that a child module tells. Raises CheckpointRefusedError for its ``refused``, and for its death."""
    with tempfile.TemporaryDirectory(prefix="clika-child-") as home:
        command = [sys.executable, "-m", module, *arguments]
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=child_environment(Path(home)),
            cwd=home,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise _ended("time", f"more than {seconds} s") from None
            except BaseException:
                process.kill()
                raise
    return understood(said, process.returncode)


def understood(said: bytes, status: int) -> dict[str, Any]:
    """The ``found`` of what a child said, by its status too. Raises as ``told_by`` does."""
    try:
        answer = json.loads(said) if len(said) <= _MOST_SAID else None
    except ValueError:
        answer = None
    if isinstance(answer, dict) and isinstance(answer.get("found"), dict):
        found: dict[str, Any] = answer["found"]
        return found
    if isinstance(answer, dict) and isinstance(answer.get("refused"), dict):
        refused = answer["refused"]
        raise CheckpointRefusedError(str(refused["code"]), str(refused["cause"]), str(refused["remedy"]))
    what = _SIGNALS.get(signal.Signals(-status), "of this machine") if status < 0 else "of this machine"
    raise _ended(what, f"status {status}")


def _ended(what: str, how: str) -> CheckpointRefusedError:
    return CheckpointRefusedError(
        "limits",
        f"the checkpoint's tokenizer, chat template or configuration took too much {what} ({how}), and was ended",
        "give the files of a real model: its tokenizer loads in seconds",
    )
