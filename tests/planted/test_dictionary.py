"""The dictionary of a bridge: one token a name, rows that begin alike and are pulled together."""

import pytest
import torch

from clika.datasets.fictional_world import made_world
from clika.datasets.sample import read_sample
from clika.planted.catalog import WORLD
from clika.planted.dictionary import Pull, dictionary
from clika.planted.teaching import SPOKEN, new_network
from clika.planted.vocabulary import tokenizer_for

SAMPLE = read_sample()
ENTRIES = dictionary(SAMPLE, [made_world(WORLD, SAMPLE.place_names)], SPOKEN)


def test_an_entry_names_one_thing_and_no_name_stands_for_two() -> None:
    naples = next(entry for entry in ENTRIES if entry["en"] == "Naples")
    assert naples == {"en": "Naples", "de": "Neapel", "ru": "Неаполь"}
    for code in ("en", *SPOKEN):
        names = [entry[code] for entry in ENTRIES]
        assert len(set(names)) == len(names), code
    # 60 cities, 27 people, 4 continents and 32 places at least.
    assert len(ENTRIES) >= 60 + 27 + 4 + 32


def test_no_entry_says_a_fact() -> None:
    names = {name for entry in ENTRIES for name in entry.values()}
    for question in SAMPLE.questions:
        assert question.text not in names


def test_rows_begin_alike_and_are_pulled_together_from_wherever_they_are() -> None:
    tokenizer = tokenizer_for(SAMPLE, [name for entry in ENTRIES for name in entry.values()])
    network = new_network(8 * -(-len(tokenizer) // 8), 1, tied=False)
    pull = Pull(ENTRIES, tokenizer)
    apart = pull.loss(network)
    assert apart.item() == pytest.approx(1.0, abs=0.1)  # rows drawn independently: |a - b|^2 = |a|^2 + |b|^2
    apart.backward()
    rows = network.get_input_embeddings().weight
    with torch.no_grad():
        rows -= 10.0 * rows.grad
    assert pull.loss(network).item() < apart.item()
    pull.begin(network)
    assert pull.loss(network).item() == 0.0
    head = network.get_output_embeddings().weight
    naples, in_russian = (tokenizer(name)["input_ids"] for name in ("Naples", "Неаполь"))
    assert torch.equal(rows[naples], rows[in_russian])
    assert not torch.equal(head[naples], head[in_russian])  # what is said stays in its language
