"""Flipped and torn databases and write-ahead logs: each is opened by a process of its own."""

import shutil
from pathlib import Path

from clika.database.connection import DATABASE
from clika.records import Prediction
from tests.faults.laboratory import Laboratory, difference, sealed_rows, told
from tests.stores import (
    LANGUAGES,
    made_up_questions,
    made_up_run,
    predictions,
    seal_predictions,
    seal_questions,
)

WAL = f"{DATABASE}.wal"
COUNT = 300
DAMAGES = ("bit", "bytes", "zeroed", "torn", "grown", "swapped", "alone")


def damage_databases(laboratory: Laboratory, count: int) -> None:
    """Damage ``count`` databases; each must open, or be set aside and made again, with every row."""
    store = laboratory.scratch / "databases"
    _filled(store)
    expected = sealed_rows(store)
    states = _states(laboratory, store)
    for number in range(count):
        kind = DAMAGES[number % len(DAMAGES)]
        with told(laboratory, f"database {number} {kind}"):
            _cleared(store)
            state = states[number % len(states)]
            for path in state.iterdir():
                shutil.copy(path, store / path.name)
            what = _damaged(laboratory, store, kind, states)
            _opened(laboratory, store)
            rows, alarms, owner = laboratory.indexed(store)
            found = difference(expected, rows)
            laboratory.tally.lost += found[0]
            laboratory.tally.duplicated += found[1]
            laboratory.tally.changed += found[2]
            if not owner or any("no prediction is lost" not in sentence for sentence in alarms):
                laboratory.tally.failures.append(f"{what}: {alarms}")
            if any(found):
                laboratory.tally.failures.append(f"{what}: {found} lost, duplicated, changed")
            laboratory.tally.databases += 1
    laboratory.discard(store)


def _filled(store: Path) -> list[Prediction]:
    """Some thousand answers of several runs, so that most bytes of the database mean something."""
    seal_questions(store, made_up_questions(count=COUNT))
    rows: list[Prediction] = []
    for number in range(6):
        run = made_up_run(f"model{number}")
        chosen = {
            (str(question), language): (question + number) % 4
            for question in range(COUNT)
            for language in LANGUAGES
        }
        mine = predictions(run, chosen)
        for begin in range(0, len(mine), 300):
            seal_predictions(store, run, mine[begin : begin + 300], job=f"job{number}")
        rows += mine
    return rows


def _states(laboratory: Laboratory, store: Path) -> list[Path]:
    """Database and log as different ends leave them: closed, killed at once, killed after an earlier close."""
    found = []
    jobs = sorted((store / "jobs").iterdir())
    for name, first in (("closed", 6), ("killed", 0), ("both", 3)):
        _cleared(store)
        if first:
            for folder in jobs[first:]:
                folder.rename(store / folder.name)
            _opened(laboratory, store)
            for folder in jobs[first:]:
                (store / folder.name).rename(folder)
        if first < len(jobs):
            _opened(laboratory, store, f"ingest.committed=kill@{len(jobs) - first + (first == 0)}")
        state = laboratory.scratch / f"state-{name}"
        state.mkdir()
        for path in store.glob(f"{DATABASE}*"):
            shutil.copy(path, state / path.name)
        found.append(state)
    assert (found[1] / WAL).stat().st_size > 10_000
    assert (found[2] / WAL).exists()
    return found


def _cleared(store: Path) -> None:
    for path in store.glob(f"{DATABASE}*"):
        path.unlink()


def _opened(laboratory: Laboratory, store: Path, armed: str = "") -> None:
    laboratory.answers(store).unlink(missing_ok=True)
    arguments: dict[str, object] = {"store": str(store), "answers": str(laboratory.answers(store))}
    pid = laboratory.nursery.started("reader", arguments, laboratory.log(store), armed)
    laboratory.until(lambda: laboratory.over(pid), "the end of who opens the database")
    if not armed and not laboratory.answers(store).exists():
        raise OSError(f"the database did not open: {laboratory.log(store).read_text()[-400:]}")


def _damaged(laboratory: Laboratory, store: Path, kind: str, states: list[Path]) -> str:
    """Damage the database or its log; returns what was done."""
    draw = laboratory.random
    path = draw.choice(list(store.glob(f"{DATABASE}*")))
    if kind == "swapped":  # the log of another state of the same database
        other = draw.choice([state for state in states if (state / WAL).exists()])
        shutil.copy(other / WAL, store / WAL)
        return f"{kind}: the log of {other.name}"
    if kind == "alone":
        path = store / DATABASE
        path.unlink()
        return f"{kind}: {path.name} is gone"
    content = bytearray(path.read_bytes())
    place = draw.randrange(len(content))
    if kind == "bit":
        content[place] ^= 1 << draw.randrange(8)
    elif kind == "bytes":
        for _ in range(draw.choice((4, 64, 1024))):
            content[draw.randrange(len(content))] ^= draw.randrange(1, 256)
    elif kind == "zeroed":
        length = min(draw.choice((512, 4096, 65536)), len(content) - place)
        content[place : place + length] = bytes(length)
    elif kind == "torn":
        del content[place:]
    else:
        content += draw.randbytes(4096)
    path.write_bytes(content)
    return f"{kind}: {path.name} at {place} of {len(content)}"
