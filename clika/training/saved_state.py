"""What has been learned so far, on disk: weights, the optimiser's moments and the step, in one file a process.

Order of samples and dropout come from the seed and the step alone, so nothing else is needed to go on exactly where
a killed process stopped. A file is written beside its name, flushed and renamed: it is there whole or not at all.
Where weights are sharded every process writes its part, and a step counts only when all parts are there.
"""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn

from clika.errors import JobError
from clika.failpoints import Failpoint, reached
from clika.training.ranks import own_part

VERSION = 1
_NAME = re.compile(r"step-(\d{7})-part-(\d+)-of-(\d+)\.safetensors")
_MOMENTS = ("exp_avg", "exp_avg_sq")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a tuning stands: ``step`` steps are done; ``digest`` names the task (TrainingTask.digest)."""

    step: int
    digest: str
    micro_batch_tokens: int
    memory_halvings: int = 0
    resumed_at: tuple[int, ...] = ()


class SavedState:
    """The folder of one task's states; ``part`` of ``parts`` is what this process writes and reads."""

    def __init__(self, folder: Path, part: int = 0, parts: int = 1) -> None:
        self._folder, self._part, self._parts = folder, part, parts

    def save(
        self, standing: Standing, weights: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
    ) -> None:
        """Put this process's part on disk. Raises OSError where there is no room."""
        tensors: dict[str, torch.Tensor] = {}
        for name, weight in weights.items():
            tensors[f"weight/{name}"] = own_part(weight.detach())
            for moment in _MOMENTS:
                tensors[f"{moment}/{name}"] = own_part(optimizer.state[weight][moment])
        path = self._path(standing.step, self._part)
        temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
        facts = json.dumps({"version": VERSION, **{f: getattr(standing, f) for f in Standing.__slots__}})
        self._folder.mkdir(parents=True, exist_ok=True)
        for unfinished in self._folder.glob(f".step-*-part-{self._part}-of-*.tmp"):
            unfinished.unlink(missing_ok=True)  # of a process that was killed while it wrote
        try:
            kept = {name: tensor.contiguous() for name, tensor in tensors.items()}
            save_file(kept, str(temporary), metadata={"standing": facts})
            reached(Failpoint.TRAIN_STATE_WRITTEN)
            _flush(temporary)
            temporary.replace(path)
        except (OSError, SafetensorError) as error:
            temporary.unlink(missing_ok=True)  # a full disk gets its room back
            if isinstance(error, OSError):
                raise
            raise OSError(None, f"{path} cannot be written ({error})") from error
        _flush(self._folder)
        reached(Failpoint.TRAIN_STATE_RENAMED)

    def forget_before(self, step: int) -> None:
        """Take away this process's parts of earlier steps."""
        for path in self._folder.glob("*.safetensors"):
            match = _NAME.fullmatch(path.name)
            if match and int(match[1]) < step and int(match[2]) == self._part:
                path.unlink(missing_ok=True)

    def newest(self, digest: str) -> Standing | None:
        """The last step that all parts are there of; None before there is one.

        Raises JobError for another task's states, another number of parts, or a file that cannot be read.
        """
        parts: dict[int, set[int]] = {}
        for path in self._folder.glob("*.safetensors"):
            match = _NAME.fullmatch(path.name)
            if match is None:
                continue
            if int(match[3]) != self._parts:
                raise JobError(
                    f"{path} is one of {match[3]} parts, and this tuning has {self._parts}; resume it on as many"
                    " devices as it was begun with, or delete the folder and begin again"
                )
            parts.setdefault(int(match[1]), set()).add(int(match[2]))
        whole = [step for step, found in parts.items() if len(found) == self._parts]
        if not whole:
            return None
        path = self._path(max(whole), self._part)
        with _opened(path) as file:
            facts: dict[str, Any] = json.loads(file.metadata()["standing"])
        if facts.pop("version", None) != VERSION:
            raise JobError(f"{path} is of another version of CLiKA; delete its folder and tune again")
        if facts["digest"] != digest:
            raise JobError(
                f"{self._folder} holds the state of another model, recipe or other samples; a folder is one task's:"
                " delete it, or give another one"
            )
        return Standing(**{**facts, "resumed_at": tuple(facts["resumed_at"])})

    def restore(
        self, step: int, weights: Mapping[str, nn.Parameter], optimizer: torch.optim.Optimizer
    ) -> None:
        """Put the state of ``step`` into weights and optimiser. Raises JobError where they do not fit it."""
        path = self._path(step, self._part)
        with _opened(path) as file:
            held = {name for name in file.keys() if name.startswith("weight/")}  # noqa: SIM118  (it is no mapping)
            differing = sorted(held ^ {f"weight/{name}" for name in weights})
            if differing:
                raise JobError(f"{path} does not fit the model ({differing[0]}); delete its folder")
            with torch.no_grad():
                for name, weight in weights.items():
                    own_part(weight).copy_(file.get_tensor(f"weight/{name}"))
                    state: dict[str, torch.Tensor] = {"step": torch.tensor(float(step))}
                    if optimizer.defaults.get("fused"):
                        state["step"] = state["step"].to(own_part(weight).device)
                    for moment in _MOMENTS:
                        state[moment] = torch.zeros_like(weight)
                        own_part(state[moment]).copy_(file.get_tensor(f"{moment}/{name}"))
                    optimizer.state[weight] = state

    def _path(self, step: int, part: int) -> Path:
        return self._folder / f"step-{step:07d}-part-{part}-of-{self._parts}.safetensors"


def _opened(path: Path) -> Any:
    try:
        return safe_open(str(path), framework="pt")
    except (OSError, SafetensorError) as error:
        raise JobError(
            f"{path} cannot be read ({error}); delete it: the tuning goes on from before"
        ) from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
