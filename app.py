"""The dashboard: ``python app.py`` serves it on http://127.0.0.1:7860.

CLIKA_STORE, CLIKA_HOST and CLIKA_PORT in the environment change the store and the address.
"""

import sys

from clika.database.index import Index
from clika.errors import ClikaError
from clika.settings import Settings
from clika.ui.page import build_page, launch_options


def main() -> None:
    """Serve the page until interrupted; ends with a sentence and status 1 where it cannot start."""
    try:
        settings = Settings.from_env()
        with Index.open(settings.store) as index:
            build_page(index, settings).launch(**launch_options(settings))
    except ClikaError as error:
        sys.exit(f"clika: {error}")
    except OSError as error:
        if "empty port" not in str(error):
            raise
        sys.exit(
            f"clika: port {settings.port} is taken; stop that program or set CLIKA_PORT to another number"
        )


if __name__ == "__main__":
    main()
