"""Forced choice with real (tiny, random) models: the batch changes nothing, and nothing is guessed."""

import gc
import json
import math
import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    BartConfig,
    BartForConditionalGeneration,
    BertConfig,
    BertForMaskedLM,
    BertLMHeadModel,
)

from clika.errors import ModelError, UsageError
from clika.prompts.templates import Template, prompts
from clika.records import Outcome, Prompt, ScoringRule
from clika.scoring import checkpoint, transformers_scorer
from clika.scoring.prompt_families import Join
from clika.scoring.quicker_layers import Quickened, quickened
from clika.scoring.transformers_scorer import ScoringPath, TransformersScorer
from tests.models import TinyTokenizer, tiny_gpt2, tiny_llama, tiny_model, tiny_tokenizer
from tests.scoring.asking import asked, letters, scored
from tests.stores import made_up_questions


def released(texts: Sequence[str]) -> list[Prompt]:
    """Prompts of given texts, two letters each."""
    questions = made_up_questions(count=len(texts), languages=("en",), choices=2)
    return prompts(
        [replace(question, source_prompt=text) for question, text in zip(questions, texts, strict=True)],
        Template.RELEASED,
    )


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_llama(tmp_path_factory.mktemp("models") / "tiny-llama")


def test_scores_are_those_of_the_plain_model_asked_once(llama: Path) -> None:
    given = asked()[:4]
    tokenizer = AutoTokenizer.from_pretrained(llama)
    model = AutoModelForCausalLM.from_pretrained(llama)
    found = scored(TransformersScorer.load(str(llama), device="cpu"), given)
    for prompt, one in zip(given, found, strict=True):
        ids = tokenizer(prompt.text)["input_ids"]
        with torch.no_grad():
            next_token = model(torch.tensor([ids])).logits[0, -1].log_softmax(-1)
        expected = [float(next_token[tokenizer.convert_tokens_to_ids(letter)]) for letter in "ABCD"]
        assert one.scores[ScoringRule.LETTER] == pytest.approx(expected, abs=1e-5)
        assert one.outcome is Outcome.ANSWERED
        assert one.chosen_index == expected.index(max(expected))
        assert one.letter_mass == pytest.approx(sum(math.exp(score) for score in expected), abs=1e-5)


def test_out_of_memory_halves_the_budget_and_answers_everything(llama: Path) -> None:
    given = asked(12)
    expected = scored(TransformersScorer.load(str(llama), device="cpu"), given)
    scorer = TransformersScorer.load(str(llama), device="cpu")
    rows: list[int] = []

    def small_device(module: torch.nn.Module, inputs: object, named: dict[str, torch.Tensor]) -> None:
        rows.append(len(named["input_ids"]))
        if rows[-1] > 5:
            raise torch.OutOfMemoryError("no room for more than five rows")

    scorer._network.register_forward_pre_hook(small_device, with_kwargs=True)
    found = scored(scorer, given)
    assert letters(found) == pytest.approx(letters(expected), abs=1e-4)
    assert max(rows) > 5
    assert 1 <= scorer.memory_halvings < sum(count > 5 for count in rows) + 1


def test_out_of_memory_while_the_path_is_settled_is_no_reason_for_another_path(llama: Path) -> None:
    expected = scored(TransformersScorer.load(str(llama), device="cpu"), asked(12))
    scorer = TransformersScorer.load(str(llama), device="cpu")

    def small_device(module: torch.nn.Module, inputs: object, named: dict[str, torch.Tensor]) -> None:
        if len(named["input_ids"]) > 1:
            raise torch.OutOfMemoryError("no room for more than one row")

    scorer._network.register_forward_pre_hook(small_device, with_kwargs=True)
    scorer.prepare(asked(12))
    assert scorer.memory_halvings >= 1
    found = scored(scorer, asked(12))
    assert scorer.path is ScoringPath.PREFIX_CACHE
    assert letters(found) == pytest.approx(letters(expected), abs=1e-4)


def test_a_prefix_that_does_not_fit_is_a_sentence(llama: Path) -> None:
    scorer = TransformersScorer.load(str(llama), device="cpu")

    def full_device(module: torch.nn.Module, inputs: object, named: dict[str, torch.Tensor]) -> None:
        if "past_key_values" in named:
            raise torch.OutOfMemoryError("no room")

    scorer._network.register_forward_pre_hook(full_device, with_kwargs=True)
    with pytest.raises(ModelError, match=r"one prompt of \d+ tokens does not fit"):
        scored(scorer, asked(2))


def test_a_model_that_is_loaded_again_is_held_once(llama: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[weakref.ref[torch.nn.Module]] = []
    living: list[int] = []

    def loaded_once_more(*given: Any) -> Any:
        gc.collect()
        living.append(sum(one() is not None for one in held))
        network, tokenizer = checkpoint.loaded(*given)
        held.append(weakref.ref(network))
        return network, tokenizer

    def disagreeing(*given: Any) -> Quickened:
        return quickened(*given)._replace(agrees=False)

    monkeypatch.setattr(transformers_scorer, "loaded", loaded_once_more)
    monkeypatch.setattr(transformers_scorer, "quickened", disagreeing)
    TransformersScorer.load(str(llama), device="cpu")
    assert living == [0, 0, 0]  # loaded three times, and never beside another


def test_one_prompt_that_does_not_fit_is_a_sentence(llama: Path) -> None:
    scorer = TransformersScorer.load(str(llama), device="cpu")
    given = asked(2)
    scored(scorer, given)  # the self-check is over

    def full_device(module: torch.nn.Module, inputs: object, named: dict[str, torch.Tensor]) -> None:
        if "position_ids" in named:  # the prefix fits, the prompts do not
            raise torch.OutOfMemoryError("no room")

    scorer._network.register_forward_pre_hook(full_device, with_kwargs=True)
    with pytest.raises(ModelError, match=r"one prompt of \d+ tokens does not fit"):
        scored(scorer, given)


def test_the_same_settings_give_the_same_bits(llama: Path) -> None:
    first, second = (scored(TransformersScorer.load(str(llama), device="cpu"), asked()) for _ in range(2))
    assert first == second


class _WrongPrefixScorer(TransformersScorer):
    """Keeps the cache of another prefix of the same length: answers come out plausible and wrong."""

    def _prefix_cache(self, prefix: list[int]) -> object:
        return super()._prefix_cache(prefix[::-1])


def test_a_shared_prefix_that_changes_answers_is_given_up_for_the_full_path(llama: Path) -> None:
    wrong = _WrongPrefixScorer.load(str(llama), device="cpu")
    right = TransformersScorer.load(str(llama), device="cpu", prefix_cache=False)
    assert scored(wrong, asked()) == scored(right, asked())
    assert wrong.path is ScoringPath.FULL


class _RowMixingScorer(TransformersScorer):
    """Stands for a model whose answer depends on the rows beside it."""

    def _log_probs(self, rows: Sequence[list[int]], *rest: object) -> torch.Tensor:
        return super()._log_probs(rows, *rest) - 0.01 * (len(rows) - 1)  # type: ignore[arg-type]


def test_a_model_whose_batches_disagree_is_asked_one_prompt_at_a_time(llama: Path) -> None:
    mixing = _RowMixingScorer.load(str(llama), device="cpu")
    right = TransformersScorer.load(str(llama), device="cpu", batch_tokens=1, prefix_cache=False)
    assert scored(mixing, asked(2)) == scored(right, asked(2))
    assert mixing.path is ScoringPath.UNBATCHED


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_answers_close_to_float32(llama: Path, dtype: str) -> None:
    full = TransformersScorer.load(str(llama), device="cpu")
    half = TransformersScorer.load(str(llama), device="cpu", dtype=dtype)  # type: ignore[arg-type]
    assert half.model.dtype == dtype
    assert letters(scored(half, asked(2))) == pytest.approx(letters(scored(full, asked(2))), abs=0.5)
    assert half.path is ScoringPath.PREFIX_CACHE


def test_a_tokenizer_that_adds_bos_is_left_to_do_it(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "bos", tokenizer=TinyTokenizer.BOS)
    scorer = TransformersScorer.load(str(folder), device="cpu")
    (found,) = scored(scorer, released(["Question:x\nA. y\nB. z\nAnswer:"]))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("Question:x\nA. y\nB. z\nAnswer:")["input_ids"]
    assert ids[0] == tokenizer.bos_token_id
    with torch.no_grad():
        logits = AutoModelForCausalLM.from_pretrained(folder)(torch.tensor([ids])).logits[0, -1]
    expected = float(logits.log_softmax(-1)[tokenizer.convert_tokens_to_ids("A")])
    assert found.scores[ScoringRule.LETTER][0] == pytest.approx(expected, abs=1e-5)
    with pytest.raises(ModelError, match=r"1 of 1 prompts begin with '<s>' twice"):
        scored(scorer, released(["<s>Question:x\nAnswer:"]))


def test_letters_that_merge_with_the_colon_are_read_after_a_space(tmp_path: Path, llama: Path) -> None:
    folder = tiny_llama(tmp_path / "merging", tokenizer=TinyTokenizer.MERGING)
    scorer = TransformersScorer.load(str(folder), device="cpu")
    given = released(["Question:x\nA. y\nB. z\nAnswer:"])
    (found,) = scored(scorer, given)
    assert scorer.join is Join.SPACE
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert tokenizer.tokenize("Answer:A")[-1] == ":A"
    with torch.no_grad():
        ids = tokenizer(given[0].text)["input_ids"]
        logits = AutoModelForCausalLM.from_pretrained(folder)(torch.tensor([ids])).logits[0, -1]
    expected = [float(logits.log_softmax(-1)[tokenizer.convert_tokens_to_ids(f"Ġ{x}")]) for x in "AB"]
    assert found.scores[ScoringRule.LETTER] == pytest.approx(expected, abs=1e-5)
    plain = TransformersScorer.load(str(llama), device="cpu")
    scored(plain, given)
    assert plain.join is Join.NONE


def test_letters_that_neither_join_makes_single_tokens_are_refused_with_the_tokens(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "merging", tokenizer=TinyTokenizer.MERGING)
    scorer = TransformersScorer.load(str(folder), device="cpu")
    # The text ends in a blank: "A" swallows it (" A" is one token), and a second blank stays a token of its own.
    with pytest.raises(
        ModelError, match=r"letters cannot be scored .*'A' directly after .*; .*another template"
    ):
        scored(scorer, released(["Question:x\nAnswer: "]))


def test_a_prompt_longer_than_the_context_is_refused_never_cut(tmp_path: Path) -> None:
    scorer = TransformersScorer.load(
        str(tiny_llama(tmp_path / "short", max_position_embeddings=64)), device="cpu"
    )
    with pytest.raises(ModelError, match=r"1 of 2 prompts are too long .* context holds 64.* never cut"):
        scored(scorer, released(["Answer:", "0 1 2 3 4 5 6 7 8 9 " * 8 + "Answer:"]))


def test_ids_beyond_the_embedding_are_refused(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "narrow", vocab_size=100)
    with pytest.raises(ModelError, match="embeds ids below 100"):
        scored(TransformersScorer.load(str(folder), device="cpu"), asked(1))


def test_nan_weights_give_invalid_answers_and_never_the_first_letter(tmp_path: Path) -> None:
    folder = tiny_gpt2(tmp_path / "nan")
    rewritten(folder, lambda weights: weights["transformer.ln_f.weight"].fill_(math.nan))
    found = scored(TransformersScorer.load(str(folder), device="cpu"), asked(2))
    assert {(one.outcome, one.chosen_index, one.letter_mass) for one in found} == {
        (Outcome.INVALID, None, None)
    }


def rewritten(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = folder / "model.safetensors"
    weights = load_file(path)
    change(weights)
    save_file(weights, path, metadata={"format": "pt"})


def test_a_missing_weight_is_refused_by_name(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "holed")
    rewritten(folder, lambda weights: weights.pop("model.layers.1.mlp.up_proj.weight"))
    with pytest.raises(ModelError, match=r"lacks 1 of .*layers\.1\.mlp\.up_proj\.weight"):
        TransformersScorer.load(str(folder), device="cpu")


def test_weights_of_layers_that_the_configuration_leaves_out_are_refused_and_others_pass(
    tmp_path: Path,
) -> None:
    folder = tiny_llama(tmp_path / "shortened")
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_hidden_layers": 1}))
    said = r"holds 9 weights of layers that its config.json does not have \(model\.layers\.1\."
    with pytest.raises(ModelError, match=said):
        TransformersScorer.load(str(folder), device="cpu")
    path.write_text(json.dumps({**json.loads(path.read_text()), "num_nextn_predict_layers": 1}))
    TransformersScorer.load(str(folder), device="cpu")  # the second layer guesses the token after the next
    with_head = tiny_llama(tmp_path / "with a head")
    rewritten(with_head, lambda weights: weights.update({"value_head.weight": torch.ones(1, 4)}))
    TransformersScorer.load(str(with_head), device="cpu")


def test_a_truncated_weight_file_is_a_sentence(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "cut")
    content = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelError, match=r"model.safetensors .*save_pretrained.*\[header-size\]"):
        TransformersScorer.load(str(folder), device="cpu")


def test_pickled_weights_are_refused(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "pickled")
    torch.save(load_file(folder / "model.safetensors"), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="safetensors"):
        TransformersScorer.load(str(folder), device="cpu")


def test_a_weight_index_that_leads_outside_is_refused(tmp_path: Path) -> None:
    folder = tiny_llama(tmp_path / "led")
    index = {"metadata": {}, "weight_map": {"lm_head.weight": "../else.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(ModelError, match=r"names '\.\./else\.safetensors'"):
        TransformersScorer.load(str(folder), device="cpu")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda size: BertForMaskedLM(BertConfig(**size)), "encoder model"),
        (lambda size: BertLMHeadModel(BertConfig(**size)), "encoder model"),
        (
            lambda size: BartForConditionalGeneration(
                BartConfig(vocab_size=size["vocab_size"], d_model=16, encoder_layers=1, decoder_layers=1)
            ),
            "encoder-decoder",
        ),
    ],
)
def test_models_with_an_encoder_are_refused(
    make: Callable[[dict[str, int]], torch.nn.Module], said: str, tmp_path: Path
) -> None:
    words = tiny_tokenizer()
    size = {"vocab_size": len(words), "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    make(size).save_pretrained(tmp_path)  # type: ignore[operator]
    words.save_pretrained(tmp_path)
    with pytest.raises(ModelError, match=f"{said}.*decoder-only"):
        TransformersScorer.load(str(tmp_path), device="cpu")


def test_a_decoder_config_that_attends_both_ways_is_found_by_asking(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model", "gpt2")
    scorer = TransformersScorer.load(str(folder), device="cpu")
    for block in scorer._network.transformer.h:
        block.attn.forward = _both_ways(block.attn)
    with pytest.raises(ModelError, match="changes its prediction when text is added after it"):
        scorer._check_causal()


def _both_ways(attention: torch.nn.Module) -> Callable[..., tuple[torch.Tensor, None]]:
    def forward(states: torch.Tensor, *_: object, **__: object) -> tuple[torch.Tensor, None]:
        return states.mean(dim=1, keepdim=True).expand_as(states), None

    return forward


def test_what_is_no_model_is_a_sentence_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"is no folder; a model is a folder with config\.json"):
        TransformersScorer.load(str(tmp_path / "absent"), device="cpu")
    with pytest.raises(ModelError, match=r"is a folder without config\.json"):
        TransformersScorer.load(str(tmp_path), device="cpu")
    (tmp_path / "adapter_config.json").write_text("{}")
    with pytest.raises(ModelError, match="is an adapter, not a whole model"):
        TransformersScorer.load(str(tmp_path), device="cpu")


def test_a_folder_without_config_does_not_shadow_the_hub(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    (tmp_path / "owner" / "name").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"holds no config\.json, and it could not be fetched from the Hub"):
        TransformersScorer.load("owner/name", device="cpu")


def test_a_relative_folder_is_remembered_by_its_whole_path(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(llama.parent)
    model = TransformersScorer.load("tiny-llama", device="cpu").model
    assert (model.name, model.base, model.revision) == ("tiny-llama", str(llama.resolve()), None)
    assert len(str(model.fingerprint)) == 64
    assert TransformersScorer.load("tiny-llama", device="cpu", name="mine").model.name == "mine"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"dtype": "int8"}, "unknown dtype 'int8'; known: float32"),
        ({"device": "tpu"}, "unknown device 'tpu'; known: cpu"),
        ({"batch_tokens": 0}, "batch of 0 tokens"),
    ],
)
def test_wrong_settings_are_refused_before_anything_is_loaded(
    wrong: dict[str, str], said: str, llama: Path
) -> None:
    with pytest.raises(UsageError, match=said):
        TransformersScorer.load(str(llama), **wrong)  # type: ignore[arg-type]


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has Apple's GPU")
def test_apples_gpu_asked_for_where_there_is_none_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(
        UsageError, match=r"device 'mps' and torch sees no such GPU here; use 'cpu' or 'auto'"
    ):
        TransformersScorer.load(str(tiny_llama(tmp_path)), device="mps")


@pytest.mark.parametrize("family", ["llama", "gpt2"])
def test_a_model_spread_over_several_places_says_what_it_says_in_one(family: str, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / family, family)
    given = asked(4)
    whole = TransformersScorer.load(str(folder), device="cpu")
    layers = "transformer.h" if family == "gpt2" else "model.layers"
    network = AutoModelForCausalLM.from_pretrained(folder)
    names = {name.rpartition(".")[0] for name, _ in network.named_parameters()}
    # A second GPU is played by the disk: accelerate moves that layer in and out as it moves states between GPUs.
    spread = {name: "disk" if name.startswith(f"{layers}.1.") else "cpu" for name in names}
    spread["lm_head"] = "cpu"  # where it shares the embedding it is no parameter of its own
    found = TransformersScorer.load(str(folder), device="cpu", device_map=spread)
    assert letters(scored(found, given)) == pytest.approx(letters(scored(whole, given)), abs=1e-4)
    assert found.path is ScoringPath.PREFIX_CACHE
