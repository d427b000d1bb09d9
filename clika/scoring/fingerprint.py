"""What a checkpoint is, by its bytes: a renamed folder is the same model, a flipped bit is another."""

import hashlib
from fnmatch import fnmatch
from pathlib import Path

from clika.errors import ModelError

# README, licence, generation_config.json and optimiser states do not change an answer by forced choice.
_MADE_OF = (
    "config.json",
    "*.safetensors",
    "*.safetensors.index.json",
    "tokenizer*",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.*",
    "merges.txt",
    "*.model",
    "*.tiktoken",
    "*.jinja",
)


def content_fingerprint(folder: Path) -> str:
    """64 hexadecimal digits (sha256) over the names and the bytes of configuration, tokenizer and weights.

    Only files that lie directly in ``folder`` count; links are followed. Files are read in blocks.
    Raises ModelError where the folder cannot be read or holds no safetensors weights.
    """
    try:
        files = sorted(
            (path for path in folder.iterdir() if path.is_file() and _counts(path.name)),
            key=lambda path: path.name,
        )
        if not any(path.suffix == ".safetensors" for path in files):
            raise ModelError(
                f"{folder} holds no *.safetensors file; only safetensors weights are read:"
                " save the model with save_pretrained(folder, safe_serialization=True)"
            )
        whole = hashlib.sha256()
        for path in files:
            with path.open("rb") as stream:
                digest = hashlib.file_digest(stream, "sha256").hexdigest()
            whole.update(f"{path.name}\0{digest}\n".encode())
    except OSError as error:
        raise ModelError(
            f"{folder} cannot be read ({error}); a checkpoint is a readable folder: check path and permissions"
        ) from error
    return whole.hexdigest()


def _counts(name: str) -> bool:
    return any(fnmatch(name, pattern) for pattern in _MADE_OF)
