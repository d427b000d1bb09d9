"""Every hostile or malformed upload is refused with its code before anything of it is loaded, and leaves nothing."""

import bz2
import gzip
import io
import json
import os
import signal
import stat
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from typing import Any

import pytest

from clika.checkpoints.budget import Allowance
from clika.checkpoints.folder_rules import Kind
from clika.checkpoints.quarantine import CHECKPOINTS, QUARANTINE, quarantined, sweep, unpacked
from clika.errors import CheckpointRefusedError
from tests.checkpoints.uploads import (
    ADAPTER,
    CONFIG,
    Given,
    adapter,
    as_archive,
    as_files,
    config,
    entry,
    files,
    indexed,
    tarred,
    tensor_file,
    zipped,
    zst,
)

Build = Callable[[Path], Given]
SOUND = files()
ROOT = Path(__file__).resolve().parents[2]


def loose(contents: Mapping[str, bytes] | list[tuple[str, bytes]]) -> Build:
    return lambda folder: as_files(folder, contents)


def packed(name: str, content: bytes) -> Build:
    return lambda folder: as_archive(folder, name, content)


def both(code: str, what: str, contents: Mapping[str, bytes] | list[tuple[str, bytes]]) -> list[Any]:
    """The same contents as a zip, as a tar and packed by zstandard."""
    return [
        pytest.param(code, packed("m.zip", zipped(contents)), id=f"zip-{what}"),
        pytest.param(code, packed("m.tar", tarred(contents)), id=f"tar-{what}"),
        pytest.param(code, packed("m.tar.zst", zst(tarred(contents))), id=f"zst-{what}"),
    ]


def one(code: str, what: str, build: Build) -> list[Any]:
    return [pytest.param(code, build, id=what)]


def weights(code: str, what: str, **made: Any) -> list[Any]:
    """A model whose weights file is wrong."""
    return one(code, f"header-{what}", loose(files(model__safetensors=tensor_file(**made))))


def kind(value: bytes) -> Callable[[tarfile.TarInfo], None]:
    """Makes an entry of a tar something else than a file."""

    def change(info: tarfile.TarInfo) -> None:
        info.type, info.linkname, info.size = value, "/etc/passwd", 0

    return change


def mode(value: int) -> Callable[[zipfile.ZipInfo], None]:
    """Makes an entry of a zip something else than a file."""

    def change(info: zipfile.ZipInfo) -> None:
        info.create_system, info.external_attr = 3, value << 16

    return change


def encrypted() -> bytes:
    content = bytearray(zipped(SOUND))
    for signature, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        start = content.find(signature)
        while start >= 0:
            content[start + place] |= 1
            start = content.find(signature, start + 4)
    return bytes(content)


def lying_zip(size: int) -> bytes:
    """The first entry states another size than it has, in both places."""
    content = bytearray(zipped({"README.md": b"x" * 400}, zipfile.ZIP_DEFLATED))
    content[22:26] = struct.pack("<I", size)
    start = content.find(b"PK\x01\x02")
    content[start + 24 : start + 28] = struct.pack("<I", size)
    return bytes(content)


def counted_zip(count: int, directory: int | None = None) -> bytes:
    """A zip whose end states this many entries."""
    content = bytearray(zipped(SOUND))
    end = content.rfind(b"PK\x05\x06")
    content[end + 8 : end + 12] = struct.pack("<HH", count, count)
    if directory is not None:
        content[end + 12 : end + 16] = struct.pack("<I", directory)
    return bytes(content)


def pax(records: Mapping[str, str]) -> bytes:
    """A tar whose first file has an extended header."""

    def change(info: tarfile.TarInfo) -> None:
        info.pax_headers = dict(records)

    return tarred({"config.json": b"{}"}, change, tarfile.PAX_FORMAT)


def long_header(size: int) -> bytes:
    """A tar that begins with an extended header of this size."""
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.XHDTYPE, size
    return info.tobuf(tarfile.USTAR_FORMAT) + b"\0" * 1024


def deep(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"x": value}
    return value


ZEROS = b"\0" * (1 << 20)
HUNDREDS = [
    (f"a{number}.safetensors", Random(number).randbytes(600)) for number in range(201)
]  # nothing shrinks
SHARD = tensor_file()

HOSTILE = [
    *both("name-absolute", "absolute", {"/tmp/config.json": b"{}"}),
    *both("name-absolute", "home", {"~/config.json": b"{}"}),
    *both("name-absolute", "drive", {"C:config.json": b"{}"}),
    *both("name-climbs", "climbs", {"../config.json": b"{}"}),
    *both("name-climbs", "climbs-within", {"m/../../config.json": b"{}"}),
    *both("name-backslash", "backslash", {"..\\config.json": b"{}"}),
    *both("name-control", "line-break", {"config\n.json": b"{}"}),
    *both("name-control", "writing-direction", {"config\u202e.json": b"{}"}),
    *both("nested", "nested", {"a/b/config.json": b"{}"}),
    *both("nested", "two-folders", {"a/config.json": b"{}", "b/tokenizer.json": b"{}"}),
    *both("nested", "half-in-a-folder", {"config.json": b"{}", "a/tokenizer.json": b"{}"}),
    *both("name-twice", "case", {"README.md": b"", "readme.md": b""}),
    *both("name-twice", "kelvin", {"tokenizer.json": b"{}", "to\u212aenizer.json": b"{}"}),
    *both("pickled-weights", "bin", {"pytorch_model.bin": b""}),
    *both("pickled-weights", "pt", {"model.pt": b""}),
    *both("pickled-weights", "pkl", {"model.pkl": b""}),
    *both("pickled-weights", "ckpt", {"model.CKPT": b""}),
    *both("pickled-weights", "h5", {"tf_model.h5": b""}),
    *both("code", "python", {"modeling_mine.py": b""}),
    *both("code", "library", {"kernel.so": b""}),
    *both("archive-nested", "archive", {"inner.zip": b""}),
    *both("file-not-allowed", "hidden", {".ssh": b""}),
    *both("file-not-allowed", "authorized-keys", {"authorized_keys": b""}),
    *both("too-many-entries", "201-entries", HUNDREDS),
    *both("name-length", "long", {"a" * 600 + ".json": b""}),
    *one("name-twice", "zip-same-name", packed("m.zip", zipped([("config.json", b"{}"), ("config.json", b"{}")]))),
    *one("name-twice", "tar-same-name", packed("m.tar", tarred([("config.json", b"{}"), ("config.json", b"{}")]))),
    *one("link", "tar-link", packed("m.tar", tarred({"config.json": b""}, kind(tarfile.SYMTYPE)))),
    *one("link", "tar-hard-link", packed("m.tar", tarred({"config.json": b""}, kind(tarfile.LNKTYPE)))),
    *one("not-a-file", "tar-pipe", packed("m.tar", tarred({"config.json": b""}, kind(tarfile.FIFOTYPE)))),
    *one("not-a-file", "tar-device", packed("m.tar", tarred({"config.json": b""}, kind(tarfile.CHRTYPE)))),
    *one("not-a-file", "tar-block-device", packed("m.tar", tarred({"config.json": b""}, kind(tarfile.BLKTYPE)))),
    *one("archive-sparse", "tar-sparse", packed("m.tar", tarred({"config.json": b""}, kind(tarfile.GNUTYPE_SPARSE)))),
    *one("archive-sparse", "pax-sparse", packed("m.tar", pax({"GNU.sparse.major": "1", "GNU.sparse.name": "/x"}))),
    *one("name-climbs", "pax-path", packed("m.tar", pax({"path": "../../config.json"}))),
    *one("archive-damaged", "pax-size", packed("m.tar", pax({"size": "-5"}))),
    *one("name-climbs", "long-name", packed("m.tar", tarred({"../" * 40 + "config.json": b""}))),
    *one("archive-header", "long-header", packed("m.tar", long_header(1 << 30))),
    *one("link", "zip-link", packed("m.zip", zipped({"config.json": b"/etc/passwd"}, change=mode(stat.S_IFLNK | 0o777)))),
    *one("not-a-file", "zip-pipe", packed("m.zip", zipped({"config.json": b""}, change=mode(stat.S_IFIFO | 0o644)))),
    *one("not-a-file", "zip-device", packed("m.zip", zipped({"config.json": b""}, change=mode(stat.S_IFCHR | 0o644)))),
    *one("archive-encrypted", "zip-encrypted", packed("m.zip", encrypted())),
    *one("archive-method", "zip-lzma", packed("m.zip", zipped(SOUND, zipfile.ZIP_LZMA))),
    *one("archive-method", "zip-bzip2", packed("m.zip", zipped(SOUND, zipfile.ZIP_BZIP2))),
    *one("ratio", "zip-bomb", packed("m.zip", zipped({"model.safetensors": ZEROS}, zipfile.ZIP_DEFLATED))),
    *one("ratio", "gzip-bomb", packed("m.tar.gz", gzip.compress(tarred({"model.safetensors": ZEROS})))),
    *one("ratio", "zst-bomb", packed("m.tar.zst", zst(tarred({"model.safetensors": ZEROS})))),
    *one("ratio", "bomb-behind-the-files", packed("m.tar.gz", gzip.compress(tarred({**SOUND, "a.safetensors": ZEROS})))),
    *one("archive-damaged", "zip-states-less", packed("m.zip", lying_zip(10))),
    *one("archive-damaged", "zip-cut", packed("m.zip", zipped(SOUND)[:-30])),
    *one("too-many-entries", "zip-states-many", packed("m.zip", counted_zip(65_000))),
    *one("archive-directory", "zip-large-directory", packed("m.zip", counted_zip(3, 1 << 30))),
    *one("archive-damaged", "tar-cut", packed("m.tar", tarred(SOUND)[:700])),
    *one("archive-damaged", "gzip-cut", packed("m.tar.gz", gzip.compress(tarred(SOUND))[:-60])),
    *one("archive-damaged", "zst-cut", packed("m.tar.zst", zst(tarred(SOUND))[:-30])),
    *one("archive-damaged", "gzip-of-text", packed("m.tar.gz", gzip.compress(b"hello" * 300))),
    *one("archive-empty", "zip-empty", packed("m.zip", zipped({}))),
    *one("archive-damaged", "tar-empty", packed("m.tar", tarred({}))),
    *one("archive-unknown", "text-named-zip", packed("m.zip", b"hello" * 300)),
    *one("archive-unknown", "bzip2-named-gz", packed("m.tar.gz", bz2.compress(tarred(SOUND)))),
    *one("empty", "nothing", loose({})),
    *one("nested", "files-in-folders", loose({"a/b/config.json": b"{}"})),
    *one("name-climbs", "file-climbs", loose({"../../config.json": b"{}"})),
    *one("name-twice", "file-twice", loose([*SOUND.items(), ("config.json", b"{}")])),
    *one("archive-nested", "archive-among-files", loose({**SOUND, "more.zip": b""})),
    *one("no-config", "no-config", loose(files(config__json=None))),
    *one("no-tokenizer", "no-tokenizer", loose(files(tokenizer__json=None))),
    *one("no-weights", "no-weights", loose(files(model__safetensors=None))),
    *one("two-kinds", "model-and-adapter", loose({**SOUND, **adapter()})),
    *weights("header-length", "zero", length=0),
    *weights("header-length", "beyond", length=1 << 40),
    *weights("header-json", "no-brace", entries=b"[1, 2, 3]"),
    *weights("header-json", "blank-first", entries=b" {}"),
    *weights("json-damaged", "no-json", entries=b"{'w': 1}"),
    *weights("json-damaged", "not-a-number", entries=b'{"w": NaN}'),
    *weights("json-damaged", "key-twice", entries=b'{"w": 1, "w": 2}'),
    *weights("json-damaged", "deep", entries=b'{"w": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    *weights("header-empty", "empty", entries={}, values=b""),
    *weights("header-metadata", "metadata", entries={"__metadata__": {"a": 1}, "w": entry()}),
    *weights("header-entry", "no-entry", entries={"w": []}),
    *weights("header-entry", "more-keys", entries={"w": entry(code="x")}),
    *weights("header-dtype", "dtype", entries={"w": entry(dtype="O")}),
    *weights("header-shape", "negative", entries={"w": entry(shape=[-4])}),
    *weights("header-shape", "fraction", entries={"w": entry(shape=[4.0])}),
    *weights("header-shape", "truth", entries={"w": entry(shape=[True, 4])}),
    *weights("header-shape", "many-sides", entries={"w": entry(shape=[1] * 9)}),
    *weights("header-bytes", "overflow", entries={"w": entry(shape=[1 << 32, 1 << 32])}),
    *weights("header-offsets", "one-offset", entries={"w": entry(offsets=[0])}),
    *weights("header-bytes", "backwards", entries={"w": entry(offsets=[16, 0])}),
    *weights("header-bytes", "too-few", entries={"w": entry(shape=[2])}),
    *weights("header-gaps", "gap", entries={"w": entry(offsets=[16, 32])}, values=b"\0" * 32),
    *weights("header-gaps", "overlap", entries={"a": entry(), "b": entry()}),
    *weights("header-size", "more-behind", values=b"\0" * 99),
    *weights("header-size", "cut", values=b"\0" * 9),
    *one("header-length", "empty-weights", loose(files(model__safetensors=b""))),
    *one("index-climbs", "index-climbs", loose(indexed({"w": "../model.safetensors"}))),
    *one("index-climbs", "index-absolute", loose(indexed({"w": "/etc/model.safetensors"}))),
    *one("index-climbs", "index-pickled", loose(indexed({"w": "model.bin"}))),
    *one("index-missing", "index-missing", loose(indexed({"w": "a.safetensors"}))),
    *one("index-wrong", "index-wrong", loose(indexed({"v": "a.safetensors"}, a=SHARD))),
    *one("index-twice", "index-twice", loose(indexed({"w": "a.safetensors", "v": "b.safetensors"}, a=SHARD, b=SHARD))),
    *one("index-damaged", "index-empty", loose(indexed({}))),
    *one("index-damaged", "index-numbers", loose(indexed({"w": 1}))),
    *one("json-damaged", "config-damaged", loose(files(config__json=b"{"))),
    *one("json-damaged", "config-list", loose(files(config__json=b"[]"))),
    *one("json-damaged", "config-encoding", loose(files(config__json=b"\xff\xfe{}"))),
    *one("json-large", "config-large", loose(files(config__json=b" " * (5 << 20)))),
    *one("config-type", "config-no-type", loose(config(model_type=...))),
    *one("config-type", "config-unknown-type", loose(config(model_type="mine"))),
    *one("config-type", "config-encoder", loose(config(model_type="t5"))),
    *one("config-code", "config-code", loose(config(model_type="mine", auto_map={"AutoModel": "evil--modeling.Mine"}))),
    *[
        one("config-quantised", f"config-{method}", loose(config(quantization_config={"quant_method": method})))[0]
        for method in ("bitsandbytes", "gptq", "awq", "mxfp4", "quark", "torchao")
    ],
    *one("config-kernel", "config-attention", loose(config(attn_implementation="evil/kernel"))),
    *one("config-kernel", "config-attention-within", loose(config(text_config={"_attn_implementation": "a/b:x"}))),
    *one("config-size", "config-vocabulary", loose(config(vocab_size=10**10))),
    *one("config-size", "config-layers", loose(config(num_hidden_layers=10**5))),
    *one("config-size", "config-width", loose(config(hidden_size=10**7))),
    *one("config-size", "config-negative", loose(config(num_attention_heads=-8))),
    *one("config-size", "config-text-size", loose(config(vocab_size="300"))),
    *one("config-size", "config-context", loose(config(max_position_embeddings=10**12))),
    *one("config-size", "config-size-within", loose(config(text_config={"intermediate_size": 10**9}))),
    *one("config-size", "config-any-number", loose(config(anything=10**15))),
    *one("config-large", "config-deep", loose(config(anything=deep(12)))),
    *one("config-large", "config-items", loose(config(layer_types=["x"] * 30_000))),
    *one("adapter-pattern", "adapter-pattern", loose(adapter(target_modules="(a+)+$"))),
    *one("adapter-pattern", "adapter-pattern-in-list", loose(adapter(target_modules=["(a+)+$"]))),
    *one("adapter-pattern", "adapter-all-linear", loose(adapter(target_modules="all-linear"))),
    *one("adapter-pattern", "adapter-saved-pattern", loose(adapter(modules_to_save=["(a+)+$"]))),
    *[
        one("adapter-setting", f"adapter-{name}", loose(adapter(**{name: value})))[0]
        for name, value in {
            "exclude_modules": "(a+)+$",
            "layers_pattern": "(a+)+$",
            "rank_pattern": {"(a+)+$": 4},
            "alpha_pattern": {"(a+)+$": 4},
            "target_parameters": ["x"],
            "megatron_core": "os.path",
            "layer_replication": [[0, 10**9]],
        }.items()
    ],
    *one("adapter-type", "adapter-type", loose(adapter(peft_type="XLORA"))),
    *one("adapter-rank", "adapter-rank", loose(adapter(r=10**9))),
    *one("no-weights", "adapter-without-weights", loose({"adapter_config.json": json.dumps(ADAPTER).encode()})),
]  # fmt: skip


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def left_in_quarantine(store: Path) -> list[str]:
    return [path.name for path in (store / CHECKPOINTS / QUARANTINE).iterdir() if path.is_dir()]


@pytest.mark.parametrize(("code", "build"), HOSTILE)
def test_a_hostile_upload_is_refused_and_leaves_nothing(tmp_path: Path, code: str, build: Build) -> None:
    given, store = tmp_path / "given", tmp_path / "store"
    given.mkdir()
    files_given = build(given)
    before = tree(tmp_path)
    with pytest.raises(CheckpointRefusedError) as refused, quarantined(store) as folder:
        unpacked(store, folder, files_given)
    assert refused.value.code == code, refused.value
    assert refused.value.cause
    assert refused.value.remedy
    assert left_in_quarantine(store) == []
    assert {path for path in tree(tmp_path) - before if not path.startswith("store")} == set()


def test_there_are_at_least_eighty_and_each_has_a_name_of_its_own() -> None:
    names = [case.id for case in HOSTILE]
    assert len(set(names)) == len(names) >= 80


@pytest.mark.parametrize(
    ("allowance", "code"),
    [
        (Allowance(quota=100), "over-quota"),
        (Allowance(upload=100), "too-large"),
        (Allowance(free=1 << 60), "disk-full"),
    ],
)
@pytest.mark.parametrize("archive", [True, False])
def test_an_upload_without_room_is_refused(
    tmp_path: Path, allowance: Allowance, code: str, archive: bool
) -> None:
    given = as_archive(tmp_path, "m.zip", zipped(SOUND)) if archive else as_files(tmp_path, SOUND)
    with pytest.raises(CheckpointRefusedError) as refused, quarantined(tmp_path) as folder:
        unpacked(tmp_path, folder, given, allowance)
    assert refused.value.code == code
    assert left_in_quarantine(tmp_path) == []


def in_a_folder(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    return {f"mine/{name}": content for name, content in contents.items()}


@pytest.mark.parametrize(
    "build",
    [
        pytest.param(packed("m.zip", zipped(SOUND)), id="zip"),
        pytest.param(packed("m.zip", zipped(SOUND, zipfile.ZIP_DEFLATED)), id="deflated"),
        pytest.param(packed("m.zip", zipped(in_a_folder(SOUND))), id="zip-folder"),
        pytest.param(packed("M.TAR", tarred(SOUND)), id="tar"),
        pytest.param(packed("m.tar.gz", gzip.compress(tarred(in_a_folder(SOUND)))), id="gz"),
        pytest.param(packed("m.tgz", gzip.compress(tarred(SOUND, form=tarfile.PAX_FORMAT))), id="pax"),
        pytest.param(packed("m.tar.zst", zst(tarred(SOUND))), id="zst"),
        pytest.param(loose(SOUND), id="files"),
        pytest.param(loose(in_a_folder(SOUND)), id="files-folder"),
        pytest.param(loose(indexed({"w": "a.safetensors"}, a=SHARD)), id="shards"),
        pytest.param(loose(config(auto_map={"AutoModel": "evil--modeling.Mine"})), id="known-type-with-code"),
        pytest.param(loose(config(attn_implementation="flash_attention_2")), id="attention-by-a-plain-name"),
    ],
)
def test_a_sound_upload_is_taken_whole_and_for_its_owner_alone(tmp_path: Path, build: Build) -> None:
    with quarantined(tmp_path) as folder:
        found = unpacked(tmp_path, folder, build(tmp_path))
        assert found.kind is Kind.MODEL
        assert found.values == 4  # one weight of four values
        for path in (folder / "files").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE((folder / "files").stat().st_mode) == 0o700
    assert left_in_quarantine(tmp_path) == []


def test_a_folder_entry_around_all_files_is_left_out(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        folder_entry = tarfile.TarInfo("./mine")
        folder_entry.type = tarfile.DIRTYPE
        archive.addfile(folder_entry)
        for name, content in SOUND.items():
            info = tarfile.TarInfo(f"./mine/{name}")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    with quarantined(tmp_path) as folder:
        found = unpacked(tmp_path, folder, as_archive(tmp_path, "m.tar", stream.getvalue()))
    assert found.files == tuple(sorted(SOUND))


def test_what_a_killed_upload_leaves_is_swept_away_and_a_living_one_is_not(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from clika.checkpoints.quarantine import quarantined\n"
        "with quarantined(Path(sys.argv[1])) as folder:\n"
        "    (folder / 'big').write_bytes(b'x'); print(folder, flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    folder = Path(process.stdout.readline().strip())
    sweep(tmp_path)
    assert folder.is_dir()
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    assert folder.is_dir()
    sweep(tmp_path)
    assert not folder.exists()


def test_the_model_types_are_those_of_the_installed_transformers() -> None:
    from clika.checkpoints.model_types import causal_model_types

    assert {CONFIG["model_type"], "gpt2", "qwen3", "gemma2"} <= causal_model_types()
    assert not {"t5", "bart-for-nothing", "clip"} & causal_model_types()
