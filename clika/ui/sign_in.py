"""The one user who may see a page that asks for a password."""

import hmac
import stat
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from clika.errors import UsageError

MOST_BYTES = 4096


@dataclass(frozen=True, slots=True)
class SignIn:
    """Says whether a user and a password are the right ones, in a time that tells neither.

    ``faults`` are sentences on how the password is kept.
    """

    user: str
    digests: bytes = field(repr=False)
    faults: tuple[str, ...] = ()

    def __call__(self, user: str, password: str) -> bool:
        """As Gradio asks."""
        return hmac.compare_digest(_digests(user, password), self.digests)


def sign_in(written: str) -> SignIn | None:
    """From ``USER:PASSWORD_FILE``; None where nothing is written and everybody may look.

    The password is the file's text without the line's end. Raises UsageError for a user without a file, and a file
    that holds no password.
    """
    if not written:
        return None
    user, colon, name = (part.strip() for part in written.partition(":"))
    if not (user and colon and name):
        raise UsageError(f"auth {written!r}; write USER:PASSWORD_FILE, a name and the file with the password")
    path = Path(name).expanduser()
    try:
        with path.open("rb") as file:
            content, mode = file.read(MOST_BYTES + 1), path.stat().st_mode
    except OSError as error:
        raise UsageError(
            f"the password file {str(path)!r} cannot be read ({error.strerror}); give a file that holds the password"
        ) from error
    try:
        password = content.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UsageError(
            f"the password file {str(path)!r} is not UTF-8; write the password as text"
        ) from error
    if not password.strip() or len(content) > MOST_BYTES or "\n" in password:
        raise UsageError(
            f"the password file {str(path)!r} holds no password; write one line of at most {MOST_BYTES} bytes"
        )
    open_to_others = stat.S_IMODE(mode) & (stat.S_IRWXG | stat.S_IRWXO)
    fault = (
        f"the password file {str(path)!r} is open to others (mode {stat.S_IMODE(mode):o}); make it yours alone with"
        f" chmod 600"
    )
    return SignIn(user, _digests(user, password), (fault,) if open_to_others else ())


def _digests(user: str, password: str) -> bytes:
    """Of one length whatever is written, so that a comparison takes one time."""
    return sha256(user.encode()).digest() + sha256(password.encode()).digest()
