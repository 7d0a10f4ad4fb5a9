"""Differences between versions of a journey in words: each part of each kind of step, and what is put in between."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from random import Random
from typing import Any, get_args

import pytest
from tests.journey.drawn_journeys import drawn_journey
from tests.projects import write_texts

from parcours import Project
from parcours.expression.expression import Expression
from parcours.insight.version_diff import version_difference
from parcours.insight.version_parts import ways_of
from parcours.journey import program
from parcours.journey.campaign_steps import LocalTime, Opening
from parcours.journey.experiments import Experiment
from parcours.journey.parts import Message, MessageOffer, Trigger

PROJECT = {
    "parcours.yaml": "{project: studio, policies: {consent: {default: opt_out}}}",
    "profile.yaml": "{traits: {email: string, phone: string, plan: string}}",
    "events.yaml": "events: {Booked: {properties: {total: number}}, Came: {}, Left: {}}",
    "audiences.yaml": 'audiences: {gold: profile.plan == "gold"}',
    "messages/note.yaml": """
        message: note
        class: transactional
        email: {subject: Hi, text: Hello}
        sms: {text: Hello}
    """,
    "journeys/booked.yaml": """
        journey: booked
        entry: {event: Booked, when: event.total > 50}
        exit: [{event: Left}]
        goal: {event: Came, within: 7d, target: 50%}
        steps:
          - {id: text, send: note, channels: [email]}
          - id: opened
            wait_for: [{event: Came, next: done}, {reaction: opened, of: text, next: quiet}]
            timeout: 1d
          - {id: quiet, wait: 30d}
          - {id: paying, branch: [{when: profile.plan == "gold", next: done}, {otherwise: text}]}
          - {id: done, end: true}
    """,
}


def journey_of(folder: Path, **changed: str) -> program.Journey:
    """The journey of the project, with texts replaced in its documents: `was=becomes`."""
    texts = PROJECT
    for was, becomes in changed.items():
        assert any(was in text for text in texts.values()), was
        texts = {path: text.replace(was, becomes) for path, text in texts.items()}
    write_texts(folder, texts)
    return Project.load(folder).program.journeys[0]


@pytest.mark.parametrize(
    "was, becomes, told, signs",
    [
        ("timeout: 1d", "timeout: 2d", ["opened: time-out 1d → 2d"], {"opened": "~"}),
        ("            timeout: 1d\n", "", ["opened: time-out 1d → none", "opened: on time-out is gone"],
         {"opened": "~"}),
        ("wait: 30d", "wait: 40d", ["quiet: wait 4w2d → 5w5d"], {"quiet": "~"}),
        (
            "          - id: opened",
            "          - {id: text-2, send: note, channels: [sms]}\n          - id: opened",
            ["new step text-2 after text: send note on sms"],
            {"text-2": "+"},
        ),
        ("{event: Came, next: done}", "{event: Left, next: done}", ["opened: way Came → way Left"], {"opened": "~"}),
        ("{event: Came, next: done}", "{event: Came, next: quiet}",
         ["opened: way Came leads to done → quiet"], {"opened": "~"}),
        ("channels: [email]", "channels: {first: [sms, email]}",
         ["text: channels email → the first of sms, email", "text: address on sms none → profile.phone"],
         {"text": "~"}),
        ("subject: Hi", "subject: Welcome", ["message note: email subject “Hi” → “Welcome”"], {}),
        ("subject: Hi, text: Hello", f"subject: Hi, text: {'long ' * 40}", ["message note: email text"], {}),
        ("class: transactional", "class: marketing",
         ["message note: class transactional → marketing", "message note: purpose transactional → marketing",
          "message note: tracked no → yes"], {}),
        ("total > 50", "total > 60", ["entry Booked when event.total > 50 → Booked when event.total > 60"], {}),
        ("within: 7d, target: 50%", "target: 60%", ["goal within 1w → none", "goal target 50 % → 60 %"], {}),
        ("exit: [{event: Left}]", "exit: [{event: Left}, {audience: gold}]",
         ["leaves by Left → Left, gold entered"], {}),
        ("id: quiet, wait: 30d", 'id: quiet, wait: {time: "10:00"}',
         ["quiet: another kind of step: wait 4w2d → wait for 10:00"], {"quiet": "~"}),
        (
            'branch: [{when: profile.plan == "gold"',
            'branch: [{when: profile.plan == "free"',
            ['paying: way profile.plan == "gold" → way profile.plan == "free"'],
            {"paying": "~"},
        ),
        ("{otherwise: text}", '{when: profile.plan == "x", next: quiet}, {otherwise: text}',
         ['paying: new way profile.plan == "x" to quiet'], {"paying": "~"}),
        ("journey: booked", "journey: booked\n        description: For all", ["description none → “For all”"], {}),
        ("journey: booked", "journey: booked\n        reentry: {after: 3d}", ["enters again always → 3d after"], {}),
        ("journey: booked", "# nothing of it is said otherwise\n        journey: booked", [], {}),
    ],
)  # fmt: skip
def test_a_difference_is_one_line(
    was: str, becomes: str, told: list[str], signs: dict[str, str], tmp_path: Path
) -> None:
    left = journey_of(tmp_path / "left")
    right = journey_of(tmp_path / "right", **{was: becomes})

    found = version_difference(left, right)

    assert [*found.told] == told
    if signs:
        assert found.signs == signs


def test_a_step_that_is_put_in_at_the_beginning_and_one_that_is_taken_out_there_are_told_by_themselves() -> None:
    long, short = (linear("a", "b", "c"), linear("b", "c"))

    assert version_difference(short, long).told == ("new step a at the beginning: wait 1m",)
    assert version_difference(long, short).told == ("step a is gone at the beginning",)
    assert version_difference(linear("a", "b", "c"), linear("a", "c")).told == ("step b is gone, which came after a",)
    assert version_difference(linear("a", "b", "c"), linear("b", "a", "c")).told == (
        "begins at a → b", "b: next leads to c → a", "a: next leads to b → c",
    )  # fmt: skip


def test_what_means_something_else_under_the_same_name_is_told(tmp_path: Path) -> None:
    left = replace(journey_of(tmp_path), exits=(program.AudienceTrigger("gold", "entered"), Trigger("Rich")))
    right = replace(left, exits=(program.AudienceTrigger("gold\x002", "entered"), Trigger("Rich\x003")))

    assert version_difference(left, right).told == (
        "audience gold: another definition",
        "event Rich: another definition",
    )


@pytest.mark.parametrize("seed", range(60))
def test_any_two_versions_can_be_compared_and_one_with_itself_differs_in_nothing(seed: int) -> None:
    chance = Random(seed)
    left, right = (drawn_journey(chance.randrange(10_000), chance.randint(1, 40)) for _ in range(2))

    there, back = version_difference(left, right), version_difference(right, left)

    assert version_difference(left, drawn_again(left)).told == () and version_difference(left, left).signs == {}
    for found, gone_of, new_of in ((there, left, right), (back, right, left)):
        gone = {name for name, sign in found.signs.items() if sign == "−"}
        new = {name for name, sign in found.signs.items() if sign == "+"}
        assert gone == gone_of.steps.keys() - new_of.steps.keys()
        assert new == new_of.steps.keys() - gone_of.steps.keys()
        assert all(line.strip() == line and line for line in found.told)


def drawn_again(journey: program.Journey) -> program.Journey:
    """The same journey, of which no part is the same object."""
    return replace(
        journey, version=journey.version + 1, steps={name: replace(each) for name, each in journey.steps.items()}
    )


def expression(text: str) -> Expression:
    return Expression(text, frozenset(), (), (), lambda scope: True, lambda scope: [])


ONE, OTHER = expression("one"), expression("other")
EXPERIMENT = Experiment(trigger=Trigger("Came"), within_ms=1_000, value=None, control="a", planned=None, cuped_ms=None)
STEPS: list[program.Step] = [
    program.Send("it", "note", {"email": ONE}, None, True, "a", window=Opening(60, 120, frozenset({0}), "UTC")),
    program.WaitFor("it", (program.EventListener(Trigger("Came"), "a"),), 1_000, "a"),
    program.WaitFor("it", (program.AudienceListener("gold", "entered", "a"),), 1_000, "a"),
    program.WaitDuration("it", 1_000, "a"),
    program.WaitUntil("it", ONE, 1_000, "a"),
    program.WaitLocalTime("it", 60, frozenset({0}), "a"),
    program.Branch("it", ((ONE, "a"),), "a", has_otherwise=True),
    program.Split("it", ((5_000, "a"), (10_000, "b")), ("a", "b"), EXPERIMENT),
    program.Update("it", {"plan": ONE}, "a"),
    program.CallAction("it", "crm", "a"),
    program.Decide("it", "best", "top", "offer", "a"),
    program.End("it"),
    program.Standby("it"),
]  # fmt: skip
OTHERS: dict[str, Any] = {
    "to": {"email": OTHER}, "has_on_refused": False, "on_refused": "b", "next": "b", "only_first": True, "prefer": ONE,
    "window": LocalTime(60, frozenset({0}), "UTC"), "timeout_ms": 2_000, "on_timeout": "b", "duration_ms": 2_000,
    "until": OTHER, "offset_ms": 2_000, "minute": 61, "yearly": True, "is_date": True, "days": frozenset({1}),
    "otherwise": "b", "names": ("a", "c"), "experiment": None, "values": {"plan": OTHER}, "action": "other",
    "decision": "other", "placement": "other", "name": "other", "message": "other",
}  # fmt: skip
"""Another value of each field; `arms` and `listeners` have tables of their own."""

SAYS_NOTHING = {("Branch", "has_otherwise")}
"""Where the author has named no step, it is the next one all the same."""


@pytest.mark.parametrize("step", STEPS, ids=lambda step: type(step).__name__)
def test_each_field_of_each_kind_of_step_is_told(step: program.Step) -> None:
    assert {type(each) for each in STEPS} == {*get_args(program.Step)} - {program.Wait} | {*get_args(program.Wait)}
    left = linear_with(step)
    for field in fields(step):
        if field.name in ("id", "arms", "listeners") or (type(step).__name__, field.name) in SAYS_NOTHING:
            continue
        right = linear_with(replace(step, **{field.name: OTHERS[field.name]}))

        found = version_difference(left, right)

        assert found.told and found.signs == {"it": "~"}, field.name
        assert version_difference(right, left).told, field.name


@pytest.mark.parametrize(
    "listener, field, other",
    [
        (program.EventListener(Trigger("Came"), "a"), "trigger", Trigger("Came", ONE)),
        (program.EventListener(Trigger("Came"), "a"), "next", None),
        (program.AudienceListener("gold", "entered", "a"), "audience", "silver"),
        (program.AudienceListener("gold", "entered", "a"), "change", "left"),
        (program.AudienceListener("gold", "entered", "a"), "at_once", True),
        (program.AudienceListener("gold", "entered", "a"), "next", "b"),
        (program.ReactionListener("clicked", "a", None, None, "b"), "reaction", "opened"),
        (program.ReactionListener("clicked", "a", None, None, "b"), "of", "b"),
        (program.ReactionListener("clicked", "a", None, None, "b"), "channel", "email"),
        (program.ReactionListener("clicked", "a", None, None, "b"), "link", "https://a.example"),
        (program.ReactionListener("clicked", "a", None, None, "b"), "next", None),
    ],
)
def test_each_field_of_a_listener_is_told(listener: Any, field: str, other: object) -> None:
    left = linear_with(program.WaitFor("it", (listener,), None, None))
    right = linear_with(program.WaitFor("it", (replace(listener, **{field: other}),), None, None))

    assert len(version_difference(left, right).told) == 1


@pytest.mark.parametrize("field", ["within_ms", "value", "control", "planned", "cuped_ms", "by", "mature", "trigger"])
def test_each_field_of_an_experiment_is_told(field: str) -> None:
    others = {
        "within_ms": 2_000, "value": ONE, "control": "b", "planned": 100, "cuped_ms": 1_000, "by": "run",
        "mature": False, "trigger": Trigger("Left"),
    }  # fmt: skip
    split = program.Split("it", ((5_000, "a"), (10_000, "b")), ("a", "b"), EXPERIMENT)
    other = replace(split, experiment=replace(EXPERIMENT, **{field: others[field]}))  # type: ignore[arg-type]

    assert len(version_difference(linear_with(split), linear_with(other)).told) == 1


def test_each_field_of_a_message_that_is_sent_is_told_and_of_no_other_one() -> None:
    message = Message("note", "marketing", "news", 1_000, {"email": {"subject": "Hi"}}, frozenset())
    others: dict[str, Any] = {
        "message_class": "transactional", "purpose": "other", "expires_ms": None, "is_tracked": True,
        "contents": {"email": {"subject": "Hi", "text": "x"}}, "withdraw": ("Came",),
        "offers": (MessageOffer("top", None, "x", {"email": "top"}),),
    }  # fmt: skip
    derived = {"name", "paths", "dates"}
    left = replace(linear_with(STEPS[0]), messages={"note": message, "unsent": message})

    assert others.keys() | derived == {each.name for each in fields(Message)}
    for name, value in others.items():
        changed = replace(message, **{name: value})
        assert len(version_difference(left, replace(left, messages={"note": changed, "unsent": message})).told) == 1
    assert version_difference(left, replace(left, messages={"note": message, "unsent": changed})).told == ()


def test_each_field_of_an_outbound_call_is_told() -> None:
    action = program.Action("crm", "https://a.example", "POST", {}, {}, {}, 1_000, {})
    others: dict[str, Any] = {
        "url": "https://b.example", "method": "PUT", "headers": {"X-A": "env:A"}, "query": {"q": ONE},
        "body": {"b": ONE}, "timeout_ms": 2_000, "answer": {"id": "string"},
    }  # fmt: skip
    left = replace(linear_with(program.CallAction("it", "crm", "a")), actions={"crm": action})

    assert others.keys() | {"name"} == {each.name for each in fields(program.Action)}
    for name, value in others.items():
        assert len(version_difference(left, replace(left, actions={"crm": replace(action, **{name: value})})).told) == 1


def test_what_may_be_a_secret_is_not_told() -> None:
    action = program.Action("crm", "https://a.example/secret-1", "POST", {"X-Key": "secret-2"}, {}, {}, 1_000, {})
    left = replace(linear_with(program.CallAction("it", "crm", "a")), actions={"crm": action})
    changed = replace(action, url="https://a.example/secret-3", headers={"X-Other": "secret-4"})

    told = version_difference(left, replace(left, actions={"crm": changed})).told

    assert told == ("action crm: url", "action crm: header X-Key", "action crm: header X-Other")


def test_each_field_of_a_journey_is_told() -> None:
    told_elsewhere = {"name", "version", "steps", "entry_paths", "event_paths", "messages", "actions"}
    others: dict[str, Any] = {
        "entry": program.ReadEntry("gold", 0, 5, "FREQ=DAILY"), "correlation": ONE, "reentry_after_ms": None,
        "exits": (Trigger("Left"),), "goal": program.Goal(Trigger("Came"), None, None), "timezone": "profile",
        "starts_ms": 0, "ends_ms": 0, "priority": 51, "first": "b", "description": "x", "tags": ("x",),
    }  # fmt: skip
    left = linear("a", "b")

    assert others.keys() | told_elsewhere == {each.name for each in fields(program.Journey)}
    for name, value in others.items():
        assert version_difference(left, replace(left, **{name: value})).told, name
    read = replace(left, entry=others["entry"])
    assert version_difference(read, replace(read, entry=program.ReadEntry("gold", 0, 6, "FREQ=DAILY"))).told == (
        "rate of the read 5 people a second → 6 people a second",
    )


def test_ways_have_names_of_their_own() -> None:
    twice = program.WaitFor("it", (program.EventListener(Trigger("Came"), "a"),) * 2, 1_000, "b")

    assert [each.name for each in ways_of(twice)] == ["Came", "Came (2)", "on time-out"]


def linear(*names: str) -> program.Journey:
    """A journey whose steps wait one after the other."""
    following = [*names[1:], None]
    steps = {name: program.WaitDuration(name, 60_000, then) for name, then in zip(names, following, strict=True)}
    return replace(drawn_journey(1, 1), exits=(), goal=None, first=names[0], steps=steps)


def linear_with(step: program.Step) -> program.Journey:
    """A journey with this step, and two to which it may lead."""
    journey = linear("a", "b")
    return replace(journey, steps={"it": step, **journey.steps}, first="it")
