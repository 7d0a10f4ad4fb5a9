"""Are generated cases what the comparison needs: the same for a seed, sound, and full of ties?"""

from collections import Counter

import pytest
from tests.model import generate
from tests.model.chance import IN_INBOX, Document
from tests.model.journeys import reachable
from tests.model.reference import run
from tests.model.reference.simulation import people_at_end
from tests.model.seeds import INBOXES, MOVES_BETWEEN_ZONES

SEEDS = range(60)


@pytest.mark.parametrize("features", [generate.STAGE_1, generate.STAGE_2, generate.STAGE_2 | generate.EXTRAS])
def test_a_seed_stands_for_one_case_with_one_meaning(features: frozenset[str]) -> None:
    for seed in SEEDS:
        first, second = generate.case(seed, features), generate.case(seed, features)
        assert first == second
        assert run(*first) == run(*second)


def test_every_step_of_a_generated_journey_can_be_reached() -> None:
    for seed in SEEDS:
        for journey in generate.case(seed)[0]["journeys"]:
            assert reachable(journey["steps"]) == journey["steps"]


def test_a_run_is_entered_first_and_ends_once() -> None:
    for seed in SEEDS:
        transitions, _ = run(*generate.case(seed))
        told: dict[tuple[str, str, int], list[str]] = {}
        for line in transitions:
            if line["run"] is not None:
                told.setdefault((line["profile"], line["journey"], line["run"]), []).append(line["what"])
        for run_told in told.values():
            moved = [what for what in run_told if what != "goal"]
            assert moved[0] == "entered"
            assert not {"ended", "exited"} & set(moved[:-1])
            assert run_told.count("goal") <= 1


def test_many_things_happen_at_one_instant() -> None:
    instants = Counter((seed, line["userId"], line["timestamp"]) for seed in SEEDS for line in generate.case(seed)[1])
    assert sum(count > 1 for count in instants.values()) > len(SEEDS)


def test_people_move_between_zones_while_deliveries_of_a_run_are_held_on_several_channels() -> None:
    moved = 0
    for seed in MOVES_BETWEEN_ZONES:
        _, deliveries = run(*generate.case(seed, generate.MOVES))
        moved += held_again_on_several_channels(deliveries)
    assert moved >= 5


def test_people_are_held_out_in_many_cases() -> None:
    held_out = [any(line["gate"] == "holdout" for line in run(*generate.case(seed))[1]) for seed in range(200)]
    assert sum(held_out) >= 10


def held_again_on_several_channels(deliveries: list[Document]) -> int:
    """How many visits of a step are held on several channels, on one of them more than once."""
    held = Counter(line["key"] for line in deliveries if line["outcome"] == "held")
    visits = Counter(key.rpartition("/")[0] for key in held)
    return sum(times > 1 and visits[key.rpartition("/")[0]] > 1 for key, times in held.items())


def test_whatever_becomes_of_what_lies_in_an_inbox_becomes_of_it_often() -> None:
    cases: Counter[str] = Counter()
    for seed in INBOXES:
        people = people_at_end(*generate.case(seed, generate.STAGE_2 | generate.INBOXES), generate.narrow(seed))
        lines = [line for person in people for line in person.delivery_lines if line["channel"] in IN_INBOX]
        cases.update({line["withdrawn_by"] or line["outcome"] for line in lines})
    often = ("sent", "delivered", "opened", "clicked", "dismissed", "refused", "event", "pushed_out", "expired")
    assert all(cases[what] >= len(INBOXES) / 10 for what in often)
    assert all(cases[what] >= len(INBOXES) / 30 for what in ("held", "exit"))
