"""The prompts of the speed benchmarks: xGeo and xPeo as released, evenly over the languages."""

import random
from pathlib import Path

from benchmarks.release_files import model_names, write_release
from clika.datasets.release import read_questions
from clika.errors import UsageError
from clika.prompts.templates import Template, prompts
from clika.records import Prompt, Question

Family = tuple[str, str]
"""(data set, language): the prompts of one share their first tokens."""


def made_up_release(root: Path) -> Path:
    """A made-up release of the two data sets in ``root``, which is returned."""
    write_release(root, model_names(3), {"x_geo": 200, "x_name": 180})
    return root


def fact_prompts(release: Path, seed: int = 1) -> list[Prompt]:
    """All prompts of both data sets, shuffled within each family and then dealt one family after another.

    Whatever number is taken from the front is even over data sets and languages. Raises DataError for a
    folder that is no release and UsageError where it holds no prompt of the two with a text of its own.
    """
    questions, _ = read_questions(release, "benchmark")
    families: dict[Family, list[Question]] = {}
    for question in questions:
        if question.dataset in ("xgeo", "xpeo") and question.source_prompt is not None:
            families.setdefault((question.dataset, question.language), []).append(question)
    if not families:
        raise UsageError(
            f"{str(release)!r} holds no question of xGeo or xPeo with the prompt that was used; give a folder"
            " with x_geo and x_name, or none: a release is then made up"
        )
    chance = random.Random(seed)
    for members in families.values():
        chance.shuffle(members)
    longest = max(map(len, families.values()))
    dealt = [members[n] for n in range(longest) for members in families.values() if n < len(members)]
    return prompts(dealt, Template.RELEASED)


def needed_tokens(asked: list[Prompt], tokens: list[list[int]]) -> int:
    """How many tokens must be computed for each prompt by itself: all but what its family shares.

    The shared ones are computed once a family and left out here, so this is a lower limit.
    """
    families: dict[Family, list[list[int]]] = {}
    for prompt, ids in zip(asked, tokens, strict=True):
        families.setdefault((prompt.question.dataset, prompt.question.language), []).append(ids)
    needed = 0
    for members in families.values():
        first, last = min(members), max(members)  # what these two share in dictionary order, all share
        most = min(map(len, members)) - 1
        shared = next((n for n in range(most) if first[n] != last[n]), most) if len(members) > 1 else 0
        needed += sum(len(ids) - shared for ids in members)
    return needed
