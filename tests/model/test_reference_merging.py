"""What does the model say of people who become one? Hand-made cases, one rule each."""

from typing import Any

import pytest
from tests.model.cases import START_MS, Document, at, event, identify, project
from tests.model.reference.living import people_at_end as after_life
from tests.model.reference.people import Person
from tests.model.reference.simulation import lines_in_files, people_at_end
from tests.model.reference.times import parse_duration
from tests.model.reference.worlds import Limits

WAITS: list[Document] = [{"id": "rest", "wait": "1h"}, {"id": "mail", "send": "receipt", "channels": ["email"]}]
A = {"userId": None, "anonymousId": "a"}


def under(line: Document, **ids: Any) -> Document:
    """The line, written with these ids."""
    return {name: value for name, value in {**line, **ids}.items() if value is not None}


def link(offset: str, anonymous: str = "a", **traits: Any) -> Document:
    return {**identify(offset, **traits), "anonymousId": anonymous}


def alias(offset: str, previous: str, user: str = "ann") -> Document:
    return {"type": "alias", "previousId": previous, "userId": user, "timestamp": at(offset)}


def with_history(documents: Document, use: str = "used", **identities: Document) -> Document:
    settings = {**documents["project"], "anonymous_history": use}
    return {**documents, "project": settings, "profile": {**documents["profile"], "identities": identities}}


def told(people: list[Person]) -> list[tuple[str, str | None, str | None]]:
    """Of whom it was told that somebody, or nobody, was merged with her, and why not."""
    return [(one["profile"], one["name"], one["why"]) for person in people for one in person.told_of_names]


def moves(people: list[Person]) -> list[tuple[str, str, int | None, str, str | None]]:
    transitions, _ = lines_in_files(people)
    return [(line["at"], line["profile"], line["run"], line["what"], line["why"]) for line in transitions]


def run(documents: Document, *lines: Document, until: str = "10d", limits: Limits = Limits()) -> list[Person]:
    return people_at_end(documents, list(lines), START_MS + parse_duration(until), limits)


@pytest.mark.parametrize(
    "lines, expected",
    [
        ([link("1m")], [("ann", "@anonymous/a", None)]),  # nobody knew of her
        ([link("1m"), link("2m")], [("ann", "@anonymous/a", None)]),  # hers already
        ([link("1m", "a"), link("2m", "b")], [("ann", "@anonymous/a", None), ("ann", "@anonymous/b", None)]),
        ([link("1m"), under(link("2m"), userId="bob")], [("ann", "@anonymous/a", None), ("bob", None, "shared")]),
        ([link("1m", " NULL ")], [("ann", None, "no_id")]),
        ([under(link("1m"), userId="guest")], [("guest", None, "no_id")]),
        ([alias("1m", "a")], [("ann", "@anonymous/a", None)]),
        ([under(event("0s", "Start"), **A), alias("1m", "a")], [("ann", "@anonymous/a", None)]),
        ([under(event("0s", "Start"), userId="a"), alias("1m", "a")], [("ann", "a", None)]),
        ([under(identify("0s"), userId="a"), alias("1m", "a")], [("ann", None, "two_known")]),
        ([alias("1m", "ann")], [("ann", "@anonymous/ann", None)]),
        (
            [alias("1m", "bob"), alias("1m", "ann", "bob")],
            [("ann", "@anonymous/bob", None), ("bob", None, "two_known")],
        ),
        ([{"type": "merge", "userId": "ann", "name": "@x/1", "timestamp": at("1m")}], [("ann", "@x/1", None)]),
        ([under(event("1m", "Start"), anonymousId="a")], []),
    ],
)
def test_what_links_and_what_does_not(lines: list[Document], expected: list[Any]) -> None:
    people = run(with_history(project(WAITS)), *lines)

    assert sorted(told(people), key=str) == sorted(expected, key=str)


def test_of_external_ids_those_of_declared_namespaces_are_linked() -> None:
    ids = [{"type": "loyalty", "id": "AB"}, {"type": "crm", "id": "1"}, {"type": "kiosk", "id": "2"}]
    line = {**identify("1m"), "context": {"externalIds": ids}}

    people = run(with_history(project(WAITS), loyalty={"caseless": True}, kiosk={"link": "never"}), line)

    assert told(people) == [("ann", "@loyalty/ab", None)]


def test_there_is_room_for_so_many_names() -> None:
    people = run(with_history(project(WAITS)), link("1m", "a"), link("2m", "b"), limits=Limits(identities_max=1))

    assert told(people) == [("ann", "@anonymous/a", None), ("ann", None, "identities_max")]


def test_a_run_goes_on_under_the_next_number() -> None:
    documents = with_history(project(WAITS, exit=[{"event": "Buy"}]))
    lines = [event(offset, "Start") for offset in ("0s", "2h", "4h")]

    people = run(documents, *lines, under(event("10h", "Start"), **A), link("620m"), event("640m", "Buy"))

    assert moves(people)[-2:] == [
        (at("620m"), "ann", 4, "merged", "@anonymous/a run 1"),
        (at("640m"), "ann", 4, "exited", "Buy"),
    ]


@pytest.mark.parametrize(
    "why, own, rules",
    [
        ("unused", [], {}),
        ("exit_audience", [identify("0s", tier="staff")], {"exit": [{"audience": "staff"}]}),
        ("already_in", [event("5h", "Start")], {}),
        ("too_soon", [event("0s", "Start")], {"reentry": "never"}),
    ],
)
def test_a_run_that_cannot_go_on_ends_under_the_other_name(why: str, own: list[Document], rules: Document) -> None:
    documents = project(WAITS, audiences={"staff": 'profile.tier == "staff"'}, **rules)

    people = run(
        with_history(documents, "unused" if why == "unused" else "used"),
        *own,
        under(event("5h", "Start"), **A),
        link("310m"),
    )

    assert (at("310m"), "@anonymous/a", 1, "ended", f"merged: {why}") in moves(people)
    assert not [line for line in moves(people) if line[3] == "merged"]


def test_lines_of_a_name_are_hers_from_then_on_and_its_message_ids_stay_its_own() -> None:
    first = under({**event("0s", "Start"), "messageId": "m"}, **A)
    again = under({**event("2h", "Start"), "messageId": "m"}, **A)

    people = run(
        with_history(project(WAITS)),
        first,
        link("1m"),
        again,
        {**event("3h", "Start"), "messageId": "m"},
        under(event("5h", "Start"), **A),
    )

    entered = [(at_text, name, number) for at_text, name, number, what, _ in moves(people) if what == "entered"]
    assert entered == [(at("0s"), "@anonymous/a", 1), (at("3h"), "ann", 2), (at("5h"), "ann", 3)]


def test_a_name_that_is_shared_is_nobodys_and_its_runs_are_counted_on() -> None:
    lines = [under(event("0s", "Start"), **A), link("2h"), under(link("3h"), userId="bob")]

    people = run(with_history(project(WAITS)), *lines, under(event("4h", "Start"), **A), link("6h"))

    entered = [(name, number) for _, name, number, what, _ in moves(people) if what == "entered"]
    assert entered == [("@anonymous/a", 1), ("@anonymous/a", 2)]
    assert told(people)[-2:] == [("ann", None, "shared"), ("bob", None, "shared")]


def test_a_withdrawal_by_either_is_withdrawn_and_a_grant_counts_where_the_past_is_used() -> None:
    news = [{"id": "news", "send": "news", "channels": ["email"]}]
    policies = {"consent": {"default": "opt_in"}}
    granted = {"type": "consent", "channel": "email", "granted": True, "userId": "ann", "timestamp": at("0s")}
    found = []
    for use in ("used", "unused"):
        documents = with_history(project(news, policies), use)
        for lines in ([under(granted, **A)], [granted, {**under(granted, **A), "granted": False}], [granted]):
            people = run(documents, *lines, link("1m", email="a@example.com"), event("2m", "Start"))
            found.append([line["outcome"] for line in lines_in_files(people)[1]])

    assert found == [["sent"], ["refused"], ["sent"], ["refused"], ["refused"], ["sent"]]


def test_what_a_pause_has_kept_of_somebody_moves_her_runs_only() -> None:
    steps: list[Document] = [{"id": "buys", "wait_for": [{"event": "Buy"}]}]
    start, buy = event("0s", "Start", cart_id="x"), event("0s", "Buy")
    other = under({**start, "properties": {"cart_id": "y"}}, **A)
    happenings = [
        *[("pass", at("0s")), ("line", start), ("line", other), ("pause", "j"), ("pass", at("1m"))],
        *[("line", under(buy, **A)), ("pass", at("2m")), ("line", link("0s")), ("pass", at("3m")), ("resume", "j")],
    ]

    people = after_life(with_history(project(steps, correlation="event.cart_id")), happenings)

    # At its own time, which is before she was the other one.
    assert [(when, name, number, what) for when, name, number, what, _ in moves(people)][-3:] == [
        (at("1m"), "ann", 2, "matched"),
        (at("1m"), "ann", 2, "ended"),
        (at("2m"), "ann", 2, "merged"),
    ]


@pytest.mark.parametrize("use, lying", [("used", 2), ("unused", 1)])
def test_inboxes_are_joined_and_one_that_is_not_used_is_emptied(use: str, lying: int) -> None:
    documents = project([{"id": "card", "send": "card"}])
    documents["messages"].append(
        {"message": "card", "class": "transactional", "status": "ready", "card": {"title": "t"}}
    )

    people = run(with_history(documents, use), under(event("0s", "Start"), **A), event("1m", "Start"), link("2m"))

    (ann,) = [person for person in people if person.id == "ann"]
    assert len(ann.inbox) == lying
    withdrawn = [(line["profile"], line["withdrawn_by"]) for person in people for line in person.delivery_lines]
    assert (("@anonymous/a", "exit") in withdrawn) == (use == "unused")
