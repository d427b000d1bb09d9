"""Every scoring rule against the plain model, and against arithmetic by hand."""

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from clika.errors import UsageError
from clika.prompts.templates import Template, prompts
from clika.records import Outcome, Prompt, ScoringRule
from clika.scoring.prompt_families import Join
from clika.scoring.rules import choice, letter_scores, option_scores
from clika.scoring.transformers_scorer import ScoringPath, TransformersScorer
from tests.models import TinyTokenizer, tiny_model
from tests.stores import made_up_questions


def asked(count: int = 3) -> list[Prompt]:
    """Prompts whose options differ in length and script."""
    return prompts(
        [
            replace(question, choices=("Rome", "Saint Petersburg by the sea", "פריז", "北京 or Peking"))
            for question in made_up_questions(count=count, languages=("en", "he"))
        ],
        Template.ENGLISH,
    )


def plain_sums(folder: Path, text: str, join: str, options: tuple[str, ...]) -> list[float]:
    """Summed log-probabilities of the options' tokens, one whole text at a time, by transformers alone."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    own = tokenizer(text)["input_ids"]
    wholes = [tokenizer(text + join + option)["input_ids"] for option in options]
    start = min(
        next((n for n, (a, b) in enumerate(zip(own, w, strict=False)) if a != b), len(own)) for w in wholes
    )
    sums = []
    for ids in wholes:
        with torch.no_grad():
            log_probs = model(torch.tensor([ids])).logits[0].log_softmax(-1)
        sums.append(sum(float(log_probs[place - 1, ids[place]]) for place in range(start, len(ids))))
    return sums


@pytest.mark.parametrize(
    ("family", "tokenizer"),
    [
        ("llama", TinyTokenizer.BOS),
        ("llama", TinyTokenizer.MERGING),
        ("gpt2", TinyTokenizer.PLAIN),
        ("bloom", TinyTokenizer.PLAIN),
        ("mamba", TinyTokenizer.PLAIN),
    ],
)
def test_option_rules_are_the_plain_models_likelihoods(
    family: str, tokenizer: TinyTokenizer, tmp_path: Path
) -> None:
    folder = tiny_model(tmp_path / "model", family, tokenizer=tokenizer)
    given = asked()
    scorer = TransformersScorer.load(str(folder), device="cpu", rule=ScoringRule.OPTION)
    found = {one.prompt_index: one for one in scorer.scored(given)}
    join = " " if scorer.join is Join.SPACE else ""
    for index, prompt in enumerate(given):
        options = prompt.question.choices
        expected = plain_sums(folder, prompt.text, join, options)
        scores = found[index].scores
        assert scores[ScoringRule.OPTION] == pytest.approx(expected, abs=1e-3)
        per_byte = [score / len(option.encode()) for score, option in zip(expected, options, strict=True)]
        assert scores[ScoringRule.OPTION_PER_BYTE] == pytest.approx(per_byte, abs=1e-4)
        assert found[index].chosen_index == expected.index(max(expected))
        assert set(scores) == {rule for rule in ScoringRule if rule is not ScoringRule.FIRST_CHARACTER}
    if tokenizer is TinyTokenizer.BOS:  # the answer slot alone has a beginning of its own
        alone = plain_sums(folder, "Answer:", join, given[0].question.choices)
        whole = found[0].scores[ScoringRule.OPTION]
        assert found[0].scores[ScoringRule.PMI] == pytest.approx(
            [a - b for a, b in zip(whole, alone, strict=True)], abs=1e-3
        )


def test_the_batch_moves_no_option_score(tmp_path: Path) -> None:
    folder = str(tiny_model(tmp_path / "model", "llama"))
    given = asked(6)

    def sums(batch_tokens: int, prefix_cache: bool) -> tuple[TransformersScorer, list[float]]:
        scorer = TransformersScorer.load(
            folder, device="cpu", batch_tokens=batch_tokens, prefix_cache=prefix_cache, rule=ScoringRule.PMI
        )
        found = sorted(scorer.scored(given), key=lambda one: one.prompt_index)
        return scorer, [score for one in found for score in one.scores[ScoringRule.PMI]]

    scorer, cached = sums(8192, True)
    assert scorer.path is ScoringPath.PREFIX_CACHE
    assert cached == pytest.approx(sums(8192, False)[1], abs=1e-3)
    assert cached == pytest.approx(sums(1, True)[1], abs=1e-3)


def test_letter_variants_add_the_probability_of_the_letter_after_a_space(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "model", "llama", tokenizer=TinyTokenizer.MERGING)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder).eval()
    given = asked()[:1]
    (one,) = TransformersScorer.load(str(folder), device="cpu").scored(given)
    with torch.no_grad():
        log_probs = model(torch.tensor([tokenizer(given[0].text)["input_ids"]])).logits[0, -1].log_softmax(-1)
    # This tokenizer makes ":A" one token, so only " A" follows the prompt and there is no other way.
    spaced = [float(log_probs[tokenizer.convert_tokens_to_ids(f"Ġ{letter}")]) for letter in "ABCD"]
    assert one.scores[ScoringRule.LETTER] == pytest.approx(spaced, abs=1e-4)
    assert one.scores[ScoringRule.LETTER_VARIANTS] == pytest.approx(spaced, abs=1e-4)


def test_letter_scores_by_hand() -> None:
    # A: .1 + .3 = .4; B: .2 alone
    found = letter_scores([math.log(0.1), math.log(0.2), math.log(0.3)], (5, 6), ((7,), ()))
    assert found[ScoringRule.LETTER] == pytest.approx((math.log(0.1), math.log(0.2)))
    assert found[ScoringRule.LETTER_VARIANTS] == pytest.approx((math.log(0.4), math.log(0.2)))


def test_option_scores_by_hand() -> None:
    # "é" has two bytes: -6 / 2 = -3, while "abc" has three: -6 / 3 = -2
    found = option_scores(("é", "abc"), (-6.0, -6.0), (-5.0, -9.0))
    assert found[ScoringRule.OPTION] == (-6.0, -6.0)
    assert found[ScoringRule.OPTION_PER_BYTE] == (-3.0, -2.0)
    assert found[ScoringRule.PMI] == (-1.0, 3.0)
    assert math.isnan(option_scores(("",), (-6.0,), (-5.0,))[ScoringRule.OPTION_PER_BYTE][0])


def test_the_rule_decides_and_a_score_that_is_not_finite_makes_the_item_invalid() -> None:
    scores = {ScoringRule.LETTER: (-1.0, -2.0), ScoringRule.PMI: (-3.0, 1.0)}
    assert choice(0, scores, ScoringRule.LETTER).chosen_index == 0
    assert choice(0, scores, ScoringRule.PMI).chosen_index == 1
    spoilt = {**scores, ScoringRule.PMI: (math.nan, 1.0)}
    assert choice(0, spoilt, ScoringRule.LETTER).outcome is Outcome.INVALID


def test_a_model_cannot_be_asked_by_the_rule_of_written_answers(tmp_path: Path) -> None:
    folder = str(tiny_model(tmp_path / "model", "llama"))
    with pytest.raises(UsageError, match="first_character"):
        TransformersScorer.load(folder, rule=ScoringRule.FIRST_CHARACTER)
