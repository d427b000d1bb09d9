"""Whatever stands in a file that should be JSON, it is read or it is a ValueError."""

import pytest

from clika.json_text import parsed_json


@pytest.mark.parametrize("text", ['{"a": [1, "\\ud83d\\ude00", "ü", "\\\\ud800"]}', b'{"a": "\\u00fc"}'])
def test_json_is_read(text: str | bytes) -> None:
    assert "a" in parsed_json(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a":' * 20_000, "nested too deeply"),
        (b"[" * 200_000, "nested too deeply"),
        ('{"a": "\\ud800"}', "half of a character"),
        (b'{"\\uDC00": 1}', "half of a character"),
        ("{", "Expecting"),
        (b"\xff", "decode"),
        (b'{"name": "\xed\xa0\x80"}', "decode"),
        ('{"\\ud83d\\ude00": ' * 20_000, "nested too deeply"),
    ],
)
def test_everything_else_is_a_value_error(text: str | bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parsed_json(text)
