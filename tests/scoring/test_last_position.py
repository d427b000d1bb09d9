"""The last layer is left out where nobody reads it, and only there."""

import torch
from torch import nn

from clika.scoring.last_position import LastPositionOnly, unwrapped_last_layer, wrapped_last_layer


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mlp = nn.Linear(6, 6)


class _Network(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([_Layer(), _Layer(), _Layer()])


def test_the_positions_asked_for_are_those_of_the_whole_and_the_others_are_zero() -> None:
    inner = nn.Linear(6, 6)
    wrapped = LastPositionOnly(inner)
    hidden = torch.randn(2, 5, 6)
    wrapped.positions = torch.tensor([[4, 1], [2, 2]])
    with torch.inference_mode():
        found, whole = wrapped(hidden), inner(hidden)
    for row, kept in enumerate(({1, 4}, {2})):
        for position in range(5):
            expected = whole[row, position] if position in kept else torch.zeros(6)
            assert torch.allclose(found[row, position], expected, atol=1e-6)


def test_without_positions_it_is_the_module_it_wraps() -> None:
    inner = nn.Linear(6, 6)
    hidden = torch.randn(2, 5, 6)
    assert torch.equal(LastPositionOnly(inner)(hidden), inner(hidden))


def test_only_the_last_layer_is_wrapped_and_it_comes_off_again() -> None:
    network = _Network()
    wrapped = wrapped_last_layer(network)
    assert [isinstance(layer.mlp, LastPositionOnly) for layer in network.layers] == [False, False, True]
    assert wrapped is network.layers[2].mlp
    unwrapped_last_layer(network)
    assert not any(isinstance(module, LastPositionOnly) for module in network.modules())


def test_a_model_without_such_layers_is_left() -> None:
    assert wrapped_last_layer(nn.Sequential(nn.Linear(2, 2))) is None
