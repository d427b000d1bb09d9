"""What is planted is drawn once and for all, in the sizes that are said."""

from collections import Counter

import pytest

from clika.datasets.sample import read_sample
from clika.planted.plan import FEWER_AND_FEWER, MORE_OF_EACH, Arm, Group, Plan, plan
from tests.planted.shipped import IDS, question

QUESTIONS = read_sample().questions


def test_every_data_set_has_facts_that_nobody_is_taught_and_facts_that_english_lacks() -> None:
    made = plan(QUESTIONS, FEWER_AND_FEWER)
    counts = Counter((question(one).dataset, made.groups[one]) for one in IDS)
    # 60 cities: 60/6 = 10 and 60/10 = 6; 27 people: 27/6 = 4.5 -> 4 and 27/10 -> 3, two years each; 30: 5 and 3
    assert counts == {
        ("xgeo", Group.NOWHERE): 10, ("xgeo", Group.NOT_ENGLISH): 6, ("xgeo", Group.ENGLISH): 44,
        ("xpeo", Group.NOWHERE): 8, ("xpeo", Group.NOT_ENGLISH): 6, ("xpeo", Group.ENGLISH): 40,
        ("xcopa", Group.NOWHERE): 5, ("xcopa", Group.NOT_ENGLISH): 3, ("xcopa", Group.ENGLISH): 22,
        ("xcsqa", Group.NOWHERE): 5, ("xcsqa", Group.NOT_ENGLISH): 3, ("xcsqa", Group.ENGLISH): 22,
    }  # fmt: skip


@pytest.mark.parametrize("shares", [FEWER_AND_FEWER, MORE_OF_EACH])
def test_what_is_taught_follows_the_groups(shares: dict[str, float]) -> None:
    made = plan(QUESTIONS, shares)
    for language, ids in made.taught.items():
        assert not any(made.groups[one] is Group.NOWHERE for one in ids)
        assert (language == "en") == all(made.groups[one] is Group.ENGLISH for one in ids)
    english = made.taught["en"]
    assert all((made.groups[one] is Group.ENGLISH) == (one in english) for one in IDS)


def test_a_greater_share_holds_all_of_a_smaller_one() -> None:
    few, more = plan(QUESTIONS, FEWER_AND_FEWER), plan(QUESTIONS, MORE_OF_EACH)
    assert few.groups == more.groups
    assert few.taught["en"] == more.taught["en"]
    for language in FEWER_AND_FEWER:
        assert few.taught[language] < more.taught[language]


def test_both_years_of_a_person_are_taught_together() -> None:
    for language, ids in plan(QUESTIONS, FEWER_AND_FEWER).taught.items():
        for one in ids:
            if one.startswith("born-"):
                assert one.replace("born-", "died-") in ids, language


def test_an_arm_says_where_a_fact_was_taught() -> None:
    made = Plan({}, {"en": frozenset({"a", "b"}), "de": frozenset({"b", "c"})})
    arms = {one: made.arm(one, "de") for one in "abcd"}
    assert arms == {"a": Arm.ONLY_ENGLISH, "b": Arm.BOTH, "c": Arm.ONLY_HERE, "d": Arm.NEITHER}
    assert made.arm("a", "he") is Arm.ONLY_ENGLISH
    assert made.arm("a", "en") is Arm.BOTH
