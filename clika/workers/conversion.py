"""Reads pickled weights as tensors and nothing else, and writes them as safetensors, in a process shut in for it.

    python -m clika.workers.conversion FOLDER OUTPUT

``weights_only`` unpickling builds tensors alone; should it have a hole, no process, socket or file beside OUTPUT can
be had. One line of JSON on standard output, as ``inspection`` tells it.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clika.errors import CheckpointRefusedError
from clika.workers.confinement import answer_alone, bound, cut_off_network, shut_doors, tried

NAMES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
NOT_WEIGHTS = (
    "training_args.bin",
    "optimizer.bin",
    "optimizer.pt",
    "scheduler.bin",
    "scheduler.pt",
    "rng_state.pth",
)
CPU_SECONDS = 3600


def pickled_files(folder: Path) -> list[Path]:
    """The files of weights that can be converted, sorted."""
    found = {path for pattern in NAMES for path in folder.glob(pattern) if path.is_file()}
    return sorted(
        path for path in found if path.name not in NOT_WEIGHTS and not path.name.startswith("rng_state")
    )


def converted(files: Sequence[Path], output: Path) -> dict[str, Any]:
    """Write each file's tensors; several become shards with an index. Raises CheckpointRefusedError for other content."""
    import torch
    from safetensors.torch import save_file

    adapter = len(files) == 1 and files[0].name == "adapter_model.bin"
    placed: dict[str, str] = {}
    size = 0
    for number, path in enumerate(files, 1):
        content = torch.load(path, map_location="cpu", weights_only=True)
        weights = content.get("state_dict", content) if isinstance(content, dict) else None
        if not isinstance(weights, dict) or not weights:
            raise _no_weights(path)
        wrong = [
            name
            for name, value in weights.items()
            if not isinstance(name, str) or not isinstance(value, torch.Tensor)
        ]
        if wrong:
            raise _no_weights(path)
        name = "adapter_model.safetensors" if adapter else "model.safetensors"
        if len(files) > 1:
            name = f"model-{number:05d}-of-{len(files):05d}.safetensors"
        twice = sorted(weights.keys() & placed.keys())
        if twice:
            raise CheckpointRefusedError(
                "index-twice", f"{twice[0][:80]!r} stands in two files", "take one of the files away"
            )
        # Each of its own memory: safetensors refuses weights that share theirs.
        apart = {key: value.detach().clone().contiguous() for key, value in weights.items()}
        save_file(apart, output / name, metadata={"format": "pt"})
        placed |= dict.fromkeys(apart, name)
        size += sum(value.numel() * value.element_size() for value in apart.values())
    if len(files) > 1:
        index = {"metadata": {"total_size": size}, "weight_map": placed}
        (output / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    return {"weights": len(placed), "files": len(files)}


def _no_weights(path: Path) -> CheckpointRefusedError:
    return CheckpointRefusedError(
        "not-weights", f"{path.name} holds no weights by name", "give a model's state dict alone"
    )


def main(arguments: Sequence[str]) -> int:
    """Shut this process in, convert, and tell; returns 0 when it could tell."""
    parser = argparse.ArgumentParser(prog="clika.workers.conversion")
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    options = parser.parse_args(arguments)
    cut_off_network()
    import safetensors.torch  # noqa: F401
    import torch  # noqa: F401  loaded before the doors are shut

    files = pickled_files(options.folder)
    size = sum(path.stat().st_size for path in files)
    answering = answer_alone()
    bound((4 << 30) + 4 * size, CPU_SECONDS, file_bytes=(64 << 20) + 2 * size)
    shut_doors(str(options.output))
    try:
        answer: dict[str, Any] = {"found": converted(files, options.output)}
    except CheckpointRefusedError as error:
        answer = {"refused": {"code": error.code, "cause": error.cause, "remedy": error.remedy}}
    except Exception as error:  # noqa: BLE001  strangers' files: whatever else they end in is a refusal
        lines = str(error).strip().splitlines() or [type(error).__name__]
        cause = f"the weights cannot be read as tensors alone ({type(error).__name__}: {lines[0][:200]})"
        answer = {"refused": {"code": "not-weights", "cause": cause, "remedy": "do not use these files"}}
    if tried:
        cause = f"the weights tried {tried[0]}, which was kept from them"
        answer = {"refused": {"code": "door", "cause": cause, "remedy": "do not use these files"}}
    os.write(answering, json.dumps(answer, ensure_ascii=True).encode())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
