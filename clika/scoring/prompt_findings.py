"""What a tokenizer makes of prompts, language by language, and what of it a run would stumble over."""

from collections.abc import Sequence
from typing import Any

from clika.errors import ModelError
from clika.languages import ALL_LANGUAGES
from clika.records import Prompt
from clika.scoring.preflight_report import Check, Finding, LanguageTokens, Severity, Token
from clika.scoring.prompt_families import Join, PromptTokens, common_length
from clika.scoring.prompt_faults import PromptRule

_FEW_BYTES_A_TOKEN = 1.5
_ANY_ROWS = 2**62


class PromptLook:
    """Prompts as a tokenizer's ids, looked at.

    ``embedding_rows`` is None where the model does not say, and so is ``context``. ``tokens`` holds the ids of
    each prompt, ``codes`` the prompts' languages, ``sound`` the indices of those that no rule refuses.
    ``letters`` and ``join`` are there once ``at_letters`` was called and nothing is refused.
    """

    def __init__(
        self,
        prompts: Sequence[Prompt],
        tokenizer: Any,
        name: str,
        embedding_rows: int | None,
        context: int | None,
    ) -> None:
        self._prompts, self._tokenizer, self._name = prompts, tokenizer, name
        self._rows = _ANY_ROWS if embedding_rows is None else embedding_rows
        self._maker = PromptTokens(tokenizer, name, self._rows, context)
        self.tokens = self._maker.ids_of(prompts, [prompt.text for prompt in prompts])
        self._indices: dict[str, list[int]] = {code: [] for code in ALL_LANGUAGES}
        for index, prompt in enumerate(prompts):
            self._indices[prompt.question.language].append(index)
        self.codes = tuple(code for code, indices in self._indices.items() if indices)
        self.letters: tuple[Token, ...] = ()
        self.join: Join | None = None

    @property
    def sound(self) -> list[int]:
        faulty = {index for fault in self._maker.faults(self.tokens) for index in fault.indices}
        return [index for index in range(len(self.tokens)) if index not in faulty]

    def of(self, code: str) -> list[int]:
        """The indices of a language's prompts."""
        return self._indices[code]

    def at_rules(self) -> list[Finding]:
        """Prompts that a run refuses, by language; those longer than the context by data set too."""
        found = []
        for code in self.codes:
            groups: dict[str, list[int]] = {}
            for index in self.of(code):
                groups.setdefault(self._prompts[index].question.dataset, []).append(index)
            for dataset, indices in groups.items():
                found += [
                    Finding(Severity.REFUSED, Check.CONTEXT, fault.sentence, code, dataset)
                    for fault in self._maker.faults([self.tokens[index] for index in indices])
                    if fault.rule is PromptRule.CONTEXT
                ]
            found += [
                Finding(Severity.REFUSED, Check(fault.rule), fault.sentence, code)
                for fault in self._maker.faults([self.tokens[index] for index in self.of(code)])
                if fault.rule is not PromptRule.CONTEXT
            ]
        return found

    def lacking(self, bos: int) -> set[int]:
        """The indices of the prompts that do not begin with it."""
        return {index for index, ids in enumerate(self.tokens) if ids[:1] != [bos]}

    def at_missing_bos(self, bos: Token, evidence: str) -> list[Finding]:
        """Prompts without BOS, by language, of a model that seems to want it."""
        lacking = self.lacking(bos.id)
        counts = {code: len(lacking.intersection(self.of(code))) for code in self.codes}
        return [
            Finding(
                Severity.COUNTED,
                Check.MISSING_BOS,
                f"{count} of {len(self.of(code))} prompts begin without {bos.text!r}, and {evidence}; a model that"
                " was trained with it answers worse without: set tokenizer.add_bos_token = True and save the"
                " tokenizer again",
                code,
            )
            for code, count in counts.items()
            if count
        ]

    def at_letters(self, most: int) -> list[Finding]:
        """Whether each letter is one token after every prompt (of more than ``most`` after an even sample)."""
        count = len(self._prompts)
        step = -(-count // most)
        tried = range(0, count, step)
        found = []
        if step > 1:
            found.append(
                Finding(
                    Severity.NOTE,
                    Check.LETTERS,
                    f"letters were tried after {len(tried)} of {count} prompts, one in {step}; give a --limit, and"
                    " they are tried after every one",
                )
            )
        try:
            ids = self._letters(self._maker, tried)
        except ModelError as error:
            refused = []
            for code in self.codes:
                alone = PromptTokens(self._tokenizer, self._name, self._rows, None)
                try:
                    self._letters(alone, [index for index in self.of(code) if index % step == 0])
                except ModelError as of_language:
                    refused.append(Finding(Severity.REFUSED, Check.LETTERS, str(of_language), code))
            # Where each language is sound by itself they disagree among themselves.
            return found + (refused or [Finding(Severity.REFUSED, Check.LETTERS, str(error))])
        self.join = self._maker.join
        self.letters = tuple(Token(token, self._written([token])) for token in ids)
        return found + self._at_join()

    def language_tokens(self) -> list[LanguageTokens]:
        """How each language is cut, in the order of ALL_LANGUAGES."""
        unknown, bos = self._tokenizer.unk_token_id, self._tokenizer.bos_token_id
        special = set(self._tokenizer.all_special_ids) - {unknown}
        found = []
        for code in self.codes:
            questions = [self._prompts[index].question for index in self.of(code)]
            words = ["\n".join((*filter(None, (q.premise, q.text)), *q.choices)) for q in questions]
            # GPT-2 has one token for BOS and for what is unknown: a BOS is no unknown word.
            texts = [ids[ids[:1] == [bos] :] for ids in self._maker.ids(words)]
            own = [token for ids in texts for token in ids if token not in special]
            lengths = [len(self.tokens[index]) for index in self.of(code)]
            found.append(
                LanguageTokens(
                    language=code,
                    prompts=len(lengths),
                    tokens_a_question=len(own) / len(lengths),
                    bytes_a_token=sum(len(text.encode()) for text in words) / max(1, len(own)),
                    unknown_share=own.count(unknown) / max(1, len(own)),
                    tokens_a_prompt=sum(lengths) / len(lengths),
                    longest=max(lengths),
                )
            )
        return found

    def _letters(self, maker: PromptTokens, indices: Sequence[int]) -> tuple[int, ...]:
        return maker.letters(
            [self._prompts[index] for index in indices], [self.tokens[index] for index in indices]
        )

    def _at_join(self) -> list[Finding]:
        if self.join is Join.NONE:
            return []
        (joined,) = self._maker.ids_of(self._prompts[:1], [self._prompts[0].text + "A"])
        own = self.tokens[0]
        same = common_length(own, joined)
        return [
            Finding(
                Severity.NOTE,
                Check.JOIN,
                f"a letter directly after the prompt is merged with its end ({self._written(own[same:])!r} + 'A'"
                f" becomes {self._written(joined[same:])!r}); letters are read after a blank instead"
                f" ({self.letters[0].text!r}), in every language",
            )
        ]

    def _written(self, ids: Sequence[int]) -> str:
        return "".join(str(piece) for piece in self._tokenizer.convert_ids_to_tokens(list(ids)))


def cut_findings(cuts: Sequence[LanguageTokens]) -> list[Finding]:
    """Languages of which the tokenizer knows little."""
    found = []
    for cut in cuts:
        name = ALL_LANGUAGES[cut.language].name
        if cut.unknown_share > 0:
            found.append(
                Finding(
                    Severity.COUNTED,
                    Check.UNKNOWN_TOKENS,
                    f"{cut.unknown_share:.1%} of the tokens of {name} questions are unknown ones, whose words the"
                    " model never sees; leave the language out or use a model whose tokenizer can write it",
                    cut.language,
                )
            )
        if cut.bytes_a_token < _FEW_BYTES_A_TOKEN:
            found.append(
                Finding(
                    Severity.NOTE,
                    Check.BYTES_A_TOKEN,
                    f"a token of {name} holds {cut.bytes_a_token:.2f} bytes, fewer than {_FEW_BYTES_A_TOKEN}: the"
                    " tokenizer nearly spells it; read a low score in this language with that in mind",
                    cut.language,
                )
            )
    return found
