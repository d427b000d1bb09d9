"""How long the whole release takes to import, and how much memory: ``make bench-import [RELEASE=DIR]``.

Without a folder a made-up release of the public one's size is written first. The import is a process of its
own, indexing included; beside it, in the same run, the same files are only read and parsed, since machines
differ. The last line is one JSON object. ``cpu_s`` is the import's own processor time; where ``import_s`` is well
above it and ``load`` (the machine's average when the import began) above 1, others had the cores.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import orjson

from benchmarks.release_files import model_names, write_release

MODELS = 46


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
            began = time.perf_counter()
            written = write_release(root, model_names(MODELS))
            print(
                f"wrote a made-up release: {written:,} answers in {time.perf_counter() - began:.1f} s",
                flush=True,
            )
        parse_only(root)  # from disk, so that neither of the two that count waits for it
        parsing, size = parse_only(root)
        if size == 0:
            sys.exit(
                f"{str(root)!r} holds no answers; give a folder that holds x_csqa, x_copa, x_geo, x_name"
            )
        store = Path(scratch) / "store"
        command = [sys.executable, "-m", "clika", "import", str(root), "--store", str(store)]
        load = os.getloadavg()[0]
        began = time.perf_counter()
        child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        said = child.stdout.read()
        _, status, usage = os.wait4(child.pid, 0)
        importing = time.perf_counter() - began
        child.returncode = os.waitstatus_to_exitcode(status)
    print(said, end="")
    counted = re.search(r"models read: (\d+) answers", said)
    if child.returncode != 0 or counted is None:
        sys.exit(f"the import ended with status {child.returncode} and the output above")
    answers = int(counted[1])
    peak = usage.ru_maxrss / (1024 if sys.platform == "linux" else 1024**2)  # KiB there, bytes on macOS
    cpu = usage.ru_utime + usage.ru_stime
    print(
        f"import {importing:.2f} s ({cpu:.2f} s of processor), {answers / importing:,.0f} answers/s,"
        f" peak {peak:.0f} MiB; reading and parsing alone {parsing:.2f} s, ratio {importing / parsing:.1f}"
    )
    measured = {
        "answers": answers,
        "megabytes": round(size / 1e6),
        "import_s": round(importing, 2),
        "cpu_s": round(cpu, 2),
        "answers_per_s": round(answers / importing),
        "parse_only_s": round(parsing, 2),
        "ratio_to_parse_only": round(importing / parsing, 2),
        "peak_mib": round(peak),
        "load": round(load, 2),
    }
    print(json.dumps(measured))


if __name__ == "__main__":
    main()
