"""Uploads made on the spot, byte by byte where a library would refuse to: sound ones and hostile ones."""

import io
import json
import struct
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import zstandard

CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "vocab_size": 300,
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "max_position_embeddings": 64,
}
ADAPTER: dict[str, Any] = {"peft_type": "LORA", "r": 2, "lora_alpha": 4, "target_modules": ["q_proj"]}

Given = list[tuple[str, Path]]


def tensor_file(
    entries: Mapping[str, Any] | bytes | None = None, values: bytes = b"\0" * 16, length: int | None = None
) -> bytes:
    """A safetensors file with this header, right or wrong; one F32 weight of four values by default."""
    if entries is None:
        entries = {"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}
    header = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return struct.pack("<Q", len(header) if length is None else length) + header + values


def entry(dtype: Any = "F32", shape: Any = (4,), offsets: Any = (0, 16), **more: Any) -> dict[str, Any]:
    """What a header says of one weight."""
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets, **more}


def files(**changes: bytes | None) -> dict[str, bytes]:
    """A sound model's files; ``changes`` by name with __ for the dot, None takes a file out."""
    made: dict[str, bytes | None] = {
        "config.json": json.dumps(CONFIG).encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": tensor_file(),
    }
    made |= {name.replace("__", "."): content for name, content in changes.items()}
    return {name: content for name, content in made.items() if content is not None}


def config(**changes: Any) -> dict[str, bytes]:
    """A model whose configuration says something else."""
    values = {name: value for name, value in (CONFIG | changes).items() if value is not ...}
    return files(config__json=json.dumps(values).encode())


def adapter(**changes: Any) -> dict[str, bytes]:
    """An adapter whose configuration says something else."""
    return {
        "adapter_config.json": json.dumps(ADAPTER | changes).encode(),
        "adapter_model.safetensors": tensor_file(),
    }


def indexed(weight_map: Any, **shards: bytes) -> dict[str, bytes]:
    """A model in shards with this index."""
    index = json.dumps({"weight_map": weight_map}).encode()
    made = files(model__safetensors=None, model__safetensors__index__json=index)
    return made | {f"{name}.safetensors": content for name, content in shards.items()}


def as_files(folder: Path, contents: Mapping[str, bytes] | list[tuple[str, bytes]]) -> Given:
    """The contents as loose files by the names given, wherever their bytes lie."""
    pairs = list(contents.items() if isinstance(contents, Mapping) else contents)
    given = []
    for number, (name, content) in enumerate(pairs):
        path = folder / f"given-{number}"
        path.write_bytes(content)
        given.append((name, path))
    return given


def as_archive(folder: Path, name: str, content: bytes) -> Given:
    """One archive."""
    path = folder / name
    path.write_bytes(content)
    return [(name, path)]


def zipped(
    contents: Mapping[str, bytes] | list[tuple[str, bytes]],
    method: int = zipfile.ZIP_STORED,
    change: Callable[[zipfile.ZipInfo], None] = lambda info: None,
) -> bytes:
    """A zip, each entry's info changed as one likes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, content in contents.items() if isinstance(contents, Mapping) else contents:
            info = zipfile.ZipInfo(name)
            info.compress_type = method
            info.external_attr = 0o100644 << 16
            change(info)
            archive.writestr(info, content)
    return stream.getvalue()


def tarred(
    contents: Mapping[str, bytes] | list[tuple[str, bytes]],
    change: Callable[[tarfile.TarInfo], None] = lambda info: None,
    form: int = tarfile.GNU_FORMAT,
) -> bytes:
    """A tar, each entry's info changed as one likes."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w", format=form) as archive:
        for name, content in contents.items() if isinstance(contents, Mapping) else contents:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            change(info)
            archive.addfile(info, io.BytesIO(content))
    return stream.getvalue()


def zst(content: bytes) -> bytes:
    """Packed by zstandard."""
    return zstandard.ZstdCompressor().compress(content)
