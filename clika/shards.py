"""Sealed shards: immutable Parquet files and the manifest that vouches for them.

This is where the truth lies on disk; the database is an index made from it. A shard is written to a
temporary name, flushed, renamed, and its folder flushed; only then a manifest line is added. A file
that no line names, or whose bytes are not those the line records, does not count: its questions are
answered again, and a line, the new shard's or one of its own, says which one is superseded. Every line carries
a check of its own: a flipped bit in a manifest is found like one in a shard.

    <folder>/run.json                 whose predictions these are (absent for questions)
    <folder>/run.copy.json            the same again: without it sound shards would belong to nobody
    <folder>/manifest-<writer>.jsonl  one line a sealed shard; each writer has a manifest of its own
    <folder>/shards/<writer>-000001.parquet
    <folder>/quarantine/              what does not match its line, kept for a look
"""

import errno
import hashlib
import json
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from enum import StrEnum
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clika.errors import ShardError, StoreError, StoreFullError
from clika.failpoints import Failpoint, reached
from clika.json_text import parsed_json
from clika.records import Kind, ModelRef, Outcome, Prediction, Question, Run, ScoringRule

VERSION = 1
LINE_VERSION = 2
"""Of manifest lines and run records that carry a check; those of version 1 have none and are read too."""

SCORED_RULES = tuple(rule for rule in ScoringRule if rule is not ScoringRule.FIRST_CHARACTER)

PREDICTION_SCHEMA = pa.schema(
    [
        pa.field("dataset", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("language", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("outcome", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("chosen_index", pa.int8()),
        *(pa.field(str(rule), pa.list_(pa.float32())) for rule in SCORED_RULES),
        pa.field("letter_mass", pa.float32()),
        pa.field("raw_text", pa.string()),
    ]
)

QUESTION_SCHEMA = pa.schema(
    [
        pa.field("collection", pa.string(), nullable=False),
        pa.field("dataset", pa.string(), nullable=False),
        pa.field("question_id", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        pa.field("premise", pa.string()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("choices", pa.list_(pa.string()), nullable=False),
        pa.field("answer_index", pa.int8(), nullable=False),
        pa.field("origin", pa.string()),
        pa.field("source_prompt", pa.string()),
    ]
)


class ShardKind(StrEnum):
    """What the rows of a shard are."""

    QUESTIONS = "questions"
    PREDICTIONS = "predictions"


_SCHEMAS = {ShardKind.QUESTIONS: QUESTION_SCHEMA, ShardKind.PREDICTIONS: PREDICTION_SCHEMA}


@dataclass(frozen=True, slots=True)
class ShardEntry:
    """A manifest line: which file, its sha256, its rows, the span of its keys, the files it replaces.

    One without a file and rows only takes others back (``withdraw``).
    """

    version: int
    kind: str
    file: str
    sha256: str
    rows: int
    first_key: str
    last_key: str
    supersedes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """Something on disk that does not count, with the sentence that says why and what follows."""

    path: Path
    sentence: str
    entry: ShardEntry | None = None


_WRITER = re.compile(r"[a-z0-9][a-z0-9_]*")
_SHARD_FILE = re.compile(r"[a-z0-9][a-z0-9_]*-[0-9]{6}\.parquet")
_ENTRY_KEYS = {field.name for field in fields(ShardEntry)}
_CHECK = "check"
_RECORDS = ("run.json", "run.copy.json")


def flush_folder(folder: Path) -> None:
    """Make the names in a folder durable (a rename is not, until its folder is flushed)."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_durably(path: Path, content: bytes) -> None:
    """Put content at a path so that after a crash the path holds all of it or what it held before."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            reached(Failpoint.WRITE_OPENED)
            file.write(content)
            file.flush()
            reached(Failpoint.WRITE_WRITTEN)
            os.fsync(file.fileno())
        reached(Failpoint.WRITE_FLUSHED)
        temporary.replace(path)
        reached(Failpoint.WRITE_RENAMED)
        flush_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise write_error(path, error) from error


def write_error(path: Path, error: OSError) -> StoreError:
    """What a refused write to ``path`` is called, for a person: no room is told apart from the rest."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(f"cannot write {path}: {error.strerror}; make room, what is sealed is kept")
    return StoreError(f"cannot write {path}: {error.strerror}; mend the rights or choose another store")


def shard_bytes(kind: ShardKind, table: pa.Table) -> bytes:
    """The Parquet bytes of a table: the same rows give the same bytes (with one pyarrow version)."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.cast(_SCHEMAS[kind]), sink, compression="zstd", write_page_checksum=True, store_schema=True
    )
    return bytes(sink.getvalue().to_pybytes())


def seal(
    folder: Path,
    writer: str,
    kind: ShardKind,
    table: pa.Table,
    supersedes: Sequence[str] = (),
    content: bytes | None = None,
) -> ShardEntry:
    """Write one shard and its manifest line, durably, in that order; returns the line.

    ``content`` may pass the bytes that ``shard_bytes`` gave for the same table. Raises StoreError when
    the disk refuses; then no line was written and the shard does not count.
    """
    if not _WRITER.fullmatch(writer):
        raise StoreError(f"writer {writer!r} cannot name a shard; use a-z, 0-9 and _")
    if table.num_rows == 0:
        raise StoreError("an empty shard would hold nothing; seal at least one row")
    data = shard_bytes(kind, table) if content is None else content
    shards = folder / "shards"
    name = f"{writer}-{_numbers_taken(folder, writer) + 1:06d}.parquet"
    keys = _keys(table)
    entry = ShardEntry(
        version=LINE_VERSION,
        kind=str(kind),
        file=name,
        sha256=hashlib.sha256(data).hexdigest(),
        rows=table.num_rows,
        first_key=keys[0],
        last_key=keys[1],
        supersedes=tuple(supersedes),
    )
    write_durably(shards / name, data)
    reached(Failpoint.SEAL_SHARD_WRITTEN)
    manifest = folder / f"manifest-{writer}.jsonl"
    try:
        _append_line(manifest, asdict(entry))
    except OSError as error:
        raise write_error(manifest, error) from error
    reached(Failpoint.SEAL_DONE)
    return entry


def withdraw(folder: Path, writer: str, files: Sequence[str]) -> None:
    """Take damaged shards back for good: nothing vouches for them any more, whoever answers their questions.

    Raises StoreError when the disk refuses.
    """
    entry = ShardEntry(LINE_VERSION, str(ShardKind.PREDICTIONS), "", "", 0, "", "", tuple(files))
    manifest = folder / f"manifest-{writer}.jsonl"
    try:
        _append_line(manifest, asdict(entry))
    except OSError as error:
        raise write_error(manifest, error) from error


def _numbers_taken(folder: Path, writer: str) -> int:
    """The highest number that a writer has used: a name, once given, is never given to other bytes."""
    manifest = folder / f"manifest-{writer}.jsonl"
    written = manifest.read_text(errors="replace") if manifest.exists() else ""
    lying = " ".join(path.name for place in ("shards", "quarantine") for path in (folder / place).glob("*"))
    numbers = re.findall(rf"(?<![a-z0-9_]){writer}-([0-9]{{6}})\.parquet", f"{written} {lying}")
    return max((int(number) for number in numbers), default=0)


def _keys(table: pa.Table) -> tuple[str, str]:
    """The first and the last row's key, as text."""
    columns = [table.column(name) for name in ("dataset", "question_id", "language")]
    first = "/".join(str(column[0].as_py()) for column in columns)
    return first, "/".join(str(column[-1].as_py()) for column in columns)


def _append_line(manifest: Path, line: dict[str, object]) -> None:
    """Add one line durably; a torn last line (a crash in the middle) is closed off first."""
    new = not manifest.exists()
    with manifest.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        torn = False
        if end:
            file.seek(end - 1)
            torn = file.read(1) != b"\n"
        text = (json.dumps(_checked(line), ensure_ascii=False, sort_keys=True) + "\n").encode()
        file.write((b"\n" if torn else b"") + text[:20])
        file.flush()
        reached(Failpoint.SEAL_LINE_TORN)
        file.write(text[20:])
        file.flush()
        reached(Failpoint.SEAL_LINE_WRITTEN)
        os.fsync(file.fileno())
    if new:
        flush_folder(manifest.parent)


def manifest_entries(folder: Path) -> tuple[tuple[ShardEntry, ...], tuple[Fault, ...]]:
    """What the manifests of a folder vouch for, and the lines of them that cannot be read.

    Entries that a later one supersedes are left out.
    """
    entries: list[ShardEntry] = []
    faults: list[Fault] = []
    for manifest in sorted(folder.glob("manifest-*.jsonl")):
        try:
            content = manifest.read_bytes()
        except FileNotFoundError:  # the job was deleted this very moment
            continue
        except OSError as error:
            faults.append(Fault(manifest, f"{manifest}: cannot be read ({error.strerror}); mend the disk"))
            continue
        for number, line in enumerate(content.split(b"\n"), 1):
            if not line.strip():
                continue
            try:
                entries.append(_entry(line))
            except (ValueError, TypeError) as error:
                sentence = (
                    f"{manifest}, line {number}: not a manifest line ({error}); "
                    f"its shard does not count and its questions will be asked again"
                )
                faults.append(Fault(manifest, sentence))
    replaced = {file for entry in entries for file in entry.supersedes}
    return tuple(entry for entry in entries if entry.file and entry.file not in replaced), tuple(faults)


def _checked(values: dict[str, object]) -> dict[str, object]:
    """The same values with a check over them."""
    return {**values, _CHECK: _check_of(values)}


def _check_of(values: dict[str, object]) -> str:
    canonical = json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def _taken_check(values: dict[str, object]) -> None:
    """Take the check out of values of LINE_VERSION. Raises ValueError where they are not what was written."""
    if values.get("version") == LINE_VERSION and values.pop(_CHECK, None) != _check_of(values):
        raise ValueError("its check does not match its content")
    if values.get("version") not in (VERSION, LINE_VERSION):
        raise ValueError(f"version {values.get('version')!r}, this program writes {LINE_VERSION}")


def _entry(line: bytes) -> ShardEntry:
    values = parsed_json(line)
    if not isinstance(values, dict):
        raise ValueError("no object")
    _taken_check(values)
    if set(values) != _ENTRY_KEYS:
        raise ValueError("its keys are not those of a manifest line")
    values["supersedes"] = tuple(values["supersedes"])
    takes_back = values["file"] == "" and values["rows"] == 0 and values["supersedes"]
    if not takes_back and (not isinstance(values["file"], str) or not _SHARD_FILE.fullmatch(values["file"])):
        raise ValueError(f"{values['file']!r} does not name a shard")
    return ShardEntry(**values)


def sealed_table(folder: Path, entry: ShardEntry) -> pa.Table:
    """The rows of a sealed shard, after its bytes were compared with its manifest line.

    Raises ShardError when the file is missing, cannot be read, or is not what was sealed.
    """
    path = folder / "shards" / entry.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ShardError(
            f"{path}: cannot be read ({error.strerror}); run the same job again to redo it"
        ) from error
    if hashlib.sha256(data).hexdigest() != entry.sha256:
        raise ShardError(
            f"{path}: its bytes are not those that were sealed (sha256 differs); "
            f"run the same job again to redo its {entry.rows} rows"
        )
    table = pq.read_table(pa.BufferReader(data), schema=None)
    if table.num_rows != entry.rows or table.schema.names != _SCHEMAS[ShardKind(entry.kind)].names:
        raise ShardError(f"{path}: not the rows or columns that its manifest line records")
    return table


def sound_tables(folder: Path) -> tuple[list[tuple[ShardEntry, pa.Table]], list[Fault]]:
    """Every shard of a folder that is what its line says, and a fault for each that is not."""
    entries, damaged_lines = manifest_entries(folder)
    sound: list[tuple[ShardEntry, pa.Table]] = []
    faults = list(damaged_lines)
    for entry in entries:
        try:
            sound.append((entry, sealed_table(folder, entry)))
        except ShardError as error:
            faults.append(Fault(folder / "shards" / entry.file, str(error), entry))
    return sound, faults


def set_aside(folder: Path, faults: Iterable[Fault]) -> tuple[str, ...]:
    """Move damaged shards into quarantine; returns the names that the redone shards supersede."""
    superseded = []
    for fault in faults:
        if fault.entry is None:
            continue
        superseded.append(fault.entry.file)
        if fault.path.exists():
            quarantine = folder / "quarantine"
            quarantine.mkdir(exist_ok=True)
            fault.path.replace(quarantine / fault.path.name)
            reached(Failpoint.ASIDE_MOVED)
            flush_folder(quarantine)
    return tuple(superseded)


def writers(folder: Path) -> set[str]:
    """Everybody who has sealed in a folder, or died while at it."""
    manifests = {path.stem.removeprefix("manifest-") for path in folder.glob("manifest-*.jsonl")}
    return manifests | {path.name.rpartition("-")[0] for path in (folder / "shards").glob("*-*.parquet")}


def mend_manifest(folder: Path, writer: str) -> None:
    """Take out of a writer's manifest what is no line, and out of ``shards/`` what no line vouches for.

    Both are kept in quarantine; halves that were never renamed are removed. Only for who holds the writer's
    place: a live writer's newest shard has no line yet.
    """
    for half in (folder / "shards").glob(f".{writer}-*.tmp"):
        half.unlink(missing_ok=True)
    manifest = folder / f"manifest-{writer}.jsonl"
    try:
        lines = [line for line in manifest.read_bytes().split(b"\n") if line.strip()]
    except FileNotFoundError:
        lines = []
    sound, vouched = [], set()
    for line in lines:
        try:
            vouched.add(_entry(line).file)
        except (ValueError, TypeError):
            continue
        sound.append(line + b"\n")
    quarantine = folder / "quarantine"
    lying = [path for path in (folder / "shards").glob(f"{writer}-*.parquet") if path.name not in vouched]
    if lying or len(sound) < len(lines):
        quarantine.mkdir(exist_ok=True)
    if len(sound) < len(lines):
        kept = sum(1 for _ in quarantine.glob(f"{manifest.name}*"))
        write_durably(quarantine / f"{manifest.name}.{kept + 1}", manifest.read_bytes())
        write_durably(manifest, b"".join(sound))
    for path in lying:
        path.replace(quarantine / path.name)
    if lying:
        flush_folder(quarantine)


def prediction_table(predictions: Sequence[Prediction]) -> pa.Table:
    """Predictions of one run as rows of PREDICTION_SCHEMA, in the order given."""
    columns: dict[str, list[object]] = {
        "dataset": [p.dataset for p in predictions],
        "question_id": [p.question_id for p in predictions],
        "language": [p.language for p in predictions],
        "outcome": [str(p.outcome) for p in predictions],
        "chosen_index": [p.chosen_index for p in predictions],
        "letter_mass": [p.letter_mass for p in predictions],
        "raw_text": [p.raw_text for p in predictions],
    }
    for rule in SCORED_RULES:
        columns[str(rule)] = [p.scores.get(rule) for p in predictions]
    return pa.table(columns, schema=PREDICTION_SCHEMA)


def predictions_of(run: str, table: pa.Table) -> list[Prediction]:
    """The predictions that a table of PREDICTION_SCHEMA holds."""
    return [
        Prediction(
            run=run,
            dataset=row["dataset"],
            question_id=row["question_id"],
            language=row["language"],
            outcome=Outcome(row["outcome"]),
            chosen_index=row["chosen_index"],
            scores={rule: tuple(row[str(rule)]) for rule in SCORED_RULES if row[str(rule)] is not None},
            letter_mass=row["letter_mass"],
            raw_text=row["raw_text"],
        )
        for row in table.to_pylist()
    ]


def question_table(questions: Sequence[Question]) -> pa.Table:
    """Questions as rows of QUESTION_SCHEMA, in the order given."""
    rows = [{**asdict(question), "kind": str(question.kind)} for question in questions]
    return pa.Table.from_pylist(rows, schema=QUESTION_SCHEMA)


def questions_of(table: pa.Table) -> list[Question]:
    """The questions that a table of QUESTION_SCHEMA holds."""
    return [
        Question(**{**row, "kind": Kind(row["kind"]), "choices": tuple(row["choices"])})
        for row in table.to_pylist()
    ]


def write_run(folder: Path, run: Run) -> None:
    """Record whose predictions a folder holds, twice."""
    document = {"version": LINE_VERSION, **asdict(run), "rule": str(run.rule), "settings": dict(run.settings)}
    text = json.dumps(_checked(document), ensure_ascii=False, indent=2)
    for name in _RECORDS:
        write_durably(folder / name, text.encode())


def read_run(folder: Path) -> Run | None:
    """Whose predictions a folder holds; None where it holds none.

    Raises ShardError where both records cannot be read or have keys that this program does not know.
    """
    try:
        found = _recorded(folder / _RECORDS[0])
    except ShardError:
        found = _recorded(folder / _RECORDS[1])
        if found is None:
            raise
        return found
    return found or _recorded(folder / _RECORDS[1])


def is_recorded(folder: Path, run: Run) -> bool:
    """Whether both records of a folder say that it holds this run's predictions."""
    try:
        return all(_recorded(folder / name) == run for name in _RECORDS)
    except ShardError:
        return False


def _recorded(path: Path) -> Run | None:
    """What one record says; None where there is none."""
    try:
        values = parsed_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise ShardError(f"{path}: not a run record ({error}); run the same job again") from error
    try:
        if not isinstance(values, dict):
            raise ValueError("no object")
        _taken_check(values)
        del values["version"]
        model = ModelRef(**values.pop("model"))
        return Run(**{**values, "model": model, "rule": ScoringRule(values["rule"])})
    except (TypeError, KeyError, ValueError) as error:
        raise ShardError(f"{path}: not a run record ({error}); run the same job again") from error
