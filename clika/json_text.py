"""JSON that a person or a torn disk may have written: whatever is wrong with it is a ValueError."""

import json
from typing import Any


def parsed_json(text: str | bytes) -> Any:
    """As ``json.loads``. Raises ValueError for what is no JSON, is nested too deeply, or holds half of a character."""
    try:
        values = json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if ("\\ud" if isinstance(text, str) else b"\\ud") in text.lower():  # type: ignore[operator]
        try:
            json.dumps(values, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ValueError("it holds half of a character") from error
    return values
