"""A replica's answers on their way to disk: collected, sealed every few seconds, and told of."""

import logging
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from clika.jobs.folder import JobFolder, Progress
from clika.records import Outcome, Prediction, Prompt, Question, Run
from clika.scoring.scorer import Scored
from clika.shards import ShardKind, prediction_table, seal
from clika.workers.claims import writer_name
from clika.workers.lifeline import Lifeline
from clika.workers.sealed_answers import Key, SealedAnswers

SEAL_EVERY_SECONDS = 2.0
SEAL_EVERY_ROWS = 1000
CHUNK_QUESTIONS = 256
"""The most questions that one replica takes at once: replicas end together to within so many."""

_logger = logging.getLogger(__name__)


class StoppedError(BaseException):
    """SIGTERM arrived: seal what is there and go.

    No Exception, since what loads a model turns every Exception into a sentence about the model.
    """


class Termination:
    """Raises StoppedError on SIGTERM: at once, or after the shard that is being sealed."""

    def __init__(self) -> None:
        self._asked = self._held = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self._asked = True
        if not self._held:
            raise StoppedError

    @contextmanager
    def held(self) -> Iterator[None]:
        """What stands inside happens whole: half of a sealing would seal the same rows twice."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
        if self._asked:
            raise StoppedError

    def catch(self) -> None:
        """Take SIGTERM from now on."""
        signal.signal(signal.SIGTERM, self)


def question_key(question: Question) -> Key:
    """Under which a question's answer is kept."""
    return question.dataset, question.question_id, question.language


def chunks(asked: Sequence[Prompt]) -> list[list[int]]:
    """The prompts' indices in parts that one replica takes at a time, those with the longest texts first.

    A part is of one data set and language, which share their beginning. The same prompts give the same
    parts in every process, however much of them is answered.
    """
    families: dict[tuple[str, str], list[int]] = {}
    for index, prompt in enumerate(asked):
        families.setdefault((prompt.question.dataset, prompt.question.language), []).append(index)
    parts = []
    for members in families.values():
        count = -(-len(members) // CHUNK_QUESTIONS)
        parts += [members[n * len(members) // count : (n + 1) * len(members) // count] for n in range(count)]
    return sorted(parts, key=lambda part: (-max(len(asked[index].text.encode()) for index in part), part[0]))


class Answers:
    """What one replica has answered of a job's questions."""

    def __init__(
        self,
        folder: JobFolder,
        run: Run,
        replica: int,
        questions: Sequence[Question],
        sealed: SealedAnswers,
        termination: Termination,
        lifeline: Lifeline,
    ) -> None:
        self.done = 0
        self._folder, self._run, self._replica, self._sealed = folder, run, replica, sealed
        self._keys = [question_key(question) for question in questions]
        self._termination, self._lifeline = termination, lifeline
        self._rows: list[Prediction] = []
        missing = self.missing(range(len(questions)))
        self._to_answer = Counter(self._keys[index][2] for index in missing)
        self._answered: Counter[str] = Counter()
        self._kept = len(questions) - len(missing)
        self._began = self._sealed_at = time.monotonic()
        self.tell()

    def missing(self, indices: Iterable[int]) -> list[int]:
        """Those of the questions that no sealed shard answers."""
        return [index for index in indices if self._keys[index] not in self._sealed.outcomes]

    def look(self) -> None:
        """Take in what the other replicas sealed."""
        self._sealed.refresh()

    def begin(self) -> None:
        """The model is there: the rate counts from here."""
        self._began = time.monotonic()

    def add(self, question: Question, scored: Scored) -> None:
        """Take one answer; now and then this seals a shard."""
        prediction = Prediction(
            run=self._run.run,
            dataset=question.dataset,
            question_id=question.question_id,
            language=question.language,
            outcome=scored.outcome,
            chosen_index=scored.chosen_index,
            scores=scored.scores,
            letter_mass=scored.letter_mass,
        )
        self._rows.append(prediction)
        self._lifeline.answered += 1
        late = time.monotonic() - self._sealed_at >= SEAL_EVERY_SECONDS
        if late or len(self._rows) >= SEAL_EVERY_ROWS:
            self.seal()

    def seal(self) -> None:
        """Seal what was collected; nothing where there is nothing. Raises StoreFullError without room."""
        with self._termination.held():
            if self._rows:
                writer = writer_name(self._replica)
                table = prediction_table(self._rows)
                entry = seal(self._folder.path, writer, ShardKind.PREDICTIONS, table)
                outcomes: dict[Key, Outcome] = {
                    (row.dataset, row.question_id, row.language): row.outcome for row in self._rows
                }
                self._sealed.add(entry.file, outcomes)
                self._answered.update(row.language for row in self._rows)
                self.done += len(self._rows)
                self._rows = []
            self._sealed_at = time.monotonic()
            self.tell()

    def tell(self) -> None:
        """Say how far this replica is."""
        rate = self.done / max(time.monotonic() - self._began, 1e-9) if self.done else None
        languages = {code: (self._answered[code], total) for code, total in self._to_answer.items()}
        progress = Progress(self.done, self._to_answer.total(), self._kept, rate, languages)
        try:
            self._folder.write_progress(progress, self._replica)
        except OSError as error:  # a full disk shows with the next shard, which must not be lost to this
            _logger.warning("progress could not be told: %s", error)
