"""Candidates and written answers against the plain model, with an adapter too, and between steps of a training."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

from clika.errors import ModelError
from clika.scoring.adapter import with_adapter
from clika.scoring.candidates import CandidateItem, WrittenItem
from clika.scoring.transformers_answers import TransformersAnswers
from tests.models import TinyTokenizer, tiny_model

HEADER = "Below is an instruction that describes a task.\n\n### Instruction:\n"
PLACES = ("Shalchemda", "Or", "שלחמדה", "沙尔切姆达", "Capital of Germany by the sea", "Rome")
CANDIDATES = ("Mythosia.", "Berlin.", "Or Berlin.", "北京。", "פריז.")


def items() -> list[CandidateItem]:
    """Six questions of unequal lengths with one header and five candidates."""
    return [
        CandidateItem(f"{HEADER}Where is {place}?\n\n### Response:\n", f"{place} lies on ", CANDIDATES)
        for place in PLACES
    ]


def plain_scores(network: Any, tokenizer: Any, item: CandidateItem) -> list[float]:
    """Summed log-probabilities of the tokens in which the candidates differ from what is before them."""
    text = item.prompt + item.before
    own = tokenizer(text)["input_ids"]
    wholes = [tokenizer(text + ending)["input_ids"] for ending in item.endings]
    start = min(
        next((n for n, (a, b) in enumerate(zip(own, ids, strict=False)) if a != b), len(own))
        for ids in wholes
    )
    sums = []
    for ids in wholes:
        with torch.no_grad():
            log_probs = network(torch.tensor([ids])).logits[0].log_softmax(-1)
        sums.append(sum(float(log_probs[place - 1, ids[place]]) for place in range(start, len(ids))))
    return sums


def scores(answers: TransformersAnswers, given: Sequence[CandidateItem]) -> list[tuple[float, ...]]:
    found = sorted(answers.candidate_scores(given), key=lambda one: one.item_index)
    assert [one.item_index for one in found] == list(range(len(given)))
    return [one.scores for one in found]


def adapter(folder: Path, base: Path, modules: list[str]) -> Path:
    """A LoRA adapter with weights that change what the model says."""
    network = AutoModelForCausalLM.from_pretrained(base)
    adapted = get_peft_model(
        network, LoraConfig(r=4, lora_alpha=32, target_modules=modules, lora_dropout=0.5)
    )
    torch.manual_seed(3)
    for name, weight in adapted.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(weight, std=0.2)
    adapted.save_pretrained(folder)
    return folder


@pytest.mark.parametrize(
    ("family", "tokenizer", "shares"),
    [
        ("llama", TinyTokenizer.BOS, True),
        ("gpt2", TinyTokenizer.PLAIN, True),
        ("mistral", TinyTokenizer.MERGING, True),
        ("bloom", TinyTokenizer.PLAIN, True),
        ("mamba", TinyTokenizer.PLAIN, False),
    ],
)
def test_candidates_are_worth_what_the_plain_model_says(
    family: str, tokenizer: TinyTokenizer, shares: bool, tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / family, family, tokenizer=tokenizer)
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    words = AutoTokenizer.from_pretrained(folder)
    expected = [plain_scores(network, words, item) for item in items()]
    assert max(map(max, expected)) - min(map(min, expected)) > 1, "too flat to show a fault"
    for budget in (8192, 60, 1):
        answers = TransformersAnswers(network, words, family, batch_tokens=budget)
        for found, right in zip(scores(answers, items()), expected, strict=True):
            assert found == pytest.approx(right, abs=1e-4)
        assert answers.shares_prefixes is shares
        alone = scores(answers, items()[2:3])
        assert alone[0] == pytest.approx(expected[2], abs=1e-4)


@pytest.mark.parametrize(
    ("family", "modules"),
    [("llama", ["q_proj", "v_proj"]), ("gpt2", ["c_attn"]), ("bloom", ["query_key_value"])],
)
def test_an_adapter_on_its_base_says_what_plain_peft_says(
    family: str, modules: list[str], tmp_path: Path
) -> None:
    base = tiny_model(tmp_path / "base", family)
    tuned = adapter(tmp_path / "tuned", base, modules)
    words = AutoTokenizer.from_pretrained(base)
    plain = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), tuned).eval()
    answers, reference = TransformersAnswers.load(str(base), adapter=tuned, device="cpu")
    for found, item in zip(scores(answers, items()), items(), strict=True):
        assert found == pytest.approx(plain_scores(plain, words, item), abs=1e-4)
    untuned, base_reference = TransformersAnswers.load(str(base), device="cpu")
    assert scores(untuned, items()[:1])[0] != pytest.approx(scores(answers, items()[:1])[0], abs=1e-2)
    assert (reference.name, base_reference.name) == ("tuned", "base")
    assert reference.fingerprint == base_reference.fingerprint
    assert reference.adapter is not None
    assert base_reference.adapter is None


def test_an_adapter_goes_on_the_base_that_is_given_and_not_on_the_one_it_names(tmp_path: Path) -> None:
    base = tiny_model(tmp_path / "base")
    tuned = adapter(tmp_path / "tuned", base, ["q_proj", "v_proj"])
    written = json.loads((tuned / "adapter_config.json").read_text())
    (tuned / "adapter_config.json").write_text(
        json.dumps(written | {"base_model_name_or_path": "somebody/elses"})
    )
    _, renamed = TransformersAnswers.load(str(base), adapter=tuned, device="cpu")
    (tuned / "adapter_config.json").write_text(json.dumps(written | {"r": 2}))
    with pytest.raises(ModelError, match="cannot be put on this model"):
        TransformersAnswers.load(str(base), adapter=tuned, device="cpu")
    (tuned / "adapter_config.json").write_text(json.dumps(written))
    _, named = TransformersAnswers.load(str(base), adapter=tuned, device="cpu")
    assert named.adapter == renamed.adapter


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"target_modules": "(a+)+$"}, "a list of names is needed"),
        ({"peft_type": "VERA"}, "only LORA is read"),
        ({"init_lora_weights": "pissa"}, "sets 'init_lora_weights' to 'pissa'"),
        ({"rank_pattern": {"(a+)+$": 4}}, "sets 'rank_pattern'"),
        ({"target_modules": ["q_proj"]}, r"2 keys too many|4 keys too many"),
        ({"target_modules": ["q_proj", "v_proj", "o_proj"]}, "0 keys too many, 4 missing"),
        ({"target_modules": ["c_attn"]}, "cannot be put on this model"),
    ],
)
def test_an_adapter_that_does_not_fit_is_refused(change: dict[str, Any], said: str, tmp_path: Path) -> None:
    base = tiny_model(tmp_path / "base")
    tuned = adapter(tmp_path / "tuned", base, ["q_proj", "v_proj"])
    written = json.loads((tuned / "adapter_config.json").read_text())
    (tuned / "adapter_config.json").write_text(json.dumps(written | change))
    with pytest.raises(ModelError, match=said):
        with_adapter(AutoModelForCausalLM.from_pretrained(base), tuned)


def test_a_network_in_training_answers_without_dropout_and_goes_on_as_it_was(tmp_path: Path) -> None:
    base = tiny_model(tmp_path / "base")
    words = AutoTokenizer.from_pretrained(base)
    config = LoraConfig(r=4, target_modules=["q_proj", "v_proj"], lora_dropout=0.5, init_lora_weights=False)
    network = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
    network.train()
    network.base_model.model.model.embed_tokens.eval()  # one that somebody has frozen
    answers = TransformersAnswers(network, words, "live")
    modes = [module.training for module in network.modules()]
    before = scores(answers, items())
    state = torch.get_rng_state()
    assert scores(answers, items()) == before  # no dropout
    assert torch.equal(torch.get_rng_state(), state)  # and nothing drawn
    assert [module.training for module in network.modules()] == modes
    ids = torch.tensor([words(items()[0].prompt)["input_ids"]])
    network(ids, labels=ids).loss.backward()
    torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.5).step()
    after = scores(answers, items())
    assert after[0] != pytest.approx(before[0], abs=1e-3)
    network.eval()
    assert after[0] == pytest.approx(plain_scores(network, words, items()[0]), abs=1e-4)


@pytest.mark.parametrize("family", ["llama", "gpt2", "mistral", "mamba"])
def test_what_is_written_is_what_transformers_generates(family: str, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / family, family)
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    words = AutoTokenizer.from_pretrained(folder)
    given = [WrittenItem(item.prompt, "It lies on the continent of Mythosia.") for item in items()]
    room = len(words(given[0].longest)["input_ids"]) + 8
    (first,) = TransformersAnswers(network, words, family).written(given[:1])
    # One of the tokens that it likes ends the text, so that answers end at different places.
    end = words(first.text)["input_ids"][3]
    network.generation_config.eos_token_id = [end, 1]
    network.generation_config.repetition_penalty = 1.7  # of no meaning to a greedy answer
    expected = []
    plain = GenerationConfig(
        max_new_tokens=room, do_sample=False, eos_token_id=[end, 1], pad_token_id=0, repetition_penalty=1.0
    )
    for item in given:
        ids = torch.tensor([words(item.prompt)["input_ids"]])
        made = network.generate(
            ids, attention_mask=torch.ones_like(ids), generation_config=plain, use_cache=True
        )[0, ids.shape[1] :].tolist()
        made = made[: made.index(end)] if end in made else made
        expected.append(words.decode(made, skip_special_tokens=True))
    for budget in (8192, 80):
        found = TransformersAnswers(network, words, family, batch_tokens=budget).written(given)
        texts = [one.text for one in sorted(found, key=lambda one: one.item_index)]
        assert texts == expected


def test_nan_logits_choose_and_write_nothing(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    network = AutoModelForCausalLM.from_pretrained(folder).eval()
    network.lm_head.weight.data[:] = math.nan
    answers = TransformersAnswers(network, AutoTokenizer.from_pretrained(folder), "broken")
    assert [one.chosen_index for one in answers.candidate_scores(items())] == [None] * 6
    assert [one.text for one in answers.written([WrittenItem("Where?", "There.")])] == [None]


def test_an_item_that_the_model_cannot_take_is_refused_before_any_answer(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model", max_position_embeddings=64)
    answers, _ = TransformersAnswers.load(str(folder), device="cpu")
    with pytest.raises(ModelError, match="64"):
        next(answers.candidate_scores(items()))


def test_out_of_memory_goes_on_with_smaller_batches(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model")
    answers, _ = TransformersAnswers.load(str(folder), device="cpu")
    expected = scores(answers, items() * 3)
    seen: list[int] = []

    def small_device(module: torch.nn.Module, inputs: object, named: dict[str, torch.Tensor]) -> None:
        seen.append(len(named["input_ids"]))
        if seen[-1] > 10:
            raise torch.OutOfMemoryError("no room for more than ten rows")

    answers._causal.model.register_forward_pre_hook(small_device, with_kwargs=True)
    for found, right in zip(scores(answers, items() * 3), expected, strict=True):
        assert found == pytest.approx(right, abs=1e-4)
    assert max(seen) > 10
