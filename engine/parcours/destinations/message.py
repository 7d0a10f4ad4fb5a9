"""A message for a log, such as a topic of Kafka or a stream of NATS."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from parcours.destination import Member


class Message(msgspec.Struct, frozen=True):
    """
    id       the key of its receipt, the same for a retry; logs that can recognise it by that
    key      whose it is: those of one key keep their order where the log has partitions
    headers  by name, ASCII; no name comes twice
    """

    id: str
    value: bytes
    key: str | None = None
    headers: Sequence[tuple[str, str]] = ()


def message_of(member: Member) -> Message:
    """What a log has of a member."""
    return Message(member.id, member.as_json(), member.key, (("id", member.id),))
