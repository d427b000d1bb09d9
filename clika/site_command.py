"""``python -m clika site``: the results as a folder of files, for a static host."""

import argparse
from collections.abc import Callable
from pathlib import Path

MakeCommand = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def add_site_command(command: MakeCommand) -> None:
    """``site`` and its options, added to the command line's parser."""
    made = command("site", site_command, "the results as a page that needs no server")
    made.add_argument(
        "--output", required=True, type=Path, metavar="DIR", help="a new folder, or an earlier site"
    )
    made.add_argument("--collection", help="this one alone (default: all that have answers)")


def site_command(options: argparse.Namespace) -> int:
    """``site --output DIR``"""
    from clika.reading_command import reading, status
    from clika.site.folder import write_site  # Plotly takes a while to import

    with reading(options.store) as index:
        done = write_site(index, options.output, options.collection)
    collections = "1 collection" if done.collections == 1 else f"{done.collections} collections"
    print(
        f"{done.runs} runs over {collections}, {done.heatmaps} heatmaps: {done.files} files,"
        f" {done.size / 1e6:.1f} MB -> {options.output / 'index.html'}"
    )
    return status(index)
