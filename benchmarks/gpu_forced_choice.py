"""Forced choice with a random-initialised 7 B Llama on one GPU: ``make bench-gpu [RELEASE=DIR]``.

    python -m benchmarks.gpu_forced_choice [--shape 7b] [--dtype bfloat16] [--items N] [--device cuda]

The model is made on the device, without a download or a file. Beside the rate stands the device's own
matrix-multiply rate, measured in the same run, and how many choices agree with a plain pass over one prompt
at a time. Noise is how far that slow path is from itself when eight prompts are padded into one batch; a
choice whose margin is below twice the noise may differ. The last line is one JSON list with one object.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging as transformers_logging

from benchmarks.fact_prompts import fact_prompts, made_up_release, needed_tokens
from benchmarks.random_llama import SHAPES, random_llama, trained_tokenizer
from clika.errors import ClikaError
from clika.records import LETTERS, ModelRef, Prompt, ScoringRule
from clika.scoring.transformers_scorer import TransformersScorer


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def matmul_flops(device: str, dtype: torch.dtype, hidden: int, intermediate: int, rows: int) -> float:
    """Floating-point operations a second of rows x hidden x intermediate products, the best of five tries."""
    one = torch.randn(rows, hidden, device=device).to(dtype)
    other = torch.randn(intermediate, hidden, device=device).to(dtype)
    repeats = 20 if device == "cuda" else 2
    best = 0.0
    with torch.inference_mode():
        for _ in range(5):
            _wait(device)
            began = time.perf_counter()
            for _ in range(repeats):
                torch.nn.functional.linear(one, other)
            _wait(device)
            best = max(best, repeats * 2 * rows * hidden * intermediate / (time.perf_counter() - began))
    return best


def slow_scores(
    model: Any, tokenizer: Any, prompts: Sequence[Prompt], device: str, rows: int
) -> list[list[float]]:
    """Nats of each letter directly after the prompt, ``rows`` prompts a pass, padded on the right."""
    found: list[list[float]] = []
    for start in range(0, len(prompts), rows):
        part = prompts[start : start + rows]
        tokens = [tokenizer(prompt.text)["input_ids"] for prompt in part]
        width = max(map(len, tokens))
        ids = torch.tensor([row + [0] * (width - len(row)) for row in tokens], device=device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in tokens], device=device)
        with torch.inference_mode():
            logits = model(input_ids=ids, attention_mask=mask, use_cache=False).logits
        for position, (row, prompt) in enumerate(zip(tokens, part, strict=True)):
            letters = [
                tokenizer(prompt.text + letter)["input_ids"][-1]
                for letter in LETTERS[: prompt.choices_scored]
            ]
            found.append(logits[position, len(row) - 1].float().log_softmax(-1)[letters].tolist())
    return found


def _agreement(
    fast: Sequence[Sequence[float]], slow: Sequence[Sequence[float]], noise: float
) -> tuple[int, int, int]:
    """(choices alike, choices unlike although the margin is at least twice the noise, how many were compared)"""
    alike = unlike = 0
    for one, other in zip(fast, slow, strict=True):
        best = max(range(len(other)), key=lambda index: other[index])
        margin = other[best] - sorted(other)[-2]
        if one.index(max(one)) == best:
            alike += 1
        elif margin >= 2 * noise:
            unlike += 1
    return alike, unlike, len(slow)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print; nothing is written but into a temporary folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu_forced_choice", description=__doc__)
    parser.add_argument("--shape", choices=tuple(SHAPES), default="7b")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--dtype", choices=("bfloat16", "float16", "float32"), default="bfloat16")
    parser.add_argument("--items", type=int, default=3800)
    parser.add_argument("--compared", type=int, default=200, help="prompts asked on the slow path too")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--batch-tokens", type=int, default=32_768)
    parser.add_argument("--release", type=Path, help="the authors' release; without one it is made up")
    options = parser.parse_args(arguments)
    if options.device == "cuda" and not torch.cuda.is_available():
        sys.exit("torch sees no GPU here; install torch for CUDA, or try --shape tiny --device cpu")
    transformers_logging.set_verbosity_error()
    with tempfile.TemporaryDirectory() as made:
        try:
            everything = fact_prompts(options.release or made_up_release(Path(made)))
        except ClikaError as error:
            sys.exit(str(error))
    shape, dtype = SHAPES[options.shape], getattr(torch, options.dtype)
    tokenizer = trained_tokenizer([prompt.text for prompt in everything], shape.vocabulary)
    asked = everything[: options.items]
    compared = asked[: options.compared]
    tokens = tokenizer([prompt.text for prompt in asked])["input_ids"]
    needed, whole = needed_tokens(asked, tokens), sum(map(len, tokens))

    model = random_llama(shape, dtype=dtype, device=options.device)
    name = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    print(f"{shape.parameters / 1e6:.0f} M parameters in {options.dtype} on {name}", flush=True)
    # First, while nobody else has touched the model's weights or layers.
    slow = slow_scores(model, tokenizer, compared, options.device, 1)
    padded = slow_scores(model, tokenizer, compared, options.device, 8)
    noise = max(
        abs(a - b) for one, other in zip(slow, padded, strict=True) for a, b in zip(one, other, strict=True)
    )
    reference = ModelRef(f"random {options.shape}", "random", dtype=options.dtype)
    scorer = TransformersScorer(
        model, tokenizer, reference, torch.device(options.device), options.batch_tokens, True
    )
    list(scorer.scored(compared))
    rates, flops = [], []
    fast: dict[int, tuple[float, ...]] = {}
    if options.device == "cuda":
        torch.cuda.reset_peak_memory_stats()
    for _ in range(options.rounds):
        flops.append(
            matmul_flops(options.device, dtype, shape.hidden, shape.intermediate, options.batch_tokens)
        )
        _wait(options.device)
        began = time.perf_counter()
        scores = {
            one.prompt_index: one.scores[ScoringRule.LETTER] for one in scorer.scored(asked) if one.scores
        }
        _wait(options.device)
        rates.append(len(asked) / (time.perf_counter() - began))
        fast = scores
    rate, device_flops = sorted(rates)[len(rates) // 2], sorted(flops)[len(flops) // 2]
    item_flops = 2 * (
        shape.layers * shape.layer_weights * needed / len(asked) + shape.hidden * shape.vocabulary
    )
    share = rate * item_flops / device_flops
    alike, unlike, count = _agreement(
        [fast.get(n, (float("nan"), 0.0)) for n in range(len(compared))], slow, noise
    )
    memory = torch.cuda.max_memory_allocated() / 2**20 if options.device == "cuda" else None
    print(
        f"{rate:,.1f} items/s, {rate * whole / len(asked):,.0f} prompt tokens/s of which"
        f" {rate * needed / len(asked):,.0f} computed; path {scorer.path}\n"
        f"matrix multiplication {device_flops / 1e12:,.2f} TFLOP/s, needed {rate * item_flops / 1e12:,.2f}: {share:.0%}\n"
        f"{alike} of {count} choices as on the slow path, {unlike} unlike beyond twice its noise ({noise:.2g} nats)"
    )
    result = {
        "params_m": round(shape.parameters / 1e6),
        "device": name,
        "dtype": options.dtype,
        "path": None if scorer.path is None else str(scorer.path),
        "items": len(asked),
        "items_per_s": round(rate, 1),
        "tokens_per_s": round(rate * whole / len(asked)),
        "computed_tokens_per_s": round(rate * needed / len(asked)),
        "matmul_tflops": round(device_flops / 1e12, 3),
        "share_of_matmul_rate": round(share, 3),
        "choices_compared": count,
        "choices_alike": alike,
        "choices_unlike_beyond_noise": unlike,
        "noise_nats": noise,
        "memory_mib": None if memory is None else round(memory),
    }
    print(json.dumps([result]))


if __name__ == "__main__":
    main()
