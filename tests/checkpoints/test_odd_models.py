"""Odd but honest models: each ends in the score that the plain model gives, or in a refusal that says why."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from clika.checkpoints.folder_rules import checked_folder
from clika.errors import ModelError
from clika.records import LETTERS
from clika.scoring.prompt_families import JOIN_TEXTS
from clika.scoring.transformers_scorer import TransformersScorer
from tests.models import TinyTokenizer, tiny_model
from tests.scoring.asking import asked, scored

Make = Callable[[Path], None]


def changed(path: Path, **values: Any) -> None:
    held = json.loads(path.read_text("utf-8")) if path.exists() else {}
    path.write_text(json.dumps(held | values), "utf-8")


def made(family: str = "llama", tokenizer: TinyTokenizer = TinyTokenizer.PLAIN, **values: Any) -> Make:
    return lambda folder: (
        shutil.rmtree(folder, True) or (tiny_model(folder, family, tokenizer=tokenizer, **values) and None)
    )  # type: ignore[func-returns-value]


def then(make: Make, *changes: Callable[[Path], object]) -> Make:
    def both(folder: Path) -> None:
        make(folder)
        for change in changes:
            change(folder)

    return both


def says(file: str, **values: Any) -> Callable[[Path], object]:
    return lambda folder: changed(folder / file, **values)


def in_two_shards(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    names = sorted(weights)
    parts = {"a.safetensors": names[: len(names) // 2], "b.safetensors": names[len(names) // 2 :]}
    for file, held in parts.items():
        save_file({name: weights[name] for name in held}, folder / file, metadata={"format": "pt"})
    (folder / "model.safetensors").unlink()
    placed = {name: file for file, held in parts.items() for name in held}
    changed(folder / "model.safetensors.index.json", metadata={}, weight_map=placed)


def in_bfloat16(folder: Path) -> None:
    path = folder / "model.safetensors"
    save_file(
        {name: value.bfloat16() for name, value in load_file(path).items()}, path, metadata={"format": "pt"}
    )


def without(*names: str) -> Callable[[Path], object]:
    return lambda folder: [(folder / name).unlink(missing_ok=True) for name in names]


def more_embeddings(folder: Path) -> None:
    """Rows beyond the tokenizer, as padding to a multiple of 64 makes them."""
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = torch.cat([weights[name], torch.zeros(64, weights[name].shape[1])])
    save_file(weights, path, metadata={"format": "pt"})
    changed(folder / "config.json", vocab_size=weights["lm_head.weight"].shape[0])


def fewer_embeddings(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    for name in ("model.embed_tokens.weight", "lm_head.weight"):
        weights[name] = weights[name][:100].clone()
    save_file(weights, path, metadata={"format": "pt"})
    changed(folder / "config.json", vocab_size=100)


def with_nan(folder: Path) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    weights["model.norm.weight"].fill_(float("nan"))
    save_file(weights, path, metadata={"format": "pt"})


def template(text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / "chat_template.jinja").write_text(text)


LLAMA = made()
RIGHT: dict[str, Make] = {
    "tied-weights": made(tie_word_embeddings=True),
    "tied-gpt2": made("gpt2"),
    "no-pad-token": LLAMA,
    "adds-bos": made(tokenizer=TinyTokenizer.BOS),
    "letters-merge-with-the-colon": made(tokenizer=TinyTokenizer.MERGING),
    "one-layer": made(num_hidden_layers=1),
    "one-head": made(num_attention_heads=1, num_key_value_heads=1),
    "wide-heads": made(head_dim=32),
    "sliding-window": made("mistral", sliding_window=8),
    "alibi": made("bloom"),
    "state-space": made("mamba"),
    "experts": made("mixtral"),
    "two-shards": then(LLAMA, in_two_shards),
    "bfloat16-files": then(LLAMA, in_bfloat16),
    "padded-embedding": then(LLAMA, more_embeddings),
    "names-code-that-is-not-needed": then(LLAMA, says("config.json", auto_map={"AutoConfig": "x.Y"})),
    "names-flash-attention": then(LLAMA, says("config.json", attn_implementation="flash_attention_2")),
    "no-limit-of-length": then(LLAMA, says("tokenizer_config.json", model_max_length=10**30)),
    "no-special-tokens-map": then(LLAMA, without("special_tokens_map.json", "generation_config.json")),
    "chat-template": then(LLAMA, template("{{ messages[-1]['content'] }}\nAnswer: ")),
    "no-architectures": then(LLAMA, says("config.json", architectures=None)),
    "training-files-beside": then(LLAMA, lambda folder: (folder / "training_args.bin").write_bytes(b"x")),
    "comment-keys": then(LLAMA, says("config.json", _comment="made by hand", my_own={"a": [1, 2]})),
}
REFUSED: dict[str, tuple[Make, str]] = {
    "tiny-context": (made(max_position_embeddings=8), "context holds 8"),
    "tiny-embedding": (then(LLAMA, fewer_embeddings), "embeds ids below 100"),
    "nan-weights": (then(LLAMA, with_nan), "NaN or infin"),
    "half-the-weights": (then(LLAMA, in_two_shards, without("b.safetensors")), r"\[index-missing\]"),
    "no-tokenizer": (then(LLAMA, without("tokenizer.json", "tokenizer_config.json")), "tokenizer"),
    "sizes-of-another-model": (then(LLAMA, says("config.json", hidden_size=48)), "weights"),
    "no-layers": (then(LLAMA, says("config.json", num_hidden_layers=-1)), "must lie between 1 and 1,024"),
    "fewer-layers-than-weights": (then(LLAMA, says("config.json", num_hidden_layers=1)), "smaller model"),
    "an-encoder": (then(LLAMA, says("config.json", model_type="bert")), "encoder|causal|lacks"),
}  # fmt: skip


def plain_choice(folder: Path, text: str, choices: int) -> int:
    """The option whose letter has the largest logit after the text, by the model as transformers loads it."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    ids = tokenizer(text)["input_ids"]
    after = []
    for letter in LETTERS[:choices]:
        whole = tokenizer(text + letter)["input_ids"]
        shared = next((n for n, (a, b) in enumerate(zip(ids, whole, strict=False)) if a != b), len(ids))
        after.append((shared, whole[shared]))
    places = {shared for shared, _ in after}
    assert len(places) == 1, "the letters do not begin at one place"
    with torch.no_grad():
        logits = model(torch.tensor([ids[: places.pop()]])).logits[0, -1]
    scores = [float(logits[token]) for _, token in after]
    return scores.index(max(scores))


@pytest.mark.parametrize("name", RIGHT)
def test_an_odd_model_answers_as_it_does_by_itself(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    RIGHT[name](folder)
    checked_folder(folder)
    given = asked(2)
    scorer = TransformersScorer.load(str(folder), device="cpu")
    found = scored(scorer, given)
    assert scorer.join is not None
    after = JOIN_TEXTS[scorer.join]
    expected = [plain_choice(folder, prompt.text + after, len(prompt.question.choices)) for prompt in given]
    assert [one.chosen_index for one in found] == expected


@pytest.mark.parametrize("name", REFUSED)
def test_an_honest_model_that_cannot_be_asked_is_refused_with_the_reason(name: str, tmp_path: Path) -> None:
    make, said = REFUSED[name]
    folder = tmp_path / "model"
    make(folder)
    given = asked(2)
    try:
        found = scored(TransformersScorer.load(str(folder), device="cpu"), given)
    except ModelError as error:
        sentence = str(error)
    else:
        assert all(one.chosen_index is None for one in found), "it was scored without a word"
        sentence = "NaN or infinity: each answer is invalid"
    assert re.search(said, sentence), sentence


def test_there_are_at_least_twenty() -> None:
    assert len(RIGHT) + len(REFUSED) >= 20
