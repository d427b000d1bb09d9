"""How processes that belong together are started: one ``accelerate launch`` with a configuration of our own.

Where one of the group dies accelerate ends the others, and the whole goes on from what is on disk.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from clika.shards import write_durably

CONFIGURATION = "accelerate-group.yaml"


def group_command(
    folder: Path, module: str, arguments: Sequence[str], processes: int, on_cpu: bool
) -> list[str]:
    """The arguments that start ``module`` on ``processes`` devices; writes the configuration into ``folder``."""
    path = folder / CONFIGURATION
    write_durably(path, group_configuration(processes, on_cpu).encode())
    return [
        *(sys.executable, "-m", "accelerate.commands.accelerate_cli", "launch", "--quiet"),
        *("--config_file", str(path), "--module", module, *arguments),
    ]


def group_configuration(processes: int, on_cpu: bool) -> str:
    """accelerate's configuration (JSON is YAML) for a group on one machine.

    On a CPU too the kind is MULTI_GPU: it alone starts several processes, and ``use_cpu`` then says where they
    compute. Port 0 is whichever is free. Precision and sharding are the worker's own business: they are the recipe's.
    """
    values = {
        "compute_environment": "LOCAL_MACHINE",
        "debug": False,
        "distributed_type": "NO" if processes == 1 else "MULTI_GPU",
        "machine_rank": 0,
        "main_process_port": 0,
        "mixed_precision": "no",
        "num_machines": 1,
        "num_processes": processes,
        "use_cpu": on_cpu,
    }
    return json.dumps(values, indent=1)
