"""/try/{id}/test: what was done and seen in a trial, as a test for tests/ of the project."""

from __future__ import annotations

from typing import Final

from parcours.background import in_thread
from parcours.errors import ParcoursError
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request, Route
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.trial_parts import trial_of
from parcours.ingress.page.trials import CHANGES, of_browsers
from parcours.insight.page.markup import Markup, element
from parcours.journey.picture.svg_text import cut
from parcours.testing.kept_test import KeptTest, Tried, kept_test

TITLE_MAX: Final = 200
"""Characters of a test's title."""

KEPT_PEOPLE_MAX: Final = 10
"""People of a trial that is kept: of a hundred there would be a thousand lines, which take seconds to be judged."""

DIFFERING_MAX: Final = 50
"""Lines shown of what differs."""


async def _kept(door: Door, request: Request) -> Answer:
    trial = trial_of(door, request)
    if len(trial.people) > KEPT_PEOPLE_MAX:
        raise Problem(409, "refused", f"a test is kept of up to {KEPT_PEOPLE_MAX} people: of more it says little")
    title = request.query.get("title", "").strip()[:TITLE_MAX] or f"what was tried out with {trial.set_up.journey}"
    async with trial.turn:
        facts = await trial.facts()
        said = {each.outgoing.key: each.said for each in trial.sandbox.rendered() if each.said is not None}
        tried = Tried(title, trial.set_up.people, trial.start_ms, list(trial.done), facts, said)
    try:
        kept = await in_thread(kept_test, trial.set_up.project, tried)
    except ParcoursError as error:
        raise Problem(409, "refused", f"it cannot be lived through: {error}") from None
    return screen(
        door,
        request,
        "Keep as a test",
        element("p", element("a", "Back", href=address(request, "try", trial.id)), class_="up"),
        element("h1", "Keep as a test of ", name(trial.set_up.journey)),
        _verdict(kept),
        element(
            "form",
            element("label", "Its title ", element("input", name="title", value=title, autocomplete="off")),
            element("button", "Write it anew"),
            action=address(request, "try", trial.id, "test"),
            class_="filter",
        ),
        element("label", "Into a file below tests/ of the project", for_="kept"),
        element("textarea", kept.text, id="kept", rows=24, readonly=True, spellcheck="false", class_="kept"),
        element("p", "What test people are called, and what is known of them, stands in it."),
        reloads=False,
    )


def _verdict(kept: KeptTest) -> Markup:
    if not kept.differing:
        return element("p", "It has been run with waits as they are written, and passes.")
    lines = [element("li", element("bdi", cut(line, TEXT_MAX))) for line in kept.differing[:DIFFERING_MAX]]
    told = "It has been run with waits as they are written. What is marked in it is otherwise than you have seen it:"
    return element("div", element("p", told), element("ul", lines), class_="warning", role="note")


ROUTES: Final = (
    Route(
        method="GET",
        path="/try/{id}/test",
        handler=of_browsers,
        page=seen(_kept),
        scope=CHANGES,
        summary="What was tried out as a test, run before it is shown. For browsers alone.",
    ),
)
