"""A short set of the fault suite (``make faults`` is the whole): the same processes, kills and oracle."""

import sys
from collections.abc import Callable, Iterator

import pytest

from tests.faults.damages import damage_stores
from tests.faults.databases import damage_databases
from tests.faults.full_disk import fill_disks
from tests.faults.kills import (
    INGEST_POINTS,
    MIGRATE_POINTS,
    WORKER_POINTS,
    kill_ingesting,
    kill_migrating,
    kill_setting_aside,
    kill_workers,
)
from tests.faults.laboratory import Laboratory
from tests.faults.strains import stopped_ranks, two_apps

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="processes are forked and found by /proc: Linux alone has it"
)
SEED = 7
KILL = ("kill",)


@pytest.fixture(scope="module")
def laboratory() -> Iterator[Laboratory]:
    with Laboratory.opened(SEED) as opened:
        yield opened


PARTS: dict[str, Callable[[Laboratory], object]] = {
    "workers": lambda laboratory: kill_workers(laboratory, 1, KILL),
    "ingesting": lambda laboratory: kill_ingesting(laboratory, 1, KILL),
    "migrating": lambda laboratory: kill_migrating(laboratory, 1, KILL),
    "setting aside": lambda laboratory: kill_setting_aside(laboratory, 1, KILL),
    "full disk": lambda laboratory: fill_disks(laboratory, 2),
    "files": lambda laboratory: damage_stores(laboratory, 40, 10),
    "databases": lambda laboratory: damage_databases(laboratory, 7),
    "two apps": lambda laboratory: two_apps(laboratory, 1),
    "stopped": lambda laboratory: stopped_ranks(laboratory, 2),
}


@pytest.mark.parametrize("part", PARTS)
def test_after_a_fault_the_table_is_the_undisturbed_one(part: str, laboratory: Laboratory) -> None:
    PARTS[part](laboratory)
    laboratory.judged_kills()
    assert laboratory.tally.sound(), laboratory.tally
    if part == "setting aside":  # the last of those that kill: each point was really reached
        wanted = {str(point) for point in (*WORKER_POINTS, *INGEST_POINTS, *MIGRATE_POINTS)}
        assert wanted <= laboratory.tally.points.keys()
