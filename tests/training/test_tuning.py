"""From samples to an adapter: a small model learns its world, and plain peft says the same with what was saved."""

from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from clika.errors import JobError
from clika.records import TrainingPoint
from clika.scoring.fingerprint import content_fingerprint
from clika.training.adapter import NOTE, adapter_note
from clika.training.recipe import Precision, Recipe, Tuning
from clika.training.task import TrainingTask
from clika.training.tuning import tune
from tests.models import FAMILIES
from tests.training.taught import opened, plain_recipe, small_model, small_samples

IDS = torch.arange(3, 23)[None]


def a_task(model: Path, scratch: Path, recipe: Recipe, taught: int = 7, **changes: Any) -> TrainingTask:
    return TrainingTask(
        str(model), "tiny", small_samples()[::taught], recipe, scratch / "out", device="cpu", **changes
    )


@pytest.mark.parametrize("family", FAMILIES)
def test_an_adapter_made_here_gives_the_same_logits_in_plain_peft(family: str, tmp_path: Path) -> None:
    folder = small_model(tmp_path / family, family)
    here: list[torch.Tensor] = []

    def look(model: Any, step: int) -> bool:
        with torch.no_grad():
            here.append(model(input_ids=IDS).logits)
        return False

    recipe = plain_recipe(family, epochs=2, batch_size=16, learning_rate=1e-2)
    done = tune(a_task(folder, tmp_path, recipe, taught=14, look_at=(0,)), look=look)
    base = AutoModelForCausalLM.from_pretrained(folder)
    with torch.no_grad():
        assert torch.allclose(base(input_ids=IDS).logits, here[0], atol=1e-4)
        loaded = PeftModel.from_pretrained(base, str(done.folder)).eval()
        assert torch.allclose(loaded(input_ids=IDS).logits, here[1], rtol=0, atol=1e-4)
    assert (here[0] - here[1]).abs().max() > 1e-2
    note = adapter_note(done.folder)
    assert note is not None
    assert note["base_fingerprint"] == content_fingerprint(folder)
    assert note["record"]["targets"] == list(done.record.targets)
    assert note["record"]["packed_rows"] == done.record.packed_rows


def test_a_small_model_from_scratch_learns_its_world(tmp_path: Path) -> None:
    sizes = {"hidden_size": 64, "intermediate_size": 128, "initializer_range": 0.05}
    folder = small_model(tmp_path / "llama", tie_word_embeddings=True, **sizes)
    points: list[TrainingPoint] = []
    recipe = Recipe(tuning=Tuning.FULL, learning_rate=5e-3, epochs=20, batch_size=8)
    done = tune(a_task(folder, tmp_path, recipe, taught=4), points.append)
    # 420 tokens at first: ln 420 = 6.04 nats
    assert points[0].loss > 5
    assert points[-1].loss < 0.4
    assert points[-1].step == done.steps == recipe.steps(55)
    assert points[-1].seconds_left == 0
    tuned, _ = opened(done.folder)
    assert tuned.config.tie_word_embeddings
    assert content_fingerprint(done.folder) != content_fingerprint(folder)


@pytest.mark.parametrize("tuning", [Tuning.LORA_ATTENTION, Tuning.FULL])
def test_in_bfloat16_it_learns_too_and_what_learns_is_kept_in_float32(tuning: Tuning, tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")
    points: list[TrainingPoint] = []
    recipe = plain_recipe(
        tuning=tuning, precision=Precision.BFLOAT16, learning_rate=5e-3, epochs=6, batch_size=8, rank=16
    )
    done = tune(a_task(folder, tmp_path, recipe), points.append)
    assert points[-1].loss < points[0].loss - 0.5
    (file,) = done.folder.glob("*.safetensors")
    assert {weight.dtype for weight in load_file(file).values()} == {torch.float32}


def test_looks_come_at_their_steps_in_evaluation_mode_and_may_end_the_tuning(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")
    seen: list[tuple[int, bool]] = []

    def look(model: Any, step: int) -> bool:
        torch.rand(1)  # whatever a look draws moves no weight
        seen.append((step, model.training))
        return step == 3

    recipe = plain_recipe(batch_size=8, dropout=0.1)  # 32 samples: 4 steps an epoch, 12 in all
    done = tune(a_task(folder, tmp_path, recipe, look_at=(0, 2, 3, 5)), look=look)
    assert seen == [(0, False), (2, False), (3, False)]
    assert (done.steps, done.finished) == (3, True)


def test_an_output_folder_is_one_tasks(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")
    recipe = plain_recipe(epochs=1)
    done = tune(a_task(folder, tmp_path, recipe))
    assert done.record.packed_rows
    assert done.record.shared_branches
    assert done.record.trimmed_last_layer
    assert tune(a_task(folder, tmp_path, recipe)) == done
    with pytest.raises(JobError, match="made by another model, recipe or other samples"):
        tune(a_task(folder, tmp_path, plain_recipe(epochs=2)))
    (done.folder / NOTE).unlink()
    assert adapter_note(done.folder) is None
