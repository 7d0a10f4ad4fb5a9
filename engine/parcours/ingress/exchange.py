"""What did a client send, and what is it answered? Plain values: no handler knows the server that carries them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import msgspec

if TYPE_CHECKING:
    from parcours.ingress.door import Door
    from parcours.ingress.keys import Key

CUT_OFF: Final = "parcours.cut_off"
"""The extension of the server's scope with an `abort` that closes the connection as it is."""

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

SMALL_BODY_MAX: Final = 64 * 1024
"""Bytes of a body where no route says otherwise: a question, a form, a few traits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """
    params       the parts of the path that its template names, percent-decoded one by one
    query        the last of each name counts
    headers      their names are lower case; of several with one name, the values with commas between
    body         as it came: whoever reads it knows how it may be packed
    key          of whom the client is, as far as the path and the headers say; None where the body has to tell
    url          the whole address by the door's public one, never by what the client calls its host
    root         what stands before the door's own paths where it is mounted below another, "" where it is not
    peer         the address of the client, or of the proxy in front of it where that is not believed
    received_ms  when its last byte came, in ms since 1970
    """

    method: str
    path: str
    params: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    key: Key | None = None
    request_id: str = ""
    url: str = ""
    root: str = ""
    peer: str = ""
    received_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """
    stream     the body piece by piece, in place of `body`, for as long as the client stays
    stalled_s  how long the client may take nothing of a piece before it is cut off; None: for as long as it likes
    """

    status: int = 200
    body: bytes = b""
    media_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    stream: AsyncIterator[bytes] | None = None
    stalled_s: float | None = None


HTML: Final = "text/html"

PAGE: Final = f"{HTML}; charset=utf-8"

VARY: Final = {"Vary": "Accept"}
"""Of addresses under which there are pages for browsers, too."""

SECURITY_HEADERS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'"),
)
"""On every answer, unless it says something else itself."""


def headers_of(answer: Answer, request_id: str) -> list[tuple[bytes, bytes]]:
    """The headers with which an answer is sent."""
    told = {name.lower().encode("latin-1"): value.encode("latin-1") for name, value in answer.headers.items()}
    headers = [*told.items(), (b"x-request-id", request_id.encode())]
    headers += [each for each in SECURITY_HEADERS if each[0] not in told]
    if answer.status not in (204, 304):
        headers.append((b"content-type", answer.media_type.encode("latin-1")))
    if answer.stream is None:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    return headers


class Problem(Exception):
    """A request is not carried out: `{"code", "message", "request_id"}` under this status says why.

    more  further members of the answer
    """

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        headers: Mapping[str, str] = NOTHING,
        more: Mapping[str, object] = MappingProxyType({}),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = headers
        self.more = more

    def answer(self, request_id: str) -> Answer:
        """What the client gets."""
        told = {"code": self.code, "message": str(self), "request_id": request_id, **self.more}
        return json_answer(told, status=self.status, headers=self.headers)


Handler: TypeAlias = "Callable[[Door, Request], Coroutine[Any, Any, Answer]]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A row of the table of what the door answers. /openapi.json is made from the same rows.

    path            with `{name}` for a part that varies; `also` are further ones that mean the same
    scope           what a key has to open, None where everybody may come in
    takes, gives    the structs of body and answer, None where they are no JSON of one shape
    or_gives        that of another answer, which the query asks for
    asks            the struct of the query, None where nothing of it is told
    page            answers in place of `handler` where `Accept` names text/html: the same one where a browser that has
                    logged in gets what programs get. None: nobody does
    status          of the answer where all is well; `other_statuses` are further ones, with an answer that has no body
    body_bytes_max  of the body as it comes
    by_browsers     other sites' pages may call it: the answer has what browsers ask for then
    key_in_body     the handler looks for the key itself, by `Door.admit`, as it may stand in the body
    key_in_query    the name under which it may stand in the query
    by_session      the cookie of a session opens it, too
    always          it is answered while the door starts and stops, too
    in_any_case     what is answered in place of every problem
    """

    method: str
    path: str
    handler: Handler
    summary: str
    scope: str | None = None
    also: tuple[str, ...] = ()
    takes: type[msgspec.Struct] | None = None
    gives: type[msgspec.Struct] | None = None
    or_gives: type[msgspec.Struct] | None = None
    asks: type[msgspec.Struct] | None = None
    page: Handler | None = None
    status: int = 200
    other_statuses: tuple[int, ...] = ()
    body_bytes_max: int = SMALL_BODY_MAX
    by_browsers: bool = False
    key_in_body: bool = False
    key_in_query: str | None = None
    by_session: bool = False
    always: bool = False
    in_any_case: Answer | None = None


_encode = msgspec.json.Encoder().encode


def json_answer(value: object, *, status: int = 200, headers: Mapping[str, str] = NOTHING) -> Answer:
    """An answer of JSON; structs, dicts and lists are written out."""
    return Answer(status=status, body=_encode(value), headers=headers)
