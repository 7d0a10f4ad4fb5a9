"""What is around every screen? The head of the document, the line with the project and the time, and the way out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final, TypeAlias
from urllib.parse import quote, urlencode

from parcours.core.time_text import time_text
from parcours.ingress.door import Door
from parcours.ingress.exchange import PAGE, VARY, Answer, Handler, Problem, Request
from parcours.ingress.keys import sees_people
from parcours.ingress.page.session import TOKEN_FIELD, form_token, session_of
from parcours.ingress.page.static_files import static_path
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut

POLICY: Final = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; "
    "frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)
"""For browsers: all that a screen has comes from this door, nothing in it runs, and nobody puts it into a frame."""

HEADERS: Final = {
    **VARY,
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",  # without it a form would not tell its origin, and be refused
}

RELOADS_EVERY_S: Final = 10

NAME_MAX: Final = 80
"""Characters of a name on a screen."""

TEXT_MAX: Final = 1_000
"""The same of a description, a condition, or a sentence."""

NO_KEYS: Final = (
    "This door has no keys: everybody on this machine sees and may do everything. parcours keys new makes a key."
)

Screen: TypeAlias = Callable[[Door, Request], Awaitable[Answer]]


def screen(door: Door, request: Request, title: str, *main: Child, status: int = 200, reloads: bool = True) -> Answer:
    """A screen of figures as of now, which loads itself again where no script brings it up to date.

    reloads  unless somebody fills in something there or decides by what she has read, or each look is recorded
    """
    head = together(
        element("noscript", element("meta", http_equiv="refresh", content=RELOADS_EVERY_S)) if reloads else None,
        element("script", src=f"{request.root}{static_path('page.js')}", type="module"),
    )
    return document(request, title, head, _header(door, request), _warned(door), *main, status=status)


def document(
    request: Request, title: str, head: Child, header: Child, *main: Child, status: int = 200, cookie: str | None = None
) -> Answer:
    """A whole page. `main` has the only h1."""
    page = element(
        "html",
        element(
            "head",
            element("meta", charset="utf-8"),
            element("meta", name="viewport", content="width=device-width, initial-scale=1"),
            element("meta", name="color-scheme", content="light dark"),
            element("title", f"{cut(title, NAME_MAX)} · Parcours"),
            element("link", rel="stylesheet", href=f"{request.root}{static_path('page.css')}"),
            element("link", rel="icon", href=f"{request.root}{static_path('icon.svg')}"),
            head,
        ),
        element(
            "body",
            element("a", "To the content", href="#main", class_="skip"),
            header,
            element("main", *main, id="main", tabindex=-1),
            class_="screen",
        ),
        lang="en",
    )
    headers = HEADERS if cookie is None else {**HEADERS, "Set-Cookie": cookie}
    body = together(Markup("<!doctype html>\n"), page, "\n").encode()
    return Answer(status=status, body=body, media_type=PAGE, headers=headers)


def sent_to(where: str, **headers: str) -> Answer:
    """The answer to a form: look there."""
    return Answer(status=303, media_type="text/plain", headers={**HEADERS, **headers, "Location": where})


def seen(show: Screen) -> Handler:
    """The screen as a handler, which tells a problem as a page, too."""

    async def handler(door: Door, request: Request) -> Answer:
        door.troubles.watch(door.service)  # of a door inside another application nobody else begins it
        try:
            return await show(door, request)
        except Problem as problem:
            return problem_screen(door, request, problem)

    return handler


def problem_screen(door: Door, request: Request, problem: Problem) -> Answer:
    """A problem, told to somebody who looks at a page."""
    said = str(problem)
    title = HTTPStatus(problem.status).phrase
    back = element("p", element("a", "All journeys", href=f"{request.root}/journeys"))
    return screen(
        door,
        request,
        title,
        element("h1", title),
        element("p", cut(f"{said[:1].upper()}{said[1:]}.", TEXT_MAX)),
        element("p", "Request ", element("code", request.request_id)) if problem.status >= 500 else None,
        back,
        status=problem.status,
    )


def _header(door: Door, request: Request) -> Markup:
    return element(
        "header",
        element("p", element("b", "Parcours"), " ", name(door.service.program.project), class_="project"),
        element(
            "nav",
            element("a", "Journeys", href=f"{request.root}/journeys"),
            element("a", "Deliveries", href=f"{request.root}/deliveries"),
            element("a", "Campaigns", href=f"{request.root}/campaigns"),
            element("a", "Audiences", href=f"{request.root}/audiences"),
            element("a", "Offers", href=f"{request.root}/offers"),
            element("a", "Insight", href=f"{request.root}/insight"),
            _to_engine(door, request),
            element("a", "Changes", href=f"{request.root}/changes"),
            element("a", "People", href=f"{request.root}/people") if sees_people(request.key) else None,
            element("a", "Report", href=f"{request.root}/report"),
            element("a", "Try out", href=f"{request.root}/try"),
            aria_label="Screens",
        ),
        element("p", "Figures of ", moment(request.received_ms), class_="as-of"),
        _way_out(door, request),
    )


def _to_engine(door: Door, request: Request) -> Markup:
    mark = element("span", trouble_mark(door), data_live="troubles")
    return element("a", "Engine", mark, href=f"{request.root}/engine")


def trouble_mark(door: Door) -> Child:
    """How much is not in order, by the door's newest look at that."""
    if not (number := door.troubles.number):
        return None
    return together(
        " ", element("span", f"({number:,})", class_="sign"), element("span", " not in order", class_="spoken")
    )


def _way_out(door: Door, request: Request) -> Markup | None:
    session = session_of(door, request.headers)
    if session is None:
        return None
    return element(
        "form",
        element("input", type="hidden", name=TOKEN_FIELD, value=form_token(door, request)),
        element("span", "Key ", name(session[0].name), " "),
        element("button", "Log out"),
        method="post",
        action=f"{request.root}/out",
        class_="way-out",
    )


def _warned(door: Door) -> Markup | None:
    return None if door.keys else element("p", NO_KEYS, class_="warning", role="note")


def name(text: str) -> Markup:
    """A name of somebody's choice: as long as there is room for, and turning nothing around it."""
    return element("bdi", cut(text, NAME_MAX))


def moment(at_ms: int, words: str | None = None) -> Markup:
    """An instant, to the second, unless it is told in other words."""
    text = time_text(at_ms)
    return element("time", words or f"{text[:10]} {text[11:19]} UTC", datetime=text)


def address(request: Request, *path: str, fragment: str = "", **query: str | None) -> str:
    """The address of a screen; what is None of the query is left out."""
    asked = {each: value for each, value in query.items() if value is not None}
    told = f"{request.root}/{'/'.join(quote(part, safe='') for part in path)}"
    return f"{told}{'?' if asked else ''}{urlencode(asked)}{'#' if fragment else ''}{fragment}"
