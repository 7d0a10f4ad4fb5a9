"""A person's clock goes by the zone that an update step has set; where nobody can tell it, there is no verdict."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours import Project
from parcours.testing.cases.read import read_cases
from parcours.testing.cases.run import Verdict, run_cases, verdict_lines
from parcours.testing.explore.explore import exploration_lines, explore

QUIET = 'quiet_hours: [{channels: [email], from: "22:00", until: "08:00", then: hold}]'

MOVES_TO_TOKYO = "'\"Asia/Tokyo\"'"
MOVES_SOMEWHERE = "event.zone"
MOVES_HOME = "profile.home"


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


class Shop:
    """A project whose journey sets the person's zone and writes at once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def project(self, zone: str, policies: str = QUIET) -> Project:
        documents = {
            "parcours.yaml": "project: shop\ntimezone: UTC\npolicies:\n"
            f"  consent: {{default: opt_out}}\n  {policies}\n",
            "profile.yaml": "traits: {email: string, timezone: string, home: string}\n",
            "events.yaml": "events:\n  Moved: {properties: {zone: string}}\n",
            "messages/mail.yaml": "{message: mail, class: marketing, email: {subject: hi, text: hello}}\n",
            "journeys/move.yaml": "journey: move\nentry: {event: Moved}\nsteps:\n"
            f"  - {{id: set, update: {{timezone: {zone}}}}}\n  - {{id: write, send: mail}}\n",
        }
        for name, text in documents.items():
            (self._folder / name).parent.mkdir(exist_ok=True)
            (self._folder / name).write_text(text)
        return Project.load(self._folder)

    def verdict(self, zone: str, given: str, between: str, policies: str = QUIET) -> Verdict:
        """Of a test that begins at 13:00 in Greenwich, which is 22:00 in Tokyo."""
        project = self.project(zone, policies)
        (self._folder / "tests").mkdir()
        (self._folder / "tests" / "moves.yaml").write_text(
            "- test: nobody is woken\n  people: {sarah: {email: sarah@mail.example, home: Asia/Tokyo}}\n"
            f"  start: 2026-03-02T13:00:00Z\n  given: [{given}]\n  until: +3d\n"
            f"  expect:\n    - never: {{between: {between}}}\n"
        )
        cases, findings = read_cases(project, self._folder)
        assert findings == []
        (verdict,) = run_cases(project, cases)
        return verdict


NOW = "{at: +0s, who: sarah, event: Moved, properties: {zone: Asia/Tokyo}}"
LOUD = "caps: []"


@pytest.mark.parametrize(
    "policies, between, passed",
    [
        (QUIET, '["08:00", "08:01"]', False),  # held until eight in Tokyo
        (QUIET, '["22:00", "08:00"]', True),  # where it is 23:00 in Greenwich
        (LOUD, '["22:00", "22:01"]', False),  # sent at once, when it is 22:00 in Tokyo
        (LOUD, '["13:00", "13:01"]', True),
    ],
)
def test_a_zone_written_out_in_an_update_counts_from_that_step_on(
    policies: str, between: str, passed: bool, shop: Shop
) -> None:
    verdict = shop.verdict(MOVES_TO_TOKYO, NOW, between, policies)

    assert (verdict.passed, verdict.unjudged) == (passed, ())


@pytest.mark.parametrize("zone", [MOVES_SOMEWHERE, MOVES_HOME])
def test_what_was_sent_on_a_clock_that_nobody_knows_is_not_judged_and_said(zone: str, shop: Shop) -> None:
    verdict = shop.verdict(zone, NOW, '["00:00", "23:59"]')

    assert (verdict.passed, verdict.unjudged) == (True, ((0, 1),))
    assert [line.strip() for line in verdict_lines(verdict)][1:] == [
        "line 7: 1 delivery was not judged: an update step had set the person's time zone"
    ]


def test_a_person_identified_with_a_zone_again_is_judged_again(shop: Shop) -> None:
    told = "{at: +1h, who: sarah, identify: {timezone: America/New_York}}"

    verdict = shop.verdict(MOVES_SOMEWHERE, f"{NOW}, {told}", '["09:00", "09:01"]')

    assert (verdict.passed, verdict.unjudged) == (False, ())  # held in Tokyo's night, and let go as New York has nine


def test_which_came_last_at_one_instant_is_not_guessed(shop: Shop) -> None:
    told = "{at: +0s, who: sarah, identify: {timezone: America/New_York}}"

    assert shop.verdict(MOVES_TO_TOKYO, f"{NOW}, {told}", '["00:00", "23:59"]').unjudged == ((0, 1),)


@pytest.mark.parametrize(
    "zone, unjudged_most",
    [
        (MOVES_TO_TOKYO, 2),  # who were identified at the instant of an update
        (MOVES_SOMEWHERE, 36),
        (MOVES_HOME, 36),
    ],
)
def test_exploring_calls_no_message_a_breach_that_the_person_s_own_clock_allowed(
    zone: str, unjudged_most: int, shop: Shop
) -> None:
    exploration = explore(shop.project(zone), 300, seed=1)

    assert exploration.deliveries > 50
    assert exploration.violations == ()
    assert 0 < exploration.unjudged <= unjudged_most
    (warning,) = (line for line in exploration_lines(exploration) if "time zone" in line)
    assert warning == (
        f"warning: an update step set the time zone of {exploration.unjudged} people, "
        "who are not held against the quiet hours"
    )
