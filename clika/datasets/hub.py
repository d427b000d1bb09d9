"""XCOPA, joined with English COPA, and X-CSQA, as they lie on the Hugging Face Hub or in local copies of it.

    xcopa   cambridgeltl/xcopa, a configuration a language, split test; English: pkavumba/balanced-copa
    xcsqa   INK-USC/xcsr, configurations X-CSQA-<language>, split validation (the test split has no answers)

Read through the library ``datasets`` (``pip install 'clika[hub]'``), imported only here and only when asked for. A
collection covers the languages that it covers: a language that is not there has no questions, which is not 0.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clika.datasets.sample_files import read_sample_files
from clika.errors import ClikaError, DataError, UsageError
from clika.languages import ALL_LANGUAGES, ENGLISH, LANGUAGES, language_code
from clika.records import Kind, Question

HUB_SETS = ("xcopa", "xcsqa")

_XCOPA, _COPA, _XCSR = "cambridgeltl/xcopa", "pkavumba/balanced-copa", "INK-USC/xcsr"
_XCSQA_CONFIGURATION = re.compile(r"X-CSQA-([A-Za-z]+)")
_XCOPA_CONFIGURATION = re.compile(r"([a-z]{2,3})")
_AGREEING = 0.9
"""The share of XCOPA's rows whose kind and label English COPA's must have too: half would do so by chance."""


@dataclass(frozen=True, slots=True)
class HubSet:
    """Questions of one set, parallel in ``languages``; ``missing`` of those wanted are not there.

    ``beyond`` are the source's other languages, which this program has no entry for or, for xcopa, no words to ask
    for cause and effect in. ``left_out``: reason -> how many items.
    """

    dataset: str
    questions: tuple[Question, ...]
    languages: tuple[str, ...]
    missing: tuple[str, ...]
    beyond: tuple[str, ...]
    left_out: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Item:
    kind: Kind
    premise: str | None
    text: str
    choices: tuple[str, ...]
    answer: int


_Items = dict[str, _Item]


def hub_set(
    dataset: str, collection: str, languages: Collection[str] | None = None, folder: Path | None = None
) -> HubSet:
    """One of HUB_SETS in those of ``languages`` that it covers; None is all, and ``missing`` are some of LANGUAGES.

    ``folder`` holds copies of the Hub's repositories under their own names (``xcopa``, ``balanced-copa``, ``xcsr``).
    Raises UsageError where none of the languages is there, DataError for a source that cannot be read or joined.
    """
    read = _read_xcopa if dataset == "xcopa" else _read_xcsqa
    wanted = ALL_LANGUAGES if languages is None else languages
    try:
        found, beyond = read(wanted, folder)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{dataset}: its rows are not laid out as the Hub's are ({error!r})") from error
    if not found:
        raise UsageError(f"{dataset} is in none of {', '.join(wanted)}; ask for a language that it is in")
    covered = tuple(code for code in ALL_LANGUAGES if code in found)
    kept, left_out = _parallel([found[code] for code in covered])
    if not kept:
        raise DataError(f"{dataset}: no item is the same in {', '.join(covered)}; ask for fewer languages")
    questions = tuple(
        Question(
            collection=collection,
            dataset=dataset,
            question_id=item,
            language=code,
            kind=found[code][item].kind,
            premise=found[code][item].premise,
            text=found[code][item].text,
            choices=found[code][item].choices,
            answer_index=found[code][item].answer,
        )
        for item in kept
        for code in covered
    )
    missing = tuple(code for code in languages or LANGUAGES if code not in covered)
    return HubSet(dataset, questions, covered, missing, tuple(sorted(beyond)), left_out)


def _read_xcopa(languages: Collection[str], folder: Path | None) -> tuple[dict[str, _Items], set[str]]:
    sentences = {code: written.sentences for code, written in read_sample_files().written.items()}
    configurations, beyond = _configurations(_XCOPA, folder, _XCOPA_CONFIGURATION)
    asks = {
        code: (sentences[code].cause, sentences[code].effect)
        for code in (ENGLISH, *configurations)
        if code in languages and code in sentences
    }
    beyond |= {code for code in configurations if code in languages and code not in sentences}
    found = {}
    for code, configuration in configurations.items():
        if code in asks:
            found[code] = _causal(_rows(_XCOPA, folder, configuration, "test"), "idx", asks[code])
    if ENGLISH in asks:
        english = _causal(
            [row for row in _rows(_COPA, folder, None, "test") if not row.get("mirrored")],
            "id",
            asks[ENGLISH],
        )
        for code in found:
            found[code] = _joined(english, found[code])
        found[ENGLISH] = english
    return found, beyond


def _read_xcsqa(languages: Collection[str], folder: Path | None) -> tuple[dict[str, _Items], set[str]]:
    configurations, beyond = _configurations(_XCSR, folder, _XCSQA_CONFIGURATION)
    return {
        code: _concepts(_rows(_XCSR, folder, configuration, "validation"))
        for code, configuration in configurations.items()
        if code in languages
    }, beyond


def _configurations(
    repository: str, folder: Path | None, pattern: re.Pattern[str]
) -> tuple[dict[str, str], set[str]]:
    """(language -> configuration, languages that we do not have)"""
    found, beyond = {}, set()
    for name in _configuration_names(repository, folder):
        match = pattern.fullmatch(name)
        if match is None:
            continue
        try:
            found[language_code(match[1])] = name
        except UsageError:
            beyond.add(match[1])
    return found, beyond


def _configuration_names(repository: str, folder: Path | None) -> list[str]:
    try:
        from datasets import get_dataset_config_names
        from datasets.exceptions import DatasetsError
    except ImportError as error:
        raise ClikaError(
            "questions from the Hub need the library datasets; install it: pip install 'clika[hub]'"
        ) from error
    try:
        return list(get_dataset_config_names(_place(repository, folder)))
    except (DatasetsError, OSError, ValueError) as error:
        raise _unreadable(repository, folder, error) from error


def _rows(
    repository: str, folder: Path | None, configuration: str | None, split: str
) -> list[Mapping[str, object]]:
    from datasets import load_dataset
    from datasets.exceptions import DatasetsError

    try:
        return list(load_dataset(_place(repository, folder), configuration, split=split))
    except (DatasetsError, OSError, ValueError) as error:
        raise _unreadable(repository, folder, error) from error


def _place(repository: str, folder: Path | None) -> str:
    if folder is None:
        return repository
    copy = folder / repository.partition("/")[2]
    if not copy.is_dir():
        raise UsageError(f"no folder {str(copy)!r}; it must be a copy of the Hub's {repository}")
    return str(copy)


def _unreadable(repository: str, folder: Path | None, error: Exception) -> DataError:
    where = repository if folder is None else _place(repository, folder)
    said = " ".join(str(error).split())[:200]
    return DataError(
        f"{where} cannot be read ({said}); check the network, or name a folder with copies of the Hub's"
        " repositories with --from"
    )


def _causal(rows: Iterable[Mapping[str, object]], key: str, asks: tuple[str, str]) -> _Items:
    """COPA's rows: premise, choice1, choice2, question (cause or effect), label (0 or 1)."""
    found = {}
    for row in rows:
        kind = Kind(str(row["question"]))
        cause, effect = asks
        found[str(row[key])] = _Item(
            kind=kind,
            premise=str(row["premise"]).strip(),
            text=cause if kind is Kind.CAUSE else effect,
            choices=(str(row["choice1"]).strip(), str(row["choice2"]).strip()),
            answer=int(str(row["label"])),
        )
    return found


def _concepts(rows: Iterable[Mapping[str, object]]) -> _Items:
    """X-CSQA's rows: id, question {stem, choices {label, text}}, answerKey."""
    found = {}
    for row in rows:
        question = row["question"]
        if not isinstance(question, dict):
            raise TypeError(f"question is {str(question)[:40]!r}")
        choices = question["choices"]
        if isinstance(choices, list):
            choices = {name: [choice[name] for choice in choices] for name in ("label", "text")}
        labels = list(choices["label"])
        answer = str(row["answerKey"])
        found[str(row["id"])] = _Item(
            kind=Kind.CHOICE,
            premise=None,
            text=str(question["stem"]).strip(),
            choices=tuple(str(text).strip() for text in choices["text"]),
            answer=labels.index(answer) if answer in labels else -1,
        )
    return found


def _joined(english: _Items, other: _Items) -> _Items:
    """The same items by English COPA's ids. Raises DataError where the two do not belong together.

    The two number their test items from 501 or from anywhere else; which it is shows in kind and label.
    """
    first_english, first_other = min(map(int, english)), min(map(int, other))
    for step in (0, first_english - first_other):
        moved = {str(int(item) + step): content for item, content in other.items()}
        shared = moved.keys() & english.keys()
        alike = sum(
            (moved[item].kind, moved[item].answer) == (english[item].kind, english[item].answer)
            for item in shared
        )
        if shared and alike >= _AGREEING * len(moved):
            return moved
    raise DataError(
        f"XCOPA's {len(other)} items do not fit {_COPA}'s {len(english)} by number, kind and label; one of the two"
        " has changed: fetch without en, or give copies that fit with --from"
    )


def _parallel(by_language: Sequence[_Items]) -> tuple[list[str], dict[str, int]]:
    """The items that every language holds alike and whole, and why others were left out."""
    kept, left = [], Counter[str]()
    holders: dict[str, list[_Item]] = defaultdict(list)
    for items in by_language:
        for item, content in items.items():
            holders[item].append(content)
    for item, contents in holders.items():
        first = contents[0]
        if len(contents) < len(by_language):
            left["not in every language"] += 1
        elif any(
            replace(one, premise=None, text="", choices=())
            != replace(first, premise=None, text="", choices=())
            or len(one.choices) != len(first.choices)
            for one in contents
        ):
            left["another answer in another language"] += 1
        elif any(one.answer < 0 or not all((one.text, *one.choices)) for one in contents):
            left["without answer or text"] += 1
        else:
            kept.append(item)
    return kept, dict(left)
