"""What is wrong with one key of a file hides nothing else in it, and is told once: not again wherever it is used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from parcours.errors import ProjectInvalid
from parcours.journey.project import Project
from parcours.journey.read.finding import Finding, KeyPath, written
from parcours.journey.read.source import read_text

Change = Callable[[dict[str, str]], Path]


def places(folder: Path) -> list[str]:
    """The places of all errors, in the order in which they are told."""
    return [f"{each.file}:{each.line} {each.path}".rstrip() for each in Project.check(folder)]


PARCOURS = "project: luma\nchannels: {email: {}}\n"

DECLARATIONS = [
    (
        "profile.yaml",
        "traits:\n  email: strng\n  phone: txt\naddresses: {email: profile.email +}\n",
        ["2 traits.email", "3 traits.phone", "4 addresses.email"],
    ),
    ("profile.yaml", "traits: {a: string}\ntimezne: x\ntimezone: profile.zone\n", ["2 timezne", "3 timezone"]),
    (
        "profile.yaml",
        (
            "traits: {n: number}\naddresses:\n  sms: [1]\n  email: profile.n\n"
            "identities: {user: {caseless: true}, x: {y: 1}}\n"
        ),
        ["3 addresses.sms", "4 addresses.email", "5 identities", "5 identities.x.y"],
    ),
    (
        "events.yaml",
        "events:\n  A: {properties: {t: nmber}}\n  B: {of: A, rule: event.x}\n  C: {of: A, propertes: {}}\n",
        ["2 events.A.properties.t", "3 events.B.rule", "4 events.C.propertes"],
    ),
    (
        "events.yaml",
        (
            "events:\n  A: {of: D}\n  B: {key: {namespace: n, value: event.x}}\n"
            "  C: {rule: event.x, descripton: x}\n  D: 5\n"
        ),
        ["2 events.A", "3 events.B.key.value", "4 events.C.descripton", "5 events.D"],
    ),
    ("audiences.yaml", "audiences:\n  a: [1]\n  b: profile.cty == 'x'\n", ["2 audiences.a", "3 audiences.b"]),
    (
        "actions.yaml",
        "actions:\n  a: {url: nowhere, body: {c: profile.cty}}\n  b: {body: {c: profile.cty}, timeot: 3s}\n",
        ["2 actions.a.body.c", "2 actions.a.url", "3 actions.b.body.c", "3 actions.b.timeot", "3 actions.b.url"],
    ),
    (
        "messages/new.yaml",
        "message: new\nstatus: redy\nclas: x\nsms: hello\nemail: {text: '{{ profile.cty }}'}\n",
        ["2 status", "3 clas", "4 sms", "5 email.text"],
    ),
    ("messages/new.yaml", "message: [1]\nsms: {text: '{{ x }}'}\n", ["1 message", "2 sms.text"]),
    (
        "parcours.yaml",
        PARCOURS + "timezone: Mars\npolicies:\n  caps: [{max: 1, per: 0s, class: transactional}]\n"
        "  consent: {channels: {fax: opt_in, sms: opt_inn}}\n",
        [
            "3 timezone",
            "5 policies.caps[0].class",
            "5 policies.caps[0].per",
            "6 policies.consent.channels.fax",
            "6 policies.consent.channels.sms",
        ],
    ),
    (
        "parcours.yaml",
        PARCOURS + "policies:\n  caps:\n    - {per: 1d}\n    - {max: 1, per: 1d, class: transactional}\n"
        "  quiet_hours:\n    - 3\n    - {from: '1', until: '02:00', channels: [fax, 's s']}\n",
        [
            "5 policies.caps[0].max",
            "6 policies.caps[1].class",
            "8 policies.quiet_hours[0]",
            "9 policies.quiet_hours[1].channels[0]",
            "9 policies.quiet_hours[1].channels[1]",
            "9 policies.quiet_hours[1].from",
        ],
    ),
]


@pytest.mark.parametrize("file, text, told", DECLARATIONS)
def test_each_mistake_of_a_declaration_file_is_told(file: str, text: str, told: list[str], changed: Change) -> None:
    folder = changed({file: text})

    assert [each.removeprefix(f"{file}:") for each in places(folder) if each.startswith(f"{file}:")] == told
    with pytest.raises(ProjectInvalid) as raised:
        Project.load(folder, drafts=True)
    assert all(f"{file}:{each.replace(' ', ': ', 1)}: " in str(raised.value) for each in told)


JOURNEY = """\
journey: second
entry:
  - {evnt: Checkout Started}
  - {event: Order Complete}
  - {event: Order Completed, when: event.totl > 1}
exit:
  - {evnt: Cart Emptied}
  - 5
  - {event: Cart Emptid}
  - {audience: [1]}
  - {audience: young-wst}
goal: {evnt: Order Completed, within: 5}
starts: 2026-02-01
ends: 2026-01-01
steps:
  - id: branch
    branch:
      - {wen: profile.city == 'x', next: nowhere}
      - {when: profile.cty == 'x', next: nowhere}
      - {when: [1], next: nowhere}
      - {otherwise: nowhere}
  - id: split
    split:
      - {percnt: 50, next: nowhere}
      - {percent: 300, next: nowhere}
      - {percent: 50, next: nowhere}
  - id: wait
    wait_for:
      - {evnt: Order Completed, next: nowhere}
      - {reaction: openned, of: nobody}
      - {reaction: opened, of: send, link: x}
      - {event: Order Complete}
    timeout: 5
    on_timeout: nowhere
  - id: send
    send: cart-reminder
    channels: [5, emal, sms]
    to: {sms: [1]}
  - {id: days, wait: {time: "09:00", days: [mon, tues, wed, thirs]}, next: nowhere}
  - {id: sum, split: [{percent: 50, next: nowhere}, {percent: 40}]}
"""


def test_a_fault_within_a_list_of_a_journey_hides_nothing_else(changed: Change) -> None:
    file = "journeys/second.yaml"

    found = places(changed({file: JOURNEY}))

    assert [each.removeprefix(f"{file}:") for each in found] == [
        "1",  # it ends before it starts
        "3 entry[0].event",
        "3 entry[0].evnt",
        "4 entry[1].event",
        "5 entry[2].when",
        "7 exit[0]",
        "8 exit[1]",
        "9 exit[2].event",
        "10 exit[3].audience",
        "11 exit[4].audience",
        "12 goal.event",
        "12 goal.evnt",
        "12 goal.within",
        "18 steps[0].branch[0]",
        "18 steps[0].branch[0].next",
        "19 steps[0].branch[1].next",
        "19 steps[0].branch[1].when",
        "20 steps[0].branch[2].next",
        "20 steps[0].branch[2].when",
        "21 steps[0].branch[3].otherwise",
        "24 steps[1].split[0].next",
        "24 steps[1].split[0].percent",
        "24 steps[1].split[0].percnt",
        "25 steps[1].split[1].next",
        "25 steps[1].split[1].percent",
        "26 steps[1].split[2].next",
        "29 steps[2].wait_for[0]",
        "29 steps[2].wait_for[0].next",
        "30 steps[2].wait_for[1].of",
        "30 steps[2].wait_for[1].reaction",
        "31 steps[2].wait_for[2]",
        "32 steps[2].wait_for[3].event",
        "33 steps[2].timeout",
        "34 steps[2].on_timeout",
        "37 steps[3].channels[0]",
        "37 steps[3].channels[1]",
        "38 steps[3].to.sms",
        "39 steps[4].next",
        "39 steps[4].wait.days[1]",
        "39 steps[4].wait.days[3]",
        "40 steps[5].split",
        "40 steps[5].split[0].next",
    ]


def test_a_fault_that_only_tells_of_the_head_of_a_journey_does_not_hide_its_shape(changed: Change) -> None:
    text = "journey: second\npriority: 300\nentry: {event: Order Completed}\nsteps:\n  - {id: a, end: true}\n"

    found = places(changed({"journeys/second.yaml": text + "  - {id: b, end: true}\n"}))

    assert found == ["journeys/second.yaml:2 priority", "journeys/second.yaml:6 steps[1]"]


def test_each_repeated_key_is_told_with_its_line_and_the_rest_is_read(changed: Change) -> None:
    folder = changed(
        {
            "audiences.yaml": "audiences:\n  a: 'true'\n  a: 'false'\n  b: profile.cty == 'x'\n  a: 'true'\n",
            "events.yaml": "events:\n  Checkout Started: {}\n  Order Completed: {}\nevents:\n  Thanked: {}\n",
            "journeys/spring.yaml": "journey: spring\njourney: spring\nentry: {event: Nothing}\n"
            "steps:\n  - {id: a, wait: 1d, wait: 2d, next: b}\nsteps:\n  - {id: b, end: true}\nhue: red\n",
            "messages/cart-reminder.yaml": "message: cart-reminder\nsms: {text: x}\npush: {text: '{{ x }}'}\n"
            "sms: {text: y}\nemail: {text: x}\n",
        }
    )

    assert places(folder) == [
        "audiences.yaml:3",
        "audiences.yaml:4 audiences.b",
        "audiences.yaml:5",
        "events.yaml:4",
        "journeys/spring.yaml:2",
        "journeys/spring.yaml:5",
        "journeys/spring.yaml:6",
        "journeys/spring.yaml:8 hue",
        "messages/cart-reminder.yaml:3 push.text",
        "messages/cart-reminder.yaml:4",
    ]
    with pytest.raises(ProjectInvalid, match="the key is given twice"):
        Project.load(folder)


def test_a_project_with_nothing_but_a_repeated_key_is_no_project(changed: Change) -> None:
    folder = changed({"parcours.yaml": "project: luma\ntimezone: UTC\ntimezone: UTC\n"})

    assert places(folder) == ["parcours.yaml:3"]
    with pytest.raises(ProjectInvalid, match=r"parcours\.yaml:3: the key is given twice"):
        Project.load(folder, drafts=True)


def test_each_value_that_has_no_place_in_a_document_is_told_and_the_rest_is_read(changed: Change) -> None:
    folder = changed(
        {
            "audiences.yaml": "audiences:\n  a: !has(profile.city)\n  young-west: !has(profile.city)\n"
            "  b: profile.cty == 'x'\n  c: && true\n",
            "profile.yaml": "traits:\n  birth_year: !x integer\n  loyal: 99999999999999999999\n  city: string\n"
            "  first_name: string\n  score: number\n  born: timestamp\n  phone: string\n  email: string\n"
            "  push_token: string\naddresses: {sms: profile.phon}\n",
            "journeys/second.yaml": "journey: second\nentry:\n  event: Order Completed\n  when: !has(event.x)\n"
            "exit: !x y\nsteps:\n  - id: a\n    branch:\n      - next: nowhere\n        when: !has(event.x)\n"
            "      - when: event.x\n  - id: b\n    send: !x y\n  - id: c\n    update:\n      city: !x y\n",
        }
    )

    assert places(folder) == [
        "audiences.yaml:2",
        "audiences.yaml:3",
        "audiences.yaml:4 audiences.b",
        "audiences.yaml:5",
        "journeys/second.yaml:4",
        "journeys/second.yaml:5",
        "journeys/second.yaml:9 steps[0].branch[0].next",
        "journeys/second.yaml:10",
        "journeys/second.yaml:11 steps[0].branch[1].when",
        "journeys/second.yaml:13",
        "journeys/second.yaml:16",
        "profile.yaml:2",
        "profile.yaml:3",
        "profile.yaml:11 addresses.sms",
    ]
    with pytest.raises(ProjectInvalid, match="for a tag, which has no place here"):
        Project.load(folder)


def test_a_file_that_is_no_yaml_is_one_finding(changed: Change) -> None:
    assert places(changed({"audiences.yaml": "audiences:\n  a: 'true'\n b: [\n"})) == ["audiences.yaml:3"]


class Text(BaseModel):
    text: str


def test_the_channels_that_are_installed_are_known_though_those_of_the_project_are_faulty(changed: Change) -> None:
    folder = changed({"parcours.yaml": "project: luma\nchanels: {}\npolicies: {consent: {channels: {fax: opt_in}}}\n"})
    contents = {"email": Text, "sms": Text, "push": Text}

    found = [(each.line, each.path) for each in Project.check(folder, contents) if each.file == "parcours.yaml"]

    assert found == [(2, "chanels"), (3, "policies.consent.channels.fax")]
    assert places(folder) == ["parcours.yaml:2 chanels"]


MUTATED = ["parcours.yaml", "profile.yaml", "events.yaml", "audiences.yaml", "journeys/spring.yaml"]
MUTATED += ["journeys/abandoned-cart.yaml", "messages/cart-reminder.yaml", "messages/order-confirmation.yaml"]


def parts_of(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        yield (*path, key)
        yield from parts_of(each, (*path, key))


def around_of(data: Any, path: KeyPath) -> Any:
    for key in path[:-1]:
        data = data[key]
    return data


def findings_elsewhere(found: list[Finding], file: str, place: str) -> list[str]:
    """The findings that are not at a place, in it or around it."""
    return [
        str(each)
        for each in found
        if each.file != file or not (each.path.startswith(place) or place.startswith(each.path))
    ]


@pytest.mark.parametrize("file", MUTATED)
def test_a_faulty_part_has_no_finding_elsewhere(file: str, changed: Change, luma: Path) -> None:
    data = read_text((luma / file).read_text(), "any", file, []).data
    folder = changed({})
    for path in parts_of(data):
        mutated = deepcopy(data)
        around_of(mutated, path)[path[-1]] = [[]]
        (folder / file).write_text(json.dumps(mutated))

        found = Project.check(folder)

        assert findings_elsewhere(found, file, written(path)) == [], path


@pytest.mark.parametrize("file", [each for each in MUTATED if each != "journeys/abandoned-cart.yaml"])
def test_a_misspelt_key_has_no_finding_elsewhere(file: str, changed: Change, luma: Path) -> None:
    data = read_text((luma / file).read_text(), "any", file, []).data
    folder = changed({})
    for path in (each for each in parts_of(data) if isinstance(each[-1], str)):
        mutated = deepcopy(data)
        around = around_of(mutated, path)
        around[f"{path[-1]}zz"] = around.pop(path[-1])
        (folder / file).write_text(json.dumps(mutated))

        found = Project.check(folder)

        if any(each.message.startswith("unknown key") for each in found):  # others are names of the author's own
            assert findings_elsewhere(found, file, written(path)) == [], path
