"""May this delivery go out? The gates that a delivery passes, in order; the first that objects decides.

A gate is a function of the turn and the delivery at hand; it answers None, or why not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from parcours.core.turn import Turn

Gate: TypeAlias = Callable[[Turn, str, object], str | None]
"""(turn, channel, address as the expression gave it) -> reason for refusing, or None."""

ADDRESS_CHARACTERS_MAX = 4_096
"""Longer than any push token or URL in use; what is longer is not an address."""


def address_gate(turn: Turn, channel: str, address: object) -> str | None:
    """There is an address, and it is text without control characters; an email has a local part and a domain."""
    del turn
    if not isinstance(address, str) or not address.strip():
        return "no address"
    if len(address) > ADDRESS_CHARACTERS_MAX or any(ord(character) < 32 for character in address):
        return "address is not well formed"
    shape = ADDRESS_SHAPES.get(channel)
    return None if shape is None or shape(address) else "address is not well formed"


def _looks_like_email(address: str) -> bool:
    local, at, domain = address.rpartition("@")
    return bool(at and local and domain) and " " not in address and "@" not in local and "." in domain.strip(".")


def _looks_like_phone(address: str) -> bool:
    digits = address.removeprefix("+")
    return digits.isascii() and digits.isdigit() and 5 <= len(digits) <= 15  # E.164 allows at most 15 digits


ADDRESS_SHAPES: dict[str, Callable[[str], bool]] = {"email": _looks_like_email, "sms": _looks_like_phone}
"""Channels whose addresses the engine can tell at a glance; the channel itself judges the rest."""

GATES: tuple[tuple[str, Gate], ...] = (("address", address_gate),)


def refusal(turn: Turn, channel: str, address: object) -> tuple[str, str] | None:
    """The first gate that objects and its reason, None if the delivery may go."""
    for name, gate in GATES:
        reason = gate(turn, channel, address)
        if reason is not None:
            return name, reason
    return None
