"""Which files make a checkpoint, by their names alone: a short list of plain names, and nothing beside it."""

import re
import unicodedata
from collections.abc import Iterable

from clika.errors import CheckpointRefusedError

MOST_FILES = 200
_LONGEST_NAME = 120

_ALLOWED = re.compile(
    r"""(generation_|adapter_|tokenizer_|preprocessor_)?config\.json
    |tokenizer\.json|special_tokens_map\.json|added_tokens\.json|vocab\.(json|txt)|merges\.txt|tekken\.json
    |chat_template\.(jinja|json)|[A-Za-z0-9][A-Za-z0-9_.-]*\.tiktoken
    |(tokenizer|spiece|sentencepiece|sentencepiece\.bpe)\.model
    |[A-Za-z0-9][A-Za-z0-9_.-]*\.safetensors(\.index\.json)?
    |clika\.json|trainer_state\.json|train_results\.json|all_results\.json|eval_results\.json
    |(README|LICENSE|LICENCE|NOTICE|USE_POLICY|Notice)(\.md|\.txt)?""",
    re.VERBOSE,
)
_PICKLED = re.compile(
    r".*\.(bin|pt|pth|pkl|pickle|ckpt|h5|hdf5|msgpack|npz|npy|joblib|model\.pth)", re.IGNORECASE
)
_CODE = re.compile(r".*\.(py|pyc|pyi|so|dll|dylib|sh|exe|js|ipynb|pyd|bat|cmd|ps1)", re.IGNORECASE)
_ARCHIVE = re.compile(r".*\.(zip|tar|gz|tgz|zst|bz2|xz|7z|rar|whl|jar)", re.IGNORECASE)
CONVERT = "make safetensors of it where it comes from with 'python -m clika convert DIR', and give that"
READ = re.compile(
    r"config\.json|adapter_config\.json|.*\.safetensors(\.index\.json)?|tokenizer.*|special_tokens_map\.json"
    r"|added_tokens\.json|vocab\..*|merges\.txt|.*\.model|.*\.tiktoken|.*\.jinja|chat_template\.json|tekken\.json"
    r"|generation_config\.json"
)
"""What transformers may read of a folder: only these count in one that was not uploaded."""


def allowed(name: str) -> bool:
    """Whether a checkpoint may hold a file of this plain name."""
    return len(name) <= _LONGEST_NAME and _ALLOWED.fullmatch(name) is not None


def is_pickled(name: str) -> bool:
    """Whether a name is that of a format that runs code or hides what it holds."""
    return _PICKLED.fullmatch(name) is not None


def plain_parts(name: str) -> tuple[str, ...]:
    """The parts of an entry's path as an archive writes it, those for this same folder left out.

    Raises CheckpointRefusedError for a path that is absolute, climbs, or is not plain text.
    """
    shown = repr(name[:80])
    if not name or len(name) > 4 * _LONGEST_NAME:
        raise CheckpointRefusedError(
            "name-length",
            f"an entry's name has {len(name)} characters",
            "give plain file names of at most 120",
        )
    if any(unicodedata.category(character)[0] == "C" for character in name):
        raise CheckpointRefusedError(
            "name-control",
            f"the name {shown} holds control or invisible characters",
            "give plain file names",
        )
    if "\\" in name:
        raise CheckpointRefusedError(
            "name-backslash",
            f"the name {shown} holds a backslash, which is a folder on some systems",
            "make the archive again with plain file names",
        )
    if name.startswith(("/", "~")) or re.match(r"[A-Za-z]:", name):
        raise CheckpointRefusedError(
            "name-absolute",
            f"the name {shown} is an absolute path",
            "make the archive from within the folder",
        )
    parts = tuple(part for part in name.rstrip("/").split("/") if part != ".")
    if ".." in parts:
        raise CheckpointRefusedError(
            "name-climbs",
            f"the name {shown} climbs out of its folder",
            "make the archive from within the folder",
        )
    if "" in parts:
        raise CheckpointRefusedError(
            "name-empty-part",
            f"the path {shown} has an empty part",
            "make the archive again with plain names",
        )
    return parts


class FileSet:
    """The files of one checkpoint as they arrive; one common folder around all of them is left out.

    ``take`` raises CheckpointRefusedError for whatever cannot be among them.
    """

    def __init__(self) -> None:
        self._folder: str | None = None
        self._folders: set[str] = set()
        self._flat = False
        self._taken: dict[str, str] = {}
        self._entries = 0

    def take_folder(self, name: str) -> None:
        """A folder's own entry: the one around all files, or none."""
        self._count()
        parts = plain_parts(name)
        if len(parts) > 1:
            raise _nested(name)
        self._folders.update(parts)
        if len(self._folders) > 1:
            raise _nested(name)

    def take(self, name: str) -> str:
        """The plain name that a file gets."""
        self._count()
        parts = plain_parts(name)
        if not parts or len(parts) > 2:
            raise _nested(name)
        folder = parts[0] if len(parts) == 2 else None
        if self._taken and folder != self._folder:
            raise _nested(name)
        if folder is not None:
            self._folders.add(folder)
            if len(self._folders) > 1:
                raise _nested(name)
        self._folder = folder
        plain = parts[-1]
        key = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", plain).casefold())
        if key in self._taken:
            raise CheckpointRefusedError(
                "name-twice",
                f"{plain!r} and {self._taken[key]!r} are one name on many systems",
                "give every file once",
            )
        self._taken[key] = plain
        refuse_unless_allowed(plain)
        return plain

    def _count(self) -> None:
        self._entries += 1
        if self._entries > MOST_FILES:
            raise CheckpointRefusedError(
                "too-many-entries",
                f"there are more than {MOST_FILES} entries",
                "give configuration, tokenizer and weights alone; save with a larger max_shard_size",
            )


def refuse_unless_allowed(name: str) -> None:
    """Raises CheckpointRefusedError for a plain name that is not on the list, with the reason that fits it."""
    if allowed(name):
        return
    if is_pickled(name):
        raise CheckpointRefusedError(
            "pickled-weights", f"{name!r} is a format that can run code when it is read", CONVERT
        )
    if _CODE.fullmatch(name):
        raise CheckpointRefusedError(
            "code",
            f"{name!r} is a program; none is ever run",
            "leave it out, or give a model that needs none",
        )
    if _ARCHIVE.fullmatch(name):
        raise CheckpointRefusedError(
            "archive-nested", f"{name!r} is an archive within", "give its content as one archive"
        )
    raise CheckpointRefusedError(
        "file-not-allowed",
        f"{name[:80]!r} is no file of a checkpoint that is read",
        "give config.json, tokenizer files, *.safetensors with their index, README and licence alone",
    )


def _nested(name: str) -> CheckpointRefusedError:
    return CheckpointRefusedError(
        "nested",
        f"{name[:80]!r} does not lie beside the other files",
        "put all files directly into one folder and archive that",
    )


def read_names(names: Iterable[str]) -> list[str]:
    """Of a folder's names those that would be read, sorted."""
    return sorted(name for name in names if READ.fullmatch(name))
