"""/journeys/{name}/pause and the like: what it would do, as a page of its own, and the button that does it.

What is decided is what was read: the form has the number of the newest change, and where there is another one by then
nothing is done, and the page says what would happen now.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.errors import CallerError
from parcours.ingress.changes import answered, by_whom, journey_change
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Handler, Problem, Request
from parcours.ingress.journey_figures import journey_asked
from parcours.ingress.page.foreseen_words import change_sentences
from parcours.ingress.page.frame import TEXT_MAX, address, moment, name, screen, seen, sent_to
from parcours.ingress.page.session import TOKEN_FIELD, check_form, form_of, form_token
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut
from parcours.journey.publish.ledger import Ledger, Verb
from parcours.service.change_outcome import ChangeOutcome

LEDGER_FIELD: Final = "ledger"

NAME_FIELD: Final = "name"

ALREADY: Final = "All of it is so already: nothing would change."


def change_screen(verb: Verb) -> Handler:
    """The page that says what this would do to a journey."""

    async def show(door: Door, request: Request) -> Answer:
        return await _page(door, request, verb)

    return seen(show)


def changed_screen(verb: Verb) -> Handler:
    """Does it, for a form of that page, and leads back to the journey."""

    async def change(door: Door, request: Request) -> Answer:
        fields = form_of(request)
        check_form(door, request, fields)
        journey, _ = journey_asked(door, door.service.ledger, request)
        known = ledger_known(fields)
        if verb == "stop" and fields.get(NAME_FIELD, "").strip() != journey:
            return await _page(door, request, verb, told="Type the name of the journey to stop it.", status=400)
        try:
            await answered(journey_change(door, verb, journey, known, by_whom(request))(False))
        except Problem as problem:
            if problem.code != "ledger":
                raise
            return await _page(door, request, verb, told=moved(door.service.ledger), status=409)
        except CallerError:  # the page says why
            return await _page(door, request, verb, status=409)
        return sent_to(address(request, "journeys", journey))

    return seen(change)


def ledger_known(fields: Mapping[str, str]) -> int:
    """The number of the change that was the newest one when the form was read. Raises Problem where it has none."""
    number = fields.get(LEDGER_FIELD, "")
    if not (number.isascii() and number.isdigit() and len(number) < 20):
        raise Problem(400, "invalid", "the form does not say by which change it was read: load the page again")
    return int(number)


def moved(ledger: Ledger) -> Markup:
    """That nothing was done, as what is published is another thing by now."""
    return together("Nothing was done, for something has been changed meanwhile: ", newest(ledger), ". Look again.")


def newest(ledger: Ledger) -> Markup:
    """The newest change in words."""
    what = together(ledger.verb, " of ", name(ledger.journey)) if ledger.journey else "a publication"
    by = together(" by ", name(ledger.by)) if ledger.by else None
    at = together(" at ", moment(ledger.at)) if ledger.at else None
    return together(f"number {ledger.number:,}, ", what, by, at)


def alert(told: Child) -> Markup | None:
    """What has gone wrong with a form."""
    return None if told is None else element("p", told, class_="warning", role="alert")


def confirming(
    door: Door, request: Request, action: str, words: Child, back: str, *fields: Child, **hidden: str
) -> Markup:
    """The form with the one button, and the way back.

    action  where it is sent
    fields  that can be seen, before the button
    hidden  further ones, by name
    """
    kept = {TOKEN_FIELD: form_token(door, request), **hidden}
    return element(
        "form",
        [element("input", type="hidden", name=field, value=value) for field, value in kept.items()],
        *fields,
        element("button", words),
        element("a", "Leave it as it is", href=back),
        method="post",
        action=action,
        class_="confirm",
    )


async def _page(door: Door, request: Request, verb: Verb, *, told: Child = None, status: int = 200) -> Answer:
    journey, entry = journey_asked(door, door.service.ledger, request)
    outcome = await answered(journey_change(door, verb, journey, None, by_whom(request))(True))
    sentences = [*change_sentences(verb, outcome, entry, door.service.settings)] or [*outcome.refused] or [ALREADY]
    back = address(request, "journeys", journey)
    title = together(verb.capitalize(), " ", name(journey))
    return screen(
        door,
        request,
        f"{verb.capitalize()} {journey}",
        element("p", element("a", name(journey), href=back), class_="up"),
        element("h1", title),
        alert(told),
        element("ul", [element("li", element("bdi", cut(each, TEXT_MAX))) for each in sentences], class_="foreseen"),
        element("p", "The newest change is ", newest(door.service.ledger), ".", class_="lead"),
        _form(door, request, verb, journey, outcome, back)
        if outcome.changes
        else element("p", element("a", "Back", href=back)),
        status=status,
        reloads=False,
    )


def _form(door: Door, request: Request, verb: Verb, journey: str, outcome: ChangeOutcome, back: str) -> Markup:
    typed = None
    if verb == "stop":
        label = element("label", "Type its name", for_="typed")
        typed = together(label, element("input", id="typed", name=NAME_FIELD, required=True, autocomplete="off"))
    words = together(verb.capitalize(), " ", name(journey))
    action = address(request, "journeys", journey, verb)
    return confirming(door, request, action, words, back, typed, ledger=f"{outcome.ledger}")
