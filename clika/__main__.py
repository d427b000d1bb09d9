"""``python -m clika``: the command line."""

import contextlib
import os
import sys

from clika.cli import main


def run() -> None:
    """Run one command and end with its status.

    The interpreter is not left to take itself down: DuckDB's bindings were seen to abort there, after the work was
    done and its sentence said. Everything that is written is flushed when it is written.
    """
    status = main()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):  # closed by whoever read it
            stream.flush()
    os._exit(status)


if __name__ == "__main__":
    run()
