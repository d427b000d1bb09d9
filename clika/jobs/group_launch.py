"""How processes that belong together are started: one ``accelerate launch`` with a configuration of our own.

Where one of the group dies accelerate ends the others, and the whole goes on from what is on disk.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clika.shards import write_durably

CONFIGURATION = "accelerate-group-{rank}.yaml"


@dataclass(frozen=True, slots=True)
class Machines:
    """How several machines are one group: each gives the same command with its own ``rank`` (0-based).

    ``address`` and ``port`` are of machine 0, which all must reach.
    """

    count: int
    rank: int
    address: str
    port: int


def group_command(
    folder: Path,
    module: str,
    arguments: Sequence[str],
    processes: int,
    on_cpu: bool,
    machines: Machines | None = None,
) -> list[str]:
    """The arguments that start ``module`` on ``processes`` devices of this machine, alone or with others.

    Writes accelerate's configuration into ``folder``, which all machines share.
    """
    path = folder / CONFIGURATION.format(rank=0 if machines is None else machines.rank)
    write_durably(path, group_configuration(processes, on_cpu, machines).encode())
    return [
        *(sys.executable, "-m", "accelerate.commands.launch", "--quiet"),
        *("--config_file", str(path), "--module", module, *arguments),
    ]


def group_configuration(processes: int, on_cpu: bool, machines: Machines | None = None) -> str:
    """accelerate's configuration (JSON is YAML) for one machine's part of a group.

    On a CPU too the kind is MULTI_GPU: it alone starts several processes, and ``use_cpu`` then says where they
    compute. Port 0 is whichever is free. Precision and sharding are the worker's own business: they are the recipe's.
    """
    count = 1 if machines is None else machines.count
    values: dict[str, object] = {
        "compute_environment": "LOCAL_MACHINE",
        "debug": False,
        "distributed_type": "NO" if processes * count == 1 else "MULTI_GPU",
        "machine_rank": 0 if machines is None else machines.rank,
        "main_process_port": 0 if machines is None else machines.port,
        "mixed_precision": "no",
        "num_machines": count,
        "num_processes": processes * count,
        "use_cpu": on_cpu,
    }
    if machines is not None:
        values |= {"main_process_ip": machines.address, "rdzv_backend": "static", "same_network": True}
    return json.dumps(values, indent=1)
