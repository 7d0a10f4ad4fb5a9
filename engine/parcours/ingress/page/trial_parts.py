"""What the screens of a trial share: which trial it is, panels, and forms that do something in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from parcours.errors import CallerError
from parcours.ingress.door import Door
from parcours.ingress.exchange import Request
from parcours.ingress.page.frame import NAME_MAX, TEXT_MAX, address
from parcours.ingress.page.sandbox import Trial
from parcours.ingress.page.session import TOKEN_FIELD, form_token, session_number
from parcours.insight.page.markup import Child, Markup, element
from parcours.journey.picture.svg_text import cut, readable

EVERYBODY: Final = "everybody"

LINES_MAX: Final = 20
"""Lines of what is wrong with a project, or with what somebody has filled in."""


def trial_of(door: Door, request: Request) -> Trial:
    """The trial that the path names. Raises Problem."""
    return door.trials.find(request.params["id"], session_number(door, request), door.now_ms())


def warned(said: str) -> Markup | None:
    """What is wrong, a line each."""
    if not said:
        return None
    lines = [element("li", element("bdi", cut(line, TEXT_MAX))) for line in said.splitlines()[:LINES_MAX]]
    return element("div", element("ul", lines), class_="wrong", role="alert")


def panel(ident: str, title: str, *children: Child) -> Markup:
    """A box with a head of its own."""
    head = element("h2", title, id=f"{ident}-title")
    return element("section", head, *children, class_="panel", aria_labelledby=f"{ident}-title")


def form(door: Door, request: Request, trial: Trial, what: str, *children: Child, key: str | None = None) -> Markup:
    """A form that does something in the trial, with the message of this key if it is about one."""
    return element(
        "form",
        hidden(TOKEN_FIELD, form_token(door, request)),
        hidden("do", what),
        None if key is None else hidden("key", key),
        *children,
        method="post",
        action=address(request, "try", trial.id),
        class_="row",
    )


def button(door: Door, request: Request, trial: Trial, what: str, words: str) -> Markup:
    """A form that is nothing but a button."""
    return form(door, request, trial, what, element("button", words))


def hidden(field: str, value: str) -> Markup:
    return element("input", type="hidden", name=field, value=value)


def select(field: str, values: Sequence[str], empty: str = "") -> Markup:
    """A choice; `empty` is what the empty text is called."""
    options = [element("option", cut(each, NAME_MAX) or empty, value=each) for each in values]
    return element("select", options, name=field)


def whose(trial: Trial) -> Markup:
    """The field that says of which test person something is, or of all; of one it is known."""
    if len(trial.people) == 1:
        return hidden("who", trial.people[0])
    return element("label", " of ", select("who", ["", *trial.people], EVERYBODY))


def meant(trial: Trial, fields: Mapping[str, str]) -> Sequence[str]:
    """The test people whom that field means. Raises CallerError."""
    who = fields.get("who", "")
    return [chosen(who, trial.people, "test person")] if who else trial.people


def chosen(value: str, names: Sequence[str], what: str) -> str:
    """Which of these names a field means: in a page stands what can be read of them. Raises CallerError."""
    for each in names:
        if readable(each).split() == readable(value).split():
            return each
    raise CallerError(f"there is no such {what}")
