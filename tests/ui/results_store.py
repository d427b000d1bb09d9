"""A store that shows all that the Results tab can: both levels, ten languages, scores, and a parent with its child."""

from pathlib import Path

import numpy as np

from clika.languages import LANGUAGES
from clika.records import Kind, ModelRef, Outcome, Prediction, Question, Run, ScoringRule
from tests.stores import seal_predictions, seal_questions

OPTIONS = {"xcsqa": 5, "xcopa": 2, "xgeo": 4, "xpeo": 4}
WORDS = {
    "ar": "أين تقع مدينة", "he": "היכן נמצאת העיר", "ja": "どの大陸にありますか", "zh": "位于哪个大洲",
    "ru": "Где находится город", "de": "Wo liegt die Stadt", "fr": "Où se trouve la ville",
}  # fmt: skip
MODELS = ("maple-7b", "maple-7b-chat-zh", "rowan-13b")
KNOWS = {"maple-7b": 0.8, "maple-7b-chat-zh": 0.6, "rowan-13b": 0.7}


def made_up(name: str) -> Run:
    """A run over the released collection, so that RA has its references."""
    return Run(f"run-{name}", ModelRef(name, f"made-up:{name}"), "released", "english", ScoringRule.LETTER)


def questions(count: int) -> list[Question]:
    """``count`` a data set in ten languages; the answer to question k is choice k modulo the options."""
    return [
        Question(
            "released",
            dataset,
            str(number),
            language,
            Kind.CAUSE if dataset == "xcopa" else Kind.CHOICE,
            f"A premise, number {number}." if dataset == "xcopa" else None,
            "" if dataset == "xcopa" else f"{WORDS.get(language, 'where is the town')} {dataset}-{number}?",
            tuple(f"{WORDS.get(language, 'place')[:9]} {letter}" for letter in "pqrst"[:options]),
            number % options,
            origin="zh" if number % 2 else "de",
        )
        for dataset, options in OPTIONS.items()
        for number in range(count)
        for language in LANGUAGES
    ]


def fill_store(store: Path, models: tuple[str, ...] = MODELS, count: int = 24) -> None:
    """Seal the questions and each model's answers: English is known best, the last languages least."""
    asked = questions(count)
    seal_questions(store, asked)
    for number, name in enumerate(models):
        run, rng = made_up(name), np.random.default_rng(number)
        rows = []
        for question in asked:
            far = list(LANGUAGES).index(question.language) / 18
            right = rng.random() < KNOWS.get(name, 0.5) - far
            options = len(question.choices)
            chosen = question.answer_index if right else int(rng.integers(options))
            scores = rng.normal(-3.0, 0.7, options)
            scores[chosen] = scores.max() + 0.8
            unread = not right and rng.random() < 0.1
            rows.append(
                Prediction(
                    run.run,
                    question.dataset,
                    question.question_id,
                    question.language,
                    Outcome.UNPARSEABLE if unread else Outcome.ANSWERED,
                    None if unread else chosen,
                    {} if unread else {ScoringRule.LETTER: tuple(float(score) for score in scores)},
                    None if unread else float(np.exp(scores).sum()),
                    "I cannot say <that>" if unread else None,
                )
            )
        seal_predictions(store, run, rows, job=f"evaluate-{number}")
