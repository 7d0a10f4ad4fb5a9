"""Standing still: somebody is about to take in people of other shards, and waits until these have answered.

Several names of one call, and the questions that an alias asks, are asked one after the other. Those still to come are
kept in the shard's own slot from the commit of the call until the last answer, so nothing is asked twice or forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec

from parcours.core.input import Link

STILL: Final = "still "
"""What the names of the entries begin with in the shard's own slot; a person's name follows."""


class Standing(msgspec.Struct, frozen=True, array_like=True):
    """Links whose outcome is open; of the first one the question of this place has been asked.

    since  when she began to stand still, in ms since 1970
    """

    links: tuple[Link, ...]
    asked: int = 0
    since: int = 0


class Question(NamedTuple):
    """Can this name be merged into the person? `only_known`: only if somebody has it, or has had it."""

    name: str
    only_known: bool = False


def questions_of(link: Link) -> list[Question]:
    """What a link asks, one after the other, until a question has another answer than that nobody has the name."""
    if link.why_not == "no_id":
        return []
    if link.user is None:
        return [] if link.why_not == "never" else [Question(link.name)]
    if link.why_not == "never":
        return [Question(link.user, only_known=True)]
    return [Question(link.name, only_known=True), Question(link.user, only_known=True), Question(link.name)]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Standing).decode


def standing_name(person: str) -> str:
    return f"{STILL}{person}"


def standing_entry(person: str, standing: Standing | None) -> tuple[str, bytes]:
    """The entry of the shard's own slot; None: she goes on."""
    return standing_name(person), b"" if standing is None else _encode(standing)


def standings(entries: Mapping[str, bytes]) -> dict[str, Standing]:
    """Everybody who stands still, by the entries of the shard's own slot."""
    return {name.removeprefix(STILL): _decode(data) for name, data in entries.items() if name.startswith(STILL)}
