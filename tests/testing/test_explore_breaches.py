"""What is found where an engine keeps less than the project promises, and nothing where it keeps all of it.

The faults are those of whole engines: one with other policies, two that work on the same people, one that was
put back to an older state, one that has lost a part of what it wrote down.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from parcours.core.fact import DeliveryReached, Fact, Moved
from parcours.journey.project import Project
from parcours.simulation.simulation import Result, simulate
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import Verdict, run_cases
from parcours.testing.explore.explore import Exploration, Player, exploration_lines, explore

CART = Path(str(files("parcours.examples") / "abandoned-cart"))

CAPS = "    - {channels: [email, sms, push], class: marketing, max: 3, per: 7d}"
QUIET = '    - {channels: [sms, push], from: "22:00", until: "08:00", then: hold}'
SMALL_CAPS = "    - {channels: [email], max: 1, per: 3d}\n    - {purpose: cart, max: 2, per: 7d}"

Rejected = Callable[[int, str], None]


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    """A copy of the example with some of its lines replaced."""

    def copy(name: str, **replaced: str) -> Path:
        target = Path(shutil.copytree(CART, tmp_path / name))
        for path in target.rglob("*.yaml"):
            text = path.read_text()
            for old, new in replaced.items():
                text = text.replace(LINES[old], new)
            path.write_text(text)
        shutil.rmtree(target / "tests")
        return target

    return copy


LINES = {"caps": CAPS, "quiet": QUIET, "expires": "expires: 2d", "until": 'until: "08:00"', "timeout": "timeout: 1d"}


def engine_of(other: Project) -> Player:
    """An engine that runs another project than it is asked to."""

    def play(project: Project, lines: Sequence[bytes], *, rejected: Rejected) -> Result:
        del project
        return simulate(other, lines, rejected=rejected)

    return play


def split_brain(project: Project, lines: Sequence[bytes], *, rejected: Rejected) -> Result:
    """Two engines on the same people, the second of which hears of no reaction."""
    result = simulate(project, lines, rejected=rejected)
    deaf = simulate(project, [line for line in lines if b'"reaction"' not in line])
    both = {repr(fact): fact for fact in [*result.facts, *deaf.facts]}
    return replace(result, facts=sorted(both.values(), key=lambda fact: fact.at))


def put_back(project: Project, lines: Sequence[bytes], *, rejected: Rejected) -> Result:
    """An engine that did everything, was put back to its beginning, and did it again."""
    result = simulate(project, lines, rejected=rejected)
    return replace(result, facts=sorted([*result.facts, *result.facts], key=lambda fact: fact.at))


def forgetful(project: Project, lines: Sequence[bytes], *, rejected: Rejected) -> Result:
    """An engine that has lost the end of what it wrote down."""
    result = simulate(project, lines, rejected=rejected)
    in_time = sorted(result.facts, key=lambda fact: fact.at)
    entered = [place for place, fact in enumerate(in_time) if isinstance(fact, Moved) and fact.what == "entered"]
    return replace(result, facts=in_time[: max(entered, default=0) + 1])  # of one instant, it wrote the half


def broken(exploration: Exploration) -> set[str]:
    return {violation.property for violation in exploration.violations}


def printed_test(exploration: Exploration, name: str) -> str:
    """The test that is printed for the first breach of a property."""
    lines = list(exploration_lines(exploration))
    start = next(place for place, line in enumerate(lines) if line.startswith(f"BROKEN  {name}")) + 2
    text = []
    for line in lines[start:]:
        if not line.startswith("    "):
            break
        text.append(line.removeprefix("    "))
    return "\n".join(text) + "\n"


def verdict(folder: Path, test: str, play_as: Project | None = None) -> Verdict:
    """What becomes of a printed test in a project's folder."""
    (folder / "tests").mkdir(exist_ok=True)
    (folder / "tests" / "found.yaml").write_text(test)
    project = Project.load(folder)
    cases, findings = read_cases(play_as or project, folder)
    assert findings == []
    (only,) = run_cases(project, cases)
    return only


@pytest.mark.parametrize(
    "promised, kept, name",
    [
        ({}, {"quiet": "    []"}, "no delivery in quiet hours"),
        ({}, {"until": 'until: "07:00"'}, "no delivery in quiet hours"),  # an hour too few
        ({}, {"caps": "    []"}, "no cap exceeded"),
        ({"caps": SMALL_CAPS}, {}, "no cap exceeded"),  # the engine knows of a more generous one
    ],
)
def test_an_engine_with_weaker_policies_is_found_out_by_a_small_test_that_replays(
    promised: dict[str, str], kept: dict[str, str], name: str, folder: Callable[..., Path]
) -> None:
    # given a project, and an engine that does not keep all of its policies
    strict, weak = folder("strict", **promised), folder("weak", **kept)

    exploration = explore(Project.load(strict), 2_000, seed=1, play=engine_of(Project.load(weak)))

    # then just that is found, with few events, as a test that fails there and passes where all is kept
    assert broken(exploration) == {name}
    first = exploration.violations[0]
    assert 0 < len(first.acts) <= 12
    test = printed_test(exploration, name)
    assert not verdict(weak, test).passed
    assert verdict(strict, test).passed


@pytest.mark.parametrize(
    "play, name, fewest",
    [
        (split_brain, "nobody both matched and timed out", 3),
        (put_back, "one delivery per key", 2),
        (put_back, "a run begins, and ends once", 1),
        (forgetful, "everyone is accounted for", 1),
    ],
)
def test_an_engine_with_a_fault_is_found_out_by_few_events(
    play: Player, name: str, fewest: int, folder: Callable[..., Path]
) -> None:
    exploration = explore(Project.load(folder("cart")), 600, seed=1, play=play)

    assert name in broken(exploration)
    shown = [violation for violation in exploration.violations if violation.property == name and violation.acts]
    assert shown
    assert all(fewest <= len(violation.acts) <= 6 for violation in shown)


def test_an_engine_that_keeps_everything_is_put_to_the_test_at_every_gate(folder: Callable[..., Path]) -> None:
    # given reminders that expire before the quiet hours are over
    project = Project.load(folder("cart", expires="expires: 2h"))

    exploration = explore(project, 6_000, seed=1)

    assert exploration.violations == ()
    assert (exploration.refused, exploration.unreached, exploration.untried) == ((), (), ())
    assert set(exploration.gates) == {"address", "consent", "suppression", "expiry", "cap", "quiet_hours"}
    assert min(exploration.gates.values()) >= 2


@pytest.mark.parametrize("until", ["08:00", "02:30", "01:45"])  # over midnight; to an hour that comes twice or never
def test_quiet_hours_hold_in_nights_in_which_clocks_change(until: str, folder: Callable[..., Path]) -> None:
    project = Project.load(folder("cart", until=f'until: "{until}"'))
    released: list[int] = []

    def watched(project: Project, lines: Sequence[bytes], *, rejected: Rejected) -> Result:
        result = simulate(project, lines, rejected=rejected)
        released.extend(held_and_sent(result.facts))
        return result

    exploration = explore(project, 3_000, seed=2, play=watched)

    assert exploration.violations == ()
    assert exploration.gates["quiet_hours"] >= 12
    assert len(set(released)) >= 10


def held_and_sent(facts: Sequence[Fact]) -> list[int]:
    """When deliveries went out that had been held."""
    held = {fact.key for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome == "held"}
    return [
        fact.at for fact in facts if isinstance(fact, DeliveryReached) and fact.outcome == "sent" and fact.key in held
    ]


def test_a_policy_that_nothing_came_up_against_is_warned_of(folder: Callable[..., Path]) -> None:
    generous = Project.load(folder("cart", caps=CAPS.replace("max: 3", "max: 1000")))

    lines = list(exploration_lines(explore(generous, 300, seed=1)))

    assert "warning: nothing came up against a cap" in lines
    assert "warning: nothing fell into quiet hours" not in lines
    assert any(line.startswith("Gates: ") for line in lines)
