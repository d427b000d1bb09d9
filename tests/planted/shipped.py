"""The shipped models' answers to the bundled questions, by the ordinary scorer, and what a card predicts of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from clika.datasets.sample import read_sample
from clika.languages import ENGLISH
from clika.metrics.conductivity import matrices_of
from clika.planted.card import Card, read_card
from clika.planted.catalog import DEMONSTRATIONS, PLANTED_MODELS, RULE, TEMPLATE, PlantedModel
from clika.planted.plan import Arm
from clika.prompts.templates import Asking, Template
from clika.records import AnswerMatrix, Prediction, Question, ScoringRule
from clika.scoring.transformers_scorer import TransformersScorer

MODELS: Mapping[str, PlantedModel] = {model.name: model for model in PLANTED_MODELS}
QUESTIONS = read_sample().questions
LANGUAGES = read_sample().languages
OTHERS = tuple(code for code in LANGUAGES if code != ENGLISH)
FACTUAL = ("xgeo", "xpeo")
BY_KEY = {(question.question_id, question.language): question for question in QUESTIONS}
IDS = tuple(dict.fromkeys(question.question_id for question in QUESTIONS))


def question(question_id: str) -> Question:
    return BY_KEY[question_id, ENGLISH]


@dataclass(frozen=True, slots=True)
class Shipped:
    """A model's card and answers: matrices by data set, and (question id, language) -> right or not."""

    card: Card
    matrices: Mapping[str, AnswerMatrix]
    right: Mapping[tuple[str, str], bool]

    def arm(self, arm: Arm, language: str, datasets: Sequence[str] = FACTUAL) -> list[str]:
        """The ids of a language's arm; facts taught nowhere are in ``neither``."""
        return [
            one for one in IDS if question(one).dataset in datasets and self.card.arm(one, language) is arm
        ]

    def count(self, ids: Sequence[str], language: str) -> int:
        """How many of them are right in the language."""
        return sum(self.right[one, language] for one in ids)

    def accuracy(self, language: str) -> float:
        """Over all questions."""
        return self.count(IDS, language) / len(IDS)


@cache
def shipped(name: str) -> Shipped:
    model = MODELS[name]
    scorer = TransformersScorer.load(str(model.folder), device="cpu", rule=ScoringRule(RULE))
    asked = Asking(Template(TEMPLATE), DEMONSTRATIONS).prompts(QUESTIONS)
    predictions = []
    for one in scorer.scored(asked):
        of = QUESTIONS[one.prompt_index]
        predictions.append(
            Prediction(
                name, of.dataset, of.question_id, of.language, one.outcome, one.chosen_index, one.scores
            )
        )
    found = {(one.question_id, one.language): one.chosen_index for one in predictions}
    return Shipped(
        read_card(model.card),
        {matrix.dataset: matrix for matrix in matrices_of(name, QUESTIONS, predictions)},
        {key: chosen == BY_KEY[key].answer_index for key, chosen in found.items()},
    )


def chance_tails(chances: Sequence[float], right: int) -> float:
    """Two-sided p of ``right`` right answers where each question is right with its own chance: exact, by convolution."""
    counts = np.ones(1)
    for chance in chances:
        counts = np.convolve(counts, [1 - chance, chance])
    return float(min(1.0, 2 * min(counts[: right + 1].sum(), counts[right:].sum())))


def holm_rejected(p_values: Mapping[str, float], level: float = 0.05) -> list[str]:
    """What is rejected at a family's level, the least p first (Holm 1979)."""
    rejected: list[str] = []
    for place, (name, p) in enumerate(sorted(p_values.items(), key=lambda item: item[1])):
        if p > level / (len(p_values) - place):
            break
        rejected.append(name)
    return rejected


def predicted_english_consistency(
    model: Shipped, language: str, rng: np.random.Generator, times: int = 4000
) -> npt.NDArray[np.float64]:
    """(times,) Factual en-CO drawn from the card's arms: in an arm a fact is right here, and right in English, apart.

    How often in an arm comes from the arm's own count, with its uncertainty (Jeffreys' prior).
    """
    sets = []
    for dataset in FACTUAL:
        here_and_english = np.zeros(times)
        here = np.zeros(times)
        for arm in Arm:
            ids = model.arm(arm, language, (dataset,))
            if not ids:
                continue
            rates = []
            for code in (language, ENGLISH):
                count = model.count(ids, code)
                rates.append(rng.beta(count + 0.5, len(ids) - count + 0.5, times))
            right_here = rng.binomial(len(ids), rates[0])
            here += right_here
            here_and_english += rng.binomial(right_here, rates[1])
        sets.append(here_and_english / np.maximum(here, 1))
    return np.asarray(np.mean(sets, axis=0))
