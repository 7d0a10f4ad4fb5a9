"""Whom is a call about, and which slot holds that person?

A person is named by one text. Known people go by their user id as it is. Everybody else belongs to a
namespace and is written `@namespace/id`: `@anonymous/7f3a`, `@loyalty/4711`. A user id that begins with
`@` is itself written `@user/...`, so that no two people ever share a name.
"""

from __future__ import annotations

import zlib

SLOTS = 1_024
"""Hash slots over all shards: small enough a dict each never to pause, enough of them to share out."""


def user_name(user_id: str) -> str:
    """The name of the known person with this user id."""
    return f"@user/{user_id}" if user_id.startswith("@") else user_id


def person_asked_for(text: str) -> str:
    """Whom somebody means who asks for a user id, or for a name copied from a result.

    What begins with `@` and holds a `/` is a name as it stands; all else is a user id.
    """
    return text if "/" in text else user_name(text)


def person_name(user_id: str | None, anonymous_id: str | None) -> str | None:
    """The person that a call with these ids is about, None if it names nobody."""
    if user_id:
        return user_name(user_id)
    return f"@anonymous/{anonymous_id}" if anonymous_id else None


def person_in(namespace: str, value: object) -> str | None:
    """The person whom an event type's key names, None if the value cannot name anybody."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        return None
    return person_name(str(value), None) if namespace == "user" else f"@{namespace}/{value}"


def slot_of(person: str) -> int:
    """The slot of a person: the same on every machine and for any number of shards."""
    return zlib.crc32(person.encode()) % SLOTS


def shard_of(slot: int, shards: int) -> int:
    """The shard that owns a slot: each gets a contiguous range."""
    return slot * shards // SLOTS
