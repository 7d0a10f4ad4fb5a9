"""Her way: of each journey what comes next, a strip of steps with times, and what has happened; and why not others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from parcours.ingress.exchange import Request
from parcours.ingress.page.frame import moment, name
from parcours.ingress.page.lines import json_text, text, timed
from parcours.ingress.page.parts import chip, heads, wide
from parcours.ingress.page.person_links import journey_link, step_link
from parcours.insight.explain import Explanation, JourneyStory, Refusal, RunStory
from parcours.insight.explain_text import refusal_words, run_lines, standing
from parcours.insight.next_words import next_words, waits_on_words, when_words
from parcours.insight.page.markup import Markup, element, together
from parcours.insight.sentences import unstarted
from parcours.journey.picture.svg_text import cut
from parcours.journey.program import EventEntry, Program
from parcours.service.person import Person, PersonRun

JOURNEYS_SHOWN: Final = 30
"""Those that she was in last."""

RUNS_SHOWN: Final = 5
"""Of one journey, the newest."""

LINES_SHOWN: Final = 40
"""Of one run, the newest of what has happened."""

STEPS_SHOWN: Final = 20
"""Of one run, those that she has come to last."""

REFUSALS_SHOWN: Final = 5
"""Of one journey, the newest that differ."""

NOT_ENTERED_SHOWN: Final = 100

TRAIT: Final = "profile."
"""What paths of traits begin with in conditions."""


def way(found: Person, told: Explanation, program: Program, request: Request) -> Markup:
    """The journeys that she has entered, the one that has moved last first."""
    entered = sorted((each for each in told.journeys if each.runs), key=_newest, reverse=True)
    parts = [_journey(each, found, program, request) for each in entered[:JOURNEYS_SHOWN]]
    left_out = len(entered) - len(parts)
    return together(
        parts or element("p", "She has entered no journey."),
        element("p", f"{left_out:,} journeys that she was in before are in the export.") if left_out else None,
    )


def _newest(story: JourneyStory) -> int:
    return max((move.at for run in story.runs for move in run.moves), default=0)


def _journey(story: JourneyStory, found: Person, program: Program, request: Request) -> Markup:
    runs = story.runs[: -RUNS_SHOWN - 1 : -1]
    left_out = len(story.runs) - len(runs)
    now = {run.number: run for run in found.runs if run.journey == story.journey}
    shown = [_run(run, now.get(run.run), story, program, request, is_newest=run is runs[0]) for run in runs]
    return element(
        "article",
        element(
            "h3",
            journey_link(story.journey, program, request),
            together(" ", chip(f"{story.state} now", story.state)) if story.state != "open" else None,
        ),
        shown,
        element("p", f"{left_out:,} earlier runs are in the export.") if left_out else None,
        class_="panel",
    )


def _run(
    run: RunStory, now: PersonRun | None, story: JourneyStory, program: Program, request: Request, *, is_newest: bool
) -> Markup:
    head = f"Run {run.run}, version {run.version}"
    lines = _lines(run)
    return together(
        element("h4", head, together(" of ", name(run.name)) if run.name else None),
        element("p", _next(run, now, story, program, request), class_="next"),
        _strip(run, program, request),
        lines if is_newest else element("details", element("summary", "What has happened"), lines),
    )


def _next(run: RunStory, now: PersonRun | None, story: JourneyStory, program: Program, request: Request) -> Markup:
    """Where it stands, and what comes if nothing happens."""
    if run.state == "parked":
        why = next((f": {move.why}" for move in reversed(run.moves) if move.what == "parked"), "")
        return text(f"{_capital(standing(run))}, and nothing moves it{why}.")
    if now is None or run.state != "open":
        return text(f"{_capital(standing(run))}.")
    where = _capital("before its first step" if now.step is None else f"at {now.step}")
    since = None if now.since is None else together(" since ", moment(now.since))
    awaited = f", waits for {' or '.join(now.waits_for)}" if now.waits_for else ""
    is_paused = story.state == "paused"
    after = " The journey is paused: it goes on when that is over." if is_paused else None
    return together(text(where), since, text(awaited), ". ", _if_nothing(run, now, program, request), after)


def _if_nothing(run: RunStory, now: PersonRun, program: Program, request: Request) -> Markup:
    journey = program.journey(run.journey, run.version)
    if now.until is None:
        return element("b", f"If nothing happens, {waits_on_words(journey)}.")
    comes = next_words(journey, now.step)
    when = when_words(now.until, request.received_ms)
    return element("b", "If nothing happens: ", text(comes), ", ", moment(now.until, when), ".")


def _strip(run: RunStory, program: Program, request: Request) -> Markup | None:
    """The steps that she has come to, each with its time."""
    reached = _reached(run)
    if not reached:
        return None
    shown = reached[-STEPS_SHOWN:]
    items = [
        element(
            "li",
            step_link(run.journey, run.version, step, program, request),
            moment(at),
            aria_current="step" if run.state == "open" and place == len(shown) else None,
        )
        for place, (at, step) in enumerate(shown, start=1)
    ]
    label = f"Steps of run {run.run} of {cut(run.journey, 80)}"
    before = len(reached) - len(shown)
    return together(
        element("p", f"{before:,} steps before these.") if before else None,
        element("ol", items, class_="strip", aria_label=label),
    )


def _reached(run: RunStory) -> list[tuple[int, str]]:
    """The steps in their order; one at which the run goes on after a merge was come to before, if that is told."""
    reached: list[tuple[int, str]] = []
    for move in run.moves:
        if move.step is not None and (move.what == "reached" or (move.what == "merged" and not reached)):
            reached.append((move.at, move.step))
    return reached


def _lines(run: RunStory) -> Markup:
    lines = run_lines(run)
    shown = lines[-LINES_SHOWN:]
    left_out = len(lines) - len(shown)
    return together(
        element("p", f"{left_out:,} earlier lines are in the export.") if left_out else None,
        timed(shown),
    )


def not_entered(found: Person, told: Explanation, program: Program, request: Request) -> Markup | None:
    """Why she did not enter: of each journey that refused her the conditions, of all others what would start them."""
    stories = sorted((each for each in told.journeys if each.refusals or not each.runs), key=_last_refusal)
    if not stories:
        return None
    rows = [
        element(
            "tr",
            element("th", journey_link(each.journey, program, request), scope="row"),
            element("td", _why_not(each, found, program)),
        )
        for each in stories[:NOT_ENTERED_SHOWN]
    ]
    table = element(
        "table",
        element("caption", "Journeys that she did not enter, and why"),
        heads("Journey", "Why not", numbers_from=2),
        element("tbody", rows),
    )
    return wide(table, "Table of journeys not entered", "sheet")


def _last_refusal(story: JourneyStory) -> int:
    return -max((each.at for each in story.refusals), default=0)


def _why_not(story: JourneyStory, found: Person, program: Program) -> Markup:
    if not story.refusals:
        return text(f"not entered: {unstarted(story.starts_by, story.state)}")
    alike: dict[str, list[int]] = {}
    for refusal in reversed(story.refusals):
        words = f"{refusal_words(refusal)}{_as_it_is_now(refusal, story.journey, found, program)}"
        alike.setdefault(words, []).append(refusal.at)
    items = [(times[0], together(text(words), _often(times))) for words, times in alike.items()]
    left_out = len(items) - REFUSALS_SHOWN
    more = element("p", f"{left_out:,} other reasons before these.") if left_out > 0 else None
    return together(timed(items[:REFUSALS_SHOWN]), more)


def _as_it_is_now(refusal: Refusal, journey: str, found: Person, program: Program) -> str:
    """What the traits are by now on which the entry failed: facts keep no values."""
    compiled = program.journey(journey, refusal.version)
    if compiled is None or not isinstance(compiled.entry, EventEntry) or refusal.detail is None:
        return ""
    conditions = [each.when for each in compiled.entry.triggers if each.name == refusal.event and each.when is not None]
    traits = {path for when in conditions for path in when.paths if path.startswith(TRAIT) and path in refusal.detail}
    told = [f"{path} is {_trait(found, path)}" for path in sorted(traits)]
    return f"; now {', '.join(told)}" if told else ""


def _trait(found: Person, path: str) -> str:
    value: object = found.traits
    for part in path.removeprefix(TRAIT).split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return "missing" if value is None else json_text(value)


def _often(times: Sequence[int]) -> str | None:
    return f" ({len(times):,} times)" if len(times) > 1 else None


def _capital(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}"
