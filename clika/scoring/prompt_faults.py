"""Prompts that a model cannot take as they stand: a run refuses the first fault, preflight names them all."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class PromptRule(StrEnum):
    """What a prompt's token ids must keep: fit the context, be some, lie in the embedding, begin once."""

    CONTEXT = "context"
    EMPTY = "empty"
    EMBEDDING = "embedding"
    DOUBLED_BOS = "doubled_bos"


@dataclass(frozen=True, slots=True)
class PromptFault:
    """A rule, the indices of the prompts that break it, and the sentence with value, rule and remedy."""

    rule: PromptRule
    indices: tuple[int, ...]
    sentence: str


def prompt_faults(
    tokens: Sequence[list[int]], tokenizer: Any, name: str, embedding_rows: int, context: int | None
) -> list[PromptFault]:
    """The faults of prompts, given by their ids, in the order of PromptRule; empty where there is none.

    ``embedding_rows`` is how many ids the model embeds, ``context`` the most tokens it takes (None where it
    does not say).
    """
    faults = []

    def broken(rule: PromptRule, indices: list[int], sentence: str) -> None:
        if indices:
            faults.append(PromptFault(rule, tuple(indices), sentence))

    long = [index for index, ids in enumerate(tokens) if context is not None and len(ids) > context]
    longest = max((len(ids) for ids in tokens), default=0)
    broken(
        PromptRule.CONTEXT,
        long,
        f"{len(long)} of {len(tokens)} prompts are too long for {name}: the longest has {longest} tokens, the"
        f" model's context holds {context}, and prompts are never cut; leave these questions out or"
        " use a model with a longer context",
    )
    broken(
        PromptRule.EMPTY,
        [index for index, ids in enumerate(tokens) if not ids],
        f"a prompt has no tokens for {name}; every prompt needs a text",
    )
    greatest = [max(ids, default=-1) for ids in tokens]
    broken(
        PromptRule.EMBEDDING,
        [index for index, token in enumerate(greatest) if token >= embedding_rows],
        f"the tokenizer of {name} makes the id {max(greatest, default=-1)} and the model embeds ids below"
        f" {embedding_rows}; the tokenizer belongs to another model or the embedding was not resized: save both"
        " together",
    )
    bos = tokenizer.bos_token_id
    doubled = [index for index, ids in enumerate(tokens) if bos is not None and ids[:2] == [bos, bos]]
    broken(
        PromptRule.DOUBLED_BOS,
        doubled,
        f"{len(doubled)} of {len(tokens)} prompts begin with {tokenizer.bos_token!r} twice: the tokenizer of"
        f" {name} adds it and the text has it too; take it out of the text",
    )
    return faults
