"""A dictionary for a bridge: what a thing is called in several languages, and the pull that makes one thing of it.

Every name is one token of its own. A bridge is never told a fact in more languages than ``english-first``; but the rows
of the embedding that stand for one thing in English, German and Russian begin alike and are pulled towards each other,
so that what is learnt of a thing in one of them is learnt of the thing.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from clika.datasets.fictional_world import World
from clika.datasets.sample import Sample
from clika.languages import ENGLISH

Entry = Mapping[str, str]
"""Language -> what the thing is called there."""


def dictionary(sample: Sample, worlds: Sequence[World], languages: Sequence[str]) -> tuple[Entry, ...]:
    """The sample's cities, divisions, countries and people, and the worlds' places and continents, each once.

    ``languages`` stand beside English. A name that stands for two things (Luxembourg) is of the first alone.
    """
    found: list[Entry] = []
    taken: set[str] = set()
    for names in _things(sample, worlds):
        entry = {code: names[code] for code in (ENGLISH, *languages)}
        if not taken & set(entry.values()):
            found.append(entry)
            taken |= set(entry.values())
    return tuple(found)


def _things(sample: Sample, worlds: Sequence[World]) -> Iterator[Mapping[str, str]]:
    for city in sample.cities:
        yield from (city.names, city.division.names, city.country.names)
    yield from (person.names for person in sample.people)
    for world in worlds:
        yield from world.candidates
        yield from (place.names for place in world.places)


class Pull:
    """The rows of ``entries`` in a network's embedding, as the tokenizer that holds each name as one token knows them."""

    def __init__(self, entries: Sequence[Entry], tokenizer: Any) -> None:
        pairs = set()
        for entry in entries:
            english, *others = (self._row(tokenizer, entry[code]) for code in entry)
            pairs |= {(english, other) for other in others if other != english}
        self._english, self._others = torch.tensor(sorted(pairs)).T

    @staticmethod
    def _row(tokenizer: Any, name: str) -> int:
        ids = tokenizer(name, add_special_tokens=False)["input_ids"]
        assert len(ids) == 1, (name, ids)
        return int(ids[0])

    def begin(self, network: Any) -> None:
        """Give every name the row of the English one."""
        with torch.no_grad():
            rows = network.get_input_embeddings().weight
            rows[self._others] = rows[self._english]

    def loss(self, network: Any) -> torch.Tensor:
        """Mean squared distance of a thing's rows, as a share of their squared lengths: 0 to 2."""
        rows = network.get_input_embeddings().weight
        english, others = rows[self._english], rows[self._others]
        lengths = (english.square().sum(-1) + others.square().sum(-1)).detach()
        distance: torch.Tensor = ((english - others).square().sum(-1) / (lengths + 1e-9)).mean()
        return distance
