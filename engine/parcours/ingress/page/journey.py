"""/journeys/{name}: its figures, its picture with them, and the same as a table; with `?step=` what is at one step."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from parcours.expression.duration import format_duration
from parcours.ingress.changes import answered
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Problem, Request
from parcours.ingress.journey_figures import counts_asked, journey_asked
from parcours.ingress.keys import sees_people
from parcours.ingress.live_topics import topic_name
from parcours.ingress.page.at_step import people_at
from parcours.ingress.page.controls import controls
from parcours.ingress.page.frame import TEXT_MAX, address, moment, name, screen, seen
from parcours.ingress.page.parts import chip, chips, goal_words, heads, numeric, state_words, wide
from parcours.ingress.page.signs import health, sentences, signs_of
from parcours.ingress.page.standing import Standing, standing
from parcours.ingress.page.step import panel
from parcours.insight.health import Sign
from parcours.insight.page.markup import Child, Markup, drawn, element, together
from parcours.journey import program
from parcours.journey.picture.drawing import journey_svg
from parcours.journey.picture.svg_text import cut
from parcours.journey.picture.words import WHOLE, entry_words, exit_words, step_words
from parcours.journey.picture.words import goal_words as goal_condition

STEP_WORDS_MAX: Final = 120


async def _journey(door: Door, request: Request) -> Answer:
    report = await answered(door.service.report())
    journey, entry = journey_asked(door, report.ledger, request)
    of = standing(report, journey, entry, counts_asked(report, journey, request))
    step = request.query.get("step")
    if step is not None and step not in of.count.steps:
        raise Problem(404, "unknown", "there is no such step")
    signs = signs_of(report, journey, request)
    people = together() if step is None else await people_at(door, request, step)
    parts = live_parts(of, signs, request)
    return screen(
        door,
        request,
        journey if step is None else f"{step} of {journey}",
        element("p", element("a", "Journeys", href=address(request, "journeys")), class_="up"),
        element(
            "div",
            element("h1", name(journey)),
            element("span", parts["state"], data_live="state"),
            *_version_chip(of, request),
            chips(of.tags),
            class_="headline",
        ),
        _versions(of, request),
        controls(door, of, request),
        _described(of.journey),
        _figures(parts),
        sentences(signs),
        element(
            "div",
            _picture(of, request, step),
            element(
                "div",
                None if step is None else panel(report, of, step, people, request),
                _table(of, request, step),
            ),
            class_="beside",
            data_topics=topic_name(journey, request.query.get("version")),
            data_ledger=report.ledger.number,
        ),
        reloads=step is None or not sees_people(request.key),  # to tell of people is recorded
    )


journey_screen = seen(_journey)


def here(of: Standing, request: Request, step: str | None) -> str:
    """The address of this journey with a step in its panel, in the version that is looked at."""
    version = request.query.get("version")
    return address(
        request, "journeys", of.name, version=version, step=step or None, fragment="step" if step else "main"
    )


def _version_chip(of: Standing, request: Request) -> Iterator[Markup]:
    yield chip(f"version {of.count.version}" if request.query.get("version") else f"newest version {of.count.version}")


def _versions(of: Standing, request: Request) -> Markup:
    """All versions together, or one of them."""
    numbers = [each.number for each in reversed(of.entry.versions)]
    asked = request.query.get("version")
    links: list[Markup] = []
    if len(numbers) > 1 or asked is not None:
        choices = [(None, "all versions"), *((f"{number}", f"version {number}") for number in numbers)]
        links = [
            element(
                "a",
                words,
                href=address(request, "journeys", of.name, version=number),
                aria_current="true" if number == asked else None,
            )
            for number, words in choices
        ]
    links.append(
        element("a", "Versions, and who published them", href=address(request, "journeys", of.name, "versions"))
    )
    return element("nav", element("ul", [element("li", each) for each in links]), aria_label="Versions")


def _described(journey: program.Journey | None) -> Markup | None:
    if journey is None:
        return element("p", "This version is kept no more: there are its counts only.")
    told: list[tuple[str, Child]] = [("Entry", entry_words(journey.entry, WHOLE)), ("Again", _again(journey))]
    if journey.starts_ms is not None:
        told.append(("From", moment(journey.starts_ms)))
    if journey.ends_ms is not None:
        told.append(("Until", moment(journey.ends_ms)))
    if journey.exits:
        told.append(("Leaves at once by", " or ".join(exit_words(each, WHOLE) for each in journey.exits)))
    if journey.goal is not None:
        told.append(("Goal", goal_condition(journey.goal, WHOLE)))
    rows = [
        element("div", element("dt", term), element("dd", each if isinstance(each, Markup) else _bounded(each)))
        for term, each in told
    ]
    description = element("p", _bounded(journey.description), class_="lead") if journey.description else None
    return together(description, element("dl", rows, class_="rules"))


def _bounded(text: Child) -> Markup:
    assert isinstance(text, str)
    return element("bdi", cut(text, TEXT_MAX))


def _again(journey: program.Journey) -> str:
    after = journey.reentry_after_ms
    if after is None:
        return "never: everybody enters once"
    return f"{format_duration(after)} after the last run" if after else "at any time after the last run"


def live_parts(of: Standing, signs: Sequence[Sign], request: Request) -> dict[str, Child]:
    """What changes on the screen beside the counts of its steps, by the names under which it is told."""
    return {
        "state": state_words(of),
        "entered": f"{of.count.entered:,}",
        "in": f"{of.in_it:,}",
        "goal": goal_words(of),
        "parked": f"{sum(of.parked.values()):,}",
        "health": health(signs, request),
    }


FIGURES: Final = {
    "entered": "Entered",
    "in": "In it now",
    "goal": "Goal reached",
    "parked": "Parked",
    "health": "Health",
}


def _figures(parts: Mapping[str, Child]) -> Markup:
    return element(
        "dl",
        [
            element("div", element("dt", term), element("dd", parts[part], data_live=part))
            for part, term in FIGURES.items()
        ],
        class_="figures",
    )


def _picture(of: Standing, request: Request, step: str | None) -> Markup | None:
    if of.journey is None:
        return None
    svg = journey_svg(
        of.journey,
        of.picture_counts(),
        link=lambda each: here(of, request, each),
        chosen=step,
        embedded=True,
    )
    return element("figure", wide(drawn(svg), "Picture of the journey; the table of steps says the same"))


def _table(of: Standing, request: Request, chosen: str | None) -> Markup:
    steps = {} if of.journey is None else of.journey.steps
    rows = [
        element(
            "tr",
            element("th", element("a", name(step), href=here(of, request, step)), scope="row"),
            element("td", _what(steps.get(step))),
            *map(numeric, (count.inflow, count.waiting, count.gone_on, count.ended)),
            class_="chosen" if step == chosen else None,
            data_step=step,
        )
        for step, count in of.count.steps.items()
    ]
    table = element(
        "table",
        element("caption", "All steps"),
        heads("Step", "What it does", "In", "Wait", "On", "Out", numbers_from=2),
        element("tbody", rows),
    )
    return wide(table, "Table of steps", "sheet steps")


def _what(step: program.Step | None) -> Markup:
    if step is None:
        return element("i", "of an older version")
    return element("bdi", cut(step_words(step, WHOLE), STEP_WORDS_MAX))
