"""Prompts as a model's token ids: families that share their beginning, and the ids of the option letters.

It promises that a letter is the token that the tokenizer really makes after the prompt, or an error, and
that a prompt which the model cannot take whole is refused: nothing is ever cut.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, cast

from clika.errors import ModelError
from clika.records import LETTERS, Prompt
from clika.scoring.prompt_faults import PromptFault, prompt_faults

_SMALLEST_PREFIX = 8


class Join(StrEnum):
    """What stands between the prompt and the letter that is scored: nothing, or one space.

    ``Answer:`` + ``A`` is cut into ``Answer`` + ``:A`` by tokenizers of the cl100k kind (Llama 3, Qwen); the
    token ``A`` then never follows the prompt, and ``" A"`` is the one that does.
    """

    NONE = "none"
    SPACE = "space"


JOIN_TEXTS = {Join.NONE: "", Join.SPACE: " "}


@dataclass(frozen=True, slots=True)
class Family:
    """Prompts of one form and header: their indices, token ids, shared prefix and the letters' token ids.

    ``tokens`` holds one list of ids for each of ``indices``; all of them begin with the same
    ``prefix_length`` ids and are longer than that. ``letters`` are the ids of the choices, in order;
    ``variants`` hold for each choice further ids that mean its letter.
    """

    indices: tuple[int, ...]
    tokens: tuple[list[int], ...]
    prefix_length: int
    letters: tuple[int, ...]
    variants: tuple[tuple[int, ...], ...] = ()

    @property
    def longest(self) -> int:
        return max(len(tokens) for tokens in self.tokens)


class PromptTokens:
    """What a tokenizer makes of prompts, for a model that embeds ``embedding_rows`` ids.

    ``context`` is the most tokens the model takes, None where it does not say. ``join`` is how letters were
    found to follow a prompt: None before the first prompts, and what it was then afterwards.
    """

    def __init__(self, tokenizer: Any, name: str, embedding_rows: int, context: int | None) -> None:
        self._tokenizer = tokenizer
        self._name = name
        self._embedding_rows = embedding_rows
        self._context = context
        self.join: Join | None = None

    def families(self, prompts: Sequence[Prompt]) -> list[Family]:
        """The prompts by family, tokenised and checked, in the order of each family's first prompt.

        Raises ModelError where letters are no single next tokens, and as ``check`` does.
        """
        if not prompts:
            return []
        members: dict[tuple[object, ...], list[int]] = {}
        for index, prompt in enumerate(prompts):
            question = prompt.question
            shape = (question.collection, question.dataset, question.language, question.kind)
            form = (prompt.header, prompt.holds_special_tokens)
            members.setdefault((*shape, *form, prompt.choices_scored), []).append(index)
        tokens = self.ids_of(prompts, [prompt.text for prompt in prompts])
        self.check(tokens)
        letters = self._letters(prompts, tokens, list(members.values()))
        variants = self._variants(prompts, tokens, list(members.values()), letters)
        families = []
        for (*_, count), indices in members.items():
            of_family = tuple(tokens[index] for index in indices)
            family = Family(
                tuple(indices),
                of_family,
                _shared_length(of_family),
                letters[: cast(int, count)],
                variants[: cast(int, count)],
            )
            families.append(family)
        return families

    def ids(self, texts: list[str], special_tokens: bool = True) -> list[list[int]]:
        """The ids of each text, with whatever special tokens the tokenizer itself puts before it.

        Without ``special_tokens`` it puts none: for texts in which they stand.
        """
        encoded = self._tokenizer(
            texts, add_special_tokens=special_tokens, return_attention_mask=False, verbose=False
        )["input_ids"]
        return [list(ids) for ids in encoded]

    def ids_of(self, prompts: Sequence[Prompt], texts: Sequence[str]) -> list[list[int]]:
        """The ids of ``texts``, each of which goes on from the prompt beside it."""
        found: list[list[int]] = [[] for _ in texts]
        for held in {prompt.holds_special_tokens for prompt in prompts}:
            places = [n for n, prompt in enumerate(prompts) if prompt.holds_special_tokens is held]
            encoded = self.ids([texts[n] for n in places], special_tokens=not held)
            for n, ids in zip(places, encoded, strict=True):
                found[n] = ids
        return found

    def check(self, tokens: Sequence[list[int]]) -> None:
        """Raises ModelError for prompts that the model cannot take as they stand."""
        faults = self.faults(tokens)
        if faults:
            raise ModelError(faults[0].sentence)

    def faults(self, tokens: Sequence[list[int]]) -> list[PromptFault]:
        """What keeps the model from taking prompts as they stand, one fault a rule; empty where nothing does."""
        return prompt_faults(tokens, self._tokenizer, self._name, self._embedding_rows, self._context)

    def letters(self, prompts: Sequence[Prompt], tokens: Sequence[list[int]]) -> tuple[int, ...]:
        """The ids of the letters as they follow every one of the prompts, whose ids are ``tokens``.

        ``families`` looks at three of a family. Raises ModelError as it does; nothing else is checked.
        """
        return self._letters(prompts, tokens, [[index] for index in range(len(prompts))])

    def _letters(
        self, prompts: Sequence[Prompt], tokens: Sequence[list[int]], members: Sequence[list[int]]
    ) -> tuple[int, ...]:
        """The token ids of the letters, as they follow the first, middle and last prompt of each family.

        Raises ModelError where neither join makes each letter one token of its own after the prompt.
        """
        samples = sorted({i for family in members for i in (family[0], family[len(family) // 2], family[-1])})
        refusals = []
        for join in Join if self.join is None else (self.join,):
            try:
                letters = self._letters_joined(prompts, tokens, samples, join)
            except ModelError as error:
                refusals.append(str(error))
                continue
            self.join = join
            return letters
        raise ModelError(
            f"the option letters cannot be scored with the tokenizer of {self._name}: "
            + "; ".join(refusals)
            + "; each letter must be one token of its own after the prompt: use another template or model"
        )

    def _variants(
        self,
        prompts: Sequence[Prompt],
        tokens: Sequence[list[int]],
        members: Sequence[list[int]],
        letters: tuple[int, ...],
    ) -> tuple[tuple[int, ...], ...]:
        """For each letter the further single tokens that say it: with the other join.

        It counts only where it makes every letter one token of its own.
        """
        samples = [family[0] for family in members]
        found: list[list[int]] = [[] for _ in letters]
        taken = set(letters)
        for join in Join:
            try:
                ids = self._letters_joined(prompts, tokens, samples, join)
            except ModelError:
                continue
            if len(ids) == len(letters) and not taken & set(ids):
                taken |= set(ids)
                for place, token in enumerate(ids):
                    found[place].append(token)
        return tuple(tuple(ids) for ids in found)

    def _letters_joined(
        self,
        prompts: Sequence[Prompt],
        tokens: Sequence[list[int]],
        samples: Sequence[int],
        join: Join,
    ) -> tuple[int, ...]:
        found: dict[str, int] = {}
        where = "directly after the prompt" if join is Join.NONE else "after the prompt and a space"
        continued = [(i, letter) for i in samples for letter in LETTERS[: prompts[i].choices_scored]]
        encoded = self.ids_of(
            [prompts[i] for i, _ in continued],
            [prompts[i].text + JOIN_TEXTS[join] + letter for i, letter in continued],
        )
        for (index, letter), ids in zip(continued, encoded, strict=True):
            before = tokens[index]
            if ids[: len(before)] != before or len(ids) != len(before) + 1:
                same = next(
                    (n for n, (a, b) in enumerate(zip(before, ids, strict=False)) if a != b), len(before)
                )
                same = min(same, len(before), len(ids))
                raise ModelError(
                    f"{letter!r} {where} turns {self._pieces(before[same - 1 :])}"
                    f" into {self._pieces(ids[same - 1 :])}"
                )
            token = ids[-1]
            if token == self._tokenizer.unk_token_id:
                raise ModelError(f"{letter!r} {where} is the unknown token (id {token})")
            if token in self._tokenizer.all_special_ids:
                raise ModelError(f"{letter!r} {where} ends in the special token {self._pieces([token])}")
            if token >= self._embedding_rows:
                raise ModelError(f"{letter!r} {where} is the id {token}, beyond the model's embedding")
            if found.setdefault(letter, token) != token:
                raise ModelError(f"{letter!r} {where} is {self._pieces([found[letter], token])} in turn")
        if len(set(found.values())) != len(found):
            raise ModelError(f"the letters {', '.join(found)} {where} share ids: {list(found.values())}")
        return tuple(found[letter] for letter in LETTERS[: len(found)])

    def _pieces(self, ids: Sequence[int]) -> str:
        return " + ".join(repr(piece) for piece in self._tokenizer.convert_ids_to_tokens(list(ids)))


def _shared_length(tokens: Sequence[list[int]]) -> int:
    """How many first ids all lists share, at least one less than the shortest; 0 if too few to matter."""
    if len(tokens) < 2:
        return 0
    first, last = min(tokens), max(tokens)  # what the extremes in dictionary order share, all share
    most = min(len(ids) for ids in tokens) - 1
    shared = next((n for n in range(min(most, len(first))) if first[n] != last[n]), most)
    return shared if shared >= _SMALLEST_PREFIX else 0


def common_length(one: Sequence[int], other: Sequence[int]) -> int:
    """How many first ids two lists share."""
    shortest = min(len(one), len(other))
    return next((n for n in range(shortest) if one[n] != other[n]), shortest)
