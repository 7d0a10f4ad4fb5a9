"""Who may do what: keys, each known by its hash alone, and how a client shows one.

A key is found by the SHA-256 of its secret, so what lies on disk and in memory opens nothing. All refusals of a key
say the same: whoever tries keys learns nothing from the answer.
"""

from __future__ import annotations

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Literal, TypeAlias, get_args

from parcours.ingress.exchange import Problem

Scope: TypeAlias = Literal[
    "ingest", "feedback", "decide", "people:read", "people", "operate:read", "operate"
]  # fmt: skip
SCOPES: Final[tuple[Scope, ...]] = get_args(Scope)

OPENS_TOO: Final[Mapping[str, str]] = {"people": "people:read", "operate": "operate:read"}
"""Whoever may change something may look at it."""

SEES_PEOPLE: Final[Scope] = "people:read"
"""What shows people, besides what they add up to."""

PUBLIC_SCOPES: Final = frozenset({"ingest", "decide"})
"""What the keys of browsers may open, which everybody can read in a page."""

UNKNOWN: Final = "the key is missing, unknown or expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """
    name        by which logs and facts tell whose it is
    scopes      what it opens
    origins     of the pages that may use it, for a public one
    public      it stands in pages, and has little power therefore
    expires_ms  None: never
    """

    name: str
    sha256: str
    scopes: frozenset[str]
    origins: frozenset[str] = frozenset()
    public: bool = False
    expires_ms: int | None = None

    def opens(self, scope: str) -> bool:
        return scope in self.scopes or any(OPENS_TOO.get(each) == scope for each in self.scopes)


def sees_people(key: Key | None) -> bool:
    """Whether whoever has come with this key may be shown people."""
    return key is not None and key.opens(SEES_PEOPLE)


ANYBODY: Final = Key(name="anybody", sha256="", scopes=frozenset(SCOPES))
"""Whoever comes to a door without keys, which listens on this machine only."""


class Keyring:
    """The keys that there are now, and when each was used last.

    Once there has been a key the door stays shut without one: a file of settings that is being written may be empty.
    """

    def __init__(self, keys: Iterable[Key]) -> None:
        self.used_ms: dict[str, int] = {}
        self._is_shut = False
        self.renew(keys)

    def renew(self, keys: Iterable[Key]) -> None:
        """From now on there are these keys, and no others."""
        self._by_hash = {key.sha256: key for key in keys}
        self._is_shut = self._is_shut or bool(self._by_hash)
        self.origins = frozenset(origin for key in self._by_hash.values() for origin in key.origins)

    def __bool__(self) -> bool:
        """Whether it takes a key to come in."""
        return self._is_shut

    def admit(self, secrets: Iterable[str], scope: str, origin: str | None, now_ms: int) -> Key:
        """The key of a client that shows these secrets: all of them have to be the same one.

        origin  of the page that sends the request, None if it is none of a browser
        Raises Problem: 401 for no key, 403 for one that does not open this, or not to this page. Where there has
        never been any key everybody is let in.
        """
        if not self._is_shut:
            return ANYBODY
        shown = set(secrets)
        key = self._find(shown.pop(), now_ms) if len(shown) == 1 else None
        if key is None:
            raise Problem(401, "key", UNKNOWN, headers={"WWW-Authenticate": 'Bearer realm="parcours"'})
        if not key.opens(scope):
            raise Problem(403, "scope", f"the key {key.name!r} does not open {scope!r}")
        if key.public and origin is not None and origin not in key.origins:
            raise Problem(403, "origin", f"the key {key.name!r} is not for pages of this origin")
        self.used_ms[key.name] = now_ms
        return key

    def all(self) -> list[Key]:
        """Those that there are now, by name."""
        return sorted(self._by_hash.values(), key=lambda key: key.name)

    def named(self, name: str, now_ms: int) -> Key | None:
        """The key of this name, None where there is none any more, or it has expired."""
        found = next((each for each in self._by_hash.values() if each.name == name), None)
        return found if found is not None and _holds(found, now_ms) else None

    def _find(self, secret: str, now_ms: int) -> Key | None:
        digest = sha256(secret.encode(errors="surrogateescape")).hexdigest()
        key = self._by_hash.get(digest)
        if not hmac.compare_digest(digest, digest if key is None else key.sha256) or key is None:
            return None
        return key if _holds(key, now_ms) else None


def _holds(key: Key, now_ms: int) -> bool:
    return key.expires_ms is None or now_ms < key.expires_ms


def secrets_shown(headers: Mapping[str, str]) -> list[str]:
    """The secrets in the header `Authorization`: Basic with the key as the user, or Bearer."""
    scheme, _, value = headers.get("authorization", "").strip().partition(" ")
    if scheme.lower() == "bearer":
        return [value.strip()]
    if scheme.lower() != "basic":
        return []
    try:
        user = b64decode(value.strip(), validate=True).decode().partition(":")[0]
    except (NotBase64, UnicodeDecodeError, ValueError):
        return [value]  # what no key can be
    return [user]


def proves(user_hash: str, user: str, secret: str) -> bool:
    """Whether whoever shows this hash may name this user: it is the HMAC-SHA256 of the id by the secret, in hex."""
    wanted = hmac.new(secret.encode(), user.encode(), sha256).hexdigest()
    return hmac.compare_digest(user_hash.lower().encode(errors="replace"), wanted.encode())
