"""Models of the Hugging Face Hub by a word of their name, where the Hub can be reached."""

import json
from http.client import HTTPException
from urllib.parse import urlencode
from urllib.request import urlopen

from clika.errors import UsageError

MOST_FOUND = 12
SECONDS = 5.0
MOST_BYTES = 1 << 20


def hub_models(wanted: str, endpoint: str | None = None) -> tuple[str, ...]:
    """Ids of models that write text, the most downloaded first; at most ``MOST_FOUND``.

    ``endpoint`` is the Hub's address, huggingface_hub's own where None. Raises UsageError for an empty search and where
    the Hub does not answer in time, or not as it should.
    """
    from huggingface_hub import constants

    if not wanted.strip():
        raise UsageError("nothing to look for; write a part of a model's name, such as SmolLM2")
    asked = urlencode(
        {
            "search": wanted.strip(),
            "pipeline_tag": "text-generation",
            "sort": "downloads",
            "limit": MOST_FOUND,
        }
    )
    try:
        if constants.HF_HUB_OFFLINE:
            raise OSError("HF_HUB_OFFLINE is set")
        with urlopen(f"{endpoint or constants.ENDPOINT}/api/models?{asked}", timeout=SECONDS) as answer:
            listed = json.loads(answer.read(MOST_BYTES))
    except (OSError, HTTPException, ValueError) as error:
        raise UsageError(
            f"the Hub does not answer ({error}); write the model's id, or the folder of a checkpoint"
        ) from error
    found = [one.get("id") for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return tuple(name for name in found if isinstance(name, str))[:MOST_FOUND]
