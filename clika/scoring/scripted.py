"""A scorer that answers by a function instead of a model: the seam at which tests replace torch."""

import math
from collections.abc import Callable, Iterator, Sequence

from clika.errors import UsageError
from clika.prompts.chat import Message, Role
from clika.records import ModelRef, Outcome, Prompt, Question, ScoringRecord, ScoringRule
from clika.scoring.scorer import Scored

_CHOSEN_PROBABILITY = 0.7
_OTHERS_PROBABILITY = 0.2

SCRIPTED_MODEL = ModelRef(name="scripted", base="scripted")


class ScriptedScorer:
    """Answers each question with the index that ``choice`` gives; None stands for invalid logits.

    The chosen letter has the probability 0.7 and the others 0.2 together, so ``letter_mass`` is 0.9
    (0.7 where there is one choice).
    """

    def __init__(self, choice: Callable[[Question], int | None], model: ModelRef = SCRIPTED_MODEL) -> None:
        self._choice = choice
        self._model = model

    @property
    def model(self) -> ModelRef:
        """The reference given at the start."""
        return self._model

    @property
    def record(self) -> ScoringRecord:
        """No device and no path: a function answers."""
        return ScoringRecord(device="none")

    def prepare(self, prompts: Sequence[Prompt]) -> None:
        """Nothing to settle."""

    def chat(self, messages: Sequence[Message]) -> str:
        """A line a turn, with the assistant's begun."""
        return "".join(f"{turn.role}: {turn.text}\n" for turn in messages) + f"{Role.ASSISTANT}:"

    def scored(self, prompts: Sequence[Prompt]) -> Iterator[Scored]:
        """In the order given. Raises UsageError for an index that is none of the scored choices."""
        for index, prompt in enumerate(prompts):
            chosen = self._choice(prompt.question)
            if chosen is None:
                yield Scored(index, Outcome.INVALID, None)
                continue
            count = prompt.choices_scored
            if not 0 <= chosen < count:
                raise UsageError(
                    f"scripted choice {chosen} for question {prompt.question.question_id!r};"
                    f" its choices are 0 to {count - 1}: return one of them, or None for invalid"
                )
            probabilities = [
                _CHOSEN_PROBABILITY if other == chosen else _OTHERS_PROBABILITY / (count - 1)
                for other in range(count)
            ]
            letters = tuple(math.log(probability) for probability in probabilities)
            yield Scored(index, Outcome.ANSWERED, chosen, {ScoringRule.LETTER: letters}, sum(probabilities))
