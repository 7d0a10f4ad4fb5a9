"""A value whose kind can never do at its place is an error at load time, and no other value is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from parcours.journey.project import Project

Change = Callable[[dict[str, str]], Path]

TRAITS = "{email: string, n: number, s: string, b: boolean, at: timestamp, i: integer, l: list, o: object}"
TRAITS = TRAITS.replace("}", ", born: {type: date, pii: true}}")
UNTIL = "the time until which to wait is a timestamp or a date"
EVENT = "{id: string, x: number, l: list, o: object, when: timestamp}"


def shop(
    tmp_path: Path, step: str = "wait: 1h", head: str = "", profile: str = "", event: str = "", traits: str = TRAITS
) -> list[str]:
    """What is found in a project with this step, and these lines besides."""
    documents = {
        "parcours.yaml": "project: shop\n",
        "profile.yaml": f"traits: {traits}\n{profile}\n",
        "events.yaml": f"events:\n  A: {{properties: {EVENT}{event}}}\n",
        "messages/mail.yaml": "{message: mail, class: marketing, email: {subject: hi, text: hello}}\n",
        "journeys/j.yaml": f"journey: j\nentry: {{event: A}}\n{head}\nsteps:\n  - id: only\n    {step}\n",
    }
    tmp_path.mkdir(exist_ok=True)
    for name, text in documents.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    return [str(each) for each in Project.check(tmp_path)]


STEPS = [
    # a wait needs an instant
    (
        "wait: {until: profile.n}",
        f"wait.until: {UNTIL}, and this is a number",
    ),
    (
        "wait: {until: 'duration(\"3d\")'}",
        f"wait.until: {UNTIL}, and this is a duration",
    ),
    (
        "wait: {until: '\"tomorrow\"'}",
        f"wait.until: {UNTIL}, and this is a string",
    ),
    (
        "wait: {until: profile.s}",
        f"wait.until: {UNTIL}, and this is a string",
    ),
    (
        "wait: {until: profile.at, yearly: true}",
        "wait.until: only a date comes yearly or has a time of day, and this is a timestamp",
    ),
    # a trait keeps what it is declared to be
    ("update: {n: event.id}", "update.n: the trait 'n' is a number, and this is a string"),
    ("update: {i: event.when}", "update.i: the trait 'i' is an integer, and this is a timestamp"),
    ("update: {s: event.x}", "update.s: the trait 's' is a string, and this is a number"),
    ("update: {b: size(event.l)}", "update.b: the trait 'b' is a boolean, and this is a number"),
    ("update: {at: event.x}", "update.at: the trait 'at' is a timestamp, and this is a number"),
    ("update: {l: event.o}", "update.l: the trait 'l' is a list, and this is an object"),
    ("update: {o: 'event.l.filter(x, true)'}", "update.o: the trait 'o' is an object, and this is a list"),
    # an address is a text
    ("send: mail\n    to: {email: profile.n}", "to.email: an address is a string, and this is a number"),
    ("send: mail\n    to: {email: profile.at}", "to.email: an address is a string, and this is a timestamp"),
]

FINE = [
    "wait: {until: profile.at}",
    "wait: {until: profile.born, yearly: true, time: '09:00', offset: -3d}",
    "wait: {until: profile.born}",
    "update: {born: profile.s, s: profile.born}",
    "wait: {until: 'timestamp(profile.s)'}",
    "wait: {until: 'profile.at + duration(\"3d\")'}",
    "wait: {until: event.o.when}",  # only the data can tell
    "wait: {until: 'profile.b == true ? profile.at : event.o.when'}",
    "update: {n: profile.i, i: event.x, s: event.when, at: event.id}",
    "update: {s: 'null', b: event.x > 5, l: '[1]', o: event.o}",
    "update: {s: 'string(event.x)', n: int(event.id), at: event.o.when}",
    "send: mail\n    to: {email: profile.s}",
    "send: mail\n    to: {email: event.o.mail}",
]


@pytest.mark.parametrize("step,finding", STEPS)
def test_a_value_of_a_kind_that_can_never_do_is_an_error_at_its_place(step: str, finding: str, tmp_path: Path) -> None:
    (found,) = shop(tmp_path, step)

    assert found.startswith("journeys/j.yaml:") and f": steps[0].{finding} (found " in found


@pytest.mark.parametrize("step", FINE)
def test_a_value_that_may_do_is_fine(step: str, tmp_path: Path) -> None:
    assert shop(tmp_path, step) == []


CORRELATION = "correlation: a correlation is a string, a number, a boolean or a timestamp, and this is"


@pytest.mark.parametrize("correlation,kind", [("event.l", "a list"), ("event.o", "an object"), ("'{}'", "an object")])
def test_runs_are_not_told_apart_by_what_has_no_one_value(correlation: str, kind: str, tmp_path: Path) -> None:
    (found,) = shop(tmp_path, head=f"correlation: {correlation}")

    assert f"journeys/j.yaml:3: {CORRELATION} {kind}" in found


@pytest.mark.parametrize("correlation", ["event.id", "event.x", "event.x > 5", "event.when", "event.o.id"])
def test_runs_are_told_apart_by_any_one_value(correlation: str, tmp_path: Path) -> None:
    assert shop(tmp_path, head=f"correlation: {correlation}") == []


def test_the_faults_of_all_documents_are_found_at_once(tmp_path: Path) -> None:
    profile = "addresses: {email: profile.n}\ntimezone: profile.i"

    found = shop(
        tmp_path, "wait: {until: profile.n}", "correlation: event.l", profile, ", key: {namespace: c, value: event.l}"
    )

    places = [each.split(": ")[0] + " " + each.split(": ")[1] for each in found]
    assert [each.split(" ", 1)[1] for each in places] == [
        "events.A.key.value", "correlation", "steps[0].wait.until", "addresses.email", "timezone",
    ]  # fmt: skip
    assert "an address is a string, and this is a number (found profile.n)" in found[3]
    assert "the name of a time zone is a string, and this is a number (found profile.i)" in found[4]


def test_a_usual_address_that_is_no_text_is_found_where_somebody_is_written_to(tmp_path: Path) -> None:
    traits = TRAITS.replace("email: string", "email: object")

    assert shop(tmp_path / "unused", traits=traits) == []
    (found,) = shop(tmp_path / "used", "send: mail", traits=traits)
    assert "steps[0].send: an address is a string, and this is an object" in found
