"""Does a recording mean what a provider would have said live? Bounces by their codes, and words of the operator."""

from __future__ import annotations

import pytest

from parcours.core.fact import DeliveryReached
from parcours.journey.model.document import (
    EventDocument,
    EventsDocument,
    JourneyDocument,
    MessageDocument,
    ProfileDocument,
    ProjectDocument,
)
from parcours.journey.project import Project
from parcours.simulation.simulation import simulate

FIRST = (
    b'{"type": "identify", "userId": "sarah", "traits": {"phone": "+33612345678"}, "timestamp": "2026-03-01T09:00:00Z"}'
)


@pytest.fixture
def orders() -> Project:
    return Project.of(
        ProjectDocument.model_validate({"project": "shop", "policies": {"consent": {"default": "opt_out"}}}),
        ProfileDocument.model_validate({"traits": {"phone": "string"}}),
        EventsDocument(events={"Ordered": EventDocument()}),
        messages=[
            MessageDocument.model_validate({"message": "confirm", "class": "transactional", "sms": {"text": "Coming"}})
        ],
        journeys=[
            JourneyDocument.model_validate(
                {"journey": "order", "entry": {"event": "Ordered"}, "steps": [{"id": "tell", "send": "confirm"}]}
            )
        ],
    )


def ordered(day: int) -> bytes:
    return b'{"type": "track", "event": "Ordered", "userId": "sarah", "timestamp": "2026-03-%02dT10:00:00Z"}' % day


def bounced(day: int, code: str | None) -> bytes:
    told = b"" if code is None else b', "code": "%b"' % code.encode()
    return (
        b'{"type": "reaction", "reaction": "bounced", "userId": "sarah", "journey": "order", "step": "tell",'
        b' "channel": "sms", "timestamp": "2026-03-%02dT11:00:00Z"%b}' % (day, told)
    )


def last_outcome(project: Project, *lines: bytes) -> tuple[str, str | None]:
    facts = simulate(project, [FIRST, *lines, ordered(28)]).facts
    outcomes = [(each.outcome, each.gate) for each in facts if isinstance(each, DeliveryReached)]
    return outcomes[-1]


@pytest.mark.parametrize(
    "code, outcome",
    [
        ("30003", ("sent", None)),  # switched off
        ("30007", ("sent", None)),  # filtered
        ("30005", ("refused", "suppression")),  # unknown number
        (None, ("refused", "suppression")),
    ],
)
def test_a_recorded_bounce_is_judged_by_the_channel_s_own_table(
    orders: Project, code: str | None, outcome: tuple[str, str | None]
) -> None:
    assert last_outcome(orders, ordered(2), bounced(2, code)) == outcome


def test_the_third_bounce_of_a_number_that_is_never_reached_suppresses_it(orders: Project) -> None:
    days = (2, 4, 6)
    lines = [line for day in days for line in (ordered(day), bounced(day, "30003"))]

    assert last_outcome(orders, *lines) == ("refused", "suppression")


def test_the_operator_s_line_lifts_a_suppression(orders: Project) -> None:
    lifted = (
        b'{"type": "suppression", "userId": "sarah", "channel": "sms", "address": "+33612345678", "suppressed": false,'
        b' "timestamp": "2026-03-03T09:00:00Z"}'
    )

    assert last_outcome(orders, ordered(2), bounced(2, None), lifted) == ("sent", None)
