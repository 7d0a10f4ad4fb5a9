"""Outbound calls in a simulation, in journey tests, and in a backend's own tests: recorded, and answered as told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from aiohttp import web
from rich.console import Console

from parcours.config import Settings
from parcours.core.identity import SlotMap
from parcours.errors import CallerError
from parcours.insight.report import print_report
from parcours.journey.project import Project
from parcours.service.channel_selection import delivering
from parcours.service.channel_selection import recording as recorded_channels
from parcours.shard.messages import Batch
from parcours.shard.requests import ExchangeDeliveries
from parcours.shard.shard import Shard
from parcours.store.memory import MemoryStore
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import run_cases, verdict_lines
from parcours.testing.doubles import HttpServer
from parcours.testing.explore.explore import explore
from parcours.testing.virtual_project import VirtualProject

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write
else:
    Write = Callable[[str], Path]

MINUTE, HOUR = 60_000, 3_600_000

SHOP = """
# file parcours.yaml
project: shop
policies: {quiet_hours: [{from: "22:00", until: "08:00", then: hold}], caps: [{max: 1, per: 7d}]}
# file profile.yaml
traits: {email: string}
# file events.yaml
events: {Complained: {properties: {order: string}}}
# file actions.yaml
actions:
  open-case:
    url: https://desk.shop.example/cases
    body: {who: profile.email, order: entry.order}
    answer: {case: string, agent.name: string, urgency: integer}
# file messages/told.yaml
message: told
class: transactional
email: {subject: "Case {{ event.case }}", text: "{{ event.agent.name }} looks after it."}
# file journeys/complaint.yaml
journey: complaint
entry: {event: Complained}
steps:
  - {id: ask, call: open-case}
  - id: case
    wait_for:
      - {reaction: answered, of: ask, next: urgent}
      - {reaction: failed, of: ask, next: sorry}
    timeout: 1h
    on_timeout: sorry
  - {id: urgent, branch: [{when: event.urgency > 3, next: tell}]}
  - {id: later, wait: 1d}
  - {id: tell, send: told, next: done}
  - {id: sorry, send: told, channels: [email]}
  - {id: done, end: true}
"""


@pytest.fixture
def shop(write: Write) -> Project:
    return Project.load(write(SHOP))


def complaints(recording: Recording) -> Recording:
    """Forty people; some calls are answered, before or after others listen no more, some fail, some stay without."""
    for number in range(40):
        who = f"p{number}"
        recording.identify(number, who, email=f"{who}@mail.example")
        recording.track(number * 999, who, "Complained", {"order": f"o{number}"})
        about: dict[str, object] = {"type": "reaction", "userId": who, "journey": "complaint", "step": "ask"}
        if number % 4 == 0:
            answer = {"case": f"c{number}", "urgency": number % 8, "agent": {"name": "Ada"}}
            recording.call(number * 999 + HOUR - number % 3, reaction="answered", answer=answer, **about)
        elif number % 4 == 1:
            recording.call(number * 999 + MINUTE, reaction="failed", channel="call", **about)
        elif number % 4 == 2:
            recording.call(number * 999 + 2 * HOUR, reaction="answered", answer={"urgency": "high"}, **about)
    return recording


def test_a_recorded_call_is_taken_over_at_once_and_answered_as_the_recording_says(
    shop: Project, recording: Recording
) -> None:
    played = complaints(recording).play(shop)

    assert played.rejected == []
    assert played.result.summary.channels == {
        "call": {"answered": 20, "failed": 10, "sent": 40},
        "email": {"sent": 40},
    }
    assert played.way("p4") == [
        (3_996, "entered", None), (3_996, "reached", "ask"), (3_996, "reached", "case"),
        (3_995 + HOUR, "matched", "case"), (3_995 + HOUR, "reached", "urgent"), (3_995 + HOUR, "branched", "urgent"),
        (3_995 + HOUR, "reached", "tell"), (3_995 + HOUR, "reached", "done"), (3_995 + HOUR, "ended", "done"),
    ]  # fmt: skip
    assert played.result.reasons["call", "answered", "urgency is not of the kind integer"] == 10


def test_the_files_are_the_same_in_any_number_of_shards(shop: Project, recording: Recording, tmp_path: Path) -> None:
    complaints(recording)

    folders = [recording.play(shop, shards=shards).files(tmp_path / str(shards)) for shards in (1, 2, 7)]

    assert folders[0] == folders[1] == folders[2]
    assert folders[0]["deliveries.ndjson"].count(b'"channel":"call","message":"open-case","to":null') == 70


def test_an_engine_needs_no_settings_to_make_calls_and_can_be_told_to_record_them(shop: Project) -> None:
    assert delivering(shop, ("email",), {}) == {"call": {}}
    assert recorded_channels(shop, ["call", "email"]) == ("call", "email")


def test_calls_can_leave_and_be_recorded_though_only_an_older_version_may_make_them(luma: Project) -> None:
    assert "call" in delivering(luma, ("email", "push", "sms"), {})
    assert recorded_channels(luma, ["call"]) == ("call",)


class Desk(HttpServer):
    """Opens a case for everybody, but of every third it does not know whether it did; keeps key and body."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str, bytes]] = []

    async def handle(self, request: web.BaseRequest) -> web.Response:
        body = await request.read()
        return await self.respond(request, lambda: self._take(request.headers["Idempotency-Key"], body))

    def _take(self, key: str, body: bytes) -> web.Response:
        self.asked.append((key, body))
        first = sum(key == asked for asked, _ in self.asked) == 1
        if first and int(key, 16) % 3 == 0:
            return web.Response(status=500)
        return web.json_response({"case": "c", "urgency": int(key, 16) % 8, "agent": {"name": "Ada"}})


def test_calls_that_really_leave_are_answered_at_their_own_instant_whoever_is_slow(
    write: Write, recording: Recording
) -> None:
    for number in range(30):
        recording.track(number * 999, f"p{number}", "Complained", {"order": f"o{number}"})
    played, asked = [], []
    for shards in (1, 2):
        with Desk() as desk:
            shop = Project.load(write(SHOP.replace("https://desk.shop.example", desk.url)))
            played.append(recording.play(shop, shards=shards, channels={"call": {"allowed_networks": ["127.0.0.0/8"]}}))
            asked.append(desk.asked)

    once, again = played
    doubted, answered = once.deliveries(outcome="unknown"), once.deliveries(outcome="answered")
    assert once.result.summary == again.result.summary
    assert 0 < len(doubted) < 30
    assert {at for at, _, _ in answered} == {
        number * 999 + (5 * MINUTE if (number * 999, "ask", "call") in doubted else 0) for number in range(30)
    }
    assert [len(each) for each in asked] == [30 + len(doubted)] * 2
    assert set(asked[0]) == set(asked[1]), "the same calls have the same keys and the same bytes"
    assert len(set(asked[0])) == 30, "and so have their repetitions"


def test_a_call_that_was_under_way_when_the_engine_stopped_is_made_again_under_its_key(shop: Project) -> None:
    store, now_ms = MemoryStore(), 1_000_000

    def opened(at: int) -> Shard:
        shard = Shard(0, SlotMap(1), shop.program, store, Settings())
        shard.open(at)
        return shard

    line = b'{"type":"track","userId":"sarah","event":"Complained","properties":{"order":"o1"}}'
    before = opened(now_ms)
    before.take(Batch("door", 1, [1], [line]), now_ms)
    (first,) = before.exchange(ExchangeDeliveries([], "call", 10, "d", 1), now_ms).outgoing

    after = opened(now_ms)
    early = after.exchange(ExchangeDeliveries([], "call", 10, "d", 2), now_ms + 5 * MINUTE).outgoing
    after.pass_time(now_ms + 5 * MINUTE + 1)
    (again,) = after.exchange(ExchangeDeliveries([], "call", 10, "d", 3), now_ms + 5 * MINUTE + 1).outgoing

    assert early == []
    assert again == msgspec.structs.replace(first, attempt=2)


CASES = """\
- test: a case is opened
  people: {sarah: {email: s@shop.example}}
  start: 2026-03-02T23:00:00Z
  given:
    - {at: +0s, who: sarah, event: Complained, properties: {order: o1}}
    - %s
  expect:
    - %s
"""
ANSWERED = "{at: +1m, who: sarah, reaction: answered, of: complaint.ask, answer: {case: c7, urgency: 4}}"


def verdict_on(write: Write, given: str, expected: str) -> list[str]:
    """The findings about a test of the shop, or else its verdict."""
    folder = write(SHOP + "# file tests/case.yaml\n" + CASES % (given, expected))
    project = Project.load(folder)
    cases, findings = read_cases(project, folder)
    verdicts = [line for verdict in run_cases(project, cases) for line in verdict_lines(verdict)]
    return [str(finding) for finding in findings] or verdicts


@pytest.mark.parametrize(
    "given, expected",
    [
        (ANSWERED, "{who: sarah, step: ask, outcome: answered, at: +1m}"),
        (ANSWERED, "{who: sarah, channel: call, message: open-case, outcome: sent, times: 1}"),
        (ANSWERED, "{who: sarah, step: tell, channel: email, at: +1m}"),
        (ANSWERED.replace("4", "3"), "{who: sarah, step: tell, channel: email, at: +1d1m}"),
        (ANSWERED.replace(", answer: {case: c7, urgency: 4}", ""), "{who: sarah, journey: complaint, step: later}"),
        ("{at: +1m, who: sarah, reaction: failed, of: ask}", "{who: sarah, step: sorry, channel: email, at: +1m}"),
        ("{at: +2h, who: sarah, event: Complained}", "{who: sarah, journey: complaint, what: timed_out, at: +1h}"),
        # a call wakes nobody, unless the test means it
        ("{at: +1h, who: sarah, identify: {}}", 'never: {between: ["23:00", "23:01"]}'),
    ],
)
def test_a_journey_test_says_what_becomes_of_a_call(write: Write, given: str, expected: str) -> None:
    assert verdict_on(write, given, expected) == ["passed  tests/case.yaml:1  a case is opened"]


def test_a_failed_journey_test_speaks_of_calls(write: Write) -> None:
    lines = verdict_on(write, ANSWERED, "{who: sarah, channel: call, outcome: failed}")
    never = verdict_on(write, ANSWERED, 'never: {between: ["23:00", "23:01"], channel: call}')

    assert "  line 8: expected: sarah gets a call failed" in lines
    assert "    happened:  +0s  complaint.ask: call open-case sent" in lines
    assert "               +1m  complaint.ask: call open-case answered" in lines
    assert never[0] == "FAILED  tests/case.yaml:1  a case is opened"


@pytest.mark.parametrize(
    "given, finding",
    [
        (
            ANSWERED.replace("urgency", "urgncy"),
            "the action declares no 'urgncy' in its answer, did you mean 'urgency'",
        ),
        (ANSWERED.replace("complaint.ask", "complaint.tell"), "only a call is answered, and complaint.tell sends"),
        (ANSWERED.replace("complaint.ask", "later"), "no step 'later' sends anything"),
        (ANSWERED.replace("reaction: answered", "reaction: failed"), "only `reaction: answered` has an answer"),
        ("{who: sarah, reaction: opened, of: ask}", "a call is answered or failed, and complaint.ask calls"),
        ("{who: sarah, reaction: failed, of: ask, channel: email}", "unknown channel 'email'"),
    ],
)
def test_a_mistake_about_a_call_is_found_before_the_test_runs(write: Write, given: str, finding: str) -> None:
    (found,) = verdict_on(write, given, "{who: sarah, journey: complaint, step: tell}")

    assert found.startswith("tests/case.yaml:6: [0].given[1]")
    assert finding in found


@pytest.fixture
def virtual(shop: Project) -> Iterator[VirtualProject]:
    """The shop, and sarah, who complains."""
    with VirtualProject(shop, start=datetime(2026, 3, 2, 9, tzinfo=UTC)) as virtual:
        virtual.identify("sarah", {"email": "s@shop.example"})
        virtual.track("sarah", "Complained", {"order": "o1"})
        yield virtual


def test_somebody_s_own_tests_answer_a_call(virtual: VirtualProject) -> None:
    virtual.advance(minutes=1)
    virtual.answer("sarah", {"case": "c7", "urgency": 4}, of="complaint.ask")

    assert [(sent.message, sent.step) for sent in virtual.sent()] == [("told", "tell")]
    (call,) = virtual.sent(channel="call")
    assert (call.who, call.step, call.message, call.to) == ("sarah", "ask", "open-case", None)


def test_somebody_s_own_tests_let_a_call_fail(virtual: VirtualProject) -> None:
    virtual.react("sarah", "failed", of="complaint.ask")

    assert [sent.step for sent in virtual.sent()] == ["sorry"]


def test_only_a_call_can_be_answered(virtual: VirtualProject) -> None:
    with pytest.raises(CallerError, match="'answered' on 'email'"):
        virtual.answer("sarah", of="complaint.tell")


def test_an_explanation_tells_of_the_call_and_of_what_is_waited_for(virtual: VirtualProject) -> None:
    waiting = virtual.explain("sarah")
    virtual.answer("sarah", {"urgency": "high"}, of="complaint.ask")
    told = virtual.explain("sarah")

    assert "ask: call open-case sent" in waiting
    assert "now: at case, waiting for answered of ask or failed of ask until 2026-03-02T10:00:00.000Z" in waiting
    assert "ask: call open-case answered: urgency is not of the kind integer" in told
    assert "case: went on by answered" in told


def test_a_report_counts_calls_beside_the_channels(shop: Project, recording: Recording) -> None:
    shown = StringIO()
    print_report(Console(file=shown, width=80), complaints(recording).play(shop).result.summary)

    lines = [line.split() for line in shown.getvalue().splitlines()]
    assert ["outcome", "call", "email"] in lines
    assert ["answered", "20", "0"] in lines


def test_made_up_traffic_answers_calls_and_keeps_to_what_they_can_come_to(shop: Project) -> None:
    exploration = explore(shop, 300, seed=3)

    assert exploration.violations == ()
    assert exploration.refused == ()
    assert exploration.unreached == ()
