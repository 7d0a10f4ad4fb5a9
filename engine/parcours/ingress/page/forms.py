"""What do forms share that change something? A token, what was known when they were read, and one button."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import VARY, Answer, Problem, Request
from parcours.ingress.page.frame import moment, name
from parcours.ingress.page.session import TOKEN_FIELD, form_token
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.publish.ledger import Ledger

DIGITS_MAX: Final = 19
"""Of a number in a form."""

LEDGER_FIELD: Final = "ledger"

NAME_FIELD: Final = "name"

ALREADY: Final = "All of it is so already: nothing would change."


async def page_alone(_door: Door, _request: Request) -> Answer:
    """For programs: there is a form here, and what it sends they can send themselves."""
    raise Problem(405, "method", "for programs there is POST alone", headers={**VARY, "Allow": "POST"})


def number_known(fields: Mapping[str, str], field: str) -> int:
    """The number that a form was read with. Raises Problem where it has none."""
    number = fields.get(field, "")
    if not (number.isascii() and number.isdigit() and len(number) <= DIGITS_MAX):
        raise Problem(400, "invalid", "the form does not say as of when it was read: load the page again")
    return int(number)


def ledger_known(fields: Mapping[str, str]) -> int:
    """The number of the change that was the newest one when the form was read. Raises Problem where it has none."""
    return number_known(fields, LEDGER_FIELD)


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
