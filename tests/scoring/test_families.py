"""Every family of models: however prompts are batched, padded, ordered or shared, the answers are the same."""

from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from clika.records import Prompt, ScoringRule
from clika.scoring.packed_linear import can_pack
from clika.scoring.transformers_scorer import ScoringPath, TransformersScorer
from tests.models import FAMILIES, RECURRENT, TinyTokenizer, tiny_model
from tests.scoring.asking import asked, letters, scored

# The others see a window, keep a state, bend their scores, or compute attention by themselves.
SHARED_ATTENTION = (
    *("llama", "qwen2", "qwen3", "olmo2", "gpt2", "opt", "gpt_neox", "phi", "phi3", "mixtral", "qwen3_moe"),
)
FUSED = ("llama", "mistral", "qwen2", "qwen3")


@pytest.mark.parametrize("family", FAMILIES)
def test_batched_gives_what_one_at_a_time_gives(family: str, tmp_path: Path) -> None:
    folder = str(tiny_model(tmp_path / family, family))
    given = asked()
    single = TransformersScorer.load(folder, device="cpu", batch_tokens=1, prefix_cache=False)
    alone = [next(single.scored([prompt])) for prompt in given]
    expected = letters(alone)
    assert max(expected) - min(expected) > 1, "the model is too flat to show a fault"
    for budget, prefix_cache in ((8192, True), (700, True), (8192, False), (700, False)):
        scorer = TransformersScorer.load(folder, device="cpu", batch_tokens=budget, prefix_cache=prefix_cache)
        found = scored(scorer, given)
        assert letters(found) == pytest.approx(expected, abs=1e-4)
        assert [one.chosen_index for one in found] == [one.chosen_index for one in alone]
        shares = prefix_cache and family not in RECURRENT
        assert scorer.path is (ScoringPath.PREFIX_CACHE if shares else ScoringPath.FULL)
        assert scorer.record.shared_attention == (prefix_cache and family in SHARED_ATTENTION)
    backwards = scored(scorer, given[::-1])[::-1]
    assert letters(backwards) == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("family", FAMILIES)
def test_quicker_layers_say_what_the_model_says(family: str, tmp_path: Path) -> None:
    folder = str(tiny_model(tmp_path / family, family))
    given = asked(3)
    quick = TransformersScorer.load(folder, device="cpu")
    plain = TransformersScorer.load(folder, device="cpu", fast=False)
    assert plain.packed_layers == 0
    reads_its_weights = family == "mamba"  # dt_proj.weight: such a model stays as it is
    assert (quick.packed_layers > 0) == (can_pack() and not reads_its_weights)
    assert plain.record.fused_layers == 0
    assert quick.record.fused_layers == (2 if can_pack() and family in FUSED else 0)
    one, other = scored(quick, given), scored(plain, given)
    assert letters(one) == pytest.approx(letters(other), abs=1e-4)
    assert [s.chosen_index for s in one] == [s.chosen_index for s in other]


@pytest.mark.parametrize("family", FUSED)
def test_options_texts_weigh_the_same_by_quicker_layers(family: str, tmp_path: Path) -> None:
    folder = str(tiny_model(tmp_path / family, family))
    given = asked(2)
    one, other = (
        [
            score
            for found in scored(
                TransformersScorer.load(folder, device="cpu", fast=fast, rule=ScoringRule.PMI), given
            )
            for rule in (ScoringRule.OPTION, ScoringRule.PMI)
            for score in found.scores[rule]
        ]
        for fast in (True, False)
    )
    assert one == pytest.approx(other, abs=1e-3)


def left_padded(folder: Path, given: Sequence[Prompt]) -> list[float]:
    """Nats of the letters of each prompt, all prompts in one batch of the plain model, padded on the left."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder)
    rows = [tokenizer(prompt.text)["input_ids"] for prompt in given]
    width = max(len(row) for row in rows)
    ids = torch.tensor([[0] * (width - len(row)) + row for row in rows])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows])
    named = {"input_ids": ids, "attention_mask": mask}
    if model.config.model_type not in ("bloom", "mamba", "falcon"):  # they count positions by the mask
        named["position_ids"] = (mask.cumsum(-1) - 1).clamp(min=0)
    with torch.inference_mode():
        log_probs = model(**named).logits[:, -1].log_softmax(-1)
    return [
        float(log_probs[row, tokenizer.convert_tokens_to_ids(letter)])
        for row, prompt in enumerate(given)
        for letter in "ABCDE"[: prompt.choices_scored]
    ]


@pytest.mark.parametrize("family", FAMILIES)
def test_the_plain_model_padded_on_the_left_says_the_same(family: str, tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / family, family)
    given = asked(3)
    found = scored(TransformersScorer.load(str(folder), device="cpu"), given)
    assert letters(found) == pytest.approx(left_padded(folder, given), abs=1e-4)


def test_a_tokenizer_that_adds_bos_is_batched_as_well(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "llama", tokenizer=TinyTokenizer.BOS)
    given = asked(3)
    found = scored(TransformersScorer.load(str(folder), device="cpu", batch_tokens=700), given)
    assert letters(found) == pytest.approx(left_padded(folder, given), abs=1e-4)
