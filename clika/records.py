"""The frozen nouns that cross the seams between rooms: questions, runs, predictions, answers, scores.

Whatever travels from one room to another is one of these; nobody passes a bare dictionary.
"""

import hashlib
import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

UNPARSEABLE = -1
NOT_ASKED = -2
INVALID = -3


class Kind(StrEnum):
    """What a question asks for. Cause and effect are COPA's: a premise and two alternatives."""

    CHOICE = "choice"
    CAUSE = "cause"
    EFFECT = "effect"


class Outcome(StrEnum):
    """What came back: a choice; a text that names none of the choices; NaN or infinite logits."""

    ANSWERED = "answered"
    UNPARSEABLE = "unparseable"
    INVALID = "invalid"


class ScoringRule(StrEnum):
    """How a choice is read off a model's log-probabilities. ``first_character`` is for imported texts."""

    LETTER = "letter"
    LETTER_VARIANTS = "letter_variants"
    OPTION = "option"
    OPTION_PER_BYTE = "option_per_byte"
    PMI = "pmi"
    FIRST_CHARACTER = "first_character"


class Metric(StrEnum):
    """The measurements of a heatmap; see METRICS for what each one means."""

    ACCURACY = "accuracy"
    RA = "ra"
    EN_CO = "en-co"
    XRR = "xrr"


class Level(StrEnum):
    """Scopes that are the unweighted mean of two data sets."""

    BASIC = "basic"
    FACTUAL = "factual"


LEVEL_DATASETS: dict[Level, tuple[str, str]] = {
    Level.BASIC: ("xcsqa", "xcopa"),
    Level.FACTUAL: ("xpeo", "xgeo"),
}

OWN_DATASET = "own"
"""The data set of a user's own questions that name none of the others."""

DATASETS = ("xcsqa", "xcopa", "xgeo", "xpeo", OWN_DATASET)


class FictionalSet(StrEnum):
    """The data sets of a fictional world: the held-out half, which XRR is made of, and its gates.

    The first three are chosen among candidates or, the translations, written; ``written`` ones hold the same
    places with the answer written freely and a candidate's name found in it.
    """

    HELD_OUT = "fictional"
    TAUGHT = "fictional-taught"
    TRANSLATION = "fictional-translation"
    HELD_OUT_WRITTEN = "fictional-written"
    TAUGHT_WRITTEN = "fictional-taught-written"


class Gate(StrEnum):
    """What must have been learnt before the held-out half in X measures what was carried across."""

    TRANSLATION = "translation"
    ENGLISH_TAUGHT = "English, taught half"
    ENGLISH_HELD_OUT = "English, held-out half"
    TAUGHT = "taught half"


@dataclass(frozen=True, slots=True)
class Question:
    """One question in one language.

    ``question_id`` is the same in every language, and so are the number of choices and
    ``answer_index`` (0-based). ``origin`` is the language of the country or person asked about, where
    the source says it. ``source_prompt`` is the whole text that the source itself asked models with,
    byte for byte, where there is one.
    """

    collection: str
    dataset: str
    question_id: str
    language: str
    kind: Kind
    premise: str | None
    text: str
    choices: tuple[str, ...]
    answer_index: int
    origin: str | None = None
    source_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """The text that a model sees for a question, and how many of its letters are scored.

    ``header`` is what comes before the question, empty where the text is the source's own: prompts of one
    family have the same. ``answer_slot`` is the end of the text that asks for the answer and holds nothing of the
    question; None stands for the last line. ``holds_special_tokens``: the text is a chat's, with the special tokens
    written in it, and a tokenizer adds none.
    """

    question: Question
    text: str
    choices_scored: int
    header: str = ""
    answer_slot: str | None = None
    holds_special_tokens: bool = False


@dataclass(frozen=True, slots=True)
class Prediction:
    """One model's answer to one question in one language.

    ``chosen_index`` is 0-based and None unless ``outcome`` is answered. ``scores`` holds for each rule
    computed the natural-log scores (nats), one a choice. ``letter_mass`` is the total probability
    (0 to 1) of all the item's letters. ``raw_text`` is the answer as written, for imported runs.
    """

    run: str
    dataset: str
    question_id: str
    language: str
    outcome: Outcome
    chosen_index: int | None
    scores: Mapping[ScoringRule, tuple[float, ...]] = field(default_factory=dict)
    letter_mass: float | None = None
    raw_text: str | None = None


@dataclass(frozen=True, slots=True)
class ModelRef:
    """A checkpoint: the name people see, where it comes from, and the hash of its content."""

    name: str
    base: str
    revision: str | None = None
    adapter: str | None = None
    dtype: str | None = None
    fingerprint: str | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """A model with its settings: a row of a heatmap.

    ``run`` is a hash of everything that makes a prediction what it is (``run_id``), never of the name.
    """

    run: str
    model: ModelRef
    collection: str
    template: str
    rule: ScoringRule
    settings: Mapping[str, str] = field(default_factory=dict)


def is_one_line(name: str) -> bool:
    """Whether a name can be stored and stands on one line: no control characters, breaks, or bytes that are no text."""
    return all(unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp") for character in name)


def run_id(
    model: ModelRef, collection: str, template: str, rule: ScoringRule, settings: Mapping[str, str]
) -> str:
    """16 hexadecimal digits that change when anything that makes a prediction changes.

    The model enters by its content fingerprint; where it has none (imported answers) by its base.
    """
    made_of = {
        "model": model.fingerprint or model.base,
        "adapter": model.adapter,
        "dtype": model.dtype,
        "collection": collection,
        "template": template,
        "rule": str(rule),
        "settings": dict(sorted(settings.items())),
    }
    canonical = json.dumps(made_of, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True)
class ScoringRecord:
    """How a model was asked, for whoever doubts a number later.

    ``path`` says how prompts are computed and ``join`` what stands before a letter (None before the first
    prompts, or where it has no meaning). ``batch_tokens`` is the budget now, after ``memory_halvings``
    halvings for want of memory. ``packed_layers`` are linear layers prepacked for oneDNN, ``fused_layers`` a
    model's layers computed in fewer passes. ``shared_attention``: a cached prefix was read once for all rows of a batch,
    where it lies. ``threshold`` (nats) is the margin below which a choice is asked again in float32, and
    ``asked_again`` how many were: None and 0 unless the dtype is mixed.
    """

    device: str
    path: str | None = None
    join: str | None = None
    batch_tokens: int | None = None
    memory_halvings: int = 0
    packed_layers: int = 0
    fused_layers: int = 0
    shared_attention: bool = False
    threshold: float | None = None
    asked_again: int = 0


@dataclass(frozen=True, slots=True)
class TrainingPoint:
    """One step of a tuning, as it went.

    ``step`` counts from 1 to ``steps``. ``loss`` is nats a labelled token of the step's batch, before the step;
    ``gradient_norm`` before it was scaled down. ``tokens_per_s`` counts the samples' own tokens, padding left out
    and a shared prefix counted with each. ``seconds_left`` is what the rest will take at the present rate.
    """

    step: int
    steps: int
    epoch: float
    loss: float
    learning_rate: float
    gradient_norm: float
    samples_per_s: float
    tokens_per_s: float
    seconds_left: float


@dataclass(frozen=True, slots=True)
class TrainingRecord:
    """How a model was tuned, for whoever doubts the result later.

    ``targets`` are the layers' names that an adapter stands beside, ``adapted_layers`` how many; ``left_out`` are
    names of linear layers that it does not reach. ``prefix_length`` is how many tokens were computed once a
    micro-batch, 0 for none; ``packed_rows`` whether several samples stood in a row, without padding, and
    ``shared_branches`` whether what some of them began with was computed once too. ``exact_prefix`` is False where
    something dropped out of what was shared. ``trimmed_last_layer``: the last layer's feed-forward part was computed
    only at the positions that are read.
    ``micro_batch_tokens`` is the budget at the end, after ``memory_halvings``. ``prepacked_layers`` are frozen
    layers in oneDNN's layout. ``resumed_at`` are the steps that a new process went on from.
    """

    device: str
    processes: int
    sharded: bool
    learning_weights: int
    targets: tuple[str, ...] = ()
    adapted_layers: int = 0
    left_out: tuple[str, ...] = ()
    prefix_length: int = 0
    exact_prefix: bool = True
    micro_batch_tokens: int = 0
    memory_halvings: int = 0
    prepacked_layers: int = 0
    resumed_at: tuple[int, ...] = ()
    packed_rows: bool = False
    shared_branches: bool = False
    trimmed_last_layer: bool = False


@dataclass(frozen=True, slots=True)
class AnswerMatrix:
    """All of one run's answers to one data set.

    ``chosen`` is (languages, questions) int8: the 0-based choice, or UNPARSEABLE (-1), NOT_ASKED (-2),
    INVALID (-3). ``answers`` is (questions,) int8, the gold. ``choices`` is (questions,) int8, how many.
    """

    run: str
    dataset: str
    languages: tuple[str, ...]
    question_ids: tuple[str, ...]
    chosen: npt.NDArray[np.int8]
    answers: npt.NDArray[np.int8]
    choices: npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class LanguageScores:
    """One metric of one run over one scope, by language.

    ``values``, ``low`` and ``high`` (95 % interval) are (languages,) float64 with NaN for undefined;
    ``n`` is (languages,) int64, how many answers each value is made from. A row of XRR is of several runs, one
    a language: ``sources`` maps each language to its run, and ``unmet`` the languages whose value is not
    established to the gates that do not hold. Both are empty for the other metrics.
    """

    run: str
    metric: Metric
    scope: str
    languages: tuple[str, ...]
    values: npt.NDArray[np.float64]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]
    n: npt.NDArray[np.int64]
    sources: Mapping[str, str] = field(default_factory=dict)
    unmet: Mapping[str, tuple[Gate, ...]] = field(default_factory=dict)
