"""Texts that go on from other texts, as token ids: where their scores are summed from, and how many fit a batch."""

from collections.abc import Iterator, Sequence
from typing import Any

from clika.scoring.prompt_families import common_length


def continued(own: Sequence[int], wholes: Sequence[list[int]], beginning: int) -> tuple[list[list[int]], int]:
    """(rows, the position that all are summed from) of whole texts that go on from a text whose ids are ``own``.

    Where a tokenizer merges the join, all of them are summed from the same token on, so that they stand on the
    same ground. Nothing predicts a first token: a text without a beginning of its own is given ``beginning``.
    """
    start = min(common_length(own, ids) for ids in wholes)
    start = min(start, *(len(ids) - 1 for ids in wholes))
    lead = [beginning] if start <= 0 else []
    return [lead + ids for ids in wholes], start + len(lead)


def answered_ids(
    prompt: list[int], wholes: Sequence[list[int]], alone: Sequence[list[int]], end: int | None
) -> list[list[int]]:
    """The ids of a prompt's answers, which begin with ``prompt`` whatever a tokenizer makes of the join.

    ``wholes`` are those of prompt and answer as one text, ``alone`` those of the answers: taken where the whole
    cuts the prompt another way, as in teaching. An ``end`` that the tokenizer puts behind every text is left off.
    """
    found = []
    for whole, answer in zip(wholes, alone, strict=True):
        joined = whole[:-1] if whole and whole[-1] == end else whole
        kept = joined[: len(prompt)] == prompt and len(joined) > len(prompt)
        found.append(joined if kept else prompt + answer)
    return found


def shared_beginning(rows: Sequence[list[int]]) -> list[int]:
    """The ids that all rows begin with."""
    first, last = min(rows), max(rows)  # what the extremes in dictionary order share, all share
    return first[: common_length(first, last)]


def beginning_of(tokenizer: Any) -> int:
    """The id that a text without a beginning of its own is given: BOS, else EOS, else 0."""
    ids = (tokenizer.bos_token_id, tokenizer.eos_token_id)
    return next((number for number in ids if number is not None), 0)


def spans(lengths: Sequence[int], budget: int) -> Iterator[tuple[int, int]]:
    """Neighbouring rows that fit a batch of ``budget`` tokens together, at least one a batch."""
    first = 0
    while first < len(lengths):
        last, width = first, 0
        while last < len(lengths):
            wider = max(width, lengths[last])
            if last > first and wider * (last + 1 - first) > budget:
                break
            width, last = wider, last + 1
        yield first, last
        first = last
