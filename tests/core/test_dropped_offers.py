"""Of a visitor whose history is not used: which of the offers that everybody together may get are there again?"""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.projects import write_texts

from parcours.config import Settings
from parcours.core.delivery.deciding import drop_offers
from parcours.core.offers.state import OffersKept, Proposition
from parcours.core.offers.totals import TotalReturn
from parcours.core.profile import DeliveryState, DeliveryStateName, Profile, Run
from parcours.core.turn import Turn
from parcours.journey.program import Program
from parcours.journey.project import Project


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Program:
    folder: Path = tmp_path_factory.mktemp("shop")
    write_texts(folder, {"parcours.yaml": "project: shop\n"})
    return Project.load(folder).program


@pytest.mark.parametrize(
    ("state", "may_have_left", "is_returned"),
    [
        ("held", False, True),
        ("queued", False, True),
        ("queued", True, False),  # an attempt before was ambiguous
        ("unknown", True, False),  # she may have it, and nothing is sent again
        ("sent", True, False),
    ],
)
def test_what_may_have_reached_her_is_not_given_to_somebody_else(
    program: Program, state: DeliveryStateName, *, may_have_left: bool, is_returned: bool
) -> None:
    delivery = DeliveryState("d1", "tell", 1, "email", "hero", "a@mail.example", state, may_have_left=may_have_left)
    run = Run("tell", 1, 1, None, 1_000, "tell", deliveries=[delivery])
    shown = Proposition("p1", "few", "best", "hero", 1_000, deliveries=["d1"], for_message=True, total=True)
    visitor = Profile(runs=[run], offers=OffersKept([shown]))
    turn = Turn("anna", Profile(), 2_000, 2_000, program, Settings(), None)

    drop_offers(turn, visitor)

    assert turn.effects.returned == ((TotalReturn("few", 1_000, 2_000),) if is_returned else ())
