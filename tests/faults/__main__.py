"""The fault suite: ``make faults [SEED=N]``. Real processes, real kills; about twenty minutes on two cores.

The last line is one JSON object; status 1 where a prediction was lost, duplicated or changed, a process was left
over, or the program did not come to its end.
"""

import argparse
import json
import signal
import sys
import time
from collections.abc import Callable, Sequence

from tests.faults.damages import damage_stores
from tests.faults.databases import damage_databases
from tests.faults.full_disk import fill_disks
from tests.faults.kills import kill_everybody
from tests.faults.laboratory import Laboratory
from tests.faults.models import strain_models
from tests.faults.strains import damage_running, jumping_clocks, stopped_ranks, two_apps

SEED = 20261124
ROUNDS = 4
MODEL_KILLS, LAUNCHED = 24, 2
DISKS = 22
FLIPS, CUTS = 1000, 200
DATABASES = 105


def main() -> int:
    """Run everything, or the parts that are named."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--parts", default="", help="comma-separated beginnings of parts (default: all)")
    options = parser.parse_args()
    if not sys.platform.startswith("linux"):
        sys.exit("the fault suite forks its processes and finds them by /proc: it runs on Linux")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what it started and mounted goes with it
    how: dict[str, str] = {}
    print(f"seed {options.seed}", flush=True)
    with Laboratory.opened(options.seed) as laboratory:
        parts: Sequence[tuple[str, Callable[[], object]]] = (
            ("kills", lambda: kill_everybody(laboratory, ROUNDS)),
            ("model", lambda: strain_models(laboratory, MODEL_KILLS, LAUNCHED)),
            ("full disk", lambda: how.update(disk=fill_disks(laboratory, DISKS))),
            ("files", lambda: damage_stores(laboratory, FLIPS, CUTS)),
            ("running", lambda: damage_running(laboratory, 15)),
            ("databases", lambda: damage_databases(laboratory, DATABASES)),
            ("two apps", lambda: two_apps(laboratory, 8)),
            ("stopped", lambda: stopped_ranks(laboratory, 4)),
            ("clocks", lambda: how.update(clock=jumping_clocks(laboratory, 2))),
        )
        for name, part in parts:
            if options.parts and not name.startswith(tuple(options.parts.split(","))):
                continue
            began = time.monotonic()
            part()
            laboratory.judged_kills()
            tally = laboratory.tally
            print(
                f"{name}: {time.monotonic() - began:.0f} s; so far {tally.kills} kills at {len(tally.points)} points,"
                f" {tally.disk_full} full disks, {tally.flipped} flipped, {tally.truncated} truncated,"
                f" {tally.databases} databases; {tally.lost} lost, {tally.duplicated} duplicated,"
                f" {tally.changed} changed, {tally.orphans} orphans, {len(tally.failures)} failures",
                flush=True,
            )
        left = laboratory.nursery.living()
        tally.orphans += len(left)
    for point, count in sorted(tally.points.items()):
        print(f"  {point}: {count}")
    for sentence in tally.failures:
        print(f"FAILURE {sentence}")
    print(f"full disks by {how.get('disk', 'nothing')}, clocks by {how.get('clock', 'nothing')}")
    print(
        json.dumps(
            {
                "kills": tally.kills,
                "points": len(tally.points),
                "disk_full": tally.disk_full,
                "flipped": tally.flipped,
                "truncated": tally.truncated,
                "databases": tally.databases,
                "lost": tally.lost,
                "duplicated": tally.duplicated,
                "changed": tally.changed,
                "orphans": tally.orphans,
                "failures": len(tally.failures),
                "seed": options.seed,
            }
        )
    )
    return 0 if tally.sound() else 1


if __name__ == "__main__":
    sys.exit(main())
