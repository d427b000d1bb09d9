"""A folder that is asked without being registered passes the same checks, before anything is queued."""

import json
from pathlib import Path

import pytest

from clika.checkpoints.quarantine import CHECKPOINTS
from clika.checkpoints.unregistered import SHIPPED, check_unregistered
from clika.cli import main
from clika.errors import CheckpointRefusedError
from clika.scoring.checkpoint import loaded
from tests.checkpoints.test_hostile_models import HOSTILE
from tests.models import tiny_llama
from tests.scoring.test_transformers_answers import adapter


def test_a_tokenizer_that_never_ends_is_ended_before_the_job_is_queued(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny_llama(tmp_path / "bomb")
    _, spoil = HOSTILE["normalizer-bomb"]
    spoil(folder, str(tmp_path / "canary"), 1)
    store = tmp_path / "store"
    asked = ["evaluate", "--model", str(folder), "--collection", "sample", "--store", str(store), "--queue"]
    assert main(asked) == 1
    assert "took too much" in capsys.readouterr().err
    assert not list((store / "jobs").glob("evaluate-*"))


def test_files_that_are_refused_are_refused_by_their_code(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "num_hidden_layers": 10**9}))
    with pytest.raises(CheckpointRefusedError) as refused:
        check_unregistered(folder)
    assert refused.value.code.startswith("config")
    assert refused.value.cause.startswith(f"{folder}: ")


def test_a_sound_folder_and_its_adapter_pass_and_another_models_adapter_does_not(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "model")
    adapter(tmp_path / "lora", folder, ["q_proj", "v_proj"])
    check_unregistered(folder, tmp_path / "lora")
    wide = tiny_llama(tmp_path / "wide", hidden_size=64)
    with pytest.raises(CheckpointRefusedError) as refused:
        check_unregistered(wide, tmp_path / "lora")
    assert refused.value.code == "adapter-mismatch"
    assert refused.value.cause.startswith(f"{tmp_path / 'lora'}: ")


def test_an_upload_and_what_came_with_the_program_are_not_looked_at_again(tmp_path: Path) -> None:
    files = tmp_path / CHECKPOINTS / "one" / "files"
    files.mkdir(parents=True)
    (files / "config.json").write_text("{}")  # which would be refused
    check_unregistered(files, store=tmp_path)
    check_unregistered(SHIPPED / "mixed")
    with pytest.raises(CheckpointRefusedError):
        check_unregistered(files)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_folder_cut_after_it_was_queued_is_named_by_whoever_loads_it(tmp_path: Path, name: str) -> None:
    folder = tiny_llama(tmp_path / "model")
    whole = (folder / name).read_bytes()
    (folder / name).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointRefusedError) as refused:
        loaded(folder, "float32")
    assert refused.value.cause.startswith(f"{folder}: ")
    assert refused.value.cause.count(str(folder)) == 1
