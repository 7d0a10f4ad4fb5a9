"""/dead: what could not be applied, each with a page of its own on which an event is applied once more."""

from __future__ import annotations

from typing import Final

from parcours.ingress.dead_letters import EVENT, letter_asked, letters_told, sent_again
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.operate_bodies import LetterShown
from parcours.ingress.page.frame import HEADERS, TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.parts import instant
from parcours.ingress.page.rows import stacking
from parcours.ingress.page.session import TOKEN_FIELD, check_form, form_of, form_token
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut

LETTERS_MAX: Final = 500
"""Letters on a screen; JSON has all."""

SAID: Final = {
    "1": "The event has been applied.",
    "0": "The event could not be applied this time either, and is set aside again.",
}


async def _dead(door: Door, request: Request) -> Answer:
    letters = await letters_told(door, request)
    rows = [
        (
            instant(each.at),
            name(each.person),
            together(each.what, " that could not be applied: ", _bounded(each.reason)),
            _link(each, request),
        )
        for each in letters[:LETTERS_MAX]
    ]
    said = SAID.get(request.query.get("applied", ""))
    more = len(letters) - LETTERS_MAX
    return screen(
        door,
        request,
        "Dead letters",
        element("p", element("a", "Engine", href=address(request, "engine")), class_="up"),
        element("h1", "Dead letters"),
        element("p", said, role="status") if said else None,
        stacking("Set aside", ("When", "Person", "What", "Letter"), rows) if rows else element("p", "There are none."),
        element("p", f"And {more:,} more.") if more > 0 else None,
    )


dead_screen = seen(_dead)


async def _letter(door: Door, request: Request) -> Answer:
    of = await letter_asked(door, request)
    told: list[tuple[str, Child]] = [
        ("Set aside", instant(of.at)),
        ("What", of.what),
        ("Person", name(of.person)),
        ("Why", _bounded(of.reason)),
    ]
    if of.line is not None:
        told.append(("The call", element("code", element("bdi", cut(of.line, TEXT_MAX)))))
    return screen(
        door,
        request,
        f"Dead letter {of.id}",
        element("p", element("a", "Dead letters", href=address(request, "dead")), class_="up"),
        element("h1", "Dead letter ", name(of.id)),
        element(
            "dl", [element("div", element("dt", term), element("dd", each)) for term, each in told], class_="rules"
        ),
        _form(door, request, of),
        reloads=False,
    )


letter_screen = seen(_letter)


def _form(door: Door, request: Request, of: LetterShown) -> Markup:
    if of.what != EVENT:
        return element("p", "A timer cannot be applied once more: its run is parked.")
    if request.key is None or not request.key.opens("operate"):
        return element("p", "To apply it once more takes a key that opens operate.")
    return together(
        element(
            "p",
            "It is applied as if it came only now: what it starts begins then, and messages may be sent. Mend first "
            "what the reason names: one that fails again is set aside again.",
        ),
        element(
            "form",
            element("input", type="hidden", name=TOKEN_FIELD, value=form_token(door, request)),
            element("button", "Apply it once more"),
            method="post",
            action=address(request, "dead", of.id, "resend"),
            class_="filter",
        ),
    )


async def _resend(door: Door, request: Request) -> Answer:
    check_form(door, request, form_of(request))
    applied = await sent_again(door, request)
    where = address(request, "dead", applied="1" if applied else "0")
    return Answer(status=303, media_type="text/plain", headers={**HEADERS, "Location": where})


resend_form = seen(_resend)


def _link(of: LetterShown, request: Request) -> Markup:
    words = f"{of.id}: resend…" if of.what == EVENT else of.id
    return element("a", words, href=address(request, "dead", of.id))


def _bounded(text: str) -> Markup:
    return element("bdi", cut(text, TEXT_MAX))
