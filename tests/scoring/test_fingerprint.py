"""A fingerprint follows the bytes that make an answer, and nothing else."""

import shutil
from pathlib import Path

import pytest

from clika.errors import ModelError
from clika.scoring.fingerprint import content_fingerprint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text("{}")
    (model / "tokenizer.json").write_text("{}")
    (model / "model.safetensors").write_bytes(bytes(3_000_000))
    return model


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
def test_one_flipped_bit_gives_another_fingerprint(folder: Path, name: str) -> None:
    before = content_fingerprint(folder)
    content = bytearray((folder / name).read_bytes())
    content[-1] ^= 1
    (folder / name).write_bytes(content)
    assert len(before) == 64
    assert content_fingerprint(folder) != before


def test_a_copy_with_a_readme_has_the_same_fingerprint(folder: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(folder, tmp_path / "renamed"))
    (copy / "README.md").write_text("another name")
    assert content_fingerprint(copy) == content_fingerprint(folder)


def test_a_folder_without_safetensors_is_refused(folder: Path) -> None:
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"no \*\.safetensors"):
        content_fingerprint(folder)
    with pytest.raises(ModelError, match="cannot be read"):
        content_fingerprint(folder / "absent")
