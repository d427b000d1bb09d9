"""The scoring rules: from log-probabilities to a choice.

    letter           the one token that the template makes next
    letter_variants  that letter in every way of writing it that is one token: the log of the summed probability
    option           the log-likelihood of the option's whole text in the answer slot
    option_per_byte  the same over the text's length in UTF-8 bytes, comparable across scripts
    pmi              the same less the text's log-likelihood after the answer slot's line alone (Holtzman et al.
                     2021, "Surface Form Competition"): what the question adds

The first two come from one pass. A rule of the last three asks every option's text as well and stores all
five, so that the rule can be changed afterwards without the model.
"""

import math
from collections.abc import Mapping, Sequence

from clika.records import Outcome, ScoringRule
from clika.scoring.scorer import Scored, first_greatest

OPTION_RULES = (ScoringRule.OPTION, ScoringRule.OPTION_PER_BYTE, ScoringRule.PMI)
ASKED_RULES = (ScoringRule.LETTER, ScoringRule.LETTER_VARIANTS, *OPTION_RULES)
"""The rules by which a model can be asked."""


def letter_scores(
    log_probs: Sequence[float], letters: Sequence[int], variants: Sequence[Sequence[int]]
) -> dict[ScoringRule, tuple[float, ...]]:
    """Scores (nats, one a choice) from the log-probabilities of the letters and then of their variants.

    ``log_probs`` holds one value for each of ``letters`` and after them one for each id of ``variants``,
    choice by choice.
    """
    plain = tuple(log_probs[: len(letters)])
    rest = iter(log_probs[len(letters) :])
    summed = tuple(
        _log_sum([score, *(next(rest) for _ in ids)])
        for score, ids in zip(plain, variants or [()] * len(plain), strict=True)
    )
    return {ScoringRule.LETTER: plain, ScoringRule.LETTER_VARIANTS: summed}


def option_scores(
    options: Sequence[str], given: Sequence[float], alone: Sequence[float]
) -> dict[ScoringRule, tuple[float, ...]]:
    """Scores (nats, one an option; per byte: nats a byte, NaN for an empty text) from the texts' log-likelihoods.

    ``given`` is after the question, ``alone`` after the answer slot's line without it.
    """
    return {
        ScoringRule.OPTION: tuple(given),
        ScoringRule.OPTION_PER_BYTE: tuple(
            score / len(option.encode()) if option else math.nan
            for option, score in zip(options, given, strict=True)
        ),
        ScoringRule.PMI: tuple(score - without for score, without in zip(given, alone, strict=True)),
    }


def choice(index: int, scores: Mapping[ScoringRule, tuple[float, ...]], rule: ScoringRule) -> Scored:
    """The choice that ``rule`` makes of ``scores``; invalid where any score is NaN or infinite."""
    # Not left to argmax: over NaN it answers index 0, which would count as "A".
    if not all(math.isfinite(score) for values in scores.values() for score in values):
        return Scored(index, Outcome.INVALID, None)
    mass = min(1.0, math.fsum(math.exp(score) for score in scores[ScoringRule.LETTER]))
    return Scored(index, Outcome.ANSWERED, first_greatest(scores[rule]), dict(scores), mass)


def _log_sum(values: Sequence[float]) -> float:
    """The log of the sum of exponentials; NaN where a value is NaN."""
    greatest = max(values)
    if not math.isfinite(greatest) or any(math.isnan(value) for value in values):
        return math.nan if any(math.isnan(value) for value in values) else greatest
    return greatest + math.log(math.fsum(math.exp(value - greatest) for value in values))
