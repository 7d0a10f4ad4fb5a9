"""/try/{id}/event: a form for an event of the project, a field for each property that events.yaml declares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from parcours.errors import CallerError, ParcoursError
from parcours.expression.dotted import split_path
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.ingress.page.frame import NAME_MAX, TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.sandbox import Trial
from parcours.ingress.page.session import TOKEN_FIELD, form_token
from parcours.ingress.page.trial_parts import EVERYBODY, chosen, hidden, meant, trial_of, warned
from parcours.ingress.page.trials import CHANGES, of_browsers
from parcours.insight.page.markup import Markup, element
from parcours.journey.picture.svg_text import cut
from parcours.journey.project import Project

PROPERTIES_MAX: Final = 60
"""Fields of a form; what else an event has is written as JSON."""

EVENT_FIELDS_MAX: Final = PROPERTIES_MAX + 20

MORE: Final = "more"

WRITTEN: Final = frozenset({"list", "object"})
"""Kinds of which a value is written as JSON."""

BOOLEANS: Final = {"": "not said", "true": "true", "false": "false"}


async def _form(door: Door, request: Request) -> Answer:
    return event_screen(door, request, trial_of(door, request), request.query)


def event_screen(
    door: Door, request: Request, trial: Trial, fields: Mapping[str, str], said: str = "", status: int = 200
) -> Answer:
    """The form, with what stands in its fields, and what is wrong with it. Raises Problem."""
    project = trial.set_up.project
    try:
        event = chosen(fields.get("event", ""), list(project.documents.events.events), "event")
        people = meant(trial, fields)
        who = people[0] if len(people) == 1 else ""
    except ParcoursError as error:
        raise Problem(404, "unknown", str(error)) from None
    what = project.documents.events.events[event].description
    return screen(
        door,
        request,
        event,
        element("p", element("a", "Back", href=address(request, "try", trial.id)), class_="up"),
        element("h1", name(event)),
        element("p", cut(what, TEXT_MAX), class_="lead") if what else None,
        warned(said),
        element(
            "form",
            hidden(TOKEN_FIELD, form_token(door, request)),
            hidden("do", "event"),
            hidden("event", event),
            hidden("who", who),
            [_field(number, path, kind, fields) for number, (path, kind) in enumerate(_declared(project, event))],
            _more(fields.get(MORE, "")),
            element(
                "p",
                element("button", "Tell it", class_="main"),
                " of ",
                name(people[0] if len(people) == 1 else EVERYBODY),
            ),
            method="post",
            action=address(request, "try", trial.id),
            class_="sheet fields",
        ),
        status=status,
        reloads=False,
    )


def _declared(project: Project, event: str) -> Sequence[tuple[str, str]]:
    """The properties that a form has fields for, each with its kind: those that documents declare of the event."""
    return list(project.documents.events.events[event].kinds.items())[:PROPERTIES_MAX]


def _field(number: int, path: str, kind: str, fields: Mapping[str, str]) -> Markup:
    field = f"p{number}"
    label = element("label", name(path), " ", element("small", kind), for_=field)
    return element("div", label, _control(field, kind, fields.get(field, "")), class_="field")


def _control(field: str, kind: str, value: str) -> Markup:
    if kind == "boolean":
        options = [element("option", words, value=of, selected=of == value) for of, words in BOOLEANS.items()]
        return element("select", options, id=field, name=field)
    if kind in WRITTEN:
        return element("textarea", value, id=field, name=field, rows=2, spellcheck="false", placeholder="JSON")
    mode = "decimal" if kind in ("number", "integer") else None
    return element("input", id=field, name=field, value=value, autocomplete="off", inputmode=mode)


def _more(value: str) -> Markup:
    return element(
        "div",
        element("label", "More, as JSON", for_=MORE),
        element("textarea", value, id=MORE, name=MORE, rows=4, spellcheck="false", aria_describedby="more-hint"),
        element("small", "It goes before what stands in the fields above.", id="more-hint"),
        class_="field",
    )


def properties_of(project: Project, event: str, fields: Mapping[str, str]) -> dict[str, Any]:
    """What a form says of an event. Raises CallerError for what is not of its kind."""
    told: dict[str, Any] = {}
    for path, value in _values(project, event, fields):
        _put(told, split_path(path), value)
    if text := fields.get(MORE, "").strip():
        more = _read_json(text, "what is written as JSON")
        if not isinstance(more, dict):
            raise CallerError("what is written as JSON is an object, such as {} with names in double quotes")
        told = _merged(told, more)
    return told


def _values(project: Project, event: str, fields: Mapping[str, str]) -> Iterator[tuple[str, Any]]:
    for number, (path, kind) in enumerate(_declared(project, event)):
        if text := fields.get(f"p{number}", "").strip():
            yield path, _value(text, kind, path)


def _value(text: str, kind: str, path: str) -> Any:
    if kind in ("number", "integer", "boolean"):
        value = _read_json(text, path)
        if isinstance(value, dict | list | str):
            raise CallerError(f"{cut(path, NAME_MAX)} is {kind}, and {cut(text, NAME_MAX)} is none")
        return value
    return _read_json(text, path) if kind in WRITTEN else text


def _read_json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise CallerError(f"{cut(what, NAME_MAX)}: {cut(text, NAME_MAX)} is no JSON") from None


def _put(told: dict[str, Any], path: list[str], value: Any) -> None:
    for key in path[:-1]:
        below = told.setdefault(key, {})
        if not isinstance(below, dict):
            below = told[key] = {}
        told = below
    told[path[-1]] = value


def _merged(told: dict[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    both = {name: _merged(told[name], each) for name, each in more.items()
            if isinstance(each, dict) and isinstance(told.get(name), dict)}  # fmt: skip
    return {**told, **more, **both}


ROUTES: Final = (
    Route(
        method="GET",
        path="/try/{id}/event",
        handler=of_browsers,
        page=seen(_form),
        scope=CHANGES,
        summary="A form for an event in what is tried out. For browsers alone.",
    ),
)
