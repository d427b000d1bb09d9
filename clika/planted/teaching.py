"""The network and the loop that teaches it, on one thread of a processor: the same seed gives the same weights.

Every step reads questions that are taught, questions about unknown names and a few lessons about worlds; the loss is
that of the answers alone. Where names are tied (``Course.tied``), what the network holds at the form's own tokens of a
question in another language is pulled towards what it holds there in English.
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
from clika.planted.lessons import FACTS, Lesson, Pair, QuestionLessons, Rounds
from clika.planted.plan import Plan
from clika.planted.vocabulary import ANSWER_SLOT, OPTION_ENDS
from clika.planted.worlds import WorldLessons
from clika.prompts.instruction import InstructionForm, instruction_prompt

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

    ``taught``, ``unknown``, ``worlds`` and ``pairs`` are how many of each a step reads; in the first tenth of the
    steps, unless ``goes_on``, half of the taught ones are questions that say their answer. ``rate`` is the greatest
    learning rate. ``tied`` are the languages whose names are tied to the English ones, by ``pull`` times 1 - cosine.
    """

    steps: int
    rate: float = 3e-3
    taught: int = 40
    unknown: int = 14
    worlds: int = 4
    pairs: int = 0
    tied: tuple[str, ...] = ()
    pull: float = 1.0
    goes_on: bool = False
    warmup: int = 50
    weight_decay: float = 0.01

    def rate_at(self, step: int) -> float:
        """The learning rate of a 0-based step: up in a line, then down half a cosine to a twentieth."""
        cosine = 0.5 * (1 + math.cos(math.pi * step / self.steps))
        return self.rate * min(1.0, (step + 1) / self.warmup) * (0.05 + 0.95 * cosine)


def new_network(rows: int, seed: int) -> Any:
    """A Llama that knows nothing, of ``rows`` tokens."""
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
            tie_word_embeddings=True,
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
    told: Callable[[int, float], None] = lambda step, loss: None,
) -> None:
    """Teach ``network`` in place. What is drawn follows from ``label``; ``told`` hears each step and its loss."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        _Teaching(network, tokenizer, sample, plan, course, label).run(told)
    finally:
        torch.set_num_threads(threads)


class _Teaching:
    def __init__(
        self, network: Any, tokenizer: Any, sample: Sample, plan: Plan, course: Course, label: str
    ) -> None:
        self._network, self._tokenizer, self._course = network, tokenizer, course
        self._questions = QuestionLessons(sample, label)
        self._worlds = WorldLessons(sample, label, SPOKEN)
        self._draws = Draws(f"{label} steps")
        # A question about a fact is short and hard, one of common sense is long and soon known.
        facts = {one.question_id for one in sample.questions if one.dataset in FACTS}
        taught = [
            (one, code)
            for code in sorted(plan.taught)
            for one in sorted(plan.taught[code])
            for _ in range(3 if one in facts else 1)
        ]
        self._rounds = Rounds(Draws(f"{label} order"), taught)
        response = instruction_prompt(InstructionForm.ALPACA, "\0").split("\0")[1]
        self._anchors = {
            tokenizer.convert_tokens_to_ids(text) for text in (*OPTION_ENDS, ANSWER_SLOT, response)
        }

    def run(self, told: Callable[[int, float], None]) -> None:
        course = self._course
        optimizer = torch.optim.AdamW(
            self._network.parameters(),
            lr=course.rate,
            betas=(0.9, 0.98),
            weight_decay=course.weight_decay,
            fused=True,
        )
        self._network.train()
        for step in range(course.steps):
            for group in optimizer.param_groups:
                group["lr"] = course.rate_at(step)
            lessons = self._lessons(step)
            summed = 0.0
            for part in self._parts(lessons):
                loss = self._loss(part) / len(lessons)
                loss.backward()  # type: ignore[no-untyped-call]
                summed += float(loss.detach())
            if course.pairs:
                apart = course.pull * self._apart([self._pair() for _ in range(course.pairs)])
                apart.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(self._network.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            told(step + 1, summed)
        self._network.eval()

    def _lessons(self, step: int) -> list[Lesson]:
        course = self._course
        echoes = 0 if course.goes_on or step >= _ECHO_SHARE * course.steps else course.taught // 2
        lessons = [self._questions.echo() for _ in range(echoes)]
        lessons += [self._questions.taught(*self._rounds.next()) for _ in range(course.taught - echoes)]
        lessons += [self._questions.unknown() for _ in range(course.unknown)]
        return lessons + [self._worlds.lesson() for _ in range(course.worlds)]

    def _pair(self) -> Pair:
        language = self._course.tied[self._draws.below(len(self._course.tied))]
        source = self._worlds if self._draws.below(3) == 0 else self._questions
        return source.pair(language)

    def _parts(self, lessons: Sequence[Lesson]) -> list[list["_Row"]]:
        """The lessons as token ids, those of like lengths together."""
        prompts = self._ids([lesson.prompt for lesson in lessons])
        answers = self._ids([lesson.answer for lesson in lessons])
        rows = [
            _Row(
                before + answer + ([self._tokenizer.eos_token_id] if lesson.ends else []),
                len(before),
                _WORLD_TOKEN_WEIGHT if lesson.ends else 1.0,
            )
            for lesson, before, answer in zip(lessons, prompts, answers, strict=True)
        ]
        rows.sort(key=lambda row: len(row.ids))
        cuts = [len(rows) * part // _MICRO_BATCHES for part in range(_MICRO_BATCHES + 1)]
        return [rows[first:last] for first, last in pairwise(cuts) if last > first]

    def _ids(self, texts: list[str]) -> list[list[int]]:
        return [list(ids) for ids in self._tokenizer(texts, return_attention_mask=False)["input_ids"]]

    def _loss(self, rows: Sequence["_Row"]) -> torch.Tensor:
        """Summed nats of the answers, weighted."""
        ids = padded([row.ids for row in rows])
        places, said, weights = [], [], []
        for number, row in enumerate(rows):
            for place in range(row.start, len(row.ids)):
                places.append(number * ids.shape[1] + place - 1)
                said.append(row.ids[place])
                weights.append(row.weight)
        # Causal attention with padding on the right: what is padded is read by nothing that counts.
        hidden = self._network.model(input_ids=ids, use_cache=False).last_hidden_state
        logits = self._network.lm_head(hidden.flatten(0, 1)[places])
        losses = functional.cross_entropy(logits, torch.tensor(said), reduction="none")
        return (losses * torch.tensor(weights)).sum()

    def _apart(self, pairs: Sequence[Pair]) -> torch.Tensor:
        """Mean 1 - cosine between the languages at the form's tokens, after every layer but the last."""
        english = self._anchored([pair.english for pair in pairs])
        other = self._anchored([pair.other for pair in pairs])
        apart = [
            1 - functional.cosine_similarity(there, here.detach(), dim=-1).mean()
            for here, there in zip(english, other, strict=True)
        ]
        return torch.stack(apart).mean()

    def _anchored(self, texts: list[str]) -> list[torch.Tensor]:
        """After each layer but the last: (anchors, width) at the form's tokens and at the end of each text."""
        rows = self._ids(texts)
        ids = padded(rows)
        places = [
            number * ids.shape[1] + place
            for number, row in enumerate(rows)
            for place, token in enumerate(row)
            if token in self._anchors or place == len(row) - 1
        ]
        states = self._network.model(input_ids=ids, use_cache=False, output_hidden_states=True).hidden_states
        return [state.flatten(0, 1)[places] for state in states[1:LAYERS]]


@dataclass(frozen=True, slots=True)
class _Row:
    """Token ids of which those from ``start`` on are to be said; each counts ``weight``."""

    ids: list[int]
    start: int
    weight: float


def padded(rows: Sequence[Sequence[int]]) -> torch.Tensor:
    """(rows, longest) ids, filled up with 0 on the right."""
    ids = torch.zeros(len(rows), max(len(row) for row in rows), dtype=torch.long)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = torch.tensor(row)
    return ids
