"""Do cases in which people become one have all that may come of it: merges, refusals, and runs in every state?"""

from __future__ import annotations

from collections import Counter

from tests.model import linked
from tests.model.reference.living import live
from tests.model.reference.living import people_at_end as after_life
from tests.model.reference.people import Person
from tests.model.reference.simulation import people_at_end

SEEDS = range(40)
REFUSALS = ("two_known", "shared", "no_id")
ENDS = ("unused", "already_in")


def test_a_seed_stands_for_one_case_with_one_meaning() -> None:
    for seed in range(20):
        assert linked.case(seed) == linked.case(seed)
        assert linked.life(seed) == linked.life(seed)
        assert live(*linked.life(seed)) == live(*linked.life(seed))


def test_whatever_may_come_of_a_link_comes_of_it_often() -> None:
    names, runs = told_in_all([person for seed in SEEDS for person in people_at_end(*linked.case(seed))])
    assert names[None] > len(SEEDS), "merged"
    assert all(names[why] > len(SEEDS) / 30 for why in REFUSALS)
    assert all(runs[why] >= len(SEEDS) / 20 for why in (None, *ENDS))


def test_in_the_lives_of_journeys_as_well_and_while_a_pause_holds_something_up() -> None:
    people = [person for seed in SEEDS for person in after_life(*linked.life(seed), linked.limits_of(seed))]
    names, runs = told_in_all(people)
    assert names[None] > len(SEEDS) / 2
    assert all(names[why] > len(SEEDS) / 20 for why in REFUSALS)
    assert all(runs[why] >= len(SEEDS) / 20 for why in (None, *ENDS))
    assert sum(bool(person.kept) for person in people if not person.is_there) >= 2


def told_in_all(people: list[Person]) -> tuple[Counter[str | None], Counter[str | None]]:
    """How often somebody was merged, or was not and why; and what became of her open runs."""
    lines = [line for person in people for line in person.told_of_names]
    runs = [run for line in lines for run in line.get("runs", ())]
    return Counter(line["why"] for line in lines), Counter(run[4] for run in runs)
