"""``python -m clika``: the command line."""

import sys

from clika.cli import main

if __name__ == "__main__":
    sys.exit(main())
