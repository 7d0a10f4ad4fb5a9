"""Who looks at the page? Whoever has shown a key once has a session, which is a cookie and nothing that is kept here.

The cookie is sealed by the signing keys, so any door of an engine reads what another has made. It names the key, and
what the session opens is what that key opens now: a key that is taken away, has expired, or has become another one ends
its sessions. A form comes from a page of ours if it has the session's token, and if the browser names our own origin.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Final
from urllib.parse import parse_qsl, quote, urlsplit

from parcours.config import HOUR_MS
from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Problem, Request
from parcours.ingress.keys import UNKNOWN, Key, secrets_shown
from parcours.ingress.origins import is_loopback
from parcours.ingress.tokens import FormToken, SessionToken, TokenRefused

COOKIE: Final = "__Host-parcours"
"""Browsers take it over a secure connection alone, and from this very host."""

PLAIN_COOKIE: Final = "parcours"
"""Its name on this machine without TLS."""

LASTS_MS: Final = 12 * HOUR_MS

SCOPE: Final = "operate:read"
"""What a key has to open to begin a session."""

LOG_IN: Final = "/in"

FORM: Final = "application/x-www-form-urlencoded"

JSON: Final = "application/json"

TOKEN_FIELD: Final = "token"

FIELDS_MAX: Final = 20
"""More than most forms of ours have."""

OWN_PATH: Final = re.compile(r"/(?![/\\])[!-~]{0,2000}", re.ASCII)
"""Where somebody is sent who has logged in: below this door, never to another host."""


def admitted(door: Door, headers: Mapping[str, str], scope: str, root: str, target: str) -> Key:
    """The key of the session that asks for a page. Raises Problem: 303 to where one logs in, 403 for another scope.

    root    what stands before the door's own paths
    target  what is asked for, to come back to
    """
    session = session_of(door, headers)
    if session is None:
        where = f"{root}{LOG_IN}?next={quote(target, safe='')}"
        raise Problem(303, "key", UNKNOWN, headers={**VARY, "Location": where})
    key, _ = session
    if not key.opens(scope):
        raise Problem(403, "scope", f"the key {key.name!r} does not open {scope!r}", headers=VARY)
    return key


def session_of(door: Door, headers: Mapping[str, str]) -> tuple[Key, SessionToken] | None:
    """The key of the session, and what its cookie says; None where there is no session, or not any more."""
    now_ms = door.now_ms()
    for sealed in _cookies(headers):
        try:
            token = door.session_seals.unseal(SessionToken, sealed)
        except TokenRefused:
            continue
        key = door.keys.named(token.key, now_ms)
        if key is not None and now_ms < token.expires_ms and _digest(key) == token.digest:
            door.keys.used_ms[key.name] = now_ms
            return key, token
    return None


def sees_pages(door: Door, headers: Mapping[str, str]) -> bool:
    """Whether what is wrong is told as a page: to a session, or where there are no keys.

    Whoever shows a key, or takes JSON as well, is a program.
    """
    if door.keys:
        return session_of(door, headers) is not None
    return not secrets_shown(headers) and JSON not in headers.get("accept", "")


def begun(door: Door, key: Key, origin: str) -> str:
    """The header `Set-Cookie` that begins a session of this key, for a browser that names this origin."""
    number, expires_ms = secrets.token_hex(16), door.now_ms() + LASTS_MS
    token = SessionToken(key=key.name, digest=_digest(key), number=number, expires_ms=expires_ms)
    return _set_cookie(door.session_seals.seal(token), LASTS_MS // 1_000, is_secure=not _is_plain(origin))


def ended(origin: str) -> str:
    """The header `Set-Cookie` that takes it away."""
    return _set_cookie("", 0, is_secure=not _is_plain(origin))


def form_token(door: Door, request: Request) -> str:
    """What a form of a page carries to be known as one of ours."""
    return door.session_seals.seal(FormToken(session_number(door, request)))


def form_of(request: Request, fields_max: int = FIELDS_MAX) -> dict[str, str]:
    """The fields of a form. Raises Problem for what is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Problem(415, "invalid", f"a form is expected, as {FORM}")
    try:
        return dict(parse_qsl(request.body.decode(), keep_blank_values=True, max_num_fields=fields_max))
    except ValueError:
        raise Problem(400, "invalid", "the form cannot be read") from None


def own_origin(door: Door, request: Request) -> str:
    """The origin of the page that sends this form. Raises Problem unless it is that of the door."""
    origin = request.headers.get("origin", "")
    public = urlsplit(door.settings.public_url or "")
    here = f"{public.scheme}://{public.netloc}"
    if origin and origin == here:
        return origin
    if is_loopback(origin) and urlsplit(origin).netloc == request.headers.get("host"):
        return origin
    raise Problem(403, "origin", "this form does not come from the page of this door at its public_url")


def check_form(door: Door, request: Request, fields: Mapping[str, str]) -> str:
    """The origin of a form that comes from a page of this session. Raises Problem for any other."""
    origin = own_origin(door, request)
    try:
        token = door.session_seals.unseal(FormToken, fields.get(TOKEN_FIELD, ""))
    except TokenRefused:
        token = None
    if token is None or token.session != session_number(door, request):
        raise Problem(403, "form", "this form is of another session: load the page again")
    return origin


def own_path(text: str) -> str:
    """The path below the door that this is, or the first screen's."""
    return text if OWN_PATH.fullmatch(text) else "/"


def is_in_the_clear(origin: str) -> bool:
    """Whether a key that is sent from there could be read on its way."""
    return urlsplit(origin).scheme != "https" and not is_loopback(origin)


def session_number(door: Door, request: Request) -> str:
    """By which a session is told from others; empty at a door without keys."""
    session = session_of(door, request.headers)
    return "" if session is None else session[1].number


def _digest(key: Key) -> str:
    return sha256(" ".join([key.sha256, *sorted(key.scopes)]).encode()).hexdigest()[:16]


def _is_plain(origin: str) -> bool:
    return is_loopback(origin) and urlsplit(origin).scheme == "http"


def _cookies(headers: Mapping[str, str]) -> Iterator[str]:
    """The cookies that may be a session's; the plain one counts on this machine alone."""
    names = (COOKIE, PLAIN_COOKIE) if is_loopback(headers.get("host", "")) else (COOKIE,)
    for pair in headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name in names:
            yield value


def _set_cookie(value: str, for_s: int, *, is_secure: bool) -> str:
    name, secure = (COOKIE, "; Secure") if is_secure else (PLAIN_COOKIE, "")
    return f"{name}={value}; Path=/; Max-Age={for_s}; HttpOnly; SameSite=Strict{secure}"
