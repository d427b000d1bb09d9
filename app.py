"""The dashboard: ``python app.py`` serves it on http://127.0.0.1:7860 and looks after the store's queue.

CLIKA_STORE, CLIKA_HOST and CLIKA_PORT in the environment change the store and the address.
"""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from clika.database.index import Index
from clika.errors import ClikaError
from clika.failpoints import arm
from clika.jobs.supervisor import Supervisor
from clika.settings import Settings
from clika.ui.page import build_page, launch_options


def main() -> None:
    """Serve the page until interrupted; ends with a sentence and status 1 where it cannot start."""
    try:
        settings = Settings.from_env()
        arm(settings.failpoints)
        with Index.open(settings.store) as index, supervised_queue(settings):
            build_page(index, settings).launch(**launch_options(settings))
    except ClikaError as error:
        sys.exit(f"clika: {error}")
    except OSError as error:
        if "empty port" not in str(error):
            raise
        sys.exit(
            f"clika: port {settings.port} is taken; stop that program or set CLIKA_PORT to another number"
        )


@contextmanager
def supervised_queue(settings: Settings) -> Iterator[None]:
    """Look after the queue beside what stands inside; jobs that run outlive it."""
    over = threading.Event()
    supervisor = Supervisor(settings.store, Settings.environment())
    looking = threading.Thread(target=supervisor.run_when_free, args=(over,), name="supervisor", daemon=True)
    looking.start()
    try:
        yield
    finally:
        over.set()
        looking.join()


if __name__ == "__main__":
    main()
