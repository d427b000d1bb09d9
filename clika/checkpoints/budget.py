"""How many bytes may still be written, asked before and while they come: the quota, the disk, the archive's ratio."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from clika.errors import CheckpointRefusedError

GIB = 1 << 30
QUOTA_BYTES = 500 * GIB
"""Of all uploads of a store together, what is in quarantine included."""
UPLOAD_BYTES = 200 * GIB
FREE_BYTES = GIB
"""What stays free on the store's disk, for answers and index."""
MOST_RATIO = 20
_RATIO_FROM = 64 << 10
_LOOK_EVERY = 64 << 20


@dataclass(frozen=True, slots=True)
class Allowance:
    """The most that uploads may take: all together, one, and what must stay free on the disk, in bytes."""

    quota: int = QUOTA_BYTES
    upload: int = UPLOAD_BYTES
    free: int = FREE_BYTES


class Budget:
    """What one upload may still write below ``place``; ``used`` is what earlier ones keep of the quota."""

    def __init__(self, place: Path, allowance: Allowance, used: int) -> None:
        self._place = place
        self._allowance = allowance
        self._used = used
        self._written = 0
        self._looked_at = 0

    def expect(self, size: int) -> None:
        """Before anything is written. Raises CheckpointRefusedError where ``size`` bytes have no room."""
        self._check(self._written + size)
        self._check_disk(size)

    def take(self, size: int) -> None:
        """Before each block is written. Raises CheckpointRefusedError where it has no room."""
        self._written += size
        self._check(self._written)
        if self._written - self._looked_at >= _LOOK_EVERY:
            self._looked_at = self._written
            self._check_disk(size)

    def _check(self, size: int) -> None:
        if size > self._allowance.upload:
            raise CheckpointRefusedError(
                "too-large",
                f"the upload is larger than {self._allowance.upload:,} bytes",
                "put the model into a folder on the server and register that",
            )
        if self._used + size > self._allowance.quota:
            raise CheckpointRefusedError(
                "over-quota",
                f"uploads would take more than {self._allowance.quota:,} bytes, {self._used:,} are taken",
                "remove a checkpoint that is no longer needed",
            )

    def _check_disk(self, size: int) -> None:
        free = shutil.disk_usage(self._place).free
        if free - size < self._allowance.free:
            raise CheckpointRefusedError(
                "disk-full",
                f"the store's disk has {free:,} bytes free and {self._allowance.free:,} must stay so",
                "make room, or remove a checkpoint that is no longer needed",
            )


class Ratio:
    """Counts what comes out of an archive against what went in: real bytes, not those it states."""

    def __init__(self, archive_bytes: int) -> None:
        self._most = max(MOST_RATIO * archive_bytes, _RATIO_FROM)
        self._out = 0

    def take(self, size: int) -> None:
        """Raises CheckpointRefusedError where more comes out than an honest archive of weights holds."""
        self._out += size
        if self._out > self._most:
            raise CheckpointRefusedError(
                "ratio",
                f"the archive unpacks to more than {MOST_RATIO} times its size",
                "weights hardly shrink: archive the files of a real checkpoint, or give them one by one",
            )
