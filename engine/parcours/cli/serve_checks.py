"""What is there to say of the settings of a door? What they leave open, and what has to be set up elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from typing import Final

from parcours.campaigns.set_engines import without_daft
from parcours.cli.found import Found
from parcours.clock import SystemClock
from parcours.errors import ExtraMissing
from parcours.ingress.origins import is_loopback
from parcours.ingress.settings import ServeSettings, proxy_unnamed
from parcours.instants import ceil_ms

SOON_MS: Final = 14 * 86_400_000
"""How long before its end a key is told of."""

DOOR_LIBRARIES: Final = ("cryptography", "prometheus_client", "starlette", "uvicorn")

DKIM: Final = (
    "marketing mail carries List-Unsubscribe and List-Unsubscribe-Post: the DKIM signature has to cover both "
    "(RFC 8058), so see that the mail server signs them: `h=` of a mail that has arrived names them"
)


def settings_findings(settings: ServeSettings, *, written: bool) -> Iterator[Found]:
    """written: whether there is a serve.yaml; without one only the defaults are looked at."""
    if missing := [name for name in DOOR_LIBRARIES if find_spec(name) is None]:
        yield Found("wrong", "door", f"{ExtraMissing.of(f'it (library {missing[0]})', 'http')}")
    if (lacking := without_daft(settings.settings)) is not None:
        yield Found("wrong", "settings", lacking)
    loopback = is_loopback(settings.host)
    yield from _keys(settings, loopback=loopback)
    if settings.identity_verification == "off" and (public := [each.name for each in settings.keys if each.public]):
        yield Found(
            "warn",
            "identity_verification",
            f"it is off, and pages hold the key {public[0]!r}: anybody could put his address on somebody's profile",
        )
    elif settings.identity_verification == "off":
        yield Found("warn", "identity_verification", "it is off: set it to required before a page holds a key")
    if not settings.signing_keys:
        made = "one is made and kept with the store" if loopback else "the door does not open without one"
        yield Found("warn" if loopback else "wrong", "signing_keys", f"there are none: {made}")
    yield from _public_url(settings, written=written)
    if (sentence := proxy_unnamed(settings)) is not None:
        yield Found("warn", "forwarded_allow", sentence)
    if settings.unsubscribe == "here":
        yield Found("note", "unsubscribe", DKIM)
    else:
        yield Found("warn", "unsubscribe", "elsewhere: marketing mail has no List-Unsubscribe headers from here")
    if settings.bounces is None:
        yield Found("note", "bounces", "nothing is said of them: mail that comes back is noticed at sending only")


def _keys(settings: ServeSettings, *, loopback: bool) -> Iterator[Found]:
    if not settings.keys:
        said = (
            "there are none, so every path is open to this machine"
            if loopback
            else "there are none, so it does not open"
        )
        yield Found("warn" if loopback else "wrong", "keys", f"{said}: `parcours keys new` makes one")
        return
    now_ms = SystemClock(settings.settings.clock_jump_max_ms).now_ms()
    yield Found("fine", "keys", ", ".join(f"{each.name} ({' '.join(each.scopes)})" for each in settings.keys))
    for each in settings.keys:
        if each.expires is not None and ceil_ms(each.expires) <= now_ms:
            yield Found("warn", "keys", f"{each.name!r} has expired")
        elif each.expires is not None and ceil_ms(each.expires) <= now_ms + SOON_MS:
            yield Found("warn", "keys", f"{each.name!r} expires at {each.expires.isoformat()}")


def _public_url(settings: ServeSettings, *, written: bool) -> Iterator[Found]:
    if settings.public_url is None:
        if written:
            yield Found("warn", "public_url", "it is missing: links in messages and providers' reports need it")
    elif settings.public_url.startswith("http://") and not is_loopback(settings.public_url):
        yield Found(
            "warn", "public_url", f"{settings.public_url} is not encrypted: put a proxy with TLS before the door"
        )
