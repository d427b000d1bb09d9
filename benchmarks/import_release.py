"""How long the whole release takes to import, and how much memory: ``make bench-import [RELEASE=DIR]``.

Without a folder a made-up release of the public one's size is written first. The import is a process of its
own, indexing included; beside it, in the same run, the same files are only read and parsed, since machines
differ. The last line is one JSON object.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from benchmarks.release_files import write_release


def parse_only(root: Path) -> tuple[float, int]:
    """Seconds to read and parse every answer file, and how many bytes that is."""
    began, size = time.perf_counter(), 0
    for path in sorted(root.glob("x_*/*/*_res*.jsonl")):
        data = path.read_bytes()
        size += len(data)
        if data.startswith(b"{"):
            for line in data.split(b"\n"):
                if line:
                    orjson.loads(line)
    return time.perf_counter() - began, size


def main() -> None:
    """Measure once; prints what it did."""
    with tempfile.TemporaryDirectory() as scratch:
        if len(sys.argv) > 1:
            root = Path(sys.argv[1])
        else:
            root = Path(scratch) / "release"
            print(f"writing a made-up release of {write_release(root)} answers", flush=True)
        parsing, size = parse_only(root)
        store = Path(scratch) / "store"
        command = [sys.executable, "-m", "clika", "import", str(root), "--store", str(store)]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        importing = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
        print(said, end="")
        if child.returncode != 0:
            sys.exit(f"the import ended with status {child.returncode}")
    answers = int(said.split(" models read: ")[1].split(" ")[0])
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)
    print(
        json.dumps(
            {
                "answers": answers,
                "megabytes": round(size / 1e6),
                "import_s": round(importing, 2),
                "parse_only_s": round(parsing, 2),
                "ratio_to_parse_only": round(importing / parsing, 2),
                "peak_mib": round(peak),
            }
        )
    )


if __name__ == "__main__":
    main()
