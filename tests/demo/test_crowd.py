"""Simulated people react by a fixed rule, within the bounds of their habits."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.demo.crowd import BASIS_POINTS, Habit, LumaCrowd

HABIT = Habit(opened=4_000, clicked=2_500, open_after_ms=(1_000, 61_000), click_after_ms=(10, 20))
CROWD = LumaCrowd(seed=7, habits={"email": HABIT})
KEYS = [f"key{number}" for number in range(10_000)]


def test_the_shares_come_out_as_asked_for() -> None:
    reactions = [CROWD.reactions(key, "email") for key in KEYS]

    opened = sum(bool(each) for each in reactions)
    clicked = sum(len(each) == 2 for each in reactions)
    assert opened == pytest.approx(4_000, rel=0.05)
    assert clicked == pytest.approx(1_000, rel=0.1)


def test_half_of_those_who_open_do_so_in_the_first_quarter_of_the_time() -> None:
    delays = [each[0][0] for key in KEYS if (each := CROWD.reactions(key, "email"))]

    assert sum(delay < 16_000 for delay in delays) / len(delays) == pytest.approx(0.5, abs=0.03)


@given(st.text(max_size=40), st.integers(0, 2**31))
def test_delays_keep_their_bounds_and_a_click_follows_the_opening(key: str, seed: int) -> None:
    eager = Habit(opened=BASIS_POINTS, clicked=BASIS_POINTS, open_after_ms=(5, 90), click_after_ms=(1, 3))

    opened, clicked = LumaCrowd(seed, {"email": eager}).reactions(key, "email")

    assert (opened[1], clicked[1]) == ("opened", "clicked")
    assert 5 <= opened[0] <= 90
    assert 1 <= clicked[0] - opened[0] <= 3


def test_another_process_sees_the_same_reactions() -> None:
    elsewhere = pickle.loads(pickle.dumps(CROWD))

    here = [CROWD.reactions(key, "email") for key in KEYS[:100]]
    assert sum(map(bool, here)) > 20
    assert [elsewhere.reactions(key, "email") for key in KEYS[:100]] == here


def test_the_rule_stays_what_it_is() -> None:
    assert {key: CROWD.reactions(key, "email") for key in ("key0", "key1", "key5")} == {
        "key0": ((35_576, "opened"),),
        "key1": (),
        "key5": ((26_344, "opened"), (26_354, "clicked")),
    }


def test_another_seed_is_another_crowd() -> None:
    other = LumaCrowd(seed=8, habits=CROWD.habits)

    assert any(other.reactions(key, "email") != CROWD.reactions(key, "email") for key in KEYS[:100])


def test_nobody_reacts_on_a_channel_without_a_habit() -> None:
    assert CROWD.reactions("key1", "sms") == ()


def test_where_nobody_opens_nobody_clicks() -> None:
    open_, closed = (
        LumaCrowd(1, {"push": Habit(opened, BASIS_POINTS, open_after_ms=(1, 2), click_after_ms=(1, 2))})
        for opened in (BASIS_POINTS, 0)
    )

    assert all(open_.reactions(key, "push") for key in KEYS[:200])
    assert not any(closed.reactions(key, "push") for key in KEYS[:200])
