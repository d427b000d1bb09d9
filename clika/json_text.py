"""JSON that a person or a torn disk may have written: whatever is wrong with it is a ValueError."""

import json
from typing import Any


def parsed_json(text: str | bytes) -> Any:
    """As ``json.loads``. Raises ValueError for what is no JSON, is nested too deeply, or holds half of a character."""
    written = text if isinstance(text, str) else text.decode()  # strictly, which json itself is not
    try:
        values = json.loads(written)
        if "\\ud" in written.lower():
            json.dumps(values, ensure_ascii=False).encode()
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    except UnicodeEncodeError as error:
        raise ValueError("it holds half of a character") from error
    return values
