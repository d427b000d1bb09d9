"""Models whose files would run, read, call or never end: each is ended or kept harmless in the child."""
# ruff: noqa: E501  the hostile texts stand as they are

import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from clika.checkpoints.folder_rules import checked_folder
from clika.errors import CheckpointRefusedError
from tests.checkpoints.confined import Inspections
from tests.models import tiny_llama

REFUSED, HARMLESS = "refused", "harmless"
Spoil = Callable[[Path, str, int], None]


def changed(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    values = json.loads(path.read_text("utf-8")) if path.exists() else {}
    change(values)
    path.write_text(json.dumps(values), "utf-8")


def template(text: str) -> Spoil:
    """A chat template; {canary} and {port} are filled in."""

    def spoil(folder: Path, canary: str, port: int) -> None:
        (folder / "chat_template.jinja").write_text(
            text.replace("{canary}", canary).replace("{port}", str(port)), "utf-8"
        )

    return spoil


def settings(file: str, **values: Any) -> Spoil:
    """Values in one of the JSON files."""

    def spoil(folder: Path, canary: str, port: int) -> None:
        filled = json.loads(json.dumps(values).replace("{canary}", canary).replace("{port}", str(port)))
        changed(folder / file, lambda held: held.update(filled))

    return spoil


def tokenizer(change: Callable[[dict[str, Any]], object]) -> Spoil:
    """A change of tokenizer.json."""
    return lambda folder, canary, port: changed(folder / "tokenizer.json", change)


def code(name: str, *auto_maps: tuple[str, dict[str, str]]) -> Spoil:
    """A program beside the weights, and files that lead to it."""

    def spoil(folder: Path, canary: str, port: int) -> None:
        (folder / f"{name}.py").write_text(
            f"open({canary!r}, 'w').write('x')\nimport socket\nsocket.create_connection(('127.0.0.1', {port}))\n"
            "class Mine: pass\n"
        )
        for file, auto_map in auto_maps:
            changed(folder / file, lambda held, found=auto_map: held.update(auto_map=found))  # type: ignore[misc]

    return spoil


def written(file: str, content: bytes) -> Spoil:
    def spoil(folder: Path, canary: str, port: int) -> None:
        (folder / file).write_bytes(content)

    return spoil


def together(*spoils: Spoil) -> Spoil:
    def spoil(folder: Path, canary: str, port: int) -> None:
        for one in spoils:
            one(folder, canary, port)

    return spoil


def bombs(held: dict[str, Any]) -> None:
    """Each step makes every character ten: 10^12 of one."""
    step = {"type": "Replace", "pattern": {"Regex": "."}, "content": "aaaaaaaaaa"}
    held["normalizer"] = {"type": "Sequence", "normalizers": [step] * 12}


def catastrophe(held: dict[str, Any]) -> None:
    pattern = {
        "type": "Split",
        "pattern": {"Regex": "((\\w|\\s)+)+$¢"},
        "behavior": "Isolated",
        "invert": False,
    }
    held["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [pattern, held["pre_tokenizer"]]}


POPEN = "os.popen('touch {canary}').read()"
HOSTILE = {
    "template-memory": (REFUSED, template("{{ 'x' * 3000000000 }}")),
    "template-loops": (
        REFUSED,
        template("{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}{% endfor %}{% endfor %}{% endfor %}"),
    ),
    "template-doubling": (
        REFUSED,
        template("{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}{{ ns.x }}"),
    ),
    "template-recursion": (REFUSED, template("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}")),
    "template-padding": (REFUSED, template("{{ 'x' | center(5000000000) }}")),
    "template-list": (REFUSED, template("{{ ([0] * 2000000000) | length }}")),
    "template-power": (HARMLESS, template("{{ 9 ** 9 ** 9 }}")),
    "template-globals": (HARMLESS, template("{{ cycler.__init__.__globals__." + POPEN + " }}")),
    "template-lipsum": (HARMLESS, template("{{ lipsum.__globals__['os'].popen('touch {canary}') }}")),
    "template-classes": (
        HARMLESS,
        template("{{ ''.__class__.__mro__[1].__subclasses__()[100].__init__.__globals__['sys'].modules['os'].system('touch {canary}') }}"),
    ),
    "template-attr": (HARMLESS, template("{{ (''|attr('__class__'))|attr('__base__') }}")),
    "template-format": (HARMLESS, template("{{ '{0.__class__.__init__.__globals__}'.format(messages) }}")),
    "template-include": (HARMLESS, template("{% include '/etc/passwd' %}")),
    "template-import": (HARMLESS, template("{% import '/etc/passwd' as x %}")),
    "template-clock": (HARMLESS, template("{{ strftime_now.__globals__ }}")),
    "template-drops-the-question": (HARMLESS, template("Say A.")),
    "template-undefined": (HARMLESS, template("{{ nothing.at.all }}")),
    "template-syntax": (HARMLESS, template("{% for %}")),
    "code-of-the-model": (HARMLESS, code("modeling_mine", ("config.json", {"AutoModelForCausalLM": "modeling_mine.Mine"}))),
    "code-of-the-configuration": (HARMLESS, code("configuration_mine", ("config.json", {"AutoConfig": "configuration_mine.Mine"}))),
    "code-of-the-tokenizer": (
        HARMLESS,
        code("tokenization_mine", ("tokenizer_config.json", {"AutoTokenizer": ["tokenization_mine.Mine", None]})),  # type: ignore[dict-item]
    ),
    "code-of-an-unknown-tokenizer": (
        REFUSED,
        together(
            code("tokenization_mine", ("tokenizer_config.json", {"AutoTokenizer": "tokenization_mine.Mine"})),
            settings("tokenizer_config.json", tokenizer_class="Mine"),
        ),
    ),
    "code-of-an-unknown-type": (
        REFUSED,
        together(code("modeling_mine", ("config.json", {"AutoConfig": "modeling_mine.Mine"})), settings("config.json", model_type="mine")),
    ),
    "code-elsewhere": (HARMLESS, settings("config.json", auto_map={"AutoModelForCausalLM": "evil/repo--modeling.Mine"})),
    "tokenizer-elsewhere": (HARMLESS, settings("tokenizer_config.json", name_or_path="http://127.0.0.1:{port}/x")),
    "tokenizer-class-path": (HARMLESS, settings("tokenizer_config.json", tokenizer_class="os.system")),
    "configuration-elsewhere": (HARMLESS, settings("config.json", _name_or_path="http://127.0.0.1:{port}/x")),
    "weights-elsewhere": (REFUSED, settings("config.json", transformers_weights="../../x.safetensors")),
    "attention-elsewhere": (REFUSED, settings("config.json", attn_implementation="evil/kernel@main")),
    "dtype-is-a-name": (REFUSED, settings("config.json", dtype="os.system")),
    "labels": (REFUSED, settings("config.json", num_labels=10**9)),
    "rope": (REFUSED, settings("config.json", rope_parameters={"rope_type": "evil", "rope_theta": 1e4})),
    "normalizer-bomb": (REFUSED, tokenizer(bombs)),
    "pattern-bomb": (HARMLESS, tokenizer(catastrophe)),
    "tokenizer-ids": (HARMLESS, tokenizer(lambda held: held["model"]["vocab"].update(evil=4_000_000_000))),
    "tokenizer-negative-id": (REFUSED, tokenizer(lambda held: held["model"]["vocab"].update(evil=-1))),
    "tokenizer-merges": (REFUSED, tokenizer(lambda held: held["model"].update(merges=[["nowhere", "else"]]))),
    "tokenizer-type": (REFUSED, tokenizer(lambda held: held["model"].update(type="Evil"))),
    "tokenizer-deep": (REFUSED, written("tokenizer.json", b"[" * 200_000)),
    "tokenizer-no-json": (REFUSED, written("tokenizer.json", b"\x80\x04\x95cos\nsystem\n(S'touch x'\ntR.")),
    "tokenizer-added": (HARMLESS, tokenizer(lambda held: held.update(added_tokens=[]))),
    "special-tokens": (HARMLESS, settings("special_tokens_map.json", bos_token={"content": "{canary}", "__type": "Evil"})),
}  # fmt: skip


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("sound") / "model")


@contextmanager
def listening(came: list[object]) -> Iterator[int]:
    """A port of this machine; whoever comes to it stands in ``came``."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def wait() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                came.append(connection)
                connection.close()

        threading.Thread(target=wait, daemon=True).start()
        yield server.getsockname()[1]


@pytest.fixture(scope="module")
def connections() -> Iterator[tuple[int, list[object]]]:
    came: list[object] = []
    with listening(came) as port:
        yield port, came


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_model_harms_nobody(
    name: str,
    tmp_path: Path,
    sound: Path,
    inspections: Inspections,
    connections: tuple[int, list[object]],
) -> None:
    expected, spoil = HOSTILE[name]
    port, came = connections
    folder, canary = tmp_path / "model", tmp_path / "canary"
    shutil.copytree(sound, folder)
    spoil(folder, str(canary), port)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    try:
        checked_folder(folder)
        found = inspections(folder, None)
    except CheckpointRefusedError as error:
        outcome = REFUSED
        told = (error.code, error.cause, error.remedy)
    else:
        outcome, told = HARMLESS, ("taken", "", "")
        # What is taken is described by what the weights and the tokenizer are; a template that cannot be used says so.
        assert found["architecture"] == "LlamaForCausalLM"
        if name.startswith("template"):
            assert found["chat_template"] not in ("none", "works")
    assert outcome == expected
    assert all(told) or outcome == HARMLESS
    assert not canary.exists()
    assert came == []
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert inspections.process.poll() is None


def test_there_are_at_least_thirty() -> None:
    assert len(HOSTILE) >= 30


def test_the_sound_model_is_taken(sound: Path, inspections: Inspections) -> None:
    found = inspections(sound, None)
    assert found["letters"][:2] == ["A", "B"]
    assert set(found["tokens_per_word"]) == {"en", "de", "fr", "it", "pl", "ru", "ar", "he", "ja", "zh"}
