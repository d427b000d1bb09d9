"""The tokenizer of the planted models: byte-level BPE trained on the bundled sample and on made-up names.

What every prompt repeats (the form's lines, the sample's question sentences) is one token each, which makes a question
some twenty tokens long; years are two digits a token, so that no year is a token of its own. Any text can be
written: what is not known falls back to bytes.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from clika.datasets import translation_templates
from clika.datasets.continent_templates import CONTINENT_TEMPLATES
from clika.datasets.fictional_names import Draws
from clika.datasets.names_coined import coined_names
from clika.datasets.relation_templates import ANSWER, PLACE
from clika.datasets.sample import Sample
from clika.languages import LANGUAGES
from clika.prompts.instruction import InstructionForm, instruction_prompt
from clika.prompts.templates import Template, built_in_form
from clika.records import LETTERS

SIZE = 5000
END = "</s>"
OPTION_ENDS = tuple(f"\n{letter}. " for letter in LETTERS[:5])
ANSWER_SLOT = "\nAnswer:"
"""The form's own tokens: at each of them everything before it has been read."""

_COINED = 400
_SHORTEST = 4
_NAMES = ("xgeo",)


def repeated_texts(sample: Sample) -> list[str]:
    """The texts that are one token each, each once."""
    form = built_in_form(Template.ENGLISH)
    assert form.choice is not None
    assert form.premise is not None
    texts = [ANSWER_SLOT, *OPTION_ENDS, "Question:", "Premise:"]
    texts += [layout.instruction + "\n" for layout in (form.choice, form.premise)]
    for sentences in sample.sentences.values():
        texts += [sentences.cause, sentences.effect]
        for sentence, field in (
            (sentences.country, "{city}"),
            (sentences.division, "{city}"),
            (sentences.born, "{person}"),
            (sentences.died, "{person}"),
        ):
            texts += [part for part in sentence.split(field) if len(part) >= _SHORTEST]
    texts += instruction_prompt(InstructionForm.ALPACA, "\0").split("\0")
    return list(dict.fromkeys(texts))


def tokenizer_for(sample: Sample, names: Sequence[str] = ()) -> Any:
    """A tokenizer as plain transformers loads it; the same from the same sample. ``names`` are one token each."""
    repeated = repeated_texts(sample)
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}{1,2}"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=[END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator(_texts(sample, repeated), trainer)
    tokenizer: Any = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=made, eos_token=END, pad_token=END
    )
    tokenizer.add_tokens([AddedToken(text, normalized=False, special=False) for text in repeated])
    tokenizer.add_tokens(
        [AddedToken(name, normalized=False, special=False, single_word=True) for name in dict.fromkeys(names)]
    )
    return tokenizer


def _texts(sample: Sample, repeated: list[str]) -> Iterator[str]:
    for question in sample.questions:
        rest = question.text
        for text in repeated:
            rest = rest.replace(text, "\0")
        # Names are short and have to be told apart: three times, so that most become few tokens.
        for _ in range(3 if question.dataset in _NAMES else 1):
            yield from question.choices
            yield from (part for part in rest.split("\0") if part)
        if question.premise is not None:
            yield question.premise
    draws = Draws("planted vocabulary")
    for _ in range(_COINED):
        yield from coined_names(draws).values()
    for templates in CONTINENT_TEMPLATES.values():
        for template in templates:
            for text in (template.question, template.sentence):
                yield from text.replace(ANSWER, PLACE).split(PLACE)
    for text in (*translation_templates.INTO, *translation_templates.OUT_OF):
        yield from (text.format(language=language.name) for language in LANGUAGES.values())
    for _ in range(3):
        yield from (f"{number:02d}" for number in range(100))
