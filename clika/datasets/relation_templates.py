"""A question about a place and the sentence that answers it.

Each template puts the place's name where it keeps the form in which it stands alone: it is the subject, or,
where the language would make verbs agree with its gender, it stands beside a word of known gender
(``منطقة``, ``אזור``, "la città di"). The answer comes last, so that the candidates for it share all that is before.
"""

from dataclasses import dataclass

PLACE, ANSWER = "{place}", "{answer}"


@dataclass(frozen=True, slots=True)
class RelationTemplate:
    """``question`` holds {place} once, ``sentence`` {place} and then {answer}, once each."""

    question: str
    sentence: str

    def asked(self, place: str) -> str:
        """The question about a place by its name."""
        return _sentence(self.question.replace(PLACE, place))

    def answered(self, place: str, answer: str) -> tuple[str, str]:
        """The answering sentence in two parts: all before the answer, and from the answer to the end."""
        before, after = self.sentence.split(ANSWER)
        return _sentence(before.replace(PLACE, place)), answer + after


def _sentence(text: str) -> str:
    """A name may begin with an article in small letters; a sentence does not."""
    return text[:1].upper() + text[1:]
