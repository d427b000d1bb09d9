"""Inspections as the child makes them, without its seconds of imports: one process imports, and forks for each."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from clika.checkpoints.children import child_environment, understood

SECONDS = 6
"""Processor time of an inspection in tests: an honest tiny model needs one."""

_SERVER = """
import json, os, sys, traceback
from pathlib import Path
from clika.workers import inspection
from clika.workers.confinement import cut_off_network

cut_off_network()
inspection.load_libraries()
for line in sys.stdin:
    asked = json.loads(line)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            adapter = Path(asked["adapter"]) if asked["adapter"] else None
            said = inspection.confined(Path(asked["folder"]), adapter, Path.cwd(), asked["seconds"])
            os.write(writing, said)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(3)
    os.close(writing)
    said = b""
    while block := os.read(reading, 65536):
        said += block
    os.close(reading)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(json.dumps({"said": said.decode(), "status": status}), flush=True)
"""


class Inspections:
    """Call it as the registry calls ``inspected``."""

    def __init__(self, home: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**child_environment(home), "PATH": os.environ["PATH"]},
            cwd=home,
            text=True,
        )

    def __call__(self, folder: Path, adapter: Path | None) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        asked = {"folder": str(folder), "adapter": str(adapter) if adapter else None, "seconds": SECONDS}
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        return understood(answer["said"].encode(), answer["status"])

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()
