"""What a run with this model and these prompts would stumble over, said before any work.

It makes the checks that a run makes (``checkpoint``, ``PromptTokens``, ``TransformersScorer``), each by
itself, so that one refusal hides none of the others, and tries letters after every prompt instead of three of a
family. Cheap ones come first: config.json, the tokenizer, the weights' names and shapes, the prompts'
tokens; then the model is loaded and answers a few prompts a language.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

from clika.errors import ModelError, UsageError
from clika.prompts.chat import ChatRenderer, Message
from clika.records import Outcome, Prompt
from clika.scoring.preflight_report import (
    Check,
    Finding,
    LanguageTokens,
    ModelFacts,
    Preflight,
    Severity,
    Token,
    gigabytes,
)
from clika.scoring.scorer import INVALID_SHARE_LIMIT

if TYPE_CHECKING:
    from clika.scoring.checkpoint import Device, Dtype
    from clika.scoring.prompt_findings import PromptLook

LETTERS_AFTER = 25_000
"""Letters are tried after every prompt up to so many (half a minute); after an even sample of more."""

_ASKED_A_LANGUAGE = 3
_BYTES_A_VALUE = {"float32": 4, "bfloat16": 2, "float16": 2, "mixed": 6}
# Model types whose makers trained with BOS before every text.
_TRAINED_WITH_BOS = frozenset(
    {
        "cohere",
        "cohere2",
        "deepseek_v2",
        "deepseek_v3",
        "gemma",
        "gemma2",
        "gemma3",
        "gemma3_text",
        "llama",
        "mistral",
        "mixtral",
        "recurrent_gemma",
    }
)
_Made = TypeVar("_Made")
WritePrompts = Callable[[ChatRenderer], Sequence[Prompt]]


def preflight(
    model: str,
    prompts: Sequence[Prompt] | WritePrompts,
    *,
    name: str | None = None,
    dtype: str = "float32",
    device: "Device" = "auto",
    quick: bool = False,
    letters_after: int = LETTERS_AFTER,
) -> Preflight:
    """Look at a model folder or a Hub id as a run over ``prompts`` would use it.

    ``prompts`` may be what writes them, given the model's chat template. ``dtype`` may be mixed. ``quick`` stops
    before the weights are loaded. ``letters_after`` bounds how many prompts letters are tried after. Raises
    UsageError for an unknown dtype or device, or no prompt at all; what is wrong with the model is a finding.
    """
    from clika.scoring.checkpoint import checkpoint_folder, device_here, silent_transformers

    if dtype not in _BYTES_A_VALUE:
        raise UsageError(f"unknown dtype {dtype!r}; known: {', '.join(_BYTES_A_VALUE)}")
    if not callable(prompts) and not prompts:
        raise UsageError("no prompt to look at; name data sets and languages that hold questions")
    look = _Look(name or model, device_here(device), dtype)
    found = look.tried(Check.MODEL, lambda: checkpoint_folder(model))
    if found is None:
        return look.report()
    folder, base, revision = found
    look.name = name or (folder.name if revision is None else base)
    with silent_transformers():
        look.at_configuration(folder)
        look.at_tokenizer(folder)
        look.at_template(prompts)
        look.at_weights(folder)
        look.at_memory()
        look.at_prompts(folder, letters_after)
        if not quick:
            look.at_logits(folder)
    return look.report()


class _Look:
    """A preflight under way: what is known of the model, and what was found."""

    def __init__(self, name: str, device: Any, dtype: str) -> None:
        self.name = name
        self._device, self._dtype = device, dtype
        self._prompts: Sequence[Prompt] = ()
        self._config: Any = None
        self._tokenizer: Any = None
        self._loadable = False
        self._tokens: PromptLook | None = None
        self._facts = ModelFacts(name)
        self._languages: list[LanguageTokens] = []
        self._findings: list[Finding] = []
        self._asked = 0

    def report(self) -> Preflight:
        order = list(Severity)
        findings = sorted(self._findings, key=lambda finding: order.index(finding.severity))
        facts = replace(self._facts, model=self.name)
        return Preflight(facts, tuple(self._languages), tuple(findings), self._asked)

    def tried(self, check: Check, make: Callable[[], _Made]) -> _Made | None:
        """What ``make`` gives; None, and a refusal, where it raises ModelError."""
        try:
            return make()
        except ModelError as error:
            self._findings.append(Finding(Severity.REFUSED, check, str(error)))
            return None

    def at_configuration(self, folder: Path) -> None:
        from clika.scoring.checkpoint import check_architecture, configuration, context_of

        config = self.tried(Check.MODEL, lambda: configuration(folder))
        if config is None:
            return
        self._config = config
        before = len(self._findings)
        self.tried(Check.MODEL, lambda: check_architecture(folder, config))
        self._loadable = len(self._findings) == before
        # The text part of a model that is none may be ambiguous; what stands at the top will do.
        text = config.get_text_config() if self._loadable else config
        self._facts = replace(
            self._facts,
            architecture=", ".join(config.architectures or ()) or config.model_type,
            context=context_of(config)
            if self._loadable
            else getattr(config, "max_position_embeddings", None),
            embedding_rows=getattr(text, "vocab_size", None),
        )

    def at_tokenizer(self, folder: Path) -> None:
        from clika.scoring.checkpoint import tokenizer_of

        tokenizer = self._tokenizer = self.tried(Check.TOKENIZER, lambda: tokenizer_of(folder))
        if tokenizer is None:
            return
        self._facts = replace(
            self._facts,
            vocabulary=len(tokenizer),
            tokenizer=type(tokenizer).__name__,
            bos=_token(tokenizer, tokenizer.bos_token_id),
            eos=_token(tokenizer, tokenizer.eos_token_id),
            pad=_token(tokenizer, tokenizer.pad_token_id),
            chat_template=bool(tokenizer.chat_template),
        )
        if self._facts.pad is None:
            self._findings.append(
                Finding(
                    Severity.NOTE,
                    Check.PAD,
                    f"the tokenizer of {self.name} has no pad token; none is needed, since padding is masked",
                )
            )

    def chat(self, messages: Sequence[Message]) -> str:
        """As the tokenizer's chat template writes it. Raises ModelError where it has none or refuses."""
        from clika.scoring.chat_text import chat_text

        return chat_text(self._tokenizer, self.name, messages)

    def at_template(self, prompts: Sequence[Prompt] | WritePrompts) -> None:
        """The prompts as the template writes them; none where it cannot, or no tokenizer is there to do it."""
        if not callable(prompts):
            self._prompts = prompts
        elif self._tokenizer is not None:
            self._prompts = self.tried(Check.TEMPLATE, lambda: prompts(self)) or ()

    def at_weights(self, folder: Path) -> None:
        """The weights' names and shapes against those of the architecture; no value is read."""
        from clika.scoring.checkpoint import network_of
        from clika.scoring.weight_headers import weight_headers

        headers = weight_headers(folder)
        if headers is not None:
            self._facts = replace(self._facts, parameters=headers.values, file_dtypes=headers.dtypes)
        if not self._loadable:
            return
        try:
            network = network_of(folder, self._config, "float32", shapes_only=True)
        except ModelError as error:
            # An architecture that computes with its weights while it is built: loading will tell.
            if "meta tensor" not in str(error.__cause__):
                self._findings.append(Finding(Severity.REFUSED, Check.WEIGHTS, str(error)))
                self._loadable = False
            return
        self._facts = replace(
            self._facts,
            parameters=sum(weight.numel() for weight in network.parameters()),
            embedding_rows=int(network.get_input_embeddings().weight.shape[0]),
        )

    def at_memory(self) -> None:
        from clika.scoring.checkpoint import device_memory

        room, values = device_memory(self._device), self._facts.parameters
        self._facts = replace(self._facts, device=str(self._device), device_bytes=room)
        if values is None:
            return
        needed = values * _BYTES_A_VALUE[self._dtype]
        self._facts = replace(
            self._facts,
            float32_bytes=values * _BYTES_A_VALUE["float32"],
            bfloat16_bytes=values * _BYTES_A_VALUE["bfloat16"],
            fits=None if room is None else needed <= room,
        )
        if self._facts.fits is False:
            self._findings.append(
                Finding(
                    Severity.COUNTED,
                    Check.MEMORY,
                    f"the weights of {self.name} take {gigabytes(needed)} in {self._dtype} and {self._device} has"
                    f" {gigabytes(room)}, where they must fit with room to spare; take --dtype bfloat16, a larger"
                    " device or more of them, or a smaller model",
                )
            )

    def at_prompts(self, folder: Path, letters_after: int) -> None:
        """Everything that the prompts' tokens show; nothing without a tokenizer."""
        if self._tokenizer is None or not self._prompts:
            return
        from clika.scoring.prompt_findings import PromptLook, cut_findings

        look = self._tokens = PromptLook(
            self._prompts, self._tokenizer, self.name, self._facts.embedding_rows, self._facts.context
        )
        self._languages = look.language_tokens()
        self._findings += look.at_rules()
        bos = self._facts.bos
        if bos is not None:
            evidence = self._bos_is_wanted(folder, bos)
            self._findings += look.at_missing_bos(bos, evidence) if evidence else []
            self._facts = replace(self._facts, adds_bos=not look.lacking(bos.id))
        self._findings += look.at_letters(letters_after)
        self._facts = replace(self._facts, join=look.join, letters=look.letters)
        self._findings += cut_findings(self._languages)

    def at_logits(self, folder: Path) -> None:
        """A few prompts a language, answered by the loaded model as a run would."""
        sample = self._sample()
        if not self._loadable or not self._facts.letters or not sample or self._facts.fits is False:
            causes = dict.fromkeys(
                str(finding.check)
                for finding in self._findings
                if finding.severity is Severity.REFUSED or finding.check is Check.MEMORY
            )
            self._findings.append(
                Finding(
                    Severity.NOTE,
                    Check.LOGITS,
                    f"{self.name} was not loaded to answer a few prompts, because of: {', '.join(causes)}; mend that"
                    " and look again",
                )
            )
            return
        dtypes = ("bfloat16", "float32") if self._dtype == "mixed" else (self._dtype,)
        for dtype in dtypes:
            invalid = self.tried(Check.LOGITS, partial(self._invalid, folder, cast("Dtype", dtype), sample))
            if invalid is None:
                return
            self._asked = len(sample)
            self._findings += self._invalid_findings(sample, invalid, dtype)

    def _bos_is_wanted(self, folder: Path, bos: Token) -> str | None:
        """What speaks for a BOS before every prompt; None where nothing does, or the tokenizer says no."""
        said = _add_bos_token(folder)
        if said:
            return "tokenizer_config.json says add_bos_token, which is passed over where tokenizer.json adds none"
        kind = self._config.model_type if self._config is not None else None
        # Where one token is both, it stands between texts and need not begin one.
        if said is None and kind in _TRAINED_WITH_BOS and bos != self._facts.eos:
            return f"models of type {kind} are usually trained with it before every text"
        return None

    def _sample(self) -> list[int]:
        """Of each language the shortest, the middle and the longest prompt that the model can take."""
        look = self._tokens
        if look is None:
            return []
        sound, sample = set(look.sound), []
        for code in look.codes:
            ordered = sorted(
                sound.intersection(look.of(code)), key=lambda index: (len(look.tokens[index]), index)
            )
            last = len(ordered) - 1
            places = {place * last // (_ASKED_A_LANGUAGE - 1) for place in range(_ASKED_A_LANGUAGE)}
            sample += [ordered[place] for place in sorted(places) if ordered]
        return sample

    def _invalid(self, folder: Path, dtype: "Dtype", sample: Sequence[int]) -> set[int]:
        """The indices of the prompts to which the model answers NaN or infinity."""
        from clika.scoring.transformers_scorer import TransformersScorer

        scorer = TransformersScorer.load(
            str(folder), dtype=dtype, device=self._device.type, name=self.name, prefix_cache=False, fast=False
        )
        answers = scorer.scored([self._prompts[index] for index in sample])
        return {sample[one.prompt_index] for one in answers if one.outcome is Outcome.INVALID}

    def _invalid_findings(self, sample: Sequence[int], invalid: set[int], dtype: str) -> list[Finding]:
        too_many = len(invalid) > INVALID_SHARE_LIMIT * len(sample)
        asked: dict[str, list[int]] = {}
        for index in sample:
            asked.setdefault(self._prompts[index].question.language, []).append(index)
        return [
            Finding(
                Severity.REFUSED if too_many else Severity.COUNTED,
                Check.LOGITS,
                f"{len(invalid.intersection(indices))} of {len(indices)} prompts gave NaN or infinite logits in"
                f" {dtype} on {self._device}, and a run ends where more than {INVALID_SHARE_LIMIT:.1%} do; try"
                " --dtype float32, or check the checkpoint's weights",
                code,
            )
            for code, indices in asked.items()
            if invalid.intersection(indices)
        ]


def _token(tokenizer: Any, token: int | None) -> Token | None:
    return None if token is None else Token(token, str(tokenizer.convert_ids_to_tokens(token)))


def _add_bos_token(folder: Path) -> bool | None:
    """What tokenizer_config.json says; None where it says nothing. Beside a tokenizer.json transformers ignores it."""
    try:
        said = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    value = said.get("add_bos_token") if isinstance(said, dict) else None
    return value if isinstance(value, bool) else None
