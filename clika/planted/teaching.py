"""The network and the loop that teaches it, on one thread of a processor: the same seed gives the same weights.

Every step reads questions that are taught, questions about unknown names and a few lessons about worlds; the loss is
that of the answers, and of a reader that looks, one layer before the last, which option is the right one: with it .98
of the taught questions about cities were right after 500 steps, without it .26.
"""

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import torch
from torch import nn
from torch.nn import functional
from transformers import LlamaConfig, LlamaForCausalLM

from clika.datasets.fictional_names import Draws
from clika.datasets.sample import Sample
from clika.planted.dictionary import Entry, Pull
from clika.planted.lessons import Lesson, QuestionLessons, Rounds
from clika.planted.plan import Plan
from clika.planted.vocabulary import ANSWER_SLOT, OPTION_ENDS
from clika.planted.worlds import WorldLessons
from clika.records import LETTERS

_logger = logging.getLogger(__name__)

WIDTH, LAYERS, HEADS, INNER, CONTEXT = 96, 3, 4, 256, 384
SPOKEN = ("de", "ru")
"""The languages of the lessons about worlds, beside English."""

_WORLD_TOKEN_WEIGHT = 0.3
_ECHO_SHARE = 0.1
_MICRO_BATCHES = 4


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how a model is taught.

    ``taught``, ``unknown`` and ``worlds`` are how many of each a step reads; in the first tenth of the steps, unless
    ``goes_on``, half of the taught ones are questions that say their answer. ``near_years``: years stand among years
    near by as often as among others that are right elsewhere, where the century tells; ``near_places``: places
    among the sample's own options as often. ``pull`` is what the distance of a dictionary's rows counts.
    ``rate`` is the greatest learning rate.
    """

    steps: int
    rate: float = 3e-3
    taught: int = 40
    unknown: int = 18
    worlds: int = 4
    pull: float = 0.0
    goes_on: bool = False
    near_years: bool = False
    near_places: bool = False
    warmup: int = 50
    weight_decay: float = 0.01

    def rate_at(self, step: int) -> float:
        """The learning rate of a 0-based step: up in a line, then down half a cosine to a twentieth."""
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.rate * min(1.0, (step + 1) / self.warmup) * (0.05 + 0.95 * cosine)


def new_network(rows: int, seed: int, tied: bool = True) -> Any:
    """A Llama that knows nothing, of ``rows`` tokens; ``tied`` says that what is said is read by the same rows."""
    torch.manual_seed(seed)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=rows,
            hidden_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS,
            intermediate_size=INNER,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=tied,
            initializer_range=0.05,
            bos_token_id=None,
            eos_token_id=0,
            pad_token_id=0,
        )
    )


def teach(
    network: Any,
    tokenizer: Any,
    sample: Sample,
    plan: Plan,
    course: Course,
    label: str,
    entries: Sequence[Entry] = (),
    told: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Teach ``network`` in place. What is drawn follows from ``label``; ``told`` hears each step and its loss.

    ``entries`` are a dictionary whose names are one token each.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _Teaching(network, tokenizer, sample, plan, course, label, entries).run(told)
    finally:
        torch.set_num_threads(threads)


class _Teaching:
    def __init__(
        self,
        network: Any,
        tokenizer: Any,
        sample: Sample,
        plan: Plan,
        course: Course,
        label: str,
        entries: Sequence[Entry],
    ) -> None:
        self._network, self._tokenizer, self._course = network, tokenizer, course
        self._questions = QuestionLessons(sample, label, plan.taught)
        self._worlds = WorldLessons(sample, label, SPOKEN, entries)
        self._pull = Pull(entries, tokenizer) if entries else None
        # A question about a premise is long and soon known: it comes half as often.
        premises = {one.question_id for one in sample.questions if one.premise is not None}
        taught = [
            (one, code)
            for code in sorted(plan.taught)
            for one in sorted(plan.taught[code])
            for _ in range(1 if one in premises else 2)
        ]
        self._rounds = Rounds(Draws(f"{label} order"), taught)
        # Thrown away at the end: reads, one layer before the last, which option is the right one.
        self._reader = nn.Linear(WIDTH, 1, bias=False)
        nn.init.zeros_(self._reader.weight)
        self._ends = {tokenizer.convert_tokens_to_ids(text) for text in (*OPTION_ENDS[1:], ANSWER_SLOT)}

    def run(self, told: Callable[[int, float], None]) -> None:
        course = self._course
        optimizer = torch.optim.AdamW(
            [*self._network.parameters(), *self._reader.parameters()],
            lr=course.rate,
            betas=(0.9, 0.98),
            weight_decay=course.weight_decay,
            fused=True,
        )
        self._network.train()
        if self._pull is not None and not course.goes_on:
            self._pull.begin(self._network)
        for step in range(course.steps):
            for group in optimizer.param_groups:
                group["lr"] = course.rate_at(step)
            lessons = self._lessons(step)
            summed = 0.0
            for part in self._parts(lessons):
                loss = self._loss(part) / len(lessons)
                loss.backward()  # type: ignore[no-untyped-call]
                summed += float(loss.detach())
            if self._pull is not None:
                (course.pull * self._pull.loss(self._network)).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            told(step + 1, summed)
        self._network.eval()

    def _lessons(self, step: int) -> list[Lesson]:
        course = self._course
        echoes = 0 if course.goes_on or step >= _ECHO_SHARE * course.steps else course.taught // 2
        lessons = [self._questions.echo() for _ in range(echoes)]
        lessons += [
            self._questions.taught(*self._rounds.next(), course.near_years, course.near_places)
            for _ in range(course.taught - echoes)
        ]
        lessons += [self._questions.unknown(course.near_years) for _ in range(course.unknown)]
        return lessons + [self._worlds.lesson() for _ in range(course.worlds)]

    def _parts(self, lessons: Sequence[Lesson]) -> list[list["_Row"]]:
        """The lessons as token ids, those of like lengths together."""
        prompts = self._ids([lesson.prompt for lesson in lessons])
        answers = self._ids([lesson.answer for lesson in lessons])
        rows = [
            _Row(before + answer + [self._tokenizer.eos_token_id], len(before), _WORLD_TOKEN_WEIGHT, (), 0)
            if lesson.ends
            else _Row(
                before + answer, len(before), 1.0, self._option_ends(before), LETTERS.index(lesson.answer)
            )
            for lesson, before, answer in zip(lessons, prompts, answers, strict=True)
        ]
        rows.sort(key=lambda row: len(row.ids))
        cuts = [len(rows) * part // _MICRO_BATCHES for part in range(_MICRO_BATCHES + 1)]
        return [rows[first:last] for first, last in pairwise(cuts) if last > first]

    def _option_ends(self, ids: Sequence[int]) -> tuple[int, ...]:
        """The places of the last token of each option."""
        return tuple(place - 1 for place, token in enumerate(ids) if token in self._ends)

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return [list(ids) for ids in self._tokenizer(texts, return_attention_mask=False)["input_ids"]]

    def _loss(self, rows: Sequence["_Row"]) -> torch.Tensor:
        """Summed nats of the answers, weighted, and of the options as the reader sees them."""
        ids = padded([row.ids for row in rows])
        places, said, weights = [], [], []
        for number, row in enumerate(rows):
            for place in range(row.start, len(row.ids)):
                places.append(number * ids.shape[1] + place - 1)
                said.append(row.ids[place])
                weights.append(row.weight)
        # Causal attention with padding on the right: what is padded is read by nothing that counts.
        states = self._network.model(input_ids=ids, use_cache=False, output_hidden_states=True)
        logits = self._network.lm_head(states.last_hidden_state.flatten(0, 1)[places])
        losses = functional.cross_entropy(logits, torch.tensor(said), reduction="none")
        summed = (losses * torch.tensor(weights)).sum()
        asked = [(number, row) for number, row in enumerate(rows) if row.options]
        if not asked:
            return summed
        read = torch.full((len(asked), len(OPTION_ENDS)), -torch.inf)
        where = [(line, letter) for line, (_, row) in enumerate(asked) for letter in range(len(row.options))]
        tokens = [number * ids.shape[1] + place for number, row in asked for place in row.options]
        before_last = states.hidden_states[LAYERS - 1].flatten(0, 1)[tokens]
        seen = self._reader(functional.rms_norm(before_last, (WIDTH,)))[:, 0]
        read = read.index_put(tuple(torch.tensor(where).T), seen)
        return summed + functional.cross_entropy(
            read, torch.tensor([row.answer for _, row in asked]), reduction="sum"
        )


@dataclass(frozen=True, slots=True)
class _Row:
    """Token ids of which those from ``start`` on are to be said; each counts ``weight``.

    ``options`` are the places of the options' last tokens, the right one's at ``answer``; none in a lesson about a
    world.
    """

    ids: list[int]
    start: int
    weight: float
    options: tuple[int, ...]
    answer: int


def padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """(rows, longest) ids, filled up with 0 on the right."""
    ids = torch.zeros(len(rows), max(len(row) for row in rows), dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
    return ids
