"""What a preflight found, as records, as a table of 100 columns, and as JSON that other programs read."""

import json
import textwrap
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum

VERSION = 1
"""Of the JSON: another number where a key changes its name or meaning, or goes."""

_COLUMNS = 100
_SENTENCES = 2


class Severity(StrEnum):
    """``refused``: a run would end with this. ``counted``: it runs, and so much is affected. ``note``: to know."""

    REFUSED = "refused"
    COUNTED = "counted"
    NOTE = "note"


class Check(StrEnum):
    """What a finding is about, in the order of the checks."""

    MODEL = "model"
    TOKENIZER = "tokenizer"
    PAD = "pad"
    TEMPLATE = "template"
    WEIGHTS = "weights"
    MEMORY = "memory"
    CONTEXT = "context"
    EMPTY = "empty"
    EMBEDDING = "embedding"
    DOUBLED_BOS = "doubled_bos"
    MISSING_BOS = "missing_bos"
    LETTERS = "letters"
    JOIN = "join"
    UNKNOWN_TOKENS = "unknown_tokens"
    BYTES_A_TOKEN = "bytes_a_token"
    LOGITS = "logits"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing found; ``language`` or ``dataset`` is None where it holds for all of them.

    ``sentence`` has the value, the rule and the remedy.
    """

    severity: Severity
    check: Check
    sentence: str
    language: str | None = None
    dataset: str | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token's id and its text as the tokenizer writes it (``Ġ`` and ``▁`` are a blank)."""

    id: int
    text: str


@dataclass(frozen=True, slots=True)
class ModelFacts:
    """What a checkpoint is; None (or empty) where that could not be found out.

    ``parameters`` counts a shared value once. ``file_dtypes`` are spelled as safetensors does. ``context`` is
    in tokens. ``embedding_rows`` are the ids that the model embeds, ``vocabulary`` those that the tokenizer has.
    ``adds_bos``: every prompt begins with BOS. ``letters`` stand in the order A, B, …, as they follow a prompt
    after ``join``. ``device_bytes`` is the room on ``device``; ``fits`` says whether the weights alone are no
    larger in the dtype asked for.
    """

    model: str
    architecture: str | None = None
    parameters: int | None = None
    file_dtypes: tuple[str, ...] = ()
    float32_bytes: int | None = None
    bfloat16_bytes: int | None = None
    device: str | None = None
    device_bytes: int | None = None
    fits: bool | None = None
    context: int | None = None
    embedding_rows: int | None = None
    vocabulary: int | None = None
    tokenizer: str | None = None
    bos: Token | None = None
    eos: Token | None = None
    pad: Token | None = None
    adds_bos: bool | None = None
    join: str | None = None
    letters: tuple[Token, ...] = ()
    chat_template: bool | None = None


@dataclass(frozen=True, slots=True)
class LanguageTokens:
    """How a tokenizer cuts one language.

    ``prompts`` are counted, ``tokens_a_prompt`` is the mean, ``longest`` the longest one's tokens. The other three
    are of the questions' own words alone (premise, text, options; no special tokens): the mean of tokens a
    question, UTF-8 bytes a token, and ``unknown_share`` (0 to 1), the share of unknown tokens.
    """

    language: str
    prompts: int
    tokens_a_question: float
    bytes_a_token: float
    unknown_share: float
    tokens_a_prompt: float
    longest: int


@dataclass(frozen=True, slots=True)
class Preflight:
    """The facts, and all findings, those that refuse first; ``languages`` is empty without a tokenizer.

    ``asked`` counts the prompts that the loaded model answered: 0 where it was not loaded.
    """

    facts: ModelFacts
    languages: tuple[LanguageTokens, ...]
    findings: tuple[Finding, ...]
    asked: int

    @property
    def refused(self) -> bool:
        """Whether a run would end with an error."""
        return any(finding.severity is Severity.REFUSED for finding in self.findings)


def as_json(found: Preflight) -> str:
    """One object: version, refused, asked, facts, languages, findings; every key is always there."""
    values = {"version": VERSION, "refused": found.refused, **asdict(found)}
    return json.dumps(values, ensure_ascii=False, indent=1) + "\n"


def as_table(found: Preflight) -> str:
    """Facts, a line a language, and the findings; a sentence that holds for several languages stands once."""
    lines = [f"{label:<13}{value}" for label, value in _fact_lines(found.facts)]
    if found.languages:
        lines += [
            "",
            "language  prompts  tokens a question  bytes a token  unknown  tokens a prompt  longest",
        ]
        lines += [
            f"{cut.language:<8}{cut.prompts:>9}{cut.tokens_a_question:>19.1f}{cut.bytes_a_token:>15.2f}"
            f"{cut.unknown_share:>9.1%}{cut.tokens_a_prompt:>17.1f}{cut.longest:>9}"
            for cut in found.languages
        ]
    by_check: dict[tuple[Severity, Check], list[Finding]] = {}
    for finding in found.findings:
        by_check.setdefault((finding.severity, finding.check), []).append(finding)
    for (severity, check), findings in by_check.items():
        lines += ["", *_finding_lines(f"{severity}: {check.replace('_', ' ')}", findings)]
    return "\n".join([*lines, "", *_wrapped(_verdict(found), "")]) + "\n"


def _finding_lines(title: str, findings: list[Finding]) -> Iterable[str]:
    """The findings of one check, each sentence once; of many alike but for their numbers the first few."""
    alike: dict[str, list[Finding]] = {}
    for finding in findings:
        alike.setdefault(finding.sentence, []).append(finding)
    shown = len(alike) if len(alike) <= _SENTENCES + 1 else _SENTENCES
    for sentence in list(alike)[:shown]:
        where = _places(alike[sentence])
        yield from _wrapped(f"{title} in {where}" if where else title, "")
        yield from _wrapped(sentence)
    rest = [finding for sentence in list(alike)[shown:] for finding in alike[sentence]]
    if rest:
        yield from _wrapped(f"{title} likewise in {_places(rest)} (--format json has every sentence)", "")


def _fact_lines(facts: ModelFacts) -> Iterable[tuple[str, str]]:
    """(label, value) of what a person looks at; a value that is not known is a dash."""
    fits = {None: "", True: ", where they fit", False: ", where they do not fit"}[facts.fits]
    named = {True: "put before every prompt", False: "not put before every prompt", None: ""}[facts.adds_bos]
    letters = " ".join(f"{token.text}={token.id}" for token in facts.letters)
    after = {"none": "directly after the prompt", "space": "after the prompt and a blank"}
    chat = {None: "-", True: "yes", False: "no"}[facts.chat_template]
    yield "model", facts.model
    yield "architecture", facts.architecture or "-"
    yield "parameters", f"{_number(facts.parameters)}, in the files as {', '.join(facts.file_dtypes) or '-'}"
    yield (
        "weights",
        f"{gigabytes(facts.float32_bytes)} in float32, {gigabytes(facts.bfloat16_bytes)} in bfloat16",
    )
    yield "device", f"{facts.device or '-'} with {gigabytes(facts.device_bytes)}{fits}"
    yield "context", f"{_number(facts.context)} tokens" if facts.context else "not stated"
    yield "vocabulary", f"{_number(facts.vocabulary)} tokens, {_number(facts.embedding_rows)} embedded"
    yield "tokenizer", f"{facts.tokenizer or '-'}; chat template: {chat}"
    yield "BOS", " ".join(filter(None, (_named(facts.bos), named if facts.bos else "")))
    yield "EOS, pad", f"{_named(facts.eos)}, {_named(facts.pad)}"
    for place, part in enumerate(textwrap.wrap(letters, _COLUMNS - 13) or ["-"]):
        yield ("letters" if place == 0 else ""), part
    if facts.join is not None:
        yield "", after.get(facts.join, facts.join)


def _places(findings: list[Finding]) -> str:
    """``de, he``, or ``de (xgeo, xpeo), he (xgeo)``; empty where they hold everywhere."""
    datasets: dict[str, list[str]] = {}
    for one in findings:
        if one.language is not None:
            datasets.setdefault(one.language, []).extend([one.dataset] if one.dataset else [])
    return ", ".join(f"{code} ({', '.join(names)})" if names else code for code, names in datasets.items())


def _verdict(found: Preflight) -> str:
    refusals = sum(finding.severity is Severity.REFUSED for finding in found.findings)
    if refusals:
        return f"{found.facts.model}: refused, {refusals} finding{'s' if refusals > 1 else ''}"
    asked = f"{found.asked} prompts were answered" if found.asked else "no prompt was answered yet"
    return f"{found.facts.model}: nothing is refused; {asked}"


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, _COLUMNS, initial_indent=indent, subsequent_indent=indent)


def _named(token: Token | None) -> str:
    return "none" if token is None else f"{token.text} ({token.id})"


def _number(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"


def gigabytes(count: int | None) -> str:
    """Bytes as people read them: ``13.5 GB`` (10^9), ``0.1 MB``; a dash for None."""
    if count is None:
        return "-"
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
