"""The four counts of a language against English: what en-CO is made of, and what it leaves out."""

from dataclasses import dataclass

from clika.errors import UsageError
from clika.languages import ENGLISH
from clika.metrics.accuracy import asked, right
from clika.records import AnswerMatrix


@dataclass(frozen=True, slots=True)
class EnglishOverlap:
    """Questions right in both, only in English, only in the language, in neither; and not comparable
    (not asked, or invalid, in one of the two)."""

    both: int
    english_only: int
    language_only: int
    neither: int
    not_comparable: int


def english_overlap(matrix: AnswerMatrix, language: str) -> EnglishOverlap:
    """The four counts of one data set. Raises UsageError for a language the matrix does not hold."""
    if language not in matrix.languages:
        raise UsageError(f"{language!r} is not in {matrix.dataset}; it holds: {', '.join(matrix.languages)}")
    if ENGLISH not in matrix.languages:
        return EnglishOverlap(0, 0, 0, 0, len(matrix.question_ids))
    here, english = matrix.languages.index(language), matrix.languages.index(ENGLISH)
    answered, correct = asked(matrix), right(matrix)
    comparable = answered[here] & answered[english]
    mine, theirs = correct[here] & comparable, correct[english] & comparable
    return EnglishOverlap(
        both=int((mine & theirs).sum()),
        english_only=int((theirs & ~mine).sum()),
        language_only=int((mine & ~theirs).sum()),
        neither=int((comparable & ~mine & ~theirs).sum()),
        not_comparable=int((~comparable).sum()),
    )
