"""/in and /out: where somebody shows a key once, and where she takes the session back."""

from __future__ import annotations

from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.ingress.page.frame import document, sent_to
from parcours.ingress.page.session import (
    LOG_IN,
    SCOPE,
    begun,
    check_form,
    ended,
    form_of,
    is_in_the_clear,
    own_origin,
    own_path,
    session_number,
    session_of,
)
from parcours.insight.page.markup import Markup, element

BODY_BYTES_MAX: Final = 8 * 1024


async def log_in_page(door: Door, request: Request) -> Answer:
    """The form that takes a key; whoever needs none, or has shown one, is sent on."""
    target = own_path(request.query.get("next", "/"))
    if not door.keys or session_of(door, request.headers) is not None:
        return sent_to(f"{request.root}{target}")
    return _form(request, target)


async def log_in(door: Door, request: Request) -> Answer:
    """Begin a session."""
    fields = form_of(request)
    target = own_path(fields.get("next", "/"))
    origin = own_origin(door, request)
    if is_in_the_clear(origin):
        return _form(request, target, Problem(403, "origin", "come by https: a key is not sent in the clear"))
    try:
        key = door.keys.admit([fields.get("key", "").strip()], SCOPE, None, request.received_ms)
    except Problem as problem:
        return _form(request, target, problem)
    cookie = {"Set-Cookie": begun(door, key, origin)} if door.keys else {}
    return sent_to(f"{request.root}{target}", **cookie)


async def log_out(door: Door, request: Request) -> Answer:
    """End the session in this browser."""
    origin = check_form(door, request, form_of(request))
    if door.keys:
        door.trials.end_all(session_number(door, request))
    return sent_to(f"{request.root}{LOG_IN}", **{"Set-Cookie": ended(origin)})


def _form(request: Request, target: str, problem: Problem | None = None) -> Answer:
    """The only visible field takes the key, and Enter sends it."""
    said = None if problem is None else f"{str(problem)[:1].upper()}{str(problem)[1:]}."
    form = element(
        "form",
        element("label", "Your key", for_="key"),
        element(
            "input",
            id="key",
            name="key",
            type="password",
            autocomplete="current-password",
            required=True,
            autofocus=True,
            aria_describedby="told" if said else None,
        ),
        element("input", type="hidden", name="next", value=target),
        element("button", "Log in"),
        method="post",
        action=f"{request.root}{LOG_IN}",
        class_="log-in",
    )
    return document(
        request,
        "Log in",
        _once_more(request, target),
        None,
        element("h1", "Parcours"),
        element("p", said, id="told", role="alert", class_="warning") if said else None,
        form,
        element("p", "The key has to open operate:read. A session ends after twelve hours, or when its key does."),
        status=200 if problem is None else problem.status,
    )


def _once_more(request: Request, target: str) -> Markup | None:
    """A browser sends no cookie of ours along a link on another site. It does when this page itself asks again."""
    if request.method != "GET" or request.headers.get("sec-fetch-site") != "cross-site":
        return None
    return element("meta", http_equiv="refresh", content=f"0;url={request.root}{target}")


ROUTES: Final = (
    Route(method="GET", path=LOG_IN, handler=log_in_page, other_statuses=(303,), summary="Where one logs in."),
    Route(
        method="POST",
        path=LOG_IN,
        handler=log_in,
        other_statuses=(303,),
        body_bytes_max=BODY_BYTES_MAX,
        summary="Log in: a form with the key.",
    ),
    Route(
        method="POST",
        path="/out",
        handler=log_out,
        status=303,
        body_bytes_max=BODY_BYTES_MAX,
        summary="Log out: a form of the page.",
    ),
)
