"""The dashboard: ``python app.py`` serves it on http://127.0.0.1:7860 and looks after the store's queue.

CLIKA_STORE, CLIKA_HOST, CLIKA_PORT, CLIKA_AUTH and CLIKA_MCP in the environment do what the options of ``python -m clika
serve`` do. With CLIKA_DEMO=0 an empty store stays empty.
"""

import sys

from clika.errors import ClikaError
from clika.failpoints import arm
from clika.serving import serve
from clika.settings import Settings


def main() -> None:
    """Serve the page until interrupted; ends with a sentence and status 1 where it cannot start."""
    try:
        settings = Settings.from_env()
        arm(settings.failpoints)
        serve(settings)
    except ClikaError as error:
        sys.exit(f"clika: {error}")


if __name__ == "__main__":
    main()
