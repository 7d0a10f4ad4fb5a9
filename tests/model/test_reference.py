"""Does the model mean what the rules say of journeys? Cases whose lines were worked out by hand."""

from typing import Any

import pytest
from tests.model.cases import START_MS, Document, Move, at, event, identify, moves, outcomes, project, reaction
from tests.model.reference import run
from tests.model.reference.times import to_text
from tests.model.reference.worlds import Limits

WAITING: list[Document] = [
    {"id": "w", "wait_for": [{"event": "Buy", "next": "yes"}], "timeout": "20s", "on_timeout": "no"},
    {"id": "no", "end": True},
    {"id": "yes", "end": True},
]


def test_lines_carry_every_key_in_order() -> None:
    documents = project([{"id": "s", "send": "receipt", "channels": ["email"]}])
    transitions, deliveries = run(documents, [identify("0s", email="ann@example.com"), event("1s", "Start")], None)
    of = {"profile": "ann", "journey": "j", "version": 1}
    assert transitions == [
        {"at": "2026-01-05T09:00:01.000Z", **of, "run": 1, "step": None, "what": "entered", "why": "Start"},
        {"at": "2026-01-05T09:00:01.000Z", **of, "run": 1, "step": "s", "what": "reached", "why": None},
        {"at": "2026-01-05T09:00:01.000Z", **of, "run": 1, "step": "s", "what": "ended", "why": "last step"},
    ]
    [delivery] = deliveries
    assert list(delivery.values()) == [
        *("2026-01-05T09:00:01.000Z", "ann", "j", 1, 1, "s", "email", "receipt", "ann@example.com", "sent", None),
        "ann/j/1/1/s/1/email",
    ]
    assert " ".join(delivery) == "at profile journey version run step channel message to outcome gate key"


@pytest.mark.parametrize(
    "bought_at, expected",
    [
        # At exactly the limit the event goes first.
        ("20s", [(at("20s"), 1, "w", "matched", "Buy"), (at("20s"), 1, "yes", "reached", None)]),
        ("20001ms", [(at("20s"), 1, "w", "timed_out", None), (at("20s"), 1, "no", "reached", None)]),
    ],
)
def test_a_listener_takes_the_event_up_to_its_limit(bought_at: str, expected: list[Move]) -> None:
    found = moves(project(WAITING), event(bought_at, "Buy"), event("0s", "Start"))
    assert found[:3] == [
        (at("0s"), 1, None, "entered", "Start"),
        (at("0s"), 1, "w", "reached", None),
        (at("0s"), 1, "w", "waiting", at("20s")),
    ]
    assert found[3:5] == expected
    assert found[5:] == [(at("20s"), 1, expected[1][2], "ended", "end step")]


@pytest.mark.parametrize(
    "reentry, second",
    [
        ("always", ["entered", "reached", "ended"]),
        ("never", ["not_entered too_soon"]),
        # At exactly the end of the pause it enters.
        ({"after": "10s"}, ["entered", "reached", "ended"]),
        ({"after": "11s"}, ["not_entered too_soon"]),
    ],
)
def test_re_entry_counts_from_the_end_of_the_last_run(reentry: Any, second: list[str]) -> None:
    documents = project([{"id": "e", "end": True}], reentry=reentry)
    found = moves(documents, event("0s", "Start"), event("10s", "Start"))
    assert [what if what != "not_entered" else f"{what} {why}" for _, _, _, what, why in found[3:]] == second
    assert found[3][1] == (None if "not" in second[0] else 2)


def test_correlation_keeps_runs_apart() -> None:
    documents = project(WAITING, correlation="event.cart_id")
    lines = [event("0s", "Start", cart_id="a"), event("1s", "Start", cart_id="b"), event("2s", "Start", cart_id="a")]
    found = moves(documents, *lines, event("3s", "Buy", cart_id="b"), event("4s", "Buy"))
    assert [move for move in found if move[3] in ("entered", "not_entered", "matched")] == [
        (at("0s"), 1, None, "entered", "Start"),
        (at("1s"), 2, None, "entered", "Start"),
        (at("2s"), None, None, "not_entered", "already_in"),
        (at("3s"), 2, "w", "matched", "Buy"),
        # Without a value it concerns all runs: only the first is still open.
        (at("4s"), 1, "w", "matched", "Buy"),
    ]


def test_an_exit_wins_over_a_listener_and_the_event_may_start_the_next_run() -> None:
    steps = [{"id": "w", "wait_for": [{"event": "Start"}]}]
    found = moves(project(steps, exit=[{"event": "Start"}]), event("0s", "Start"), event("5s", "Start"))
    assert found[3:] == [
        (at("5s"), 1, "w", "exited", "Start"),
        (at("5s"), 2, None, "entered", "Start"),
        (at("5s"), 2, "w", "reached", None),
        (at("5s"), 2, "w", "waiting", None),
    ]


def test_a_goal_is_credited_once_also_after_the_end() -> None:
    documents = project([{"id": "e", "end": True}], goal={"event": "Buy", "within": "1h"}, reentry="never")
    assert moves(documents, event("0s", "Start"), event("1h", "Buy"), event("1h", "Buy"))[3:] == [
        (at("1h"), 1, None, "goal", None)
    ]
    assert moves(documents, event("0s", "Start"), event("3600001ms", "Buy"))[3:] == []


def test_a_goal_without_a_term_is_credited_while_the_run_is_open() -> None:
    documents = project(WAITING, goal={"event": "Look"})
    assert moves(documents, event("0s", "Start"), event("20s", "Look"))[3:5] == [
        (at("20s"), 1, "w", "goal", None),
        (at("20s"), 1, "w", "timed_out", None),
    ]
    assert moves(documents, event("0s", "Start"), event("20001ms", "Look"))[-1][3] == "ended"


def test_dates_are_local_days_with_the_last_one_included() -> None:
    # Midnight in Paris is 23:00 UTC.
    documents = project([{"id": "e", "end": True}], starts="2026-01-06", ends="2026-01-06")
    lines = [event(offset, "Start") for offset in ("13h59m59s", "14h", "1d13h59m59s", "1d14h")]
    assert [(move[0], move[3], move[4]) for move in moves(documents, *lines) if "entered" in move[3]] == [
        (at("13h59m59s"), "not_entered", "outside_dates"),
        (at("14h"), "entered", "Start"),
        (at("1d13h59m59s"), "entered", "Start"),
        (at("1d14h"), "not_entered", "outside_dates"),
    ]


def test_waits_for_an_instant_and_for_a_local_time() -> None:
    steps: list[Document] = [
        {"id": "past", "wait": {"until": "entry.when", "offset": "-2h"}},
        {"id": "exact", "wait": {"time": "10:00"}},
        {"id": "local", "wait": {"time": "09:00", "days": ["tue"]}},
        {"id": "none", "wait": {"until": "profile.tier"}},
    ]
    found = moves(project(steps), identify("0s", timezone="Nowhere/Else"), event("0s", "Start", when=at("1h")))
    assert found[2:] == [
        (at("0s"), 1, "past", "waiting", at("-1h")),
        (at("0s"), 1, "exact", "reached", None),
        (at("0s"), 1, "exact", "waiting", at("0s")),
        (at("0s"), 1, "local", "reached", None),
        (at("0s"), 1, "local", "waiting", "2026-01-06T08:00:00.000Z"),
        ("2026-01-06T08:00:00.000Z", 1, "none", "reached", None),
        ("2026-01-06T08:00:00.000Z", 1, "none", "parked", "no instant to wait for"),
    ]


@pytest.mark.parametrize(
    "started, due",
    [
        # 02:30 does not exist on 29 March in Paris: the first instant after the gap.
        ("2026-03-28T20:00:00Z", "2026-03-29T01:00:00.000Z"),
        # It exists twice on 25 October: the first.
        ("2026-10-24T20:00:00Z", "2026-10-25T00:30:00.000Z"),
    ],
)
def test_local_times_follow_a_change_of_clocks(started: str, due: str) -> None:
    line = {**event("0s", "Start"), "timestamp": started}
    assert moves(project([{"id": "w", "wait": {"time": "02:30"}}]), line)[2][4] == due


def test_refused_sends_take_their_own_way() -> None:
    steps: list[Document] = [
        {"id": "s", "send": "receipt", "on_refused": "refused"},
        {"id": "sent", "end": True},
        {"id": "refused", "update": {"email": '"ann@example.com"', "tier": "event.total"}},
        {"id": "again", "send": "receipt"},
    ]
    lines = [identify("0s", email="ann@example", phone=" "), event("1s", "Start")]
    assert outcomes(project(steps), *lines) == [
        (at("1s"), "s", "email", "refused", "address"),
        (at("1s"), "s", "sms", "refused", "address"),
        (at("1s"), "again", "sms", "refused", "address"),
        (at("1s"), "again", "email", "sent", None),
    ]
    assert [move[2] for move in moves(project(steps), *lines) if move[3] == "reached"] == ["s", "refused", "again"]


def test_a_reaction_moves_a_run_and_implies_the_delivery() -> None:
    steps: list[Document] = [
        {"id": "s", "send": "receipt", "channels": ["email"]},
        {"id": "w", "wait_for": [{"reaction": "opened", "of": "s"}], "timeout": "1h"},
        {"id": "x", "wait_for": [{"reaction": "clicked", "of": "s"}, {"reaction": "delivered", "of": "s"}]},
    ]
    lines = [identify("0s", email="ann@example.com"), event("0s", "Start"), reaction("1h", "opened", "s")]
    assert outcomes(project(steps), *lines, reaction("2h", "opened", "s")) == [
        (at("0s"), "s", "email", "sent", None),
        (at("1h"), "s", "email", "delivered", None),
        (at("1h"), "s", "email", "opened", None),
    ]
    assert moves(project(steps), *lines)[4:] == [
        (at("1h"), 1, "w", "matched", "opened"),
        (at("1h"), 1, "x", "reached", None),
        # The delivery has it already.
        (at("1h"), 1, "x", "matched", "delivered"),
        (at("1h"), 1, "x", "ended", "last step"),
    ]


def test_branches_and_splits_name_the_option_taken() -> None:
    steps: list[Document] = [
        {"id": "b", "branch": [{"when": "event.total > 50", "next": "e"}, {"otherwise": "c"}]},
        {"id": "c", "branch": [{"when": "event.total != 50", "next": "e"}]},
        # The point of j, d, ann is 626 of 10,000.
        {"id": "d", "split": [{"percent": 6.26, "next": "e"}, {"percent": 0.01}, {"percent": 93.73, "next": "e"}]},
        {"id": "e", "end": True},
    ]
    assert moves(project(steps), event("0s", "Start"))[2::2] == [
        (at("0s"), 1, "b", "branched", "otherwise"),
        (at("0s"), 1, "c", "branched", None),
        (at("0s"), 1, "d", "split", "1"),
        (at("0s"), 1, "e", "ended", "end step"),
    ]
    assert moves(project(steps), event("0s", "Start", total=51))[2:4] == [
        (at("0s"), 1, "b", "branched", "0"),
        (at("0s"), 1, "e", "reached", None),
    ]


def test_timers_due_together_fire_in_the_order_in_which_they_were_set() -> None:
    documents = project([{"id": "w", "wait": "2h"}, {"id": "u", "update": {"tier": '"first"'}}], priority=1)
    other = {"journey": "k", "entry": {"event": "Look"}, "priority": 9}
    other["steps"] = [{"id": "w", "wait": "1h"}, {"id": "b", "branch": [{"when": 'profile.tier == "first"'}]}]
    documents["journeys"].append(other)
    assert moves(documents, event("0s", "Start"), event("1h", "Look"), journey="k")[-2][4] == "0"
    # Set at one instant: the higher priority first.
    documents["journeys"][1] = {**other, "entry": {"event": "Start"}}
    documents["journeys"][1]["steps"][0]["wait"] = "2h"
    assert moves(documents, event("0s", "Start"), journey="k")[-2][4] is None


def test_a_message_id_is_recognised_for_a_day() -> None:
    documents = project([{"id": "e", "end": True}])
    lines = [{**event(offset, "Start"), "messageId": "m"} for offset in ("0s", "23h", "25h")]
    assert [move[0] for move in moves(documents, *lines) if move[3] == "entered"] == [at("0s"), at("25h")]


def test_an_event_goes_by_every_name_whose_rule_it_meets() -> None:
    rule = {"Thanked": {"of": "Notice", "rule": "event.total > 1", "properties": {"total": "number"}}}
    documents = project([{"id": "e", "end": True}], events=rule, entry={"event": "Thanked"})
    lines = [event("0s", "Notice", total=1), event("1s", "Notice", total=2), event("2s", "Notice")]
    assert moves(documents, *lines)[0] == (at("1s"), 1, None, "entered", "Thanked")
    assert len(moves(documents, *lines)) == 3


def test_a_read_takes_members_in_order_at_its_rate() -> None:
    entry = {"read": "old", "at": at("1h"), "rate": "2/s"}
    documents = project([{"id": "e", "end": True}], audiences={"old": "profile.age > 30"}, entry=entry)
    lines = [{**identify("0s", age=age), "userId": name} for name, age in (("cid", 40), ("bob", 30), ("ann", 31))]
    # An event of the instant goes before the read.
    lines.append({**identify("1h", age=50), "userId": "bob"})
    transitions, _ = run(documents, lines, None)
    assert [(line["at"], line["profile"], line["why"]) for line in transitions if line["what"] == "entered"] == [
        (at("1h"), "ann", "read"),
        (to_text(START_MS + 3_600_500), "bob", "read"),
        (at("1h1s"), "cid", "read"),
    ]


def test_a_read_by_a_rule_with_an_end_recurs_beyond_the_last_event() -> None:
    entry = {"read": "all", "at": "2026-03-28T08:00:00Z", "rule": "FREQ=DAILY;COUNT=2"}
    documents = project([{"id": "e", "end": True}], audiences={"all": "profile.age > 0"}, entry=entry)
    entered = [move[0][5:16] for move in moves(documents, identify("0s", age=1)) if move[3] == "entered"]
    assert entered == ["03-28T08:00", "03-29T07:00"]


def test_a_read_recurs_by_the_local_clock_up_to_the_last_event() -> None:
    entry = {"read": "all", "at": "2026-03-28T08:00:00Z", "rule": "FREQ=DAILY"}
    documents = project([{"id": "e", "end": True}], audiences={"all": "profile.age > 0"}, entry=entry)
    lines = [identify("0s", age=1), {**event("0s", "Look"), "timestamp": "2026-03-30T07:00:00Z"}]
    assert [move[0][5:16] for move in moves(documents, *lines) if move[3] == "entered"] == [
        "03-28T08:00",
        "03-29T07:00",
        "03-30T07:00",
    ]


def test_of_a_journey_the_newest_ended_runs_are_remembered() -> None:
    documents = project(
        [{"id": "e", "end": True}],
        correlation="event.cart_id",
        reentry="never",
        goal={"event": "Buy", "within": "1d"},
    )
    carts = enumerate(("a", "b", "c", "b", "a"))
    lines = [event(f"{second}s", "Start", cart_id=cart) for second, cart in carts]

    transitions, _ = run(documents, [*lines, event("9s", "Buy")], None, Limits(ended_runs_max=2))

    told = ("entered", "not_entered", "goal")
    assert [(line["run"], line["what"]) for line in transitions if line["what"] in told] == [
        (1, "entered"), (2, "entered"), (3, "entered"), (None, "not_entered"), (4, "entered"), (3, "goal"), (4, "goal"),
    ]  # fmt: skip


def test_without_a_correlation_a_run_is_remembered_for_reentry_whatever_ended_after_it() -> None:
    documents = project([{"id": "e", "end": True}], correlation="event.cart_id", reentry="never")
    lines = [event("0s", "Start"), *(event(f"{second}s", "Start", cart_id=str(second)) for second in (1, 2, 3))]

    transitions, _ = run(documents, [*lines, event("9s", "Start")], None, Limits(ended_runs_max=1))

    assert [line["what"] for line in transitions].count("entered") == 4
    assert transitions[-1]["why"] == "too_soon"
