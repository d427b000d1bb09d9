"""An archive's files, one after the other, as bytes: no file is made here and nothing is ever extracted as a whole.

Formats are told by their first bytes. Zip's directory is bounded before it is read; tar is read header by header,
since a library's reader takes long names and extended headers of any size into memory.
"""

import gzip
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedIOBase, RawIOBase
from pathlib import Path
from typing import IO, Protocol

import zstandard

from clika.checkpoints.budget import Ratio
from clika.checkpoints.file_names import MOST_FILES
from clika.errors import CheckpointRefusedError

BLOCK = 1 << 20
SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.zst")
_MOST_DIRECTORY = 1 << 20
_MOST_EXTENDED = 64 << 10
_WINDOW = 128 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class Readable(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; b"" at the end."""
        ...


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry; ``content`` is None for a folder, and must be read before the next entry is asked for."""

    name: str
    content: Readable | None


def is_archive(path: Path) -> bool:
    """Whether a file's name is an archive's."""
    return path.name.lower().endswith(SUFFIXES)


def entries(path: Path) -> Iterator[Entry]:
    """The entries of an archive in its order.

    Raises CheckpointRefusedError for links, devices, encryption, damage, too many entries, and where more bytes come
    out than an honest archive holds.
    """
    ratio = Ratio(path.stat().st_size)
    with _reading(path):
        for entry in _entries(path, ratio):
            yield entry if entry.content is None else Entry(entry.name, _Told(entry.content, path))


def _entries(path: Path, ratio: Ratio) -> Iterator[Entry]:
    with path.open("rb") as stream:
        first = stream.read(4)
        stream.seek(0)
        if first[:2] == b"PK":
            yield from _zip_entries(path, stream, ratio)
        elif first[:2] == b"\x1f\x8b":
            with gzip.GzipFile(fileobj=stream) as unpacked:
                yield from _tar_entries(unpacked, ratio)
        elif first == b"\x28\xb5\x2f\xfd":
            packer = zstandard.ZstdDecompressor(max_window_size=_WINDOW)
            with packer.stream_reader(stream, read_across_frames=True) as unpacked:
                yield from _tar_entries(unpacked, ratio)
        elif path.name.lower().endswith(".tar"):
            yield from _tar_entries(stream, ratio)
        else:
            raise CheckpointRefusedError(
                "archive-unknown",
                f"{path.name!r} is no archive that is read",
                f"give one of {', '.join(SUFFIXES)}",
            )


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turns what the libraries raise for damage into a CheckpointRefusedError."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        gzip.BadGzipFile,
        zstandard.ZstdError,
        tarfile.HeaderError,
        EOFError,
        struct.error,
        NotImplementedError,
        UnicodeError,
    ) as error:
        raise CheckpointRefusedError(
            "archive-damaged",
            f"{path.name!r} cannot be read ({str(error)[:120] or type(error).__name__})",
            "make the archive again and give it whole",
        ) from error


class _Told:
    """An entry's bytes, its damage told as an archive's."""

    def __init__(self, content: Readable, archive: Path) -> None:
        self._content = content
        self._archive = archive

    def read(self, size: int, /) -> bytes:
        with _reading(self._archive):
            return self._content.read(size)


class _Counted(RawIOBase):
    """Counts what is read against the archive's ratio."""

    def __init__(self, content: IO[bytes] | BufferedIOBase, ratio: Ratio) -> None:
        self._content = content
        self._ratio = ratio

    def read(self, size: int = -1, /) -> bytes:
        block = self._content.read(size)
        self._ratio.take(len(block))
        return block


def _zip_entries(path: Path, stream: IO[bytes], ratio: Ratio) -> Iterator[Entry]:
    _check_zip_directory(stream)
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        if len(infos) > MOST_FILES:
            raise _too_many()
        for info in infos:
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind == stat.S_IFLNK:
                raise _link(info.orig_filename)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _device(info.orig_filename)
            # zipfile cuts a name at its first NUL, so that what was checked would not be what was written.
            name = info.orig_filename
            if info.is_dir() or kind == stat.S_IFDIR:
                yield Entry(name, None)
                continue
            if info.flag_bits & 0x1:
                raise CheckpointRefusedError(
                    "archive-encrypted", f"{name[:80]!r} is encrypted", "make the archive without a password"
                )
            if info.compress_type not in _METHODS:
                raise CheckpointRefusedError(
                    "archive-method",
                    f"{name[:80]!r} is packed by method {info.compress_type}",
                    "make the archive with deflate or without compression",
                )
            with archive.open(info) as content:
                yield Entry(name, _Counted(content, ratio))


def _check_zip_directory(stream: IO[bytes]) -> None:
    """Raises CheckpointRefusedError for a directory that would take memory before its entries are counted."""
    size = stream.seek(0, 2)
    start = max(0, size - 65_557)
    stream.seek(start)
    tail = stream.read()
    place = tail.rfind(b"PK\x05\x06")
    if place < 0:
        raise zipfile.BadZipFile("it has no directory at its end")
    count, directory = struct.unpack("<HI", tail[place + 10 : place + 16])
    locator = tail[place - 20 : place] if place >= 20 else b""
    if locator[:4] == b"PK\x06\x07":
        (offset,) = struct.unpack("<Q", locator[8:16])
        if offset > size - 56:
            raise zipfile.BadZipFile("its directory lies outside")
        stream.seek(offset)
        record = stream.read(56)
        count, directory = struct.unpack("<QQ", record[32:48])
    stream.seek(0)
    if count > MOST_FILES:
        raise _too_many()
    if directory > _MOST_DIRECTORY:
        raise CheckpointRefusedError(
            "archive-directory",
            f"the archive's directory has {directory:,} bytes",
            "make the archive again with plain names and without comments",
        )


class _Part:
    """The next ``size`` bytes of a stream."""

    def __init__(self, stream: Readable, size: int) -> None:
        self._stream = stream
        self.left = size

    def read(self, size: int = BLOCK, /) -> bytes:
        """Raises EOFError where the stream ends before the part does."""
        wanted = min(size, self.left)
        if wanted <= 0:
            return b""
        block = self._stream.read(wanted)
        if not block:
            raise EOFError("it ends within a file")
        self.left -= len(block)
        return block

    def whole(self) -> bytes:
        """All that is left."""
        return b"".join(iter(self.read, b""))


def _tar_entries(unpacked: IO[bytes] | BufferedIOBase, ratio: Ratio) -> Iterator[Entry]:
    stream = _Counted(unpacked, ratio)
    named: dict[str, str] = {}
    headers = 0
    while True:
        header = _Part(stream, tarfile.BLOCKSIZE).whole()
        if not header.strip(b"\0"):
            if headers == 0:
                raise EOFError("it holds no tar archive")
            return
        headers += 1
        if headers > 3 * MOST_FILES:  # a file may have an extended header and a long name of its own
            raise _too_many()
        info = tarfile.TarInfo.frombuf(header, "utf-8", "strict")
        kind = info.type
        if kind in (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.SOLARIS_XHDTYPE):
            if not 0 <= info.size <= _MOST_EXTENDED:
                raise CheckpointRefusedError(
                    "archive-header",
                    f"a header of the archive has {info.size:,} bytes",
                    "make the archive again with plain names",
                )
            text = _padded(stream, info.size)
            if kind == tarfile.GNUTYPE_LONGNAME:
                named["path"] = text.rstrip(b"\0").decode("utf-8")
            elif kind != tarfile.XGLTYPE:
                named.update(_extended(text))
            continue
        if any(key.startswith("GNU.sparse") for key in named) or kind == tarfile.GNUTYPE_SPARSE:
            raise CheckpointRefusedError(
                "archive-sparse", "the archive holds a sparse file", "make the archive without --sparse"
            )
        name = named.get("path", info.name)
        size = _size(named.get("size"), info.size)
        named = {}
        if kind in (tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.GNUTYPE_LONGLINK):
            raise _link(name)
        if kind == tarfile.DIRTYPE:
            yield Entry(name, None)
            continue
        if kind not in (tarfile.REGTYPE, tarfile.AREGTYPE):
            raise _device(name)
        content = _Part(stream, size)
        yield Entry(name, content)
        while content.read():
            pass
        _Part(stream, -size % tarfile.BLOCKSIZE).whole()


def _padded(stream: Readable, size: int) -> bytes:
    content = _Part(stream, size).whole()
    _Part(stream, -size % tarfile.BLOCKSIZE).whole()
    return content


def _extended(text: bytes) -> dict[str, str]:
    """The records "length key=value" of an extended header. Raises HeaderError for what is none."""
    found: dict[str, str] = {}
    while text.strip(b"\0"):
        length_text, _, _ = text.partition(b" ")
        length = int(length_text) if length_text.isdigit() and len(length_text) < 9 else 0
        record = text[len(length_text) + 1 : length]
        key, equals, value = record.partition(b"=")
        if not equals or not value.endswith(b"\n") or length > len(text):
            raise tarfile.HeaderError("an extended header is damaged")
        if key in (b"path", b"size") or key.startswith(b"GNU.sparse"):
            found[key.decode("ascii", "replace")] = value[:-1].decode("utf-8")
        text = text[length:]
    return found


def _size(extended: str | None, plain: int) -> int:
    size = plain if extended is None else int(extended) if extended.isdigit() and len(extended) < 19 else -1
    if size < 0:
        raise tarfile.HeaderError("a file's size is no number")
    return size


def _too_many() -> CheckpointRefusedError:
    return CheckpointRefusedError(
        "too-many-entries",
        f"the archive has more than {MOST_FILES} entries",
        "archive configuration, tokenizer and weights alone; save with a larger max_shard_size",
    )


def _link(name: str) -> CheckpointRefusedError:
    return CheckpointRefusedError(
        "link", f"{name[:80]!r} is a link", "archive the file itself (tar --dereference, zip without -y)"
    )


def _device(name: str) -> CheckpointRefusedError:
    return CheckpointRefusedError(
        "not-a-file", f"{name[:80]!r} is no regular file", "archive regular files alone"
    )
