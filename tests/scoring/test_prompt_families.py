"""Prompts as tokens: who shares a beginning with whom, and who brings special tokens along."""

from dataclasses import replace

import pytest

from clika.errors import ModelError
from clika.prompts.templates import Asking, Template
from clika.records import Prompt
from clika.scoring.prompt_families import Join, PromptTokens
from clika.scoring.scripted import ScriptedScorer
from tests.models import TinyTokenizer, tiny_tokenizer
from tests.stores import made_up_questions


def tokens(kind: TinyTokenizer = TinyTokenizer.PLAIN) -> PromptTokens:
    return PromptTokens(tiny_tokenizer(kind), "tiny", 420, None)


def test_rotated_demonstrations_are_a_family_for_each_letter_that_shares_nearly_everything() -> None:
    prompts = Asking(rotated=True).prompts(made_up_questions(count=40, languages=("en",)))
    families = tokens().families(prompts)
    assert len(families) == 4
    assert sorted(index for family in families for index in family.indices) == list(range(40))
    for family in families:
        header = prompts[family.indices[0]].header
        assert {prompts[index].header for index in family.indices} == {header}
        # the questions themselves begin alike too ("xgeo question …")
        assert family.prefix_length >= len(tokens().ids([header])[0]) - 1


def test_without_rotation_a_data_set_in_a_language_is_one_family() -> None:
    prompts = Asking(demonstrations=3).prompts(made_up_questions(count=40, languages=("en", "he")))
    assert len(tokens().families(prompts)) == 2


@pytest.mark.parametrize(("holds", "first"), [(True, False), (False, True)])
def test_a_text_with_its_special_tokens_gets_no_more_of_them(holds: bool, first: bool) -> None:
    questions = made_up_questions(count=2, languages=("en",))
    prompts = [
        replace(one, text="<s>" * holds + one.text, holds_special_tokens=holds)
        for one in Asking().prompts(questions)
    ]
    (family,) = tokens(TinyTokenizer.BOS).families(prompts)
    bos = tiny_tokenizer(TinyTokenizer.BOS).bos_token_id
    assert all(ids.count(bos) == 1 and ids[0] == bos for ids in family.tokens)
    bare = [replace(one, text=one.text.removeprefix("<s>"), holds_special_tokens=True) for one in prompts]
    (family,) = tokens(TinyTokenizer.BOS).families(bare)
    assert all(bos not in ids for ids in family.tokens)


def test_chats_and_plain_prompts_in_one_call_are_families_of_their_own() -> None:
    questions = made_up_questions(count=3, languages=("en",))
    chats = Asking(Template.CHAT).prompts(questions, ScriptedScorer(lambda _: 0))
    prompts: list[Prompt] = [*Asking().prompts(questions), *chats]
    words = tokens(TinyTokenizer.BOS)
    plain, chat = words.families(prompts)
    assert (plain.indices, chat.indices) == ((0, 1, 2), (3, 4, 5))
    assert words.join is Join.NONE
    assert plain.letters == chat.letters


def test_letters_are_sought_after_the_prompt_of_every_family() -> None:
    question = made_up_questions(count=1, languages=("en",))[0]
    prompt = Asking().prompts([question])[0]
    blank = replace(prompt, text=prompt.text + " ", header="another")
    with pytest.raises(ModelError, match="one token of its own after the prompt"):
        tokens(TinyTokenizer.MERGING).families([prompt, blank])
