"""Audiences as entries, exits and listeners, reads that recur, calls to actions: compiled, checked and drawn."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from tests.projects import findings_of

from parcours.instants import ceil_ms
from parcours.journey import program
from parcours.journey.picture.mermaid import mermaid
from parcours.journey.project import Project

Change = Callable[[dict[str, str]], Path]

AUDIENCES = """audiences:
  staff: profile.email.endsWith("@luma.example")
  lapsed: count("Order Completed", "365d") > 0 && count("Order Completed", "90d") == 0
  thanked: last("Thanked") > now - duration("1d") && consent("email", "cart")
"""
ACTIONS = """actions:
  crm-note:
    url: https://crm.luma.example/notes
    body: {who: profile.email, total: entry.cart.total}
    timeout: 3s
    answer: {ticket: string, agent.name: string}
"""


def journey(
    steps: str, entry: str = "{event: Checkout Started}", head: str = "", actions: str = ACTIONS
) -> dict[str, str]:
    """A second journey of the sample project, its entry on line 2 and its first step on line 4."""
    lines = ["journey: second", f"entry: {entry}", *head.splitlines(), "steps:"]
    text = "\n".join([*lines, *(f"  - {line}" for line in steps.splitlines())]) + "\n"
    return {"journeys/second.yaml": text, "audiences.yaml": AUDIENCES + YOUNG, "actions.yaml": actions}


YOUNG = "  young-west: profile.birth_year > 1980\n"
END = "{id: a, end: true}"


def loaded(folder: Path) -> tuple[program.Program, program.Journey]:
    compiled = Project.load(folder).program
    return compiled, next(each for each in compiled.journeys if each.name == "second")


ENTRIES: list[tuple[str, object]] = [
    ("{audience: lapsed}", program.AudienceTrigger("lapsed", "entered")),
    ("{audience: lapsed, change: left}", program.AudienceTrigger("lapsed", "left")),
    (
        "{read: lapsed, at: 2026-03-02T09:00:00, rule: freq=weekly, rate: 5/s}",
        program.ReadEntry("lapsed", ceil_ms(datetime.fromisoformat("2026-03-02T09:00:00+01:00")), 5, "FREQ=WEEKLY"),
    ),
]


@pytest.mark.parametrize("entry,expected", ENTRIES)
def test_a_journey_can_be_entered_by_an_audience(changed: Change, entry: str, expected: object) -> None:
    assert loaded(changed(journey(END, entry)))[1].entry == expected


def test_a_list_of_entries_names_events_only(changed: Change) -> None:
    found = findings_of(changed(journey(END, "[{audience: lapsed}, {event: Order Completed}]")))

    assert found == [
        "journeys/second.yaml:2: entry[0].audience: unknown key",
        "journeys/second.yaml:2: entry[0].event: this key is needed",
    ]


def test_exits_and_listeners_know_audiences(changed: Change) -> None:
    listed = "{audience: staff, next: b}, {audience: lapsed, change: left}, {audience: lapsed, change: inside}"
    steps = f"{{id: a, wait_for: [{listed}], timeout: 1d}}"
    head = "exit: [{audience: staff, change: left}, {event: Cart Emptied}]"
    _, second = loaded(changed(journey(f"{steps}\n{{id: b, end: true}}", head=head)))
    assert second.exits == (program.AudienceTrigger("staff", "left"), program.Trigger("Cart Emptied"))
    listening = second.steps["a"]
    assert isinstance(listening, program.WaitFor)
    assert listening.listeners == (
        program.AudienceListener("staff", "entered", "b"),
        program.AudienceListener("lapsed", "left", "b"),
        program.AudienceListener("lapsed", "entered", "b", at_once=True),
    )


def test_a_call_takes_values_along_and_its_answer_is_the_event_that_moves_the_run(changed: Change) -> None:
    steps = """{id: note, call: crm-note}
{id: answer, wait_for: [{reaction: answered, of: note}, {reaction: failed, of: note, next: done}], timeout: 1h}
{id: known, branch: [{when: event.agent.name == "Ada", next: done}]}
{id: done, end: true}"""
    compiled, second = loaded(changed(journey(steps)))
    assert second.steps["note"] == program.CallAction("note", "crm-note", "answer")
    action = compiled.actions["crm-note"]
    assert (action.url, action.timeout_ms) == ("https://crm.luma.example/notes", 3_000)
    assert {key: value.text for key, value in action.body.items()} == {
        "who": "profile.email",
        "total": "entry.cart.total",
    }
    assert action.answer == {"ticket": "string", "agent.name": "string"}
    # the run keeps what the call will need, and what is read of the answer
    assert second.entry_paths == {"cart.total"}
    assert second.event_paths == {"agent.name"}


VISITS = """events:
  Checkout Started: {properties: {cart_id: string, cart.total: number, cart.items: integer, renews: timestamp}}
  Cart Emptied: {properties: {cart_id: string, reason: string}}
  Order Completed: {properties: {order_id: string, cart_id: string, total: number}}
  Notice Shown: {}
  Thanked: {of: Notice Shown, rule: event.purchaseMessage == "yes", properties: {purchaseMessage: string}}
  Store Visit: {properties: {size: number}}
"""


def test_a_program_listens_to_the_events_of_every_history(changed: Change) -> None:
    steps = """{id: a, branch: [{when: 'sum("Store Visit", "size", "30d", "event.size > 1") > 5', next: b}]}
{id: b, end: true}"""
    compiled, _ = loaded(changed({**journey(steps), "events.yaml": VISITS}))
    assert {event: [each.key for each in series] for event, series in compiled.series.items()} == {
        "Order Completed": ['["Order Completed",null,null]'],
        "Store Visit": ['["Store Visit","size","event.size > 1"]'],
        "Thanked": ['["Thanked",null,null]'],
    }
    assert [each.window_ms for each in compiled.series["Order Completed"]] == [365 * 86_400_000]
    # a rule-based type comes in under the name that it is built on
    assert compiled.entering == {"Order Completed", "Store Visit", "Notice Shown", "Checkout Started"}
    assert compiled.moving == compiled.entering | {"Cart Emptied"}


def test_without_a_question_about_the_past_there_is_no_history(luma: Path) -> None:
    compiled = Project.load(luma).program
    assert compiled.series == {}
    assert compiled.entering == {"Checkout Started"}


FAULTS = [
    # entries
    (journey(END, "{audience: stuff}"), "2: entry.audience: unknown audience 'stuff', did you mean 'staff'?"),
    (journey(END, "{audience: staff, change: enter}"), "2: entry.change: expected 'entered' or 'left', did you mean"),
    (journey(END, "{audience: staff, when: true}"), "2: entry.when: unknown key"),
    (
        journey("{id: a, branch: [{when: entry.total > 1}]}", "{audience: staff}"),
        "4: steps[0].branch[0].when: unknown name entry.total",
    ),
    (
        journey(END, "{read: staff, at: 2026-03-02T09:00:00, rule: FREQ=DALY}"),
        "2: entry.rule: FREQ is one of YEARLY, MONTHLY, WEEKLY, DAILY, HOURLY, MINUTELY, did you mean 'DAILY'?",
    ),
    (
        journey(END, "{read: staff, at: 2026-03-02T09:00:00, rule: FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30}"),
        "2: entry.rule: this rule never comes true from 2026-03-02T08:00:00.000Z on",
    ),
    (
        journey(END, "{read: staff, at: 2026-03-02T09:00:00, rule: FREQ=DAILY;UNTIL=20260301}"),
        "2: entry.rule: this rule never comes true",
    ),
    # an entry through which nobody comes
    (
        journey(END, "{audience: staff}", "exit: [{audience: staff}]"),
        "2: entry: nobody can enter: whoever is in 'staff' is kept out by an exit rule",
    ),
    (
        journey(END, "{read: staff, at: 2026-03-02T09:00:00}", "exit: [{audience: staff}]"),
        "2: entry: nobody can enter: whoever is in 'staff'",
    ),
    (
        journey(END, "{read: staff, at: 2026-03-02T09:00:00}", "starts: 2026-03-03"),
        "2: entry.at: nobody can enter: the audience is only read outside the dates of the journey",
    ),
    (
        journey(
            END, "{read: staff, at: 2026-03-02T09:00:00, rule: FREQ=YEARLY}", "starts: 2026-03-03\nends: 2027-03-01"
        ),
        "2: entry.rule: nobody can enter: the audience is only read outside the dates",
    ),
    # no time that can be counted
    (journey(END, "{read: staff, at: 0001-01-01T00:00:00}"), "2: entry.at: a year from 1970 to 9989 is expected"),
    (journey(END, head="ends: 9999-12-31"), "3: ends: a year from 1970 to 9989 is expected"),
    (journey(END, head="starts: 0001-01-01"), "3: starts: a year from 1970 to 9989 is expected"),
    # exits and listeners
    (
        journey(END, head="exit: [{audience: stuff}]"),
        "3: exit[0].audience: unknown audience 'stuff', did you mean 'staff'?",
    ),
    (
        journey(END, head="exit: [{audience: staff, chnge: left}]"),
        "3: exit[0].chnge: unknown key, did you mean 'change'?",
    ),
    (journey(END, head="exit: [{when: true}]"), "3: exit[0]: an exit rule names an event or an audience"),
    (
        journey("{id: a, wait_for: [{audience: stuff}]}"),
        "4: steps[0].wait_for[0].audience: unknown audience 'stuff', did you mean 'staff'?",
    ),
    (
        journey("{id: a, wait_for: [{next: a}]}"),
        "4: steps[0].wait_for[0]: a listener names an event, a reaction or an audience",
    ),
    # calls
    (journey("{id: a, call: crm-nte}"), "4: steps[0].call: unknown action 'crm-nte', did you mean 'crm-note'?"),
    (
        journey("{id: a, wait: 1d}\n{id: b, wait_for: [{reaction: answered, of: a}]}"),
        "5: steps[1].wait_for[0].of: 'a' is not a call step",
    ),
    (
        journey("{id: a, call: crm-note}\n{id: b, wait_for: [{reaction: opened, of: a}]}"),
        "5: steps[1].wait_for[0].of: 'a' is not a send step",
    ),
    (
        journey("{id: a, call: crm-note}\n{id: b, wait_for: [{reaction: failed, of: a, channel: email}]}"),
        "5: steps[1].wait_for[0].channel: a call has no channel",
    ),
    (
        journey("{id: a, call: crm-note}\n{id: b, wait_for: [{reaction: answered, of: a, next: a}]}"),
        "",
    ),
    (
        journey("{id: a, call: crm-note, next: b}\n{id: b, call: crm-note, next: a}"),
        "4: steps[0]: the steps go round without waiting (a → b → a)",
    ),
    # several events
    (
        journey(END, "[{event: Cart Emptied}, {event: Order Complete}]"),
        "2: entry[1].event: unknown event 'Order Complete'",
    ),
    (
        journey(END, "[{event: Cart Emptied}, {event: Order Completed, when: event.totl > 1}]"),
        "2: entry[1].when: unknown name event.totl",
    ),
    (
        journey(END, "[{event: Order Completed}, {event: Order Completed, when: event.total > 1}]"),
        "2: warning: entry[1]: this is never looked at: 'Order Completed' without a condition stands before it",
    ),
    # the first channel
    (
        journey("{id: a, send: order-confirmation, channels: {first: [email, fax]}}"),
        "4: steps[0].channels.first[1]: the message 'order-confirmation' has no content for 'fax'",
    ),
    (
        journey("{id: a, send: order-confirmation, channels: {first: [email], prefer: 5}}"),
        "4: steps[0].channels.prefer: the name of a channel is a string, and this is a number",
    ),
    (journey("{id: a, send: order-confirmation, channels: {first: [email], prefer: profile.city}}"), ""),
    (journey("{id: a, send: order-confirmation, channels: {first: [email], prefer: '\"email\"'}}"), ""),
    (
        journey("{id: a, send: order-confirmation, channels: {first: [email], prefer: '\"emial\"'}}"),
        "4: warning: steps[0].channels.prefer: 'emial' is none of the channels in first, did you mean 'email'?",
    ),
    (
        journey("{id: a, send: order-confirmation, channels: {first: [email], prefer: '\"push\"'}}"),
        "4: warning: steps[0].channels.prefer: 'push' is none of the channels in first",
    ),
    # being inside is there at once, and nobody is inside and outside
    (
        journey("{id: a, wait_for: [{audience: lapsed, change: inside, next: b}]}\n{id: b, call: crm-note, next: a}"),
        "4: steps[0]: the steps go round without waiting (a → b → a)",
    ),
    (
        journey(
            "{id: a, wait_for: [{audience: lapsed, change: inside, next: b}]}\n"
            "{id: b, wait_for: [{audience: lapsed, change: outside, next: a}]}"
        ),
        "",
    ),
    # conditions that are none
    (
        journey(END, "{event: Checkout Started, when: event.cart.total}"),
        "2: entry.when: a condition is true or false, and this is a number",
    ),
    (
        journey("{id: a, branch: [{when: profile.city}]}"),
        "4: steps[0].branch[0].when: a condition is true or false, and this is a string",
    ),
    # the past has no meaning where it is decided whose an event is, or which run it concerns
    (
        journey(END, head='correlation: \'count("Order Completed", "1d")\''),
        "3: correlation: count() has no meaning here",
    ),
]


@pytest.mark.parametrize("files,finding", FAULTS, ids=[finding[:60] or "waits" for _, finding in FAULTS])
def test_a_fault_is_found_where_it_is(changed: Change, files: dict[str, str], finding: str) -> None:
    found = findings_of(changed(files))
    assert [each.startswith(f"journeys/second.yaml:{finding}") for each in found] == [True] * bool(finding)


ELSEWHERE = [
    ({"audiences.yaml": "audiences:\n  a: profile.city\n  young-west: true\n"}, "audiences.yaml:2: audiences.a: a con"),
    (
        {"audiences.yaml": "audiences:\n  a: audience('a')\n  young-west: true\n"},
        "audiences.yaml:2: audiences.a: unknown function audience()",
    ),
    (
        {"audiences.yaml": 'audiences:\n  a: count("Order Complete", "1d") > 0\n  young-west: true\n'},
        "audiences.yaml:2: audiences.a: unknown event 'Order Complete', did you mean 'Order Completed'?",
    ),
    (
        {"audiences.yaml": 'audiences:\n  a: consent("email", "crt")\n  young-west: true\n'},
        "audiences.yaml:2: audiences.a: unknown purpose 'crt', did you mean 'cart'?",
    ),
    (
        {"audiences.yaml": 'audiences:\n  a: now - last("Order Completed") > now - profile.born\n  young-west: true\n'},
        "audiences.yaml:2: audiences.a: in an audience 'now' may only be compared with a timestamp",
    ),
    ({"actions.yaml": "actions:\n  a: {}\n"}, "actions.yaml:2: actions.a.url: this key is needed"),
    ({"actions.yaml": "actions:\n  a: {url: crm.example}\n"}, "actions.yaml:2: actions.a.url: a web address such as"),
    (
        {"actions.yaml": "actions:\n  a: {url: 'https://x.example', timeout: 2m}\n"},
        "actions.yaml:2: actions.a.timeout: input should be less than or equal to 60000",
    ),
    (
        {"actions.yaml": "actions:\n  a: {url: 'https://x.example', body: {b: profile.cty}}\n"},
        "actions.yaml:2: actions.a.body.b: unknown name profile.cty, did you mean 'profile.city'?",
    ),
    (
        {"actions.yaml": "actions:\n  a: {url: 'https://x.example', answer: {b: text}}\n"},
        "actions.yaml:2: actions.a.answer.b: expected 'string', 'number'",
    ),
    (
        {"messages/note.yaml": "message: note\nexpires: 0s\nsms: {text: hi}\n"},
        "messages/note.yaml:2: expires: a duration",
    ),
    (
        {"messages/note.yaml": "message: note\ncall: {text: hi}\n"},
        "messages/note.yaml:2: call: 'call' is no channel: under this name go the outbound calls of actions.yaml",
    ),
]


@pytest.mark.parametrize("files,finding", ELSEWHERE, ids=[finding for _, finding in ELSEWHERE])
def test_a_fault_in_another_document_is_found_where_it_is(changed: Change, files: dict[str, str], finding: str) -> None:
    (found,) = findings_of(changed(files))
    assert found.startswith(finding)


def test_an_entry_that_names_nobody_is_told_what_it_may_name(changed: Change) -> None:
    (first, *_) = findings_of(changed(journey(END, "{at: 2026-03-02}")))
    assert "2: entry: an entry names an event, an audience, or an audience to read (found" in first


def test_a_listener_that_an_exit_by_the_same_audience_forestalls_is_a_warning(changed: Change) -> None:
    steps = "{id: a, wait_for: [{audience: staff}, {audience: staff, change: left}], timeout: 1d}"
    assert findings_of(changed(journey(steps, head="exit: [{audience: staff}]"))) == [
        (
            "journeys/second.yaml:5: warning: steps[0].wait_for[0].audience: an exit rule ends the run when somebody"
            " has entered 'staff', before this listener can match"
        )
    ]


def test_a_project_with_all_of_it_comes_through_json(changed: Change) -> None:
    steps = "{id: a, call: crm-note}\n{id: b, wait_for: [{audience: staff}]}"
    read = "{read: lapsed, at: 2026-03-02T09:00:00, rule: FREQ=WEEKLY;BYDAY=MO}"
    files = journey(steps, read, actions=ACTIONS.replace("entry.cart.total", "profile.score"))
    project = Project.load(changed(files))
    assert Project.from_json(project.to_json()).program == project.program


def test_a_graph_shows_audiences_and_calls(changed: Change) -> None:
    steps = "{id: a, call: crm-note}\n{id: b, wait_for: [{audience: staff, change: left}, {reaction: failed, of: a}]}"
    plain = ACTIONS.replace("entry.cart.total", "profile.score")
    _, second = loaded(changed(journey(steps, "{audience: lapsed}", "exit: [{audience: staff}]", plain)))
    assert mermaid(second).splitlines() == [
        "flowchart TD",
        '    entry(["second: lapsed entered"])',
        "    entry --> s0",
        '    s0[["a: call crm-note"]]',
        "    s0 --> s1",
        '    s1{{"b: wait for"}}',
        '    s1 -->|"staff left"| finish',
        '    s1 -->|"a failed"| finish',
        '    finish(("end"))',
        '    exit0>"exit: staff entered"]',
    ]


def test_a_graph_shows_how_a_read_recurs(changed: Change) -> None:
    _, second = loaded(changed(journey(END, "{read: lapsed, at: 2026-03-02T09:00:00Z, rule: FREQ=WEEKLY}")))
    assert "second: read lapsed at 2026-03-02T09:00:00.000Z, again by FREQ=WEEKLY" in mermaid(second)
