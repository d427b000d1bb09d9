"""``python -m clika build-factual``: xGeo and xPeo at the paper's size from Wikidata, as a file of questions."""

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from clika.datasets.factual import Built, FactualBuilder
from clika.datasets.factual_wordings import factual_wordings
from clika.datasets.own_file import own_collection
from clika.datasets.sparql import WIKIDATA, SparqlEndpoint
from clika.datasets.wikidata import Wikidata
from clika.errors import DataError, UsageError
from clika.languages import ALL_LANGUAGES, language_code
from clika.records import LETTERS, Question

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]

FILE = "factual.jsonl"
FORMATS = (".jsonl", ".parquet")


def add_build_factual_command(command: MakeCommand) -> None:
    """``build-factual`` and its options, added to the command line's parser."""
    made = command("build-factual", build_factual_command, "make xGeo and xPeo anew from Wikidata")
    made.add_argument(
        "--languages", required=True, help="codes such as en,de,sw: questions and facts of each"
    )
    made.add_argument(
        "--output", required=True, type=Path, metavar="DIR|FILE", help="a folder, or FILE.jsonl or .parquet"
    )
    made.add_argument("--cities", type=int, default=20, help="of each language (default 20)")
    made.add_argument("--people", type=int, default=10, help="of each language (default 10)")
    made.add_argument("--seed", type=int, default=0, help="another seed, other wrong options and places")
    made.add_argument(
        "--wordings",
        type=Path,
        metavar="FILE.toml",
        help="question sentences, and countries, of other languages",
    )
    made.add_argument("--endpoint", default=WIKIDATA, metavar="URL", help="SPARQL (default: Wikidata's)")
    made.add_argument(
        "--cache", type=Path, metavar="DIR", help="answers kept (default: wikidata/ in the store)"
    )
    made.add_argument("--pause", type=float, default=1.0, metavar="S", help="between requests (default 1)")
    made.add_argument("--contact", help="a mail address or URL that the server is told, as Wikidata asks")


def build_factual_command(options: argparse.Namespace) -> int:
    """``build-factual --languages en,de --output DIR``"""
    languages = _languages(options.languages)
    if options.cities < 0 or options.people < 0 or options.cities + options.people == 0:
        raise UsageError(
            f"--cities {options.cities} --people {options.people}; neither below 0, and one of them above"
        )
    if options.pause < 0:
        raise UsageError(f"--pause {options.pause}; seconds, 0 or more")
    if not re.match(r"https?://", options.endpoint):
        raise UsageError(f"--endpoint {options.endpoint!r}; it must begin with http:// or https://")
    path = _file(options.output)
    wordings = factual_wordings(languages, options.wordings)
    endpoint = SparqlEndpoint(
        options.endpoint,
        options.cache or options.store / "wikidata",
        pause_s=options.pause,
        contact=options.contact,
    )
    builder = FactualBuilder(
        Wikidata(endpoint, languages),
        wordings,
        own_collection(path),
        options.cities,
        options.people,
        options.seed,
    )
    built = builder.build()
    _write(path, built.questions)
    for sentence in _sentences(built, options.cities, options.people):
        print(f"clika: {sentence}", file=sys.stderr)
    unknown = [language for language in languages if language not in ALL_LANGUAGES]
    if unknown:
        print(
            f"clika: evaluate does not know {', '.join(unknown)} yet: an entry in clika/languages.py admits a language",
            file=sys.stderr,
        )
    facts = len(built.questions) // len(languages)
    print(f"{facts} questions in {len(languages)} languages ({endpoint.asked} queries asked) -> {path}")
    return 0


def _languages(spellings: str) -> tuple[str, ...]:
    """Codes, each once, as given. A language that is none of ours goes by Wikidata's code."""
    found = []
    for spelling in filter(None, (part.strip().lower() for part in spellings.split(","))):
        try:
            found.append(language_code(spelling))
        except UsageError:
            if not re.fullmatch(r"[a-z]{2,3}(-[a-z]+)?", spelling):
                raise
            found.append(spelling)
    if not found:
        raise UsageError(f"no language in {spellings!r}; give codes such as en,de,sw")
    return tuple(dict.fromkeys(found))


def _file(output: Path) -> Path:
    if output.suffix.lower() in FORMATS:
        return output
    if output.suffix and not output.is_dir():
        raise UsageError(f"--output {output.name!r}; a folder, or a file that ends in {' or '.join(FORMATS)}")
    return output / FILE


def _write(path: Path, questions: Sequence[Question]) -> None:
    """A row for each question in each language, in the layout that ``evaluate --data`` reads; whole or not at all."""
    rows = [
        {
            "question_id": question.question_id,
            "language": question.language,
            "question": question.text,
            "choices": list(question.choices),
            "answer": LETTERS[question.answer_index],
            "dataset": question.dataset,
            "origin": question.origin,
        }
        for question in questions
    ]
    beside = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix.lower() == ".parquet":
            pq.write_table(pa.Table.from_pylist(rows), beside)
        else:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            beside.write_text("".join(lines), encoding="utf-8")
        beside.replace(path)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror}; choose another place") from error


def _sentences(built: Built, cities: int, people: int) -> list[str]:
    """What a person should know of what was built: where less was found than wanted, and what was left out."""
    short = [
        f"{language}: {found[language]} of {wanted} {what}"
        for what, found, wanted in (("cities", built.cities, cities), ("people", built.people, people))
        for language in found
        if found[language] < wanted
    ]
    return short + [f"left out, {reason}: {count}" for reason, count in built.left_out.items()]
