"""Checkpoints of a store: taken in by folder, upload and job, described, found by name, taken out."""

import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from clika.checkpoints.cards import Source
from clika.checkpoints.folder_rules import Kind
from clika.checkpoints.quarantine import CHECKPOINTS, QUARANTINE
from clika.checkpoints.registry import Registry
from clika.cli import main
from clika.errors import CheckpointRefusedError, UsageError
from tests.checkpoints.confined import Inspections
from tests.checkpoints.uploads import as_archive, as_files, tarred, zipped, zst
from tests.models import tiny_llama
from tests.scoring.test_transformers_answers import adapter


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, an adapter of it, and one of a wider model."""
    folder = tmp_path_factory.mktemp("made")
    tiny_llama(folder / "base")
    (folder / "base" / "README.md").write_text("---\nlicense: apache-2.0\nbase_model: somebody/base\n---\n")
    adapter(folder / "lora", folder / "base", ["q_proj", "v_proj"])
    tiny_llama(folder / "wide", hidden_size=64)
    adapter(folder / "wide-lora", folder / "wide", ["q_proj", "v_proj"])
    return folder


@pytest.fixture
def registry(tmp_path: Path, inspections: Inspections) -> Registry:
    return Registry(tmp_path / "store", inspect=inspections)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def quarantine(registry: Registry) -> list[str]:
    return [path.name for path in (registry.place / QUARANTINE).iterdir() if path.is_dir()]


def test_a_folder_gets_a_card_and_stays_where_it_is(registry: Registry, made: Path) -> None:
    card = registry.add_folder(made / "base", "My base")
    assert (card.kind, card.source, card.files) == (Kind.MODEL, Source.FOLDER, str(made / "base"))
    assert card.architecture == "LlamaForCausalLM"
    assert card.parameters == sum(
        weight.numel() for weight in load_file(made / "base" / "model.safetensors").values()
    )
    assert (card.licence, card.claimed_base, card.context) == ("apache-2.0", "somebody/base", 1024)
    assert card.id == f"my-base-{card.fingerprint[:8]}"
    assert registry.found("My base") == registry.found(card.id) == card
    assert registry.add_folder(made / "base", "My base").added == card.added  # known already
    assert registry.resolved("My base") == (str(made / "base"), None, "My base")
    assert quarantine(registry) == []


@pytest.mark.parametrize(
    "pack", [zipped, tarred, lambda files: zst(tarred(files))], ids=["zip", "tar", "zst"]
)
def test_an_uploaded_archive_lies_whole_in_the_store(
    registry: Registry, made: Path, tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    name = {zipped: "m.zip", tarred: "m.tar"}.get(pack, "m.tar.zst")
    card = registry.add_upload(as_archive(tmp_path, name, pack(contents(made / "base"))), "up")
    assert contents(Path(card.files)) == contents(made / "base")
    assert Path(card.files) == registry.place.resolve() / card.id / "files"
    assert (
        card.fingerprint
        == Registry(tmp_path / "other", inspect=registry.inspect).add_folder(made / "base").fingerprint
    )
    assert quarantine(registry) == []
    registry.remove(card.id)
    assert not Path(card.files).exists()
    assert registry.cards() == []


def test_an_adapter_needs_a_base_that_it_fits(registry: Registry, made: Path, tmp_path: Path) -> None:
    base = registry.add_folder(made / "base")
    with pytest.raises(CheckpointRefusedError, match=r"needs its base model .*\[adapter-base\]"):
        registry.add_folder(made / "lora")
    card = registry.add_upload(as_files(tmp_path, contents(made / "lora")), "taught", base.id)
    assert (card.kind, card.base, card.claimed_base) == (Kind.ADAPTER, base.id, str(made / "base"))
    assert registry.baseline(card) == base
    assert registry.resolved("taught") == (base.files, card.files, "taught")
    with pytest.raises(UsageError, match=r"is the base of taught-.*remove those first"):
        registry.remove(base.id)
    with pytest.raises(UsageError, match="is an adapter itself"):
        registry.add_folder(made / "lora", "twice", card.id)
    with pytest.raises(CheckpointRefusedError, match=r"\[adapter-mismatch\]"):
        registry.add_folder(made / "wide-lora", "wide", base.id)
    assert {one.id for one in registry.cards()} == {card.id, base.id}
    assert quarantine(registry) == []


def test_keys_that_the_base_has_not_are_refused(registry: Registry, made: Path, tmp_path: Path) -> None:
    base = registry.add_folder(made / "base")
    strange = tmp_path / "strange"
    shutil.copytree(made / "lora", strange)
    weights = load_file(strange / "adapter_model.safetensors")
    save_file(
        {name.replace("layers.1.", "layers.7."): value for name, value in weights.items()},
        strange / "adapter_model.safetensors",
    )
    with pytest.raises(CheckpointRefusedError, match=r"\[adapter-mismatch\]"):
        registry.add_folder(strange, "strange", base.id)


def test_what_a_job_tuned_stands_on_the_jobs_model(registry: Registry, made: Path) -> None:
    with pytest.raises(
        UsageError, match=r"no checkpoint of this store; add that first, or name another with --base"
    ):
        registry.add_tuned(made / "lora", str(made / "base"), "taught")
    base = registry.add_folder(made / "base")
    for card in (
        registry.add_tuned(made / "lora", str(made / "base"), "taught"),
        registry.add_tuned(made / "lora", "owner/another", "taught", base.id),
    ):
        assert (card.source, card.name, card.base) == (Source.JOB, "taught", base.id)
    whole = registry.add_tuned(made / "base", "owner/another", "taught whole")
    assert (whole.kind, whole.base) == (Kind.MODEL, None)


def test_a_folder_outside_the_configured_ones_is_refused(
    tmp_path: Path, made: Path, inspections: Inspections
) -> None:
    inside = tmp_path / "models"
    inside.mkdir()
    (inside / "led-out").symlink_to(made / "base")
    registry = Registry(tmp_path / "store", (inside,), inspections)
    for folder in (made / "base", inside / ".." / ".." / made.name / "base", inside / "led-out"):
        with pytest.raises(UsageError, match=r"lies outside the folders that may be registered|no folder"):
            registry.add_folder(folder)
    shutil.copytree(made / "base", inside / "base")
    assert registry.add_folder(inside / "base").name == "base"


def test_a_refused_checkpoint_leaves_nothing(registry: Registry, made: Path, tmp_path: Path) -> None:
    files = contents(made / "base")
    files["tokenizer.json"] = b"{}"
    with pytest.raises(CheckpointRefusedError, match=r"\[preflight-tokenizer\]|\[not-loadable\]"):
        registry.add_upload(as_files(tmp_path, files), "broken")
    assert [path.name for path in registry.place.iterdir()] == [QUARANTINE]
    assert quarantine(registry) == []


def test_the_command_line_adds_shows_and_asks_by_name(
    tmp_path: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = ["--store", str(tmp_path)]
    assert (
        main(["checkpoints", "add", str(made / "base"), "--name", "mine", *store]) == 0
    )  # in a process of its own
    assert "Architecture: LlamaForCausalLM" in capsys.readouterr().out
    assert main(["checkpoints", "list", *store]) == 0
    assert "  mine  model" in capsys.readouterr().out
    assert main(["checkpoints", "show", "mine", *store]) == 0
    assert "Licence: apache-2.0" in capsys.readouterr().out
    asked = ["evaluate", "--model", "mine", "--collection", "sample", "--queue", *store]
    assert main(asked) == 0
    (job,) = (json.loads(path.read_text()) for path in (tmp_path / "jobs").glob("*/job.json"))
    assert (job["model"], job["name"]) == (str(made / "base"), "mine")
    assert main(["checkpoints", "remove", "mine", *store]) == 0
    assert not list((tmp_path / CHECKPOINTS).glob("*/card.json"))
    assert (made / "base" / "config.json").exists()
    capsys.readouterr()
    assert main(["checkpoints", "show", "mine", *store]) == 2
    assert "no checkpoint 'mine' in this store" in capsys.readouterr().err


class Canary:
    """Unpickled, it writes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.write_text, (self.path, "x")


def test_convert_makes_safetensors_of_tensors_and_refuses_programs(
    tmp_path: Path, made: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sound, hostile = tmp_path / "sound", tmp_path / "hostile"
    for folder in (sound, hostile):
        shutil.copytree(made / "base", folder)
        (folder / "model.safetensors").unlink()
    weights = load_file(made / "base" / "model.safetensors")
    torch.save(weights, sound / "pytorch_model.bin")
    (hostile / "pytorch_model.bin").write_bytes(pickle.dumps({"w": Canary(tmp_path / "canary")}))
    assert main(["convert", str(sound)]) == 0
    converted = load_file(sound / "model.safetensors")
    assert converted.keys() == weights.keys()
    assert all(torch.equal(converted[name], weights[name]) for name in weights)
    assert main(["convert", str(hostile)]) == 1
    assert "cannot be read as tensors alone" in capsys.readouterr().err
    assert not (tmp_path / "canary").exists()
    assert not [path for path in hostile.iterdir() if "safetensors" in path.name or path.name.startswith(".")]
