"""A simulation without end tells whether something was still due when it left off."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.simulation.conftest import Recording, Write

SHOP = """
# file parcours.yaml
project: shop
# file events.yaml
events: {Started: {}}
# file journeys/trip.yaml
journey: trip
entry: {event: Started}
steps: [{id: wait, wait: LONG}]
"""


@pytest.mark.parametrize("wait, unsettled", [("1h", False), ("400d", False), ("730d", True)])
def test_names_that_are_let_go_one_day_are_nothing_unsettled(
    wait: str, unsettled: bool, write: Write, recording: Recording
) -> None:
    recording.call(0, type="identify", userId="sarah", anonymousId="7f3a")
    recording.track(1, "sarah", "Started")

    assert recording.play(Project.load(write(SHOP.replace("LONG", wait)))).result.unsettled is unsettled
