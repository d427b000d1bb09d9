"""The ways to ask a model that are compared: this engine, lm-evaluation-harness, the authors' script.

Each answers prompts with 0-based choices in the prompts' order, by the letters' scores directly after
``Answer:``, from the same folder.
"""

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from clika.records import LETTERS, Prompt
from clika.scoring.checkpoint import Dtype
from clika.scoring.mixed_scorer import MixedScorer
from clika.scoring.scorer import Scorer
from clika.scoring.transformers_scorer import TransformersScorer

AUTHORS_TOKENS = 2
"""What the authors' generation writes for most answers, ``B`` and ``.``: fewer than that it cannot."""


class Contestant(Protocol):
    """Whatever answers prompts."""

    def choices(self, prompts: Sequence[Prompt]) -> list[int]:
        """0-based choices, one a prompt; -1 where there is none."""
        ...


def plain_model(folder: Path, dtype: str) -> tuple[Any, Any]:
    """(model, tokenizer) as transformers loads them."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=getattr(torch, dtype), local_files_only=True)
    return model.eval(), AutoTokenizer.from_pretrained(folder, local_files_only=True)


class Engine:
    """This project's scorer."""

    def __init__(self, folder: Path, dtype: str) -> None:
        """``dtype`` is one of a job's: mixed is bfloat16 with near-ties asked again in float32."""
        quick = "bfloat16" if dtype == "mixed" else dtype
        self._loaded = TransformersScorer.load(str(folder), dtype=cast(Dtype, quick), device="cpu")
        self._scorer: Scorer = self._loaded
        if dtype == "mixed":
            exact = TransformersScorer.load(str(folder), dtype="float32", device="cpu")
            self._scorer = MixedScorer(self._loaded, exact, replace(exact.model, dtype="mixed"))

    @property
    def path(self) -> str | None:
        """How prompts were computed; None before the first."""
        return None if self._loaded.path is None else str(self._loaded.path)

    def choices(self, prompts: Sequence[Prompt]) -> list[int]:
        """See Contestant."""
        found = [-1] * len(prompts)
        for scored in self._scorer.scored(prompts):
            if scored.chosen_index is not None:
                found[scored.prompt_index] = scored.chosen_index
        return found


class AuthorsWay:
    """One prompt at a time, two beams; the choice is read off the first step's logits."""

    def __init__(self, folder: Path, dtype: str) -> None:
        self._model, self._tokenizer = plain_model(folder, dtype)

    def choices(self, prompts: Sequence[Prompt]) -> list[int]:
        """See Contestant."""
        found = []
        for prompt in prompts:
            given = self._tokenizer(prompt.text, return_tensors="pt")
            with torch.inference_mode():
                written = self._model.generate(
                    input_ids=given["input_ids"],
                    attention_mask=given["attention_mask"],
                    num_beams=2,
                    do_sample=False,
                    max_new_tokens=AUTHORS_TOKENS,
                    pad_token_id=self._tokenizer.pad_token_id,
                    output_logits=True,
                    return_dict_in_generate=True,
                )
            letters = [
                self._tokenizer(prompt.text + letter)["input_ids"][-1]
                for letter in LETTERS[: prompt.choices_scored]
            ]
            found.append(int(written.logits[0][0, letters].float().argmax()))
        return found


def has_lm_eval() -> bool:
    """Whether lm-evaluation-harness is installed."""
    try:
        return importlib.util.find_spec("lm_eval") is not None
    except ValueError:  # what find_spec raises for a module that is barred
        return False


class LmEval:
    """lm-evaluation-harness: one request a letter. Requests that differ in one token share a pass there."""

    def __init__(self, folder: Path, dtype: str) -> None:
        from lm_eval.models.huggingface import HFLM

        logging.getLogger("lm_eval").setLevel(logging.ERROR)
        model, tokenizer = plain_model(folder, dtype)
        self._harness: Any = HFLM(
            pretrained=model, tokenizer=tokenizer, batch_size=16, max_length=2048, device="cpu"
        )
        self.batch = 16

    def set_batch(self, batch: int) -> None:
        """How many requests it computes at once from now on."""
        self.batch = batch
        self._harness.batch_size_per_gpu = batch

    def choices(self, prompts: Sequence[Prompt]) -> list[int]:
        """See Contestant."""
        from lm_eval.api.instance import Instance

        asked = [
            Instance(
                request_type="loglikelihood",
                doc={},
                arguments=(prompt.text, letter),
                idx=n,
                metadata=("", n, 1),
            )
            for n, prompt in enumerate(prompts)
            for letter in LETTERS[: prompt.choices_scored]
        ]
        scores = [score for score, _ in self._harness.loglikelihood(asked, disable_tqdm=True)]
        found, start = [], 0
        for prompt in prompts:
            own = scores[start : start + prompt.choices_scored]
            found.append(own.index(max(own)))
            start += prompt.choices_scored
        return found
