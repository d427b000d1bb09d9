"""A safetensors file's header, read and checked strictly: safetensors itself lets two kinds of faults through.

No value is read. The format: 8 bytes of length, that many bytes of JSON, then the values without a gap.
"""

from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from clika.checkpoints.json_files import parsed_object
from clika.errors import CheckpointRefusedError

_MOST_HEADER = 64 << 20
_MOST_TENSORS = 200_000
_BYTES = {
    "F64": 8, "I64": 8, "U64": 8, "F32": 4, "I32": 4, "U32": 4, "F16": 2, "BF16": 2, "I16": 2, "U16": 2,
    "I8": 1, "U8": 1, "BOOL": 1, "F8_E4M3": 1, "F8_E5M2": 1, "F8_E8M0": 1,
}  # fmt: skip
_SAVE_AGAIN = "save it again with save_pretrained, and give it whole"


@dataclass(frozen=True, slots=True)
class Weight:
    """What a header says of one weight."""

    dtype: str
    shape: tuple[int, ...]

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return prod(self.shape)


def weights_of(path: Path) -> dict[str, Weight]:
    """Name -> weight of a file. Raises CheckpointRefusedError for a header that is not exactly right."""
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length < 2 or length > size - 8:
                raise _refused(
                    path, "header-length", f"states a header of {length:,} bytes in a file of {size:,}"
                )
            if length > _MOST_HEADER:
                raise _refused(path, "header-large", f"has a header of {length:,} bytes")
            content = stream.read(length)
    except OSError as error:
        raise CheckpointRefusedError(
            "file-unreadable",
            f"{path.name} cannot be read ({error.strerror})",
            "check the file and give it again",
        ) from error
    if content[:1] != b"{":
        raise _refused(path, "header-json", "has a header that does not begin with a brace")
    values = parsed_object(content.rstrip(b" "), f"the header of {path.name}")
    metadata = values.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(value, str) for value in metadata.values()):
        raise _refused(path, "header-metadata", "has metadata that are no texts")
    if not values:
        raise _refused(path, "header-empty", "holds no weight")
    if len(values) > _MOST_TENSORS:
        raise _refused(path, "header-many", f"names {len(values):,} weights")
    found = {}
    spans = []
    for name, said in values.items():
        found[name], span = _weight(path, name, said)
        spans.append(span)
    end = 0
    for first, last in sorted(spans):
        if first != end:
            raise _refused(path, "header-gaps", "has weights that overlap, or bytes between them")
        end = last
    if end != size - 8 - length:
        raise _refused(
            path, "header-size", f"describes {end:,} bytes of weights and has {size - 8 - length:,}"
        )
    return found


def _weight(path: Path, name: str, said: Any) -> tuple[Weight, tuple[int, int]]:
    shown = name[:60]
    if not isinstance(said, dict) or set(said) != {"dtype", "shape", "data_offsets"}:
        raise _refused(path, "header-entry", f"does not give dtype, shape and data_offsets of {shown!r}")
    dtype, shape, offsets = said["dtype"], said["shape"], said["data_offsets"]
    if not isinstance(dtype, str) or dtype not in _BYTES:
        raise _refused(path, "header-dtype", f"gives {shown!r} the dtype {str(dtype)[:30]!r}")
    if not isinstance(shape, list) or len(shape) > 8 or not all(_is_count(side) for side in shape):
        raise _refused(path, "header-shape", f"gives {shown!r} a shape that cannot be")
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(_is_count(place) for place in offsets):
        raise _refused(path, "header-offsets", f"gives {shown!r} offsets that cannot be")
    first, last = offsets
    if last - first != prod(shape) * _BYTES[dtype]:
        raise _refused(
            path, "header-bytes", f"gives {shown!r} {last - first:,} bytes, which its shape does not need"
        )
    return Weight(dtype, tuple(shape)), (first, last)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48


def _refused(path: Path, code: str, what: str) -> CheckpointRefusedError:
    return CheckpointRefusedError(code, f"{path.name} {what}", _SAVE_AGAIN)
