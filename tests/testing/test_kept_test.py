"""What was tried out becomes a test: at the times that it takes where nothing is short, and what differs is marked."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from parcours import Project
from parcours.clock import ManualClock
from parcours.config import MINUTE_MS
from parcours.examples import EXAMPLES
from parcours.testing.cases.people import ids
from parcours.testing.cases.read import read_cases_of
from parcours.testing.cases.run import run_cases
from parcours.testing.kept_test import Done, KeptTest, Tried, kept_test
from parcours.testing.sandbox import Sandbox

START_MS = 1_772_442_000_417
"""2026-03-02T09:00:00.417Z"""

SARAH = {"email": "sarah@luma.example", "phone": "+33612345678", "push_token": "t", "timezone": "Europe/Paris"}

CART = {"type": "track", "event": "Product Added", "properties": {"cart": {"total": 80}}}


class Player:
    """A sandbox whose clock stands still, and what is done in it."""

    def __init__(self, sandbox: Sandbox, clock: ManualClock, people: Mapping[str, Mapping[str, Any]]) -> None:
        self.sandbox, self.clock, self.people = sandbox, clock, people
        self.done: list[Done] = []

    async def do(self, call: Mapping[str, Any], given: Mapping[str, Any], who: str = "sarah") -> None:
        at_ms = self.sandbox.now_ms()
        taken = await self.sandbox.service.ingest([{**call, **ids(who, self.sandbox.service.program)}])
        assert taken.accepted == 1
        self.done.append(Done(at_ms, who, call, given))

    async def add(self, who: str = "sarah") -> None:
        await self.do(CART, {"event": CART["event"], "properties": CART["properties"]}, who)

    async def react(self, reaction: str, step: str, channel: str) -> None:
        told = {"journey": "abandoned-cart", "step": step, "channel": channel}
        given = {"reaction": reaction, "of": f"abandoned-cart.{step}", "channel": channel}
        await self.do({"type": "reaction", "reaction": reaction, **told}, given)

    async def let_wait_be_over(self) -> None:
        known = [await self.sandbox.service.profile(who) for who in self.people]
        due = [each.next_due for each in known if each is not None and each.next_due is not None]
        if due:
            await self.sandbox.skip_to(min(due))

    def look_on(self, for_ms: int) -> None:
        self.clock.move_to(self.clock.now_ms() + for_ms)


def kept_of(
    project: Project,
    visit: Callable[[Player], Awaitable[None]],
    people: Mapping[str, Mapping[str, Any]] | None = None,
    shown: Project | None = None,
) -> KeptTest:
    """Try a project out, and keep it as a test of this or another one."""
    people = {"sarah": SARAH} if people is None else people

    async def scenario() -> Tried:
        clock = ManualClock(START_MS)
        sandbox = Sandbox(shown or project, 10_000, clock=clock)
        await sandbox.start()
        try:
            for who, traits in people.items():
                await sandbox.service.identify(who, traits)
            player = Player(sandbox, clock, people)
            await visit(player)
            facts = [fact for who in people for fact in await sandbox.service.facts(who)]
            said = {each.outgoing.key: each.said for each in sandbox.rendered() if each.said is not None}
            return Tried("what was tried out", people, START_MS, player.done, facts, said)
        finally:
            await sandbox.close()

    return kept_test(project, asyncio.run(scenario()))


async def opened_after_a_reminder(player: Player) -> None:
    await player.add()
    player.look_on(2_300)
    await player.let_wait_be_over()
    player.look_on(4_900)
    await player.react("opened", "remind", "email")


def test_a_wait_that_was_over_in_seconds_is_as_long_as_it_is_written(luma: Project) -> None:
    kept = kept_of(luma, opened_after_a_reminder)

    assert kept.differing == ()
    assert kept.text.splitlines() == [
        '- test: "what was tried out"',
        (
            '  people: {sarah: {email: "sarah@luma.example", phone: "+33612345678", push_token: t, '
            'timezone: "Europe/Paris"}}'
        ),
        "  start: 2026-03-02T09:00:00.000Z",
        "  given:",
        '    - {at: "+0s", who: sarah, event: "Product Added", properties: {cart: {total: 80}}}',
        '    - {at: "+1h4s", who: sarah, reaction: opened, of: "abandoned-cart.remind", channel: email}',
        "  until: +1h4s",
        "  expect:",
        '    - {who: sarah, journey: abandoned-cart, what: entered, why: "Product Added", at: "+0s"}',
        (
            "    - {who: sarah, journey: abandoned-cart, step: remind, channel: email, message: cart-reminder, "
            'to: "sarah@luma.example", at: "+1h", content: {subject: "Hello, your cart is waiting"}}'
        ),
        '    - {who: sarah, journey: abandoned-cart, step: done, what: ended, why: "end step", at: "+1h4s"}',
        "    - {who: sarah, channel: email, times: 1}",
    ]


def test_the_whole_way_is_kept_and_the_test_passes_by_itself(luma: Project) -> None:
    async def visit(player: Player) -> None:
        await player.add()
        for _ in range(6):
            await player.let_wait_be_over()

    kept = kept_of(luma, visit)
    cases, findings = read_cases_of(luma, kept.text, "tests/kept.yaml")

    assert kept.differing == () and findings == []
    assert [verdict.passed for verdict in run_cases(luma, cases)] == [True]
    assert "step: text, channel: sms" in kept.text and "step: last-call, channel: push" in kept.text
    assert "until: +2d1h" in kept.text


def test_what_is_otherwise_than_it_was_seen_is_marked(luma: Project, luma_copy: Path) -> None:
    # given a project of which somebody has changed the message since the sandbox was begun
    journey = luma_copy / "journeys" / "abandoned-cart.yaml"
    journey.write_text(
        journey.read_text()
        .replace("channels: [email]", "channels: [sms]")
        .replace("email: profile.email", "sms: profile.phone")
    )

    kept = kept_of(Project.load(luma_copy), opened_after_a_reminder, shown=luma)

    lines = kept.text.splitlines()
    place = next(number for number, line in enumerate(lines) if "channel: email, message" in line)
    assert " at: " not in lines[place]
    assert lines[place + 1].startswith("    # differs: ")
    assert any("sends on sms" in each or "email" in each for each in kept.differing)


def test_somebody_to_whom_nothing_happens_is_expected_to_get_nothing(luma: Project) -> None:
    async def visit(player: Player) -> None:
        player.look_on(5 * MINUTE_MS)

    kept = kept_of(luma, visit, {"sarah": {}, "@anonymous/7f3a": {}})

    assert kept.differing == ()
    assert kept.text.splitlines()[-1] == '    - {who: "@anonymous/7f3a", outcome: sent, times: 0}'


def test_whatever_somebody_is_called_the_text_is_a_test(luma: Project) -> None:
    odd = 'a"b: {c} # \u202e </script>\nx'

    async def visit(player: Player) -> None:
        await player.add(odd)

    kept = kept_of(luma, visit, {odd: {"email": 'x"}\n- oops: @y', "first_name": "}]"}})

    assert kept.differing == ()
    assert read_cases_of(luma, kept.text, "tests/kept.yaml")[1] == []


def test_what_a_message_says_of_the_day_is_not_expected_on_another_one(luma_copy: Path) -> None:
    message = luma_copy / "messages" / "cart-reminder.yaml"
    message.write_text(re.sub("subject: .*", "subject: \"It is {{ 'now' | date: '%H:%M' }}\"", message.read_text()))

    kept = kept_of(Project.load(luma_copy), opened_after_a_reminder)

    assert kept.differing == () and "content" not in kept.text
    assert 'to: "sarah@luma.example", at: "+1h"}' in kept.text


TOO_LATE = frozenset({"studio"})
"""Where a goal was reached that is too late for its `within` once weeks have passed."""


@pytest.mark.parametrize("name", EXAMPLES)
def test_whatever_example_is_tried_out_its_kept_test_passes(name: str) -> None:
    # given somebody of the example, who does all that she does there with a wait that is over after each thing
    folder = Path(str(files("parcours.examples") / name))
    calls = [json.loads(line) for line in (folder / "events.ndjson").read_text().splitlines()]
    who = next(call["userId"] for call in calls if "userId" in call)
    hers = [call for call in calls if call.get("userId") == who]
    traits = {trait: told for call in hers for trait, told in call.get("traits", {}).items()}

    async def visit(player: Player) -> None:
        for call in hers:
            if call["type"] == "track":
                given = {"event": call["event"], "properties": call["properties"]}
                await player.do({"type": "track", **given}, given, who)
            elif call["type"] == "consent":
                terms = {part: call[part] for part in ("channel", "purpose", "granted") if part in call}
                await player.do({"type": "consent", **terms}, {"consent": terms}, who)
            await player.let_wait_be_over()
        for _ in range(5):
            await player.let_wait_be_over()

    kept = kept_of(Project.load(folder), visit, {who: traits})

    marked = [above for above, line in pairwise(kept.text.splitlines()) if line.lstrip().startswith("# differs:")]
    assert bool(marked) == bool(kept.differing) == (name in TOO_LATE)
    assert all("what: goal" in each for each in marked)
