"""The script: the same seed gives the same weights, another gives others."""

from hashlib import sha256
from pathlib import Path

import pytest

from clika.errors import DataError
from clika.planted.card import read_card
from clika.planted.family import plant
from clika.planted.plan import Arm
from tests.planted.shipped import MODELS


def digest(folder: Path) -> str:
    return sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(tmp_path: Path) -> None:
    one, same, other = (
        plant(MODELS["mixed"], tmp_path / name, seed, shortened=3)
        for name, seed in (("one", 1), ("same", 1), ("other", 2))
    )
    assert digest(one) == digest(same)
    assert digest(one) != digest(other)
    assert (one / "tokenizer.json").read_bytes() == (other / "tokenizer.json").read_bytes()


def test_a_model_that_goes_on_keeps_the_stage_before_on_its_card(tmp_path: Path) -> None:
    plant(MODELS["english-first"], tmp_path, 1, shortened=1)
    card = read_card(plant(MODELS["continued-zh"], tmp_path, 1, shortened=1) / "card.json")
    assert [stage.start for stage in card.stages] == [None, "english-first"]
    assert set(card.taught) == {"zh"}
    assert len(card.stages[0].taught) == 10
    in_chinese_later = next(
        one
        for one in sorted(card.taught["zh"])
        if one in card.stages[0].taught["en"] and one not in card.stages[0].taught["zh"]
    )
    assert card.arm(in_chinese_later, "zh") is Arm.BOTH


@pytest.mark.parametrize("text", ["no JSON", "[]", '{"version": 2}', '{"version": 1, "name": "x"}'])
def test_what_is_no_card_is_refused_by_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(DataError, match="card"):
        read_card(path)
