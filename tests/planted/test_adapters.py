"""The shipped adapters, measured as a conductivity job measures them."""

from functools import cache

import pytest

from clika.conductivity.asking import measured
from clika.datasets.fictional_world import made_world
from clika.datasets.sample import read_sample
from clika.metrics.conductivity import Conduction
from clika.planted.__main__ import choices_of_world, told
from clika.planted.catalog import MODELS, PLANTED_ADAPTERS, PlantedAdapter
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text
from clika.scoring.fingerprint import content_fingerprint
from clika.scoring.transformers_answers import TransformersAnswers
from clika.training.adapter import adapter_note

ADAPTERS = {adapter.name: adapter for adapter in PLANTED_ADAPTERS}

pytestmark = pytest.mark.skipif(
    not all(adapter.is_there for adapter in PLANTED_ADAPTERS),
    reason="the clone brought no weights (assets/models)",
)


def prompt_of(instruction: str, source: str | None) -> str:
    return instruction_prompt(InstructionForm.ALPACA, instruction_text(instruction, source))


@cache
def conduction(adapter: PlantedAdapter) -> Conduction:
    answers, _ = TransformersAnswers.load(str(MODELS / adapter.base), adapter=adapter.folder, device="cpu")
    world = made_world(adapter.world, read_sample().place_names)
    return measured(world, adapter.language, answers, answers, prompt_of).chosen


@pytest.mark.parametrize("adapter", PLANTED_ADAPTERS, ids=lambda adapter: adapter.name)
def test_an_adapter_is_of_the_base_beside_it_and_its_gates_hold(adapter: PlantedAdapter) -> None:
    note = adapter_note(adapter.folder)
    assert note is not None
    assert note["base_fingerprint"] == content_fingerprint(MODELS / adapter.base)
    assert note["base"] == f"../{adapter.base}"
    assert conduction(adapter).gates.established, conduction(adapter).gates.sentence()


def test_nothing_is_carried_where_nothing_leads_across() -> None:
    xrr = conduction(ADAPTERS["mixed-world-ru"]).xrr
    assert xrr.low == 0.0


def test_a_new_world_is_carried_across_the_dictionary_and_not_without() -> None:
    without, across = (conduction(ADAPTERS[name]) for name in ("mixed-world-ru", "bridge-world-ru"))
    assert without.gates.established
    assert across.gates.established
    assert without.xrr.low == 0.0
    assert across.xrr.low > 0.0


def test_the_check_of_a_retraining_counts_the_choices_that_differ(capsys: pytest.CaptureFixture[str]) -> None:
    adapter = ADAPTERS["mixed-world-ru"]
    shipped = choices_of_world(adapter, MODELS)
    assert len(shipped) == len(dict.fromkeys(shipped)) > 100
    changed = dict(list(shipped.items())[2:])
    changed[next(iter(changed))] = None
    assert told(adapter.name, changed, shipped) == 3  # two are missing, one is another
    assert told(adapter.name, shipped, choices_of_world(adapter, MODELS)) == 0
    assert capsys.readouterr().out.splitlines()[1] == f"mixed-world-ru: 0 of {len(shipped)} choices differ"
