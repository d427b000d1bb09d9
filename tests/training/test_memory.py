"""What a tuning takes, from the headers alone, is what the loaded model and its adapter come to."""

from pathlib import Path

import pytest

from clika.training.adapter import learning_weights, with_adapter
from clika.training.memory import tuning_memory
from clika.training.recipe import Precision, Recipe, Tuning
from tests.training.taught import opened, small_model


@pytest.mark.parametrize("tuning", [Tuning.LORA_ATTENTION, Tuning.LORA_ALL])
@pytest.mark.parametrize("family", ["llama", "gpt2", "gpt_neox", "bloom"])
def test_an_adapter_is_as_large_as_peft_makes_it(tmp_path: Path, family: str, tuning: Tuning) -> None:
    folder = small_model(tmp_path / family, family)
    recipe = Recipe(tuning=tuning, rank=4)
    memory = tuning_memory(folder, recipe)
    network, _ = opened(folder)
    held = sum(weight.numel() for weight in network.parameters())
    with_adapter(network, recipe, family)
    learning = sum(weight.numel() for weight in learning_weights(network).values())
    assert memory is not None
    assert (memory.weights, memory.learning) == (held, learning)
    assert memory.total == held * 4 + learning * 16  # weight, gradient and two moments, 4 bytes each


def test_full_tuning_keeps_float32_and_a_frozen_base_halves(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "tiny")
    half = tuning_memory(folder, Recipe(rank=4, precision=Precision.BFLOAT16))
    whole = tuning_memory(folder, Recipe(tuning=Tuning.FULL, precision=Precision.BFLOAT16))
    assert half is not None
    assert whole is not None
    assert half.bytes_a_weight == 2
    assert whole.total == whole.weights * 16  # 4 and 12


def test_a_folder_without_weights_says_nothing(tmp_path: Path) -> None:
    assert tuning_memory(tmp_path, Recipe()) is None
