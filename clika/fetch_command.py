"""``python -m clika fetch``: XCOPA and X-CSQA from the Hub into the store, as far as they go."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from clika.datasets.hub import HUB_SETS, HubSet, hub_set
from clika.imports import store_questions
from clika.languages import language_codes

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_fetch_command(command: MakeCommand) -> None:
    """``fetch`` and its options, added to the command line's parser."""
    made = command("fetch", fetch_command, "take in XCOPA and X-CSQA from the Hub")
    made.add_argument("sets", nargs="+", choices=HUB_SETS, metavar="SET", help=" or ".join(HUB_SETS))
    made.add_argument("--languages", default="all", help="all that there are, or codes such as en,de,zh")
    made.add_argument("--collection", default="hub", help="name to keep them under (default hub)")
    made.add_argument(
        "--from",
        dest="folder",
        type=Path,
        metavar="DIR",
        help="a folder with copies of the Hub's repositories",
    )


def fetch_command(options: argparse.Namespace) -> int:
    """``fetch xcopa xcsqa``"""
    languages = None if options.languages == "all" else language_codes(options.languages)
    found = [
        hub_set(name, options.collection, languages, options.folder) for name in dict.fromkeys(options.sets)
    ]
    for one in found:
        new = store_questions(options.store, options.collection, one.questions)
        print(f"{_coverage(one)}; {new} new in collection {options.collection!r}")
        for reason, count in one.left_out.items():
            print(f"clika: {one.dataset}: items {reason}, left out everywhere: {count}", file=sys.stderr)
    return 0


def _coverage(found: HubSet) -> str:
    count = len(found.questions) // len(found.languages)
    missing = f"; not there: {', '.join(found.missing)}" if found.missing else ""
    beyond = f"; it has {', '.join(found.beyond)} too, which CLiKA cannot ask in" if found.beyond else ""
    return f"{found.dataset}: {count} questions in {', '.join(found.languages)}{missing}{beyond}"
