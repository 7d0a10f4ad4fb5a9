"""Names that a recording links live together, by whatever calls and in whatever order; nobody else moves."""

from __future__ import annotations

import json
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parcours.config import Settings
from parcours.core.identity import slot_of
from parcours.errors import CallerError
from parcours.journey.model.document import ProfileDocument, ProjectDocument
from parcours.journey.program import Program
from parcours.journey.project import Project
from parcours.simulation.linked import Group, Groups, LinkedNames

Call = dict[str, object]


def program_of(identities: object) -> Program:
    profile = ProfileDocument.model_validate({"identities": identities})
    return Project.of(ProjectDocument(project="shop"), profile).program


PROGRAM = program_of({"loyalty": {}})


def linked(*lines: Call | bytes, program: Program = PROGRAM, names_max: int = 1_000) -> Groups:
    names = LinkedNames(program, Settings(), names_max)
    for number, line in enumerate(lines, 1):
        names.hear(line if isinstance(line, bytes) else json.dumps(line).encode(), number)
    return names.groups()


def identify(user: str, anonymous: str, **more: object) -> Call:
    return {"type": "identify", "userId": user, "anonymousId": anonymous, **more}


def homes(*names: str) -> dict[str, int]:
    """Where all of these live, as far as it is not where they live anyway."""
    home = slot_of(min(names))
    return {name: home for name in names if slot_of(name) != home}


def test_names_that_are_linked_live_where_the_smallest_of_them_does() -> None:
    found = linked(identify("u1", "a"), identify("u2", "a"), identify("u3", "b"))

    assert found.homes == homes("@anonymous/a", "u1", "u2") | homes("@anonymous/b", "u3")
    assert found.largest == Group("@anonymous/a", 3)


@pytest.mark.parametrize(
    "call, names",
    [
        ({"type": "alias", "userId": "u1", "previousId": "p"}, ("u1", "@anonymous/p", "p")),
        ({"type": "merge", "userId": "u1", "name": "@loyalty/7"}, ("u1", "@loyalty/7")),
        (
            {"type": "identify", "userId": "u1", "context": {"externalIds": [{"type": "loyalty", "id": "7"}]}},
            ("u1", "@loyalty/7"),
        ),
    ],
)
def test_every_kind_of_line_that_links_is_heard(call: Call, names: tuple[str, ...]) -> None:
    assert linked(call).homes == homes(*names)


def test_a_type_that_is_written_in_another_way_is_heard_as_well() -> None:
    line = json.dumps(identify("u1", "a")).replace("identify", "\\u0069dentif\\u0079").encode()

    assert linked(line).homes == homes("u1", "@anonymous/a")


@pytest.mark.parametrize(
    "line",
    [
        {**identify("u1", "a"), "type": "track", "event": "identify"},
        {"type": "identify", "userId": "u1"},
        {"type": "identify", "anonymousId": "a"},
        {"type": "alias", "anonymousId": "a"},
        identify("u1", "null"),  # else all whose program sends that would live together
        identify("guest", "a"),
        {"type": "merge", "userId": "u1"},
        b'{"type":"identify"',
        b'"identify"',
    ],
)
def test_what_links_nobody_moves_nobody(line: Call | bytes) -> None:
    assert linked(line) == Groups()


def test_a_namespace_that_is_never_linked_keeps_nobody_together() -> None:
    kiosk = program_of({"anonymous": {"link": "never"}})

    assert linked(identify("u1", "a"), identify("u2", "a"), program=kiosk) == Groups()
    alias: Call = {"type": "alias", "userId": "u1", "previousId": "p"}
    assert linked(alias, program=kiosk).homes == homes("u1", "p")  # who may be a user


def test_more_names_than_are_held_are_refused_by_the_line_that_brings_them() -> None:
    calls = [identify(f"u{number}", "a") for number in range(3)]

    assert linked(*calls, names_max=4).largest == Group("@anonymous/a", 4)
    with pytest.raises(CallerError, match="line 3: the recording links more than 3 names"):
        linked(*calls, names_max=3)


pairs = st.lists(st.tuples(st.sampled_from("uvwxyzé𝄞\uff5e"), st.sampled_from("abcdefg")), max_size=20)


@given(pairs, st.randoms(use_true_random=False))
def test_groups_are_what_can_be_reached_in_whatever_order_the_lines_come(
    told: list[tuple[str, str]], random: Random
) -> None:
    names = {user for user, _ in told} | {f"@anonymous/{each}" for _, each in told}
    together = {name: {name} for name in names}
    for user, each in told:
        joined = together[user] | together[f"@anonymous/{each}"]
        together |= dict.fromkeys(joined, joined)
    expected: dict[str, int] = {}
    for joined in together.values():
        smallest = min(joined, key=str.encode)
        expected |= {name: slot_of(smallest) for name in joined if slot_of(name) != slot_of(smallest)}
    calls = [identify(user, each) for user, each in told]
    shuffled = sorted(calls, key=lambda _: random.random())

    assert linked(*calls).homes == linked(*shuffled).homes == expected
    assert linked(*calls).largest == linked(*shuffled).largest
