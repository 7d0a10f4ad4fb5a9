"""/try/{id}: a trial as it stands. Where its person is, what she got, what has happened, and what can be done."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.core.fact import Fact
from parcours.core.time_text import time_text
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request, Route
from parcours.ingress.page.frame import NAME_MAX, RELOADS_EVERY_S, TEXT_MAX, address, moment, name, screen, seen
from parcours.ingress.page.parts import chip, heads, numeric, wide
from parcours.ingress.page.sandbox import Trial
from parcours.ingress.page.standing import Standing, standing
from parcours.ingress.page.trial_messages import messages
from parcours.ingress.page.trial_parts import button, form, panel, select, trial_of, warned, whose
from parcours.ingress.page.trials import CHANGES, SOURCES, of_browsers
from parcours.insight.page.markup import Child, Markup, drawn, element
from parcours.insight.sentences import sentence
from parcours.journey.channels import consents_known, purposes_known
from parcours.journey.picture.drawing import journey_svg
from parcours.journey.picture.svg_text import cut
from parcours.service.person import Person, PersonRun
from parcours.testing.cases.moment import since

FACTS_SHOWN_MAX: Final = 200
"""Facts of a test person on the screen, the newest ones; a kept test has what matters of all."""

SECOND_MS: Final = 1_000

TOLD: Final = {"send": "The message has really been sent, marked as a proof."}
"""What is said once something has been done that does not show by itself."""


async def _trial(door: Door, request: Request) -> Answer:
    return await trial_screen(door, request, trial_of(door, request))


async def trial_screen(door: Door, request: Request, trial: Trial, said: str = "", status: int = 200) -> Answer:
    """It all, and what is wrong with what was to be done."""
    async with trial.turn:
        report = await trial.sandbox.service.report()
        known = await trial.known()
        facts = await trial.facts() if len(trial.people) == 1 else []
    journey = trial.set_up.journey
    of = standing(report, journey, report.ledger.journeys[journey], report.counts.get(journey, []))
    return screen(
        door,
        request,
        f"Try out {journey}",
        element("p", element("a", "Try out", href=address(request, "try")), class_="up"),
        element("div", element("h1", name(journey)), *_chips(trial), class_="headline"),
        element("p", "It ends at ", moment(trial.ends_ms), ", and nothing of it is kept then. Its clock shows ",
                moment(trial.sandbox.now_ms()), ".", class_="lead"),
        warned(said),
        element("p", TOLD[told], role="status") if (told := request.query.get("told", "")) in TOLD else None,
        element(
            "div",
            _picture(of, known),
            element(
                "div",
                _now(trial, known) if len(trial.people) == 1 else _counts(of),
                _doing(door, request, trial),
                messages(door, request, trial),
                _facts(trial, facts) if len(trial.people) == 1 else None,
            ),
            class_="beside",
        ),
        status=status,
        reloads=request.query.get("follow") == "1",
    )  # fmt: skip


def _chips(trial: Trial) -> Sequence[Markup]:
    shorten_ms = trial.set_up.shorten_ms
    waits = "waits as they are written" if shorten_ms is None else f"no wait beyond {since(shorten_ms, 0)[1:]}"
    many = len(trial.people)
    who = element("bdi", cut(trial.people[0], NAME_MAX)) if many == 1 else f"{many} people"
    return [chip(who), chip(f"the project {SOURCES[trial.set_up.source]}"), chip(waits)]


def _picture(of: Standing, known: Sequence[Person]) -> Markup | None:
    if of.journey is None:
        return None
    at = [run.step for each in known for run in each.runs if run.journey == of.name] if len(known) == 1 else []
    svg = journey_svg(of.journey, of.picture_counts(), chosen=at[0] if at else None, embedded=True)
    return element("figure", wide(drawn(svg), "Picture of the journey; the panels say the same"))


# Where she is


def _now(trial: Trial, known: Sequence[Person]) -> Markup:
    runs = [run for each in known for run in each.runs]
    lines = [element("li", _where(run, trial)) for run in runs] or [element("li", _nowhere(trial, known))]
    return panel("now", "Where she is", element("ul", lines))


def _where(run: PersonRun, trial: Trial) -> Child:
    place: list[str | Markup | None] = [name(run.journey), ", at ", element("b", name(run.step or "its beginning"))]
    if run.parked is not None:
        return [*place, ": parked, ", element("bdi", cut(run.parked, TEXT_MAX))]
    if run.waits_for:
        place += [", waits for ", element("bdi", cut(" or ".join(run.waits_for), TEXT_MAX))]
    if run.until is not None:
        left = since(max(0, run.until - trial.sandbox.now_ms()) // SECOND_MS * SECOND_MS, 0)[1:]
        place += [f", goes on by herself in {left}, at ", moment(run.until)]
    return place


def _nowhere(trial: Trial, known: Sequence[Person]) -> Child:
    past = [run for each in known for run in each.past if run.journey == trial.set_up.journey]
    return "She has been through it, and is in no journey now." if past else "She is in no journey yet: tell an event."


def _counts(of: Standing) -> Markup:
    rows = [
        element("tr", element("th", name(step), scope="row"),
                *map(numeric, (each.inflow, each.waiting, each.gone_on, each.ended)))
        for step, each in of.count.steps.items()
    ]  # fmt: skip
    table = element(
        "table",
        element("caption", f"{of.count.entered:,} have entered"),
        heads("Step", "In", "Wait", "On", "Out", numbers_from=1),
        element("tbody", rows),
    )
    return wide(table, "Table of steps", "panel")


# What can be done


def _doing(door: Door, request: Request, trial: Trial) -> Markup:
    events = sorted(trial.set_up.project.documents.events.events)
    event = element(
        "form",
        element("label", "An event ", select("event", events)),
        whose(trial),
        element("button", "Fill in…"),
        action=address(request, "try", trial.id, "event"),
        class_="row",
    )
    return panel(
        "do",
        "What you can do",
        form(door, request, trial, "wait-over", element("button", "Let the wait be over", class_="main")),
        event if events else element("p", "The project declares no events."),
        _consent(door, request, trial),
        element("p", element("a", "Look again", href=address(request, "try", trial.id)), " · ",
                _following(request, trial),
                element("a", "Keep as a test…", href=address(request, "try", trial.id, "test"))),
        element("div", button(door, request, trial, "again", "Begin again"),
                button(door, request, trial, "end", "End the trial"), class_="row"),
    )  # fmt: skip


def _following(request: Request, trial: Trial) -> Markup:
    """Where no script runs: a page that loads itself again, in which nobody could fill in anything in peace."""
    link = element("a", f"Look again every {RELOADS_EVERY_S} s", href=address(request, "try", trial.id, follow="1"))
    return element("noscript", link, " · ")


def _consent(door: Door, request: Request, trial: Trial) -> Markup:
    program = trial.sandbox.service.program
    purposes = sorted(purposes_known(program) - {"transactional"})
    return form(
        door,
        request,
        trial,
        "consent",
        element("label", "Consent for ", select("channel", sorted(consents_known(program)))),
        element("label", " to ", select("purpose", ["", *purposes], "everything")),
        whose(trial),
        element("button", "Grant", name="granted", value="true"),
        element("button", "Withdraw", name="granted", value="false"),
    )


# What has happened


def _after(at_ms: int, trial: Trial) -> str:
    """How long after the trial began, in whole seconds."""
    return since(max(0, at_ms - trial.start_ms) // SECOND_MS * SECOND_MS, 0)


def _facts(trial: Trial, facts: Sequence[Fact]) -> Markup:
    told = [(fact, words) for fact in facts if (words := sentence(fact)) is not None]
    rows = [
        element(
            "tr",
            element("th", element("time", _after(fact.at, trial), datetime=time_text(fact.at)), scope="row"),
            element("td", element("bdi", cut(words, TEXT_MAX))),
        )
        for fact, words in reversed(told[-FACTS_SHOWN_MAX:])
    ]
    if not rows:
        return panel("facts", "What has happened", element("p", "Nothing yet."))
    table = element(
        "table",
        element("caption", "What has happened to her, the newest first"),
        heads("After", "What", numbers_from=2),
        element("tbody", rows),
    )
    return wide(table, "Table of what has happened", "panel")


ROUTES: Final = (
    Route(
        method="GET",
        path="/try/{id}",
        handler=of_browsers,
        page=seen(_trial),
        scope=CHANGES,
        summary="What somebody tries out, as it stands. For browsers alone.",
    ),
)
