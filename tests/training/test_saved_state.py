"""What has been learned so far is on disk whole or not at all, and never taken for another task's."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from clika.errors import JobError
from clika.training import saved_state
from clika.training.learner import fused_adamw
from clika.training.saved_state import SavedState, Standing

STANDING = Standing(step=3, digest="this", micro_batch_tokens=512, memory_halvings=1, resumed_at=(2,))


def stepped(seed: int) -> tuple[dict[str, nn.Parameter], torch.optim.Optimizer]:
    """Two weights after three steps on made-up gradients."""
    torch.manual_seed(seed)
    weights = {"a": nn.Parameter(torch.randn(3, 4)), "b": nn.Parameter(torch.randn(5))}
    optimizer = fused_adamw(list(weights.values()), 1e-2, 0.1)
    for _ in range(3):
        for weight in weights.values():
            weight.grad = torch.randn_like(weight)
        optimizer.step()
    return weights, optimizer


def test_restored_it_goes_on_like_one_that_never_stopped(tmp_path: Path) -> None:
    weights, optimizer = stepped(0)
    state = SavedState(tmp_path)
    state.save(STANDING, weights, optimizer)
    others, restored = stepped(1)
    assert state.newest("this") == STANDING
    state.restore(3, others, restored)
    for one, how in ((weights, optimizer), (others, restored)):
        torch.manual_seed(9)
        for weight in one.values():
            weight.grad = torch.randn_like(weight)
        how.step()
    assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_only_whole_steps_count_and_earlier_ones_go(tmp_path: Path) -> None:
    parts = [SavedState(tmp_path, part, 2) for part in range(2)]
    assert parts[0].newest("this") is None
    for step in (1, 2):
        for part in parts:
            part.save(replace(STANDING, step=step), *stepped(0))
    parts[0].save(replace(STANDING, step=3), *stepped(0))  # the other was killed
    (tmp_path / ".step-0000003-part-1-of-2.safetensors.99.tmp").write_bytes(b"torn")
    newest = parts[1].newest("this")
    assert newest is not None
    assert newest.step == 2
    parts[1].save(replace(STANDING, step=3), *stepped(0))  # begins by taking away what the killed one left
    for part in parts:
        part.forget_before(3)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "step-0000003-part-0-of-2.safetensors",
        "step-0000003-part-1-of-2.safetensors",
    ]


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), SafetensorError("I/O error 28")])
def test_a_state_that_finds_no_room_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    state = SavedState(tmp_path)
    state.save(replace(STANDING, step=1), *stepped(0))

    def full(tensors: object, path: str, metadata: object) -> None:
        Path(path).write_bytes(b"half")
        raise failure

    monkeypatch.setattr(saved_state, "save_file", full)
    with pytest.raises(OSError):  # noqa: PT011  (the text is the system's)
        state.save(replace(STANDING, step=2), *stepped(0))
    assert [path.name for path in tmp_path.iterdir()] == ["step-0000001-part-0-of-1.safetensors"]


def other_parts(folder: Path) -> None:
    SavedState(folder, 0, 2).newest("this")


def other_task(folder: Path) -> None:
    SavedState(folder).newest("another")


def torn(folder: Path) -> None:
    path = next(folder.glob("*.safetensors"))
    path.write_bytes(path.read_bytes()[:-20])
    SavedState(folder).newest("this")


def other_model(folder: Path) -> None:
    weights, optimizer = stepped(0)
    SavedState(folder).restore(3, {"a": weights["a"]}, optimizer)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (other_parts, "one of 1 parts, and this tuning has 2"),
        (other_task, "another model, recipe or other samples"),
        (torn, "cannot be read"),
        (other_model, "does not fit the model \\(weight/b\\)"),
    ],
)
def test_what_is_not_this_tasks_state_is_refused(
    read: Callable[[Path], None], said: str, tmp_path: Path
) -> None:
    SavedState(tmp_path).save(STANDING, *stepped(0))
    with pytest.raises(JobError, match=said):
        read(tmp_path)
