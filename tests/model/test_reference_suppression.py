"""Does the model mean what the rules say of dead addresses? Lines worked out by hand."""

from typing import Any

import pytest
from tests.model.cases import Document, at, event, identify, outcomes, project, reaction

FIRST = identify("0s", email="ann@example.com", phone="+33600000000")
STEPS: list[Document] = [{"id": "r", "send": "receipt", "channels": ["email"]}]


def sent_and_bounced(*days: int, code: str | None = None) -> list[Document]:
    """On each day a mail that comes back."""
    told: dict[str, Any] = {} if code is None else {"code": code}
    lines: list[Document] = []
    for day in days:
        lines += [event(f"{24 * day}h", "Start"), reaction(f"{24 * day + 1}h", "bounced", "r", **told)]
    return lines


def last_gate(*lines: Document) -> str | None:
    """What becomes of one more mail after forty days."""
    return outcomes(project(STEPS), FIRST, *lines, event("960h", "Start"))[-1][4]


@pytest.mark.parametrize(
    "days, code, gate",
    [
        ((0,), None, "suppression"),
        ((0,), "5.1.1", "suppression"),
        ((0, 1), "5.2.2", None),
        ((0, 1, 3), "5.2.2", "suppression"),
        ((0, 1, 2), "5.2.2", None),
        ((0, 29, 31), "5.2.2", None),
    ],
)
def test_a_code_speaks_of_the_mailbox_or_counts(days: tuple[int, ...], code: str | None, gate: str | None) -> None:
    assert last_gate(*sent_and_bounced(*days, code=code)) == gate


def test_what_lifts_a_suppression() -> None:
    dead = sent_and_bounced(0)
    elsewhere = [identify("30h", email="new@example.com"), identify("31h", email="ann@example.com")]
    assert last_gate(*dead, *elsewhere) == "suppression"
    assert last_gate(*dead, reaction("30h", "delivered", "r")) == "suppression"
    operator = {"type": "suppression", "userId": "ann", "channel": "email", "address": "ann@example.com"}
    assert last_gate(*dead, {**operator, "timestamp": at("30h"), "suppressed": False}) is None
