"""Samples as token ids, tokenised once: what is read, and from where on it has to be said.

The prompt's ids are exactly those that the model is asked with later. The answer follows in the tokens that the
tokenizer makes of the whole text; where those would cut the prompt another way, in the answer's own. Its end
is labelled too, so that a model learns to stop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clika.datasets.fictional_samples import Sample
from clika.errors import ModelError
from clika.prompts.chat import Message
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text, turn_ending
from clika.scoring.chat_text import chat_text, control_tokens


@dataclass(frozen=True, slots=True)
class Example:
    """One sample's ids; those from ``start`` (at least 1) to the end are labelled."""

    ids: tuple[int, ...]
    start: int

    @property
    def labelled(self) -> int:
        """How many ids have to be said."""
        return len(self.ids) - self.start


class _Renderer:
    """A tokenizer's chat template."""

    def __init__(self, tokenizer: Any, name: str) -> None:
        self._tokenizer, self._name = tokenizer, name

    def chat(self, messages: Sequence[Message]) -> str:
        """See ChatRenderer."""
        return chat_text(self._tokenizer, self._name, messages)


def form_for(tokenizer: Any) -> InstructionForm:
    """The chat where a model brings a chat template, Alpaca's form where it does not."""
    has_template = bool(getattr(tokenizer, "chat_template", None))
    return InstructionForm.CHAT if has_template else InstructionForm.ALPACA


def examples(
    samples: Sequence[Sample],
    tokenizer: Any,
    name: str,
    form: InstructionForm,
    context: int | None,
    rows: int,
) -> list[Example]:
    """Each sample's ids, in order, for a model of ``context`` tokens (None: no limit) that embeds ``rows`` ids.

    Raises ModelError where a tokenizer has no end of text, ids lie beyond the embedding, or a sample does not
    fit the context: nothing is cut.
    """
    if not samples:
        raise ModelError(f"there is nothing to teach {name}: no sample was given; give at least one")
    control = sorted(control_tokens(tokenizer))
    renderer = _Renderer(tokenizer, name)
    chat = form is InstructionForm.CHAT
    texts = [instruction_text(sample.instruction, sample.input) for sample in samples]
    prompts = [instruction_prompt(form, text, renderer) for text in texts]
    answers = [sample.answer for sample in samples]
    ending = turn_ending(texts[0], answers[0], renderer, control) if chat else ""
    for text in (*texts, *answers):
        held = next((token for token in control if token in text), None)
        if held is not None:
            raise ModelError(
                f"the sample {text[:60]!r} holds {held!r}, a special token of {name}; leave it out"
            )
    end = () if ending else (_end_of_text(tokenizer, name),)
    asked = _ids(tokenizer, prompts, special_tokens=not chat)
    whole = _ids(tokenizer, [p + a + ending for p, a in zip(prompts, answers, strict=True)], not chat)
    alone = _ids(tokenizer, [answer + ending for answer in answers], special_tokens=False)
    made = []
    for before, joined, answer in zip(asked, whole, alone, strict=True):
        if end and before and before[-1] == end[0]:
            before = before[:-1]  # a tokenizer that ends every text itself
        if end and joined and joined[-1] == end[0]:
            joined = joined[:-1]
        kept = joined[: len(before)] == before and len(joined) > len(before)
        made.append(Example((*(joined if kept else before + answer), *end), len(before)))
    _check(made, name, context, rows)
    return made


def _ids(tokenizer: Any, texts: list[str], special_tokens: bool) -> list[list[int]]:
    encoded = tokenizer(texts, add_special_tokens=special_tokens, return_attention_mask=False, verbose=False)
    return [list(ids) for ids in encoded["input_ids"]]


def _end_of_text(tokenizer: Any, name: str) -> int:
    if tokenizer.eos_token_id is None:
        raise ModelError(
            f"the tokenizer of {name} has no end of text (eos_token), and an answer has to end; name one in"
            " tokenizer_config.json"
        )
    return int(tokenizer.eos_token_id)


def _check(made: Sequence[Example], name: str, context: int | None, rows: int) -> None:
    longest = max(len(example.ids) for example in made)
    if context is not None and longest > context:
        raise ModelError(
            f"the longest sample has {longest} tokens and {name} takes {context}; nothing is cut: leave longer"
            " samples out, or tune a model with a longer context"
        )
    if min(example.start for example in made) < 1:
        raise ModelError(
            f"the tokenizer of {name} makes no token of a prompt; it is no tokenizer of this model"
        )
    greatest = max(max(example.ids) for example in made)
    if greatest >= rows:
        raise ModelError(
            f"the tokenizer of {name} makes the id {greatest} and the model embeds {rows}; they do not belong"
            " together: fetch the checkpoint again"
        )
