"""Does the model mean what the rules say of the lives of journeys? Cases whose lines were worked out by hand."""

from typing import Any

import pytest
from tests.model.cases import OPT_OUT, Document, Move, Outcome, at, event, identify, project, reaction
from tests.model.reference.living import Happening, live

WAIT: list[Document] = [{"id": "w", "wait": "2h"}]
BUYS: list[Document] = [
    {"id": "w", "wait_for": [{"event": "Buy", "next": "yes"}], "timeout": "2h"},
    {"id": "no", "wait": "1h", "next": "out"},
    {"id": "yes", "wait": "1h"},
    {"id": "out", "end": True},
]
ADDRESS = identify("0s", email="ann@example.com")


def lived(documents: Document, *later: tuple[str, str, Any]) -> tuple[list[Document], list[Document]]:
    """What is told when each of these (offset, what, of what) happens, and a week passes after them."""
    happenings: list[Happening] = [("pass", at("0s"))]
    for offset, what, of in later:
        happenings += [("pass", at(offset)), (what, of)]
    return live(documents, [*happenings, ("pass", at("7d"))])


def told(documents: Document, *later: tuple[str, str, Any]) -> list[Move]:
    lines, _ = lived(documents, *later)
    return [(line["at"], line["version"], line["step"], line["what"], line["why"]) for line in lines]


def outcomes(documents: Document, *later: tuple[str, str, Any]) -> list[Outcome]:
    _, lines = lived(documents, *later)
    return [(line["at"], line["step"], line["channel"], line["outcome"], line["gate"]) for line in lines]


def start(offset: str) -> tuple[str, str, Document]:
    return (offset, "line", event("0s", "Start"))


def test_runs_stay_in_the_version_in_which_they_entered() -> None:
    longer = project([{"id": "w", "wait": "3h"}])
    found = told(project(WAIT), start("0s"), ("1h", "publish", longer), start("2h"))
    # At exactly two hours the first run has ended, and the second is of the new version.
    assert [move for move in found if move[3] in ("entered", "ended")] == [
        (at("0s"), 1, None, "entered", "Start"),
        (at("2h"), 1, "w", "ended", "last step"),
        (at("2h"), 2, None, "entered", "Start"),
        (at("5h"), 2, "w", "ended", "last step"),
    ]


def test_what_is_the_same_is_the_same_version_and_what_it_uses_belongs_to_it() -> None:
    sends = project([{"id": "s", "send": "receipt", "channels": ["email"]}])
    other = {**sends, "messages": [{**message, "expires": "1h"} for message in sends["messages"]]}
    found = told(sends, ("0s", "publish", sends), start("1h"), ("1h", "publish", other), start("2h"))
    assert [version for _, version, _, what, _ in found if what == "entered"] == [1, 2]


@pytest.mark.parametrize(
    "verb, lines",
    [
        ("close", [(at("2h"), 1, "w", "ended", "last step")]),
        ("stop", [(at("1h"), 1, "w", "ended", "stopped")]),
        ("pause", [(at("1h"), 1, None, "not_entered", "paused")]),
    ],
)
def test_nobody_enters_what_is_closed_stopped_or_paused(verb: str, lines: list[Move]) -> None:
    assert told(project(WAIT), start("0s"), ("1h", verb, "j"), start("1h"))[3:] == lines


def test_publishing_opens_what_was_closed_and_leaves_what_is_paused() -> None:
    documents = project([{"id": "e", "end": True}])
    found = told(documents, ("0s", "close", "j"), start("1h"), ("1h", "publish", documents), start("2h"))
    assert found[0] == (at("2h"), 1, None, "entered", "Start")
    found = told(documents, ("0s", "pause", "j"), ("1h", "publish", documents), start("2h"))
    assert found == [(at("2h"), 1, None, "not_entered", "paused")]


@pytest.mark.parametrize(
    "bought_at, way",
    [
        # An event goes before a timer of its instant, and both before the resume, each at its own time.
        ("2h", [(at("2h"), 1, "w", "matched", "Buy"), (at("3h"), 1, "out", "reached", None)]),
        ("3h", [(at("2h"), 1, "w", "timed_out", None), (at("3h"), 1, "out", "reached", None)]),
    ],
)
def test_what_a_pause_kept_is_made_up_for_at_its_own_time(bought_at: str, way: list[Move]) -> None:
    buy = (bought_at, "line", event("0s", "Buy"))
    found = told(project(BUYS), start("0s"), ("1h", "pause", "j"), buy, ("4h", "resume", "j"))
    assert [found[3], found[6]] == way


def test_a_goal_is_credited_in_a_make_up_also_after_the_end() -> None:
    documents = project(WAIT, goal={"event": "Buy", "within": "1d"})
    buy = ("3h", "line", event("0s", "Buy"))
    found = told(documents, start("0s"), ("1h", "pause", "j"), buy, ("4h", "resume", "j"))
    assert found[3:] == [(at("2h"), 1, "w", "ended", "last step"), (at("3h"), 1, None, "goal", None)]


def test_gates_go_by_the_time_of_the_resume() -> None:
    # Ten o'clock in Paris; the message is asked for at eleven, which is quiet no more when it is resumed at one.
    quiet = [{"channels": ["email"], "from": "10:30", "until": "12:00", "then": "hold"}]
    steps: list[Document] = [
        {"id": "w", "wait": "1h"},
        {"id": "n", "send": "news", "channels": ["email"]},
        {"id": "x", "wait": "1h"},
    ]
    documents = project(steps, policies={**OPT_OUT, "quiet_hours": quiet})
    happened = (("0s", "line", ADDRESS), start("0s"), ("0s", "pause", "j"), ("3h", "resume", "j"))
    assert outcomes(documents, *happened) == [(at("3h"), "n", "email", "sent", None)]
    # What follows counts from the time at which it would have been.
    assert told(documents, *happened)[-1] == (at("2h"), 1, "x", "ended", "last step")


def test_what_is_held_is_judged_anew_when_the_zone_changes_and_of_a_paused_journey_at_the_resume() -> None:
    # Quiet until noon in Paris; at ten she moves to Kathmandu, where noon was hours ago.
    quiet = [{"channels": ["email"], "from": "09:00", "until": "12:00", "then": "hold"}]
    steps: list[Document] = [{"id": "n", "send": "news", "channels": ["email"]}, {"id": "x", "wait": "1h"}]
    documents = project(steps, policies={**OPT_OUT, "quiet_hours": quiet})
    moves = ("1h", "line", identify("0s", timezone="Asia/Kathmandu"))
    held = (at("0s"), "n", "email", "held", "quiet_hours")
    assert outcomes(documents, ("0s", "line", ADDRESS), start("0s"), moves) == [
        held,
        (at("1h"), "n", "email", "sent", None),
    ]
    paused = (("0s", "line", ADDRESS), start("0s"), ("0s", "pause", "j"), moves, ("90m", "resume", "j"))
    assert outcomes(documents, *paused) == [held, (at("90m"), "n", "email", "sent", None)]
    # What follows counts from the time at which it would have been.
    assert told(documents, *paused)[-1] == (at("2h"), 1, "x", "ended", "last step")


def test_a_run_tells_the_latest_release_of_what_is_held_and_each_new_one() -> None:
    # Quiet for email until noon in Paris, for texts until two; it is ten.
    def nights(email: str, sms: str) -> Document:
        untils = {"email": email, "sms": sms}
        quiet = [{"channels": [each], "from": "09:00", "until": until} for each, until in untils.items()]
        steps: list[Document] = [{"id": "n", "send": "news"}, {"id": "e", "end": True}]
        return project(steps, policies={**OPT_OUT, "quiet_hours": quiet})

    def waits(*later: tuple[str, str, Any]) -> list[tuple[str, str | None]]:
        known = ("0s", "line", identify("0s", email="ann@example.com", phone="+33600000000"))
        found = told(nights("12:00", "14:00"), known, start("0s"), *later)
        return [(when, why) for when, _, _, what, why in found if what == "waiting"]

    first = (at("0s"), at("4h"))
    assert waits() == [first]
    # In Bucharest, an hour further, all of it is over an hour earlier; in Kathmandu it is over.
    bucharest, kathmandu = (identify("0s", timezone=zone) for zone in ("Europe/Bucharest", "Asia/Kathmandu"))
    assert waits(("1h", "line", bucharest)) == [first, (at("1h"), at("3h"))]
    assert waits(("1h", "line", kathmandu)) == [first]
    # A second hold: of the earlier one, up to the latest and beyond it; of the latest.
    assert waits(("1h", "publish", nights("13:00", "14:00"))) == [first]
    assert waits(("1h", "publish", nights("15:00", "14:00"))) == [first, (at("2h"), at("5h"))]
    assert waits(("1h", "publish", nights("12:00", "15:00"))) == [first, (at("4h"), at("5h"))]


def test_a_reaction_in_a_pause_is_known_at_once_and_heard_at_the_resume() -> None:
    steps: list[Document] = [
        {"id": "n", "send": "news", "channels": ["email"]},
        {"id": "w", "wait": "2h"},
        {"id": "o", "wait_for": [{"reaction": "opened", "of": "n"}]},
    ]
    opened = ("3h", "line", reaction("0s", "opened", "n"))
    happened = (("0s", "line", ADDRESS), start("0s"), ("1h", "pause", "j"), opened, ("4h", "resume", "j"))
    assert outcomes(project(steps), *happened)[1:] == [
        (at("3h"), "n", "email", "delivered", None),
        (at("3h"), "n", "email", "opened", None),
    ]
    # The listener was reached before it happened.
    assert told(project(steps), *happened)[4:-1] == [
        (at("2h"), 1, "o", "reached", None),
        (at("2h"), 1, "o", "waiting", None),
        (at("3h"), 1, "o", "matched", "opened"),
    ]


def test_an_audience_of_another_meaning_is_another_audience_and_filled_silently() -> None:
    first = {"old": "profile.age > 30"}
    second = {"old": "profile.age > 40"}
    steps: list[Document] = [{"id": "w", "wait_for": [{"audience": "old", "change": "left"}]}]
    before = project(steps, audiences=first, entry={"audience": "old"})
    after = project(steps, audiences=second, entry={"audience": "old"})
    found = told(
        before,
        ("0s", "line", identify("0s", age=45)),
        ("1h", "publish", after),
        # She has left the new meaning, not the old one by which her run goes.
        ("2h", "line", identify("0s", age=35)),
        ("3h", "line", identify("0s", age=25)),
    )
    assert [move for move in found if move[3] in ("entered", "matched")] == [
        (at("0s"), 1, None, "entered", "old"),
        (at("3h"), 1, "w", "matched", "old"),
    ]


def test_a_series_that_is_new_starts_at_its_publication() -> None:
    branch: list[Document] = [
        {"id": "b", "branch": [{"when": 'count("Buy", "1d") > 0', "next": "e"}]},
        {"id": "e", "end": True},
    ]
    buys = ("0s", "line", event("0s", "Buy"))
    published = ("1h", "publish", project(branch))
    found = told(project(WAIT), buys, published, start("2h"))
    assert found[2] == (at("2h"), 2, "b", "branched", None)
    found = told(project(WAIT), published, ("1h", *buys[1:]), start("2h"))
    assert found[2] == (at("2h"), 2, "b", "branched", "0")
