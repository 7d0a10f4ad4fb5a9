"""Does the model mean what the rules say of policies, audiences and expressions? Lines worked out by hand."""

import pytest
from tests.model.cases import OPT_OUT, START_MS, Document, at, event, identify, moves, outcomes, project
from tests.model.reference.expression import value
from tests.model.reference.people import Person, scope_of
from tests.model.reference.times import parse_duration
from tests.model.reference.worlds import World


def test_consent_is_per_channel_and_purpose_and_transactional_messages_skip_it() -> None:
    steps = [{"id": "n", "send": "news"}, {"id": "r", "send": "receipt"}]
    documents = project(steps, policies={"consent": {"default": "opt_in", "channels": {"sms": "opt_out"}}})
    person = [identify("0s", email="ann@example.com", phone="+33600000000"), event("1h", "Start")]
    consent = {"type": "consent", "userId": "ann", "timestamp": at("1s"), "channel": "email", "granted": True}
    gates = [gate for _, step, _, _, gate in outcomes(documents, *person) if step == "n"]
    assert gates == ["consent", None]
    assert outcomes(documents, consent, *person)[0][3:] == ("sent", None)
    other_purpose = {**consent, "purpose": "cart"}
    assert outcomes(documents, other_purpose, *person)[0][3:] == ("refused", "consent")
    assert [outcome for _, step, _, outcome, _ in outcomes(documents, *person) if step == "r"] == ["sent", "sent"]


@pytest.mark.parametrize(
    "percent, salt, gate",
    [
        (38.22, "2026", None),  # 2026 puts ann into bucket 3,822 of 10,000
        (38.23, "2026", "holdout"),
        (38.23, "2027", None),  # and 2027 into 4,100
    ],
)
def test_who_is_held_out_gets_no_marketing_whatever_else_would_refuse_it(percent: float, salt: str, gate: str) -> None:
    documents = project([{"id": "n", "send": "news"}, {"id": "r", "send": "receipt"}])
    documents["project"]["holdouts"] = {"program": {"percent": percent, "salt": salt}}
    found = outcomes(documents, identify("0s", phone="+33600000000"), event("1h", "Start"))
    assert {each[1:3]: each[3:] for each in found} == {
        ("n", "email"): ("refused", gate or "address"),
        ("n", "sms"): ("refused", gate) if gate else ("sent", None),
        ("r", "email"): ("refused", "address"),
        ("r", "sms"): ("sent", None),
    }


def test_channels_of_one_cap_share_a_rolling_count() -> None:
    caps = [{"channels": ["email", "sms"], "class": "marketing", "max": 2, "per": "1h"}]
    documents = project([{"id": "n", "send": "news"}], policies={**OPT_OUT, "caps": caps})
    lines = [identify("0s", email="a@example.com", phone="+33600000000")]
    lines += [event(offset, "Start") for offset in ("0s", "3599999ms", "1h")]
    # At exactly an hour the first two have left the window.
    assert [(when, gate) for when, _, _, _, gate in outcomes(documents, *lines)] == [
        *[(at("0s"), None)] * 2,
        *[(at("3599999ms"), "cap")] * 2,
        *[(at("1h"), None)] * 2,
    ]


def test_quiet_hours_hold_and_all_gates_are_passed_again() -> None:
    quiet = [
        {"channels": ["sms"], "from": "09:00", "until": "11:00", "days": ["mon"], "then": "hold"},
        {"channels": ["sms"], "from": "10:30", "until": "19:00", "days": ["mon"], "then": "hold"},
    ]
    steps: list[Document] = [{"id": "n", "send": "news"}, {"id": "e", "end": True}]
    documents = project(steps, policies={**OPT_OUT, "quiet_hours": quiet}, exit=[{"event": "Stop"}])
    lines = [identify("0s", email="a@example.com", phone="+33600000000"), event("0s", "Start")]
    # 10:00 in Paris; the windows are one until 19:00, which is nine hours on, past the message's eight.
    # What is queued is sent when the event is over, and so told of last.
    sent = [(at("0s"), "n", "sms", "held", "quiet_hours"), (at("0s"), "n", "email", "sent", None)]
    assert outcomes(documents, *lines) == [*sent, (at("9h"), "n", "sms", "refused", "expiry")]
    assert moves(documents, *lines)[2:4] == [
        (at("0s"), 1, "n", "waiting", at("9h")),
        (at("9h"), 1, "e", "reached", None),
    ]
    # An exit at the very end still comes first, and cancels.
    assert outcomes(documents, *lines, event("9h", "Stop")) == [*sent, (at("9h"), "n", "sms", "cancelled", None)]
    # One hour later than that it would have been no window at all: ends are exclusive.
    assert outcomes(documents, *[{**line, "timestamp": at("9h")} for line in lines])[1][3] == "sent"


def test_an_audience_is_left_by_the_passing_of_time() -> None:
    documents = project(
        [{"id": "w", "wait_for": [{"audience": "lapsed"}], "timeout": "4h"}],
        audiences={"active": 'count("Buy", "2h") > 0', "lapsed": 'count("Buy", "5h") > 0 && count("Buy", "2h") == 0'},
        entry={"audience": "active"},
        exit=[{"audience": "lapsed"}],
        reentry="always",
    )
    # Two hours after the purchase it has left the window; the exit wins over the listener.
    assert moves(documents, event("0s", "Buy"))[-1] == (at("2h"), 1, "w", "exited", "lapsed")
    # A purchase before that keeps the person active, so nothing changes till two hours after it.
    assert moves(documents, event("0s", "Buy"), event("1h", "Buy"))[-1] == (at("3h"), 1, "w", "exited", "lapsed")


def test_an_update_changes_audiences_as_a_new_input_of_the_instant() -> None:
    documents = project(
        [{"id": "u", "update": {"tier": '"gold"'}}, {"id": "w", "wait_for": [{"audience": "gold"}]}],
        audiences={"gold": 'profile.tier == "gold"'},
    )
    other = {"journey": "k", "entry": {"audience": "gold"}, "steps": [{"id": "e", "end": True}]}
    documents["journeys"].append(other)
    assert moves(documents, event("0s", "Start"))[2:] == [
        (at("0s"), 1, "w", "reached", None),
        (at("0s"), 1, "w", "waiting", None),
        (at("0s"), 1, "w", "matched", "gold"),
        (at("0s"), 1, "w", "ended", "last step"),
    ]
    assert moves(documents, event("0s", "Start"), journey="k")[0] == (at("0s"), 1, None, "entered", "gold")


@pytest.mark.parametrize(
    "text, expected",
    [
        ("event.total != 5", False),  # missing
        ("!(event.total == 5)", True),  # the comparison is false, its negation true
        ("event.nothing == null", False),  # null is missing
        ("event.total + 1 > 0", False),  # arithmetic on a missing value is missing
        ("profile.age == 30.0", True),  # integers and doubles compare as numbers
        ('profile.age != "30"', False),  # any other mix is false
        ('profile.tier in ["gold", "blue"]', True),
        ("has(profile.tier) && !has(profile.email)", True),
        ('now - duration("1h") <= timestamp("2026-01-05T09:00:00Z")', True),
        ('profile.age > 18 ? profile.tier == "gold" : false', True),
        ('count("Buy", "1h") == 1 && sum("Buy", "total", "2h") == 5', True),
        ('count("Buy", "event.total > 2") == 1 && last("Buy") < now', True),
    ],
)
def test_an_expression_means(text: str, expected: bool) -> None:
    person = Person(World(project([])), "ann", traits={"age": 30, "tier": "gold"})
    for offset, total in (("0s", 2), ("1s", 3)):
        now_ms = START_MS + parse_duration(offset)
        scope = scope_of(person, now_ms, event={"total": total})
        person.history.append({"at": now_ms, "order": 0, "names": [("Buy", None, None)], "scope": scope})
    # An hour after the first: it has just left the window of an hour.
    assert value(text, scope_of(person, START_MS + 3_600_000, event={"nothing": None})) is expected


def test_a_change_that_an_update_causes_is_heard_after_the_entries_of_its_event() -> None:
    audiences = {"gold": 'profile.tier == "gold"'}
    documents = project([{"id": "u", "update": {"tier": '"gold"'}}], audiences=audiences, priority=9)
    other: Document = {"journey": "k", "entry": {"event": "Start"}, "exit": [{"audience": "gold"}]}
    other |= {"priority": 1, "steps": [{"id": "w", "wait": "1h"}]}
    documents["journeys"].append(other)
    assert moves(documents, event("0s", "Start"), event("1s", "Start"), journey="k") == [
        (at("0s"), 1, None, "entered", "Start"),
        (at("0s"), 1, "w", "reached", None),
        (at("0s"), 1, "w", "waiting", at("1h")),
        (at("0s"), 1, "w", "exited", "gold"),
        (at("1s"), None, None, "not_entered", "exit_audience"),
    ]
