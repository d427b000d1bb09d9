"""Basic and Factual: the unweighted mean of a level's two data sets."""

import numpy as np

from clika.languages import ALL_LANGUAGES
from clika.records import LEVEL_DATASETS, LanguageScores, Level


def level_mean(level: Level, scores: tuple[LanguageScores, ...]) -> LanguageScores:
    """The mean over the level's data sets of one run's scores of one metric, by language.

    NaN for a language in which one of the data sets is missing or undefined. The interval adds the
    squared half-widths of the parts (independent questions), around the mean; ``n`` is the sum.
    """
    by_dataset = {score.scope: score for score in scores}
    present = {code for score in scores for code in score.languages}
    languages = tuple(code for code in ALL_LANGUAGES if code in present)
    shape = (len(LEVEL_DATASETS[level]), len(languages))
    values, low, high = (np.full(shape, np.nan) for _ in range(3))
    n = np.zeros(shape, np.int64)
    for row, dataset in enumerate(LEVEL_DATASETS[level]):
        score = by_dataset.get(dataset)
        if score is None:
            continue
        places = [languages.index(code) for code in score.languages]
        values[row, places], low[row, places], high[row, places] = score.values, score.low, score.high
        n[row, places] = score.n
    mean = values.mean(axis=0)
    below = np.sqrt(((values - low) ** 2).sum(axis=0)) / shape[0]
    above = np.sqrt(((high - values) ** 2).sum(axis=0)) / shape[0]
    first = scores[0]
    return LanguageScores(
        first.run, first.metric, str(level), languages, mean, mean - below, mean + above, n.sum(axis=0)
    )
