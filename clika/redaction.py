"""Access tokens taken out of a text: they may stand in an error of a library that was given one."""

import logging
import re

_TOKENS = re.compile(
    r"hf_[A-Za-z0-9]{8,}|api_org_[A-Za-z0-9]{8,}|gh[pousr]_[A-Za-z0-9]{16,}|sk-[A-Za-z0-9_-]{16,}"
    r"|(?<=Bearer )[A-Za-z0-9._~+/=-]{8,}|(?<=://)[^/\s:@]+:[^/\s@]+(?=@)",
)
HIDDEN = "[token]"


def redacted(text: str) -> str:
    """The text without anything that looks like a token, a password in an address, or a bearer's header."""
    return _TOKENS.sub(HIDDEN, text)


class _Redacting(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


def redacting_handler(form: str) -> logging.Handler:
    """A handler to standard error in which no token stands, tracebacks included."""
    handler = logging.StreamHandler()
    handler.setFormatter(_Redacting(form))
    return handler
