"""The loop does what peft with transformers' Trainer does, to rounding; and goes on where it has too little memory."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from torch import nn
from torch.nn import functional
from transformers import Trainer, TrainingArguments, get_cosine_schedule_with_warmup

from clika.errors import ModelError
from clika.records import TrainingPoint
from clika.training.adapter import learning_weights
from clika.training.examples import Example
from clika.training.learner import Learner, learner
from clika.training.loop import Loop, Watching
from clika.training.micro_batches import effective_batch
from clika.training.ranks import Ranks
from clika.training.recipe import Recipe, SharedPrefix
from clika.training.saved_state import SavedState
from clika.training.task import TrainingTask
from tests.training.taught import made_examples, opened, plain_recipe, small_model, small_samples

# The last one is not packed: its positions are a bias of the scores.
TARGETS = {
    "llama": ["q_proj", "v_proj"],
    "gpt2": ["c_attn"],
    "gpt_neox": ["query_key_value"],
    "falcon": ["query_key_value"],
}
# Four batches of 8 and one of 5: small, so that every step has several micro-batches of few tokens.
TAUGHT = small_samples()[::6][:37]
RECIPE = plain_recipe(batch_size=8, epochs=1, learning_rate=5e-3, micro_batch_tokens=700)


def a_loop(folder: Path, recipe: Recipe, scratch: Path, **how: Any) -> tuple[Loop, Learner]:
    task = TrainingTask(str(folder), "tiny", TAUGHT, recipe, scratch, device="cpu")
    ranks = Ranks("cpu")
    ready = learner(task, folder, ranks)
    return Loop(ready, recipe, ranks, SavedState(scratch / "state"), "digest", 1e9, **how), ready


def taught(
    folder: Path,
    recipe: Recipe,
    scratch: Path,
    before: Callable[[Loop, Learner], None] = lambda loop, ready: None,
) -> tuple[dict[str, torch.Tensor], list[TrainingPoint], Loop]:
    """(the adapter's weights, every step's point, the loop) after the recipe."""
    points: list[TrainingPoint] = []
    loop, ready = a_loop(folder, recipe, scratch)
    before(loop, ready)
    assert loop.run(Watching(points.append))
    ready.loss.close()
    return {name: weight.detach().clone() for name, weight in ready.weights.items()}, points, loop


def peft_model(folder: Path, family: str, recipe: Recipe) -> tuple[Any, list[Example]]:
    """What anybody makes with peft by hand, and the samples' ids."""
    network, tokenizer = opened(folder)
    configuration = LoraConfig(
        r=recipe.rank,
        lora_alpha=int(recipe.alpha),
        lora_dropout=0.0,
        target_modules=TARGETS[family],
        fan_in_fan_out=family == "gpt2",
        task_type="CAUSAL_LM",
    )
    torch.manual_seed(recipe.seed)
    model = get_peft_model(network, configuration)
    model.train()
    return model, made_examples(tokenizer, TAUGHT)


def by_hand(model: Any, examples: list[Example], recipe: Recipe, steps: int | None = None) -> None:
    """torch's AdamW and transformers' schedule, one sample at a time."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=recipe.rate, weight_decay=0.0)
    whole = recipe.steps(len(examples))
    schedule = get_cosine_schedule_with_warmup(optimizer, 0, whole)
    for step in range(whole if steps is None else steps):
        chosen = [examples[place] for place in effective_batch(len(examples), 8, recipe.seed, step)]
        labelled = sum(example.labelled for example in chosen)
        for example in chosen:
            ids = torch.tensor(example.ids)
            logits = model(input_ids=ids[None]).logits[0, example.start - 1 : -1]
            (functional.cross_entropy(logits, ids[example.start :], reduction="sum") / labelled).backward()
        nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def assert_alike(mine: dict[str, torch.Tensor], theirs: nn.Module) -> None:
    """The same weights to 1e-5; what peft's wrapper puts before the names aside."""
    other = {name.removeprefix("base_model.model."): w for name, w in learning_weights(theirs).items()}
    assert mine.keys() == other.keys()
    for name, weight in mine.items():
        assert torch.allclose(weight, other[name], rtol=0, atol=1e-5), name


@pytest.mark.parametrize("family", TARGETS)
def test_a_run_ends_with_the_weights_of_peft_and_torch_by_hand(family: str, tmp_path: Path) -> None:
    folder = small_model(tmp_path / family, family)
    mine, points, _ = taught(folder, RECIPE, tmp_path / "out")
    model, examples = peft_model(folder, family, RECIPE)
    before = {
        name.removeprefix("base_model.model."): w.detach().clone()
        for name, w in learning_weights(model).items()
    }
    by_hand(model, examples, RECIPE)
    assert_alike(mine, model)
    assert max(float((mine[name] - before[name]).abs().max()) for name in mine) > 1e-3, "nothing was learned"
    assert [point.step for point in points] == [1, 2, 3, 4, 5]  # 37 samples / 8


@pytest.mark.parametrize("family", TARGETS)
def test_one_step_has_the_gradients_of_peft_by_hand(family: str, tmp_path: Path) -> None:
    folder = small_model(tmp_path / family, family)
    loop, ready = a_loop(folder, RECIPE, tmp_path / "out")
    model, examples = peft_model(folder, family, RECIPE)
    for weights in (ready.weights, learning_weights(model)):
        torch.manual_seed(3)
        for weight in weights.values():
            nn.init.normal_(weight, std=0.05)
    loop._learned(0, Watching())
    chosen = [examples[place] for place in effective_batch(len(examples), 8, RECIPE.seed, 0)]
    for example in chosen:
        ids = torch.tensor(example.ids)
        logits = model(input_ids=ids[None]).logits[0, example.start - 1 : -1]
        loss = functional.cross_entropy(logits, ids[example.start :], reduction="sum")
        (loss / sum(example.labelled for example in chosen)).backward()
    for mine, theirs in zip(ready.weights.values(), learning_weights(model).values(), strict=True):
        assert mine.grad is not None
        assert theirs.grad is not None
        assert (mine.grad - theirs.grad).norm() < 1e-5 * theirs.grad.norm()


def padded(rows: list[dict[str, list[int]]]) -> dict[str, torch.Tensor]:
    """A batch padded to the longest, as transformers' collator for sequences pads it."""
    width = max(len(row["input_ids"]) for row in rows)
    return {
        name: torch.tensor([row[name] + [fill] * (width - len(row[name])) for row in rows])
        for name, fill in (("input_ids", 0), ("labels", -100), ("attention_mask", 0))
    }


@pytest.mark.parametrize("family", TARGETS)
def test_a_run_ends_with_the_weights_and_losses_of_transformers_trainer(family: str, tmp_path: Path) -> None:
    folder = small_model(tmp_path / family, family)
    mine, points, _ = taught(folder, RECIPE, tmp_path / "out")
    model, examples = peft_model(folder, family, RECIPE)
    order = [place for step in range(5) for place in effective_batch(37, 8, RECIPE.seed, step)]
    rows = [
        {
            "input_ids": list(examples[place].ids),
            "labels": [-100] * examples[place].start + list(examples[place].ids[examples[place].start :]),
            "attention_mask": [1] * len(examples[place].ids),
        }
        for place in order
    ]
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "theirs"),
        per_device_train_batch_size=2,
        gradient_accumulation_steps=4,
        num_train_epochs=1,
        learning_rate=RECIPE.rate,
        lr_scheduler_type="cosine",
        train_sampling_strategy="sequential",
        logging_steps=1,
        report_to=[],
        save_strategy="no",
        use_cpu=True,
        disable_tqdm=True,
        remove_unused_columns=False,
    )
    trainer = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=padded)
    trainer.train()
    assert_alike(mine, model)
    theirs = [entry for entry in trainer.state.log_history if "loss" in entry]
    assert [point.loss for point in points] == pytest.approx([one["loss"] for one in theirs], abs=2e-4)
    assert [p.learning_rate for p in points] == pytest.approx(
        [one["learning_rate"] for one in theirs], rel=1e-6
    )
    assert [p.gradient_norm for p in points] == pytest.approx(
        [float(o["grad_norm"]) for o in theirs], rel=1e-4
    )


@pytest.mark.long
def test_however_a_batch_is_cut_the_weights_are_the_same(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")
    one, _, _ = taught(folder, RECIPE, tmp_path / "one")
    for name, changes in (
        ("single", {"micro_batch_tokens": 1}),
        ("whole", {"micro_batch_tokens": 100_000}),
        ("unshared", {"shared_prefix": SharedPrefix.NEVER, "micro_batch_tokens": 300}),
        ("checkpointed", {"gradient_checkpointing": True}),
    ):
        other, _, _ = taught(folder, replace(RECIPE, **changes), tmp_path / name)  # type: ignore[arg-type]
        for weight in one:
            assert torch.allclose(one[weight], other[weight], rtol=0, atol=1e-5), (name, weight)


def test_padded_and_computed_whole_the_weights_are_the_same(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")

    def plain(loop: Loop, ready: Learner) -> None:
        assert ready.packed_rows
        assert ready.shared_branches
        assert ready.loss.trims
        assert ready.loss.parts_head
        assert ready.loss.attends_in_rows
        ready.packed_rows = ready.loss.parts_head = ready.loss.attends_in_rows = False
        ready.loss.trim(False)

    quick, _, _ = taught(folder, RECIPE, tmp_path / "quick")
    plainly, _, _ = taught(folder, RECIPE, tmp_path / "plain", plain)
    for name, weight in quick.items():
        assert torch.allclose(weight, plainly[name], rtol=0, atol=1e-5), name


def no_room_above(tokens: int) -> Callable[[Loop, Learner], None]:
    """A device that has no memory for more positions at once than that."""

    def limit(loop: Loop, ready: Learner) -> None:
        def check(module: nn.Module, positional: Any, named: dict[str, Any]) -> None:
            if named["input_ids"].numel() > tokens:
                raise torch.OutOfMemoryError("out of memory")

        ready.network.register_forward_pre_hook(check, with_kwargs=True)

    return limit


def test_without_memory_the_batch_is_done_again_in_halves_and_the_result_is_the_same(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")
    unshared = replace(RECIPE, shared_prefix=SharedPrefix.NEVER, micro_batch_tokens=2000)
    expected, _, _ = taught(folder, unshared, tmp_path / "one")
    found, points, loop = taught(folder, unshared, tmp_path / "two", no_room_above(600))
    # 2,000 / 2 / 2 = 500 tokens at once fit into 600
    assert (loop.standing.micro_batch_tokens, loop.standing.memory_halvings) == (500, 2)
    assert len(points) == 5
    for name, weight in expected.items():
        assert torch.allclose(weight, found[name], rtol=0, atol=1e-5)
    with pytest.raises(ModelError, match="one sample does not fit into the memory of cpu; use more devices"):
        taught(folder, unshared, tmp_path / "three", no_room_above(50))


def test_another_error_is_no_want_of_memory(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")

    def breaks(loop: Loop, ready: Learner) -> None:
        def fail(module: nn.Module, positional: Any, named: dict[str, Any]) -> None:
            raise RuntimeError("the layer is on fire")

        ready.network.register_forward_pre_hook(fail, with_kwargs=True)

    with pytest.raises(RuntimeError, match="on fire"):
        taught(folder, RECIPE, tmp_path / "out", breaks)


def test_a_loss_that_is_no_number_ends_the_tuning_with_a_sentence(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")

    def poison(loop: Loop, ready: Learner) -> None:
        with torch.no_grad():
            next(iter(ready.weights.values())).fill_(float("nan"))

    with pytest.raises(ModelError, match=r"the loss of step 1 is nan: .* smaller learning rate"):
        taught(folder, RECIPE, tmp_path / "out", poison)


def test_above_dropout_0_a_prefix_is_shared_only_when_asked_for_and_said_to_be_inexact(
    tmp_path: Path,
) -> None:
    folder = small_model(tmp_path / "llama")
    ready = {}
    for wanted in SharedPrefix:
        recipe = replace(RECIPE, dropout=0.1, shared_prefix=wanted)
        _, ready[wanted] = a_loop(folder, recipe, tmp_path / "out")
    assert ready[SharedPrefix.EXACT].prefix_length == ready[SharedPrefix.NEVER].prefix_length == 0
    assert ready[SharedPrefix.ALWAYS].prefix_length > 50
    assert not ready[SharedPrefix.ALWAYS].exact_prefix
    _, without = a_loop(folder, RECIPE, tmp_path / "out")
    assert without.prefix_length > 50
    assert without.exact_prefix


def test_dropout_is_drawn_from_seed_and_step_alone(tmp_path: Path) -> None:
    folder = small_model(tmp_path / "llama")
    recipe = replace(RECIPE, dropout=0.3)
    one, _, _ = taught(folder, recipe, tmp_path / "one")
    torch.rand(17)
    two, _, _ = taught(folder, recipe, tmp_path / "two")
    other, _, _ = taught(folder, replace(recipe, seed=1), tmp_path / "three")
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)
