"""Samples as ids: the prompt is the one asked with later, the answer ends, and nothing is cut."""

from dataclasses import replace

import pytest

from clika.errors import ModelError
from clika.prompts.instruction import InstructionForm, instruction_prompt, instruction_text
from clika.training.examples import examples, form_for
from tests.models import TinyTokenizer, tiny_tokenizer
from tests.training.taught import made_examples, small_samples

CHATML = (
    "{% for m in messages %}<s>{{ m.role }}\n{{ m.content }}</s>\n{% endfor %}"
    "{% if add_generation_prompt %}<s>assistant\n{% endif %}"
)
# Writes no special token at all: the end of text has to come from elsewhere.
BARE = "{% for m in messages %}[{{ m.role }}] {{ m.content }} {% endfor %}"


@pytest.mark.parametrize("kind", list(TinyTokenizer))
def test_alpaca_prompts_are_those_of_asking_and_answers_end(kind: TinyTokenizer) -> None:
    tokenizer = tiny_tokenizer(kind)
    taught = small_samples()
    for sample, example in zip(taught, made_examples(tokenizer, taught), strict=True):
        text = instruction_text(sample.instruction, sample.input)
        prompt = instruction_prompt(InstructionForm.ALPACA, text)
        assert list(example.ids[: example.start]) == tokenizer(prompt)["input_ids"]
        assert example.ids[-1] == tokenizer.eos_token_id
        assert example.ids.count(tokenizer.eos_token_id) == 1
        said = tokenizer.decode(example.ids[example.start : -1])
        assert said == sample.answer


def test_the_text_to_translate_stands_after_its_instruction() -> None:
    assert instruction_text("Translate.", "Mythosia") == "Translate. Mythosia"
    assert instruction_prompt(InstructionForm.ALPACA, "Where is {it}?") == (
        "Below is an instruction that describes a task. Write a response that appropriately completes the request."
        "\n\n### Instruction:\nWhere is {it}?\n\n### Response:\n"
    )


def test_a_chat_is_taught_through_the_end_of_the_turn() -> None:
    tokenizer = tiny_tokenizer()
    assert form_for(tokenizer) is InstructionForm.ALPACA
    tokenizer.chat_template = CHATML
    assert form_for(tokenizer) is InstructionForm.CHAT
    sample = small_samples()[0]
    (example,) = examples([sample], tokenizer, "tiny", InstructionForm.CHAT, None, len(tokenizer))
    text = instruction_text(sample.instruction, sample.input)
    assert tokenizer.decode(example.ids[: example.start]) == f"<s>user\n{text}</s>\n<s>assistant\n"
    assert tokenizer.decode(example.ids[example.start :]) == f"{sample.answer}</s>"


def test_a_chat_template_that_ends_no_turn_is_given_an_end_of_text() -> None:
    tokenizer = tiny_tokenizer()
    tokenizer.chat_template = BARE
    (example,) = examples(small_samples()[:1], tokenizer, "tiny", InstructionForm.CHAT, None, len(tokenizer))
    assert example.ids[-1] == tokenizer.eos_token_id


def test_an_answer_whose_tokens_would_cut_the_prompt_keeps_tokens_of_its_own() -> None:
    tokenizer = tiny_tokenizer(TinyTokenizer.MERGING)
    # This template ends in a colon, which such a tokenizer would join with the answer's first letters.
    tokenizer.chat_template = "{% for m in messages %}{{ m.role }}:{{ m.content }}</s>{% endfor %}"
    sample = replace(small_samples()[0], instruction="Say:", input=None, answer="A")
    tokenizer.chat_template += "{% if add_generation_prompt %}Answer:{% endif %}"
    assert len(tokenizer("Answer:A")["input_ids"]) < len(tokenizer("Answer:")["input_ids"]) + 1
    (example,) = examples([sample], tokenizer, "tiny", InstructionForm.CHAT, None, len(tokenizer))
    prompt = "user:Say:</s>Answer:"
    assert list(example.ids[: example.start]) == tokenizer(prompt, add_special_tokens=False)["input_ids"]
    assert tokenizer.decode(example.ids[example.start :]) == "A</s>"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"context": 20}, "the longest sample has .* tokens and tiny takes 20; nothing is cut"),
        ({"rows": 50}, "makes the id .* and the model embeds 50"),
        ({"taught": ()}, "nothing to teach tiny"),
        ({"answer": "done</s>"}, "holds '</s>', a special token"),
        ({"eos_token": None}, "has no end of text"),
    ],
)
def test_what_cannot_be_taught_is_refused(changes: dict[str, object], said: str) -> None:
    tokenizer = tiny_tokenizer()
    if "eos_token" in changes:
        tokenizer.eos_token = None
    taught = small_samples()[:3]
    if "answer" in changes:
        taught = (*taught, replace(taught[0], answer=str(changes["answer"])))
    with pytest.raises(ModelError, match=said):
        examples(
            changes.get("taught", taught),  # type: ignore[arg-type]
            tokenizer,
            "tiny",
            InstructionForm.ALPACA,
            changes.get("context", 1024),  # type: ignore[arg-type]
            changes.get("rows", len(tokenizer)),  # type: ignore[arg-type]
        )
