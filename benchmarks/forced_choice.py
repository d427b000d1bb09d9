"""This engine, lm-evaluation-harness and the authors' way on the same prompts: ``make bench [RELEASE=DIR]``.

    python -m benchmarks.forced_choice [--sizes 29,148] [--rounds N] [--items N] [--release DIR]

Random-initialised Llamas, the contestants in turn in one process, round after round; rates are medians over
the rounds, with the spread (greatest less least, over the median) beside them. The slow contestants get fewer
prompts, the first of the same list. Beside them, in the same rounds, stands the machine's matrix-multiply
limit. The last line is one JSON list, an object a size and dtype; null is what was not measured.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers.utils import logging as transformers_logging

from benchmarks.contestants import AuthorsWay, Contestant, Engine, LmEval, has_lm_eval
from benchmarks.core_watch import CoreWatch
from benchmarks.fact_prompts import fact_prompts, made_up_release, needed_tokens
from benchmarks.matmul_limit import MatmulLimit
from benchmarks.random_llama import SHAPES, saved_llama, trained_tokenizer
from clika.errors import ClikaError
from clika.records import Prompt

RELEASE = Path(__file__).resolve().parents[2] / "shared" / "clika_release"
DTYPES = ("float32", "bfloat16", "mixed")
LM_EVAL_BATCHES = (4, 16, 64)
BATCH_TOKENS = 8192


@dataclass(frozen=True, slots=True)
class Measured:
    """One size in one dtype. Rates are items a second; None is not measured.

    ``choices_identical``: in float32 those of all contestants on the prompts they share; otherwise the
    engine's with its own in float32, ``choices_different`` of ``items`` apart. ``share_of_matmul_limit`` is
    of the same dtype's limit (of bfloat16's for ``mixed``).
    """

    params_m: int
    dtype: str
    path: str | None
    items: int
    items_per_s: float
    spread: float
    vs_lm_eval: float | None
    vs_lm_eval_same_dtype: float | None
    vs_authors: float | None
    share_of_matmul_limit: float
    choices_identical: bool
    choices_different: int
    memory_mib: int | None
    disturbed: bool


class Rates:
    """Items a second of each contestant, round by round."""

    def __init__(self) -> None:
        self._rates: dict[str, list[float]] = {}

    def add(self, name: str, rate: float) -> None:
        """One more round's rate."""
        self._rates.setdefault(name, []).append(rate)

    def median(self, name: str) -> float | None:
        """None for a contestant that is not there."""
        rates = self._rates.get(name)
        return statistics.median(rates) if rates else None

    def spread(self, name: str) -> float:
        """Greatest less least, over the median."""
        rates = self._rates[name]
        return (max(rates) - min(rates)) / statistics.median(rates)


def _timed(contestant: Contestant, prompts: Sequence[Prompt]) -> tuple[float, list[int]]:
    """(items a second, choices)"""
    began = time.perf_counter()
    choices = contestant.choices(prompts)
    return len(prompts) / (time.perf_counter() - began), choices


def _best_batch(lm_eval: LmEval, prompts: Sequence[Prompt]) -> None:
    """Leaves the harness at the batch size that answers ``prompts`` fastest."""
    rates = {}
    for batch in LM_EVAL_BATCHES:
        lm_eval.set_batch(batch)
        rates[batch] = _timed(lm_eval, prompts)[0]
    lm_eval.set_batch(max(rates, key=lambda batch: rates[batch]))


def _memory_mib(folder: Path, dtype: str, release: Path, items: int, threads: int) -> int | None:
    """The greatest memory (MiB) of a process that loads the model and answers its longest families."""
    command = [sys.executable, "-m", "benchmarks.forced_choice", "--memory-of", str(folder), "--dtype", dtype]
    command += ["--release", str(release), "--items", str(items), "--threads", str(threads)]
    home = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, cwd=home)
    return int(done.stdout.split()[-1]) if done.returncode == 0 else None


def _peak_mib() -> int:
    """The greatest memory this process had, in MiB.

    Not left to getrusage where /proc says it: what the parent held when it started this process counts there.
    """
    try:
        status = Path("/proc/self/status").read_text("ascii")
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return round(peak / (1024 if sys.platform == "linux" else 1024**2))  # KiB there, bytes on macOS
    return round(
        int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    )


def _fill_memory(folder: Path, dtype: str, prompts: Sequence[Prompt]) -> None:
    """What the child of ``_memory_mib`` does: the families with the longest texts, a quarter of the prompts."""
    families: dict[tuple[str, str], list[Prompt]] = {}
    for prompt in prompts:
        families.setdefault((prompt.question.dataset, prompt.question.language), []).append(prompt)
    kept: list[Prompt] = []
    for members in sorted(families.values(), key=lambda one: -sum(len(p.text.encode()) for p in one)):
        if len(kept) * 4 < len(prompts):
            kept += members
    Engine(folder, dtype).choices(kept)


def measured(
    size: str, everything: Sequence[Prompt], options: argparse.Namespace, scratch: Path
) -> list[Measured]:
    """All contestants on one size; prints what it finds as it goes."""
    shape = SHAPES[size]
    small = shape.parameters > 100e6
    count = min(len(everything), max(16, options.items // (4 if small else 1)))
    asked = list(everything[:count])
    few = asked[: max(4, min(count, options.items // (80 if small else 40)))]
    tokenizer = trained_tokenizer([prompt.text for prompt in everything], shape.vocabulary)
    folder = saved_llama(scratch / size, shape, tokenizer)
    tokens = tokenizer([prompt.text for prompt in asked])["input_ids"]
    needed = needed_tokens(asked, tokens) / count
    length = sum(map(len, tokens)) / count
    print(
        f"\n{shape.parameters / 1e6:.0f} M parameters: {count} prompts of {length:.0f} tokens on average, of"
        f" which {needed:.0f} are its own; the slow contestants get {len(few)}",
        flush=True,
    )

    engines = {dtype: Engine(folder, dtype) for dtype in DTYPES}
    others: dict[str, Contestant] = {"authors float32": AuthorsWay(folder, "float32")}
    if has_lm_eval():
        for dtype in ("float32", "bfloat16"):
            harness = LmEval(folder, dtype)
            _best_batch(harness, few)
            print(f"lm-eval {dtype}: fastest with batches of {harness.batch}", flush=True)
            others[f"lm-eval {dtype}"] = harness
    else:
        print("lm-evaluation-harness is not installed and left out; `make bench` installs it")
    rows = max(1, round(options.batch_tokens / needed))
    limits = {
        dtype: MatmulLimit(shape, getattr(torch, dtype), options.batch_tokens, rows)
        for dtype in ("float32", "bfloat16")
    }

    rates, chosen = Rates(), {}
    for engine in engines.values():
        engine.choices(asked[: max(16, count // 4)])
    for other in others.values():
        other.choices(few[:4])
    for limit in limits.values():
        limit.items_per_s(needed)
    watch = CoreWatch()
    for _ in range(options.rounds):
        for dtype, limit in limits.items():
            rates.add(f"limit {dtype}", statistics.median(limit.items_per_s(needed) for _ in range(3)))
        for dtype, engine in engines.items():
            rate, chosen[f"engine {dtype}"] = _timed(engine, asked)
            rates.add(f"engine {dtype}", rate)
        for name, other in others.items():
            rate, chosen[name] = _timed(other, few)
            rates.add(name, rate)
    cores = watch.cores()
    disturbed = cores.disturbed(options.threads)

    print(f"{'contestant':<20}{'items/s':>10}{'spread':>9}{'limit':>9}{'different choices':>20}")
    reference = chosen["engine float32"]
    different = {
        name: sum(a != b for a, b in zip(found, reference, strict=False)) for name, found in chosen.items()
    }
    for name in [*(f"engine {dtype}" for dtype in engines), *others, *(f"limit {dtype}" for dtype in limits)]:
        rate = rates.median(name) or 0.0
        line = f"{name:<20}{rate:>10.1f}{rates.spread(name):>9.0%}"
        if name in chosen:
            limit_rate = rates.median(f"limit {_limit_dtype(name.split()[-1])}") or 1.0
            line += f"{rate / limit_rate:>9.0%}{different[name]:>13} of {len(chosen[name])}"
        print(line)
    counts = [reference.count(index) for index in range(max(reference) + 1)]
    print(f"float32 chose A, B, ... this often: {counts}")
    said = "unknown" if cores.others is None else f"{cores.others:.2f}"
    print(f"cores in use: {cores.own:.2f} by this process, {said} by others, load {cores.load:.1f}")
    if disturbed:
        print(
            "OTHERS HELD A CORE while this was measured: the rates are too low, run it again on a free machine"
        )
    _print_growth(engines["float32"], asked)

    results = []
    same_float32 = all(count == 0 for name, count in different.items() if name.endswith("float32"))
    for dtype, engine in engines.items():
        rate = rates.median(f"engine {dtype}") or 0.0
        results.append(
            Measured(
                params_m=round(shape.parameters / 1e6),
                dtype=dtype,
                path=engine.path,
                items=count,
                items_per_s=round(rate, 1),
                spread=round(rates.spread(f"engine {dtype}"), 3),
                vs_lm_eval=_ratio(rate, rates.median("lm-eval float32")),
                vs_lm_eval_same_dtype=_ratio(rate, rates.median(f"lm-eval {dtype}")),
                vs_authors=_ratio(rate, rates.median("authors float32")),
                share_of_matmul_limit=round(rate / (rates.median(f"limit {_limit_dtype(dtype)}") or 1.0), 3),
                choices_identical=same_float32 if dtype == "float32" else different[f"engine {dtype}"] == 0,
                choices_different=different[f"engine {dtype}"],
                memory_mib=_memory_mib(folder, dtype, options.release, count, options.threads),
                disturbed=disturbed,
            )
        )
    return results


def _limit_dtype(dtype: str) -> str:
    return "bfloat16" if dtype == "mixed" else dtype


def _ratio(rate: float, other: float | None) -> float | None:
    return None if other is None else round(rate / other, 1)


def _print_growth(engine: Engine, asked: Sequence[Prompt]) -> None:
    """Seconds for 1, 4 and 16 sixteenths; a family's shared tokens weigh more where its prompts are few."""
    for times in (1, 4, 16):
        part = asked[: max(1, len(asked) * times // 16)]
        rate, _ = _timed(engine, part)
        print(f"{times:>3}x: {len(part)} items in {len(part) / rate:.2f} s, {1000 / rate:.2f} ms an item")


def _print_table(results: Sequence[Measured]) -> None:
    print(
        f"\n{'model':<8}{'dtype':<10}{'path':<14}{'items/s':>8}{'x lm-eval':>11}{'same dtype':>12}"
        f"{'x authors':>11}{'of limit':>10}{'identical':>11}{'MiB':>7}"
    )
    for one in results:
        ratios = [
            "-" if value is None else f"{value:.1f}"
            for value in (one.vs_lm_eval, one.vs_lm_eval_same_dtype, one.vs_authors)
        ]
        print(
            f"{f'{one.params_m} M':<8}{one.dtype:<10}{one.path or '-':<14}{one.items_per_s:>8.1f}{ratios[0]:>11}"
            f"{ratios[1]:>12}{ratios[2]:>11}{one.share_of_matmul_limit:>10.0%}"
            f"{'yes' if one.choices_identical else f'{one.choices_different} differ':>11}"
            f"{one.memory_mib or '-':>7}"
        )


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forced_choice", description=__doc__)
    parser.add_argument("--sizes", default="29,148", help=f"of {', '.join(SHAPES)}; default 29,148")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument(
        "--items", type=int, default=1920, help="prompts of the engine, a quarter above 100 M; default 1920"
    )
    parser.add_argument("--release", type=Path, help="the authors' release; without one it is made up")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--batch-tokens", type=int, default=BATCH_TOKENS, help="of the matmul limit")
    parser.add_argument("--memory-of", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--dtype", default="float32", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    options.sizes = options.sizes.split(",")
    unknown = [size for size in options.sizes if size not in SHAPES]
    if unknown:
        parser.error(f"unknown size {unknown[0]!r}; known: {', '.join(SHAPES)}")
    if options.rounds < 1 or options.items < 16 or options.threads < 1:
        parser.error("at least 1 round, 16 items and 1 thread are needed")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; nothing is written but into a temporary folder."""
    options = _options(arguments)
    torch.set_num_threads(options.threads)
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    with tempfile.TemporaryDirectory() as made:
        scratch = Path(made)
        if options.release is None:
            there = RELEASE.is_dir()
            options.release = RELEASE if there else made_up_release(scratch / "release")
            print(f"prompts: {RELEASE if there else 'a made-up release'}", flush=True)
        try:
            prompts = fact_prompts(options.release)
        except ClikaError as error:
            sys.exit(str(error))
        if options.memory_of is not None:
            _fill_memory(options.memory_of, options.dtype, prompts[: options.items])
            print(_peak_mib())
            return
        results = []
        for size in options.sizes:
            results += measured(size, prompts, options, scratch)
    _print_table(results)
    print(json.dumps([asdict(one) for one in results]))


if __name__ == "__main__":
    main()
