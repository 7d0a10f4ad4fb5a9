"""/journeys/{name}/pause and the like: what it would do, as a page of its own, and the button that does it.

What is decided is what was read: the form has the number of the newest change, and where there is another one by then
nothing is done, and the page says what would happen now.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from parcours.errors import CallerError
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Handler, Problem, Request
from parcours.ingress.page.forms import (
    ALREADY,
    LEDGER_FIELD,
    NAME_FIELD,
    alert,
    confirming,
    ledger_known,
    moved,
    newest,
)
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen, sent_to
from parcours.ingress.page.session import check_form, form_of
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut
from parcours.journey.publish.ledger import Verb
from parcours.service.change_outcome import ChangeOutcome


@dataclass(frozen=True, slots=True)
class Changeable:
    """A journey or a campaign, for whoever asks.

    change     does this by the ledger that is known, None for any; which it is called with says whether dry
    sentences  what changes by that, in figures, from the dry answer; none where all of it is so already
    """

    kind: Literal["journey", "campaign"]
    name: str
    change: Callable[[Verb, int | None], Callable[[bool], Awaitable[ChangeOutcome]]]
    sentences: Callable[[Verb, ChangeOutcome], Iterable[str]]

    @property
    def room(self) -> str:
        """Where its screens are."""
        return f"{self.kind}s"


Finding: TypeAlias = Callable[[Door, Request], Awaitable[Changeable]]
"""What a request is about. Raises Problem where there is no such thing."""


def change_screen(find: Finding, verb: Verb) -> Handler:
    """The page that says what this would do."""

    async def show(door: Door, request: Request) -> Answer:
        return await _page(door, request, await find(door, request), verb)

    return seen(show)


def changed_screen(find: Finding, verb: Verb) -> Handler:
    """Does it, for a form of that page, and leads back."""

    async def change(door: Door, request: Request) -> Answer:
        fields = form_of(request)
        check_form(door, request, fields)
        of = await find(door, request)
        known = ledger_known(fields)
        if verb == "stop" and fields.get(NAME_FIELD, "").strip() != of.name:
            told = f"Type the name of the {of.kind} to stop it."
            return await _page(door, request, of, verb, told=told, status=400)
        try:
            await answered(of.change(verb, known)(False))
        except Problem as problem:
            if problem.code != "ledger":
                raise
            again = await find(door, request)
            return await _page(door, request, again, verb, told=moved(door.service.ledger), status=409)
        except CallerError:  # the page says why
            return await _page(door, request, await find(door, request), verb, status=409)
        return sent_to(address(request, of.room, of.name))

    return seen(change)


async def _page(
    door: Door, request: Request, of: Changeable, verb: Verb, *, told: Child = None, status: int = 200
) -> Answer:
    try:
        outcome = await answered(of.change(verb, None)(True))
    except CallerError as error:
        raise Problem(409, "refused", str(error)) from None
    sentences = [*of.sentences(verb, outcome)] or [*outcome.refused] or [ALREADY]
    back = address(request, of.room, of.name)
    return screen(
        door,
        request,
        f"{verb.capitalize()} {of.name}",
        element("p", element("a", name(of.name), href=back), class_="up"),
        element("h1", verb.capitalize(), " ", name(of.name)),
        alert(told),
        element("ul", [element("li", element("bdi", cut(each, TEXT_MAX))) for each in sentences], class_="foreseen"),
        element("p", "The newest change is ", newest(door.service.ledger), ".", class_="lead"),
        _form(door, request, of, verb, outcome, back)
        if outcome.changes
        else element("p", element("a", "Back", href=back)),
        status=status,
        reloads=False,
    )


def _form(door: Door, request: Request, of: Changeable, verb: Verb, outcome: ChangeOutcome, back: str) -> Markup:
    typed = None
    if verb == "stop":
        label = element("label", "Type its name", for_="typed")
        typed = together(label, element("input", id="typed", name=NAME_FIELD, required=True, autocomplete="off"))
    words = together(verb.capitalize(), " ", name(of.name))
    action = address(request, of.room, of.name, verb)
    return confirming(door, request, action, words, back, typed, **{LEDGER_FIELD: f"{outcome.ledger}"})
