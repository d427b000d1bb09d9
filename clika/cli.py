"""The command line: ``python -m clika COMMAND``. A contract: other programs call it.

Exit status 0 for success, 2 for wrong use, 1 for failure with the reason on stderr. Only the files of commands print.
"""

import argparse
import logging
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from clika import __version__
from clika.build_factual_command import add_build_factual_command
from clika.checkpoint_commands import add_checkpoints_commands
from clika.conductivity_command import add_conductivity_command
from clika.database.index import Index, rebuild
from clika.database.soundness import soundness
from clika.demo_command import add_demo_command
from clika.errors import ClikaError, UsageError
from clika.evaluate_command import add_evaluate_commands
from clika.failpoints import arm
from clika.fetch_command import add_fetch_command
from clika.imports import import_release
from clika.job_commands import (
    add_jobs_commands,
)
from clika.reading_command import reading
from clika.redaction import redacting_handler
from clika.results_commands import add_results_commands
from clika.settings import Settings
from clika.site_command import add_site_command

EXAMPLES = """examples:
  python -m clika import ../CLiKA
  python -m clika evaluate --model ./my-checkpoint --data ../CLiKA --languages en,de,zh --limit 50
  python -m clika preflight --model ./my-checkpoint --data ../CLiKA --languages en,de,zh
  python -m clika scores --metric ra --level factual
  python -m clika scores --metric en-co --dataset xgeo --format json
  python -m clika answers --dataset xgeo --question division-rouen
  python -m clika export --collection sample --output predictions.parquet
  python -m clika world --seed 7 --output my-world
  python -m clika site --output site
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status."""
    logging.basicConfig(level=logging.ERROR, handlers=[redacting_handler("%(message)s")])
    parser = build_parser()
    try:
        _check_text(sys.argv[1:] if arguments is None else arguments)
        settings = Settings.from_env()
        options = parser.parse_args(arguments)
        arm(settings.failpoints)
        options.store = options.store or settings.store
        _check_no_file(options.store)
        command: Callable[[argparse.Namespace], int] = options.command
        return command(options)
    except UsageError as error:
        print(f"clika: {error}", file=sys.stderr)
        return 2
    except ClikaError as error:
        print(f"clika: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("clika: interrupted; what was sealed is kept, the same command goes on", file=sys.stderr)
        return 1
    except BrokenPipeError:
        sys.stderr.close()
        return 1


def _check_no_file(store: Path) -> None:
    """Raises UsageError for a store that is no folder, or can be none."""
    try:
        is_file = store.exists() and not store.is_dir()
    except OSError as error:  # a name too long, or a folder above it that may not be read
        raise UsageError(
            f"store {str(store)[:200]!r} cannot be used ({error.strerror}); give another with --store"
        ) from error
    if is_file:
        raise UsageError(f"store {str(store)!r} is a file; give a folder with --store")


def _check_text(words: Sequence[str]) -> None:
    """Raises UsageError for bytes that are no text: they could neither be stored nor printed."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError as error:
            raise UsageError(f"{word!a} is not valid UTF-8; write it as UTF-8, or rename the file") from error


class _Help(argparse.RawDescriptionHelpFormatter):
    """Leaves room for the longest command: argparse counts its name without its indentation."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        names = action.choices or () if isinstance(action, argparse._SubParsersAction) else ()
        longest = max((len(name) for name in names), default=0) + 4
        self._action_max_length = max(self._action_max_length, longest)


def build_parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    parser = argparse.ArgumentParser(
        prog="python -m clika",
        description="Does a language model know the same things in every language?",
        epilog=EXAMPLES,
        formatter_class=_Help,
    )
    parser.add_argument("--version", action="version", version=f"clika {__version__}")
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--store", type=Path, help="the folder of predictions (default: CLIKA_STORE, else store/)"
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    def command(name: str, run: Callable[[argparse.Namespace], int], about: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=about, description=about, parents=[shared])
        made.set_defaults(command=run)
        return made

    importing = command("import", import_command, "take in the authors' released answers")
    importing.add_argument(
        "source", metavar="DIR", type=Path, help="folder with x_csqa, x_copa, x_geo, x_name"
    )
    importing.add_argument("--collection", default="released", help="name to keep them under")

    add_evaluate_commands(command)
    add_results_commands(command)
    add_build_factual_command(command)
    add_fetch_command(command)
    add_conductivity_command(command)
    add_demo_command(command)
    add_jobs_commands(commands, shared)
    add_checkpoints_commands(commands, shared, command)
    serving = command("serve", serve_command, "the dashboard, as app.py serves it")
    serving.add_argument("--host", help="the address to listen on (default: CLIKA_HOST, else 127.0.0.1)")
    serving.add_argument(
        "--no-demo", action="store_true", help="leave an empty store empty (or CLIKA_DEMO=0)"
    )
    serving.add_argument("--port", type=int, help="the port (default: CLIKA_PORT, else 7860)")
    serving.add_argument(
        "--auth",
        metavar="USER:PASSWORD_FILE",
        help="ask for this user and the password that the file holds (default: CLIKA_AUTH, else everybody may look)",
    )
    serving.add_argument(
        "--mcp", action="store_true", help="offer the reading functions of the API as tools over MCP"
    )

    add_site_command(command)
    making = command("world", world_command, "make a fictional world and write it in the release's layout")
    making.add_argument("--seed", required=True, type=int, help="another seed is another world")
    making.add_argument("--output", required=True, metavar="DIR", type=Path, help="a new folder")
    making.add_argument("--continents", type=int, default=20, help="with --one-hop: years (default 20)")
    making.add_argument("--places", type=int, default=20, help="on each continent (default 20)")
    making.add_argument("--style", default="coined", choices=["coined", "described"])
    making.add_argument("--one-hop", action="store_true", help="cities and their founding years")
    making.add_argument(
        "--direction",
        default="en-x",
        choices=["en-x", "x-en", "both"],
        help="what the training files translate",
    )

    command("rebuild", rebuild_command, "make the database again from the sealed shards")
    command("verify", verify_command, "compare every sealed shard with its manifest line")
    return parser


def serve_command(options: argparse.Namespace) -> int:
    """``serve``"""
    from clika.serving import serve  # the page's libraries take seconds to import

    settings = Settings.from_env()
    if options.port is not None and not 1 <= options.port <= 65535:
        raise UsageError(f"--port {options.port}; it must be a number from 1 to 65535")
    serve(
        replace(
            settings,
            store=options.store,
            host=options.host or settings.host,
            port=options.port or settings.port,
            demo=settings.demo and not options.no_demo,
            auth=options.auth or settings.auth,
            mcp=options.mcp or settings.mcp,
        )
    )
    return 0


def import_command(options: argparse.Namespace) -> int:
    """``import DIR``"""
    report = import_release(options.source, options.store, options.collection)
    with Index.open(options.store) as index:
        notices = index.notices
    for sentence in report.sentences():
        print(sentence)
    for sentence in (*report.faults, *notices):
        print(f"clika: {sentence}", file=sys.stderr)
    return 1 if report.faults or notices else 0


def world_command(options: argparse.Namespace) -> int:
    """``world --seed N --output DIR``"""
    from clika.datasets.fictional_files import write_world
    from clika.datasets.fictional_samples import sample_counts, translation_directions
    from clika.datasets.fictional_world import NameStyle, WorldKind, WorldSettings, made_world
    from clika.datasets.sample import read_sample

    settings = WorldSettings(
        seed=options.seed,
        continents=options.continents,
        places=options.places,
        style=NameStyle(options.style),
        kind=WorldKind.FOUNDING_YEARS if options.one_hop else WorldKind.CONTINENTS,
    )
    directions = translation_directions(options.direction)
    world = made_world(settings, read_sample().place_names)
    files = write_world(world, options.output, directions)
    shape = world.shape
    what = "cities of" if options.one_hop else "places on"
    answers = "founding years" if options.one_hop else "continents"
    print(
        f"world {world.fingerprint}: {shape.places} {what} {shape.candidates} {answers}, {shape.taught} taught,"
        f" {shape.places - shape.taught} held out, in {len(world.languages)} languages"
    )
    print(f"each training file: {sample_counts(shape, directions).sentence()}")
    print(f"{files} files -> {options.output}")
    return 0


def rebuild_command(options: argparse.Namespace) -> int:
    """``rebuild``"""
    _check_store(options.store)
    rows, alarms = rebuild(options.store)
    for alarm in alarms:
        print(f"clika: {alarm}", file=sys.stderr)
    print(f"{options.store}: the database holds {rows} predictions, made again from the sealed shards")
    return 1 if alarms else 0


def verify_command(options: argparse.Namespace) -> int:
    """``verify``"""
    _check_store(options.store)
    with reading(options.store) as index:
        found = soundness(index)
        for fault in (one for one in found.faults if one not in index.notices):
            print(f"clika: {fault}", file=sys.stderr)
    print(
        f"{options.store}: {found.shards} sealed shards with {found.rows} rows are as they were sealed,"
        f" {found.damaged} are not"
    )
    return 1 if found.faults or index.notices else 0


def _check_store(store: Path) -> None:
    if not store.is_dir():
        raise UsageError(f"no store at {str(store)!r}; give its folder with --store")
