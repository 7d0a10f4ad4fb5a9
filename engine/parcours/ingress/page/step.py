"""What is at one step of a journey: what it does, its ways and who took them, how else it was left, its deliveries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

from parcours.core.counted import BY_MACHINE
from parcours.core.known_words import LEFT_OUT
from parcours.expression.definition_keys import plain
from parcours.ingress.exchange import Request
from parcours.ingress.hidden_names import shown_reason
from parcours.ingress.live_topics import topic_name
from parcours.ingress.page.frame import TEXT_MAX, address, name
from parcours.ingress.page.parts import heads, numeric, wide
from parcours.ingress.page.standing import Standing
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.insight.sentences import moved, reached
from parcours.journey import program
from parcours.journey.picture.svg_text import cut
from parcours.journey.picture.words import WHOLE, step_words, ways_shown
from parcours.service.live_report import LiveReport

Move: TypeAlias = tuple[str, str]
"""What a run did at the step, and why: as in `Totals.ways`."""

UNTOLD: Final = "a reason that only a key with people:read is told"

ALONG: Final[frozenset[str]] = frozenset({"matched", "timed_out", "branched", "split"})
"""Moves along a way of the step; by all others a run leaves it, or stays."""


def panel(report: LiveReport, of: Standing, step: str, people: Markup, request: Request) -> Markup:
    """All that is told of the step; `people` is of whom it is told (at_step.py)."""
    live = live_parts_of_step(report, of, step, request)
    told = {name: element("div", part, data_live=name) for name, part in live.items()}
    parked = _parked(report, of, step, request)
    sections = told["figures"], told["ways"], told["otherwise"], parked, told["deliveries"], people
    close = element("a", "Close", href=address(request, "journeys", of.name, version=request.query.get("version")))
    return element(
        "section",
        element("h2", name(step), id="step-name"),
        element("p", _bounded(_does(_compiled(of, step))), class_="lead"),
        _message(of, step, _compiled(of, step), request),
        sections,
        element("p", close, class_="close"),
        id="step",
        class_="panel",
        tabindex=-1,
        aria_labelledby="step-name",
        data_topics=topic_name(of.name, request.query.get("version"), step),
    )


def live_parts_of_step(report: LiveReport, of: Standing, step: str, request: Request) -> dict[str, Child]:
    """What changes in the panel, by the names under which it is told; who waits, and what has happened, does not."""
    return {
        "figures": _figures(of, step),
        "ways": _ways(report, of, step, _compiled(of, step), request),
        "otherwise": _otherwise(_moves(report, of, step)),
        "deliveries": _deliveries(report, of, step, request),
    }


def _compiled(of: Standing, step: str) -> program.Step | None:
    return None if of.journey is None else of.journey.steps.get(step)


def _does(step: program.Step | None) -> str:
    if step is None:
        return "It is a step of an older version only."
    words = step_words(step, WHOLE)
    if isinstance(step, program.WaitFor):
        shown = [way.label for way in ways_shown(step, WHOLE)]
        awaited, after = (shown, "") if step.timeout_ms is None else (shown[:-1], f"; {shown[-1]} it goes on")
        words = f"wait for {' or '.join(awaited)}{after}"
    return f"{words[:1].upper()}{words[1:]}."


def _message(of: Standing, step: str, compiled: program.Step | None, request: Request) -> Markup | None:
    """Where it stands what is sent."""
    if not isinstance(compiled, program.Send):
        return None
    version = request.query.get("version")
    where = address(request, "journeys", of.name, "steps", step, "message", version=version)
    return element("p", element("a", "What ", name(compiled.message), " says", href=where))


def _figures(of: Standing, step: str) -> Markup:
    count = of.count.steps[step]
    told = f"{count.inflow:,} came in: {count.waiting:,} wait, {count.gone_on:,} went on, {count.ended:,} went out."
    return element("p", told)


def _moves(report: LiveReport, of: Standing, step: str, versions: frozenset[int] | None = None) -> Counter[Move]:
    moves: Counter[Move] = Counter()
    wanted = of.versions if versions is None else versions
    for (journey, version, at, what, why), times in report.totals.ways:
        if (journey, at) == (of.name, step) and version in wanted:
            moves[what, why] += times
    return moves


def _ways(
    report: LiveReport, of: Standing, step: str, compiled: program.Step | None, request: Request
) -> Markup | None:
    """The ways out, each with how many have taken it, as far as that is counted."""
    if compiled is None or not (ways := ways_shown(compiled, WHOLE)):
        return None
    of_versions = alike(report, of, step, compiled)
    counts = taken(compiled, _moves(report, of, step, of_versions), of.count.steps[step].gone_on)
    rows = []
    for number, way in enumerate(ways):
        href = None if way.target is None else _to(of, way.target, request)
        target = element("a", name(way.target), href=href) if way.target is not None else "the run ends"
        times = counts.get(number)
        rows.append(
            element(
                "tr",
                element("th", _bounded(way.label or "next"), scope="row"),
                element("td", target),
                element("td", "not counted apart", class_="number") if times is None else numeric(times),
            )
        )
    table = element(
        "table",
        element("caption", "Its ways"),
        heads("Way", "Leads to", "Taken", numbers_from=2),
        element("tbody", rows),
    )
    if of_versions == of.versions:
        return wide(table, "Table of ways")
    return together(wide(table, "Table of ways"), element("p", "Of the versions in which the step has these ways."))


def alike(report: LiveReport, of: Standing, step: str, compiled: program.Step) -> frozenset[int]:
    """The versions in which the step has the same ways: they are counted by their numbers."""
    ways = ways_shown(compiled, WHOLE)
    versions = [each for each in report.versions if each.name == of.name and each.version in of.versions]
    return frozenset(
        each.version for each in versions if step in each.steps and ways_shown(each.steps[step], WHOLE) == ways
    )


def taken(step: program.Step, moves: Mapping[Move, int], gone_on: int) -> dict[int, int]:
    """How many have taken each way, by its number; a way that is not counted apart from others is left out."""
    match step:
        case program.WaitFor():
            whys = [_heard(each) for each in step.listeners]
            heard = {n: moves.get(("matched", why), 0) for n, why in enumerate(whys) if whys.count(why) == 1}
            return heard | {len(whys): moves.get(("timed_out", ""), 0)}
        case program.Branch():
            chosen = {number: moves.get(("branched", str(number)), 0) for number in range(len(step.arms))}
            return chosen | {len(step.arms): moves.get(("branched", "otherwise" if step.has_otherwise else ""), 0)}
        case program.Split():
            return {number: moves.get(("split", str(number)), 0) for number in range(len(step.arms))}
        case program.Send() if step.has_on_refused:
            return {}
        case _:
            return {0: gone_on}


def _heard(listener: program.Listener) -> str:
    match listener:
        case program.EventListener():
            return listener.trigger.name
        case program.AudienceListener():
            return plain(listener.audience)
        case program.ReactionListener():
            return listener.reaction


def _to(of: Standing, step: str, request: Request) -> str:
    version = request.query.get("version")
    return address(request, "journeys", of.name, version=version, step=step, fragment="step")


def _otherwise(moves: Mapping[Move, int]) -> Markup | None:
    """What else happened to runs here."""
    told = [(moved(what, why or None), times) for (what, why), times in moves.items() if what not in ALONG]
    if not told:
        return None
    rows = [
        element("tr", element("th", _bounded(words), scope="row"), numeric(times))
        for words, times in sorted(told, key=lambda each: (-each[1], each[0]))
    ]
    table = element(
        "table",
        element("caption", "What else happened to runs here"),
        heads("What", "Runs", numbers_from=1),
        element("tbody", rows),
    )
    return wide(table, "Table of what else happened")


def _parked(report: LiveReport, of: Standing, step: str, request: Request) -> Markup | None:
    """Why runs were parked here, which is counted over all versions."""
    reasons = [(why, times) for (journey, at, why), times in report.totals.parked if (journey, at) == (of.name, step)]
    if not reasons:
        return None
    shown = [(shown_reason(why, request.key), times) for why, times in reasons]
    lines = [element("li", _bounded(f"{UNTOLD if why == LEFT_OUT else why}: {times:,}")) for why, times in shown]
    return together(element("h3", "Why runs were parked here"), element("ul", lines))


def _deliveries(report: LiveReport, of: Standing, step: str, request: Request) -> Markup | None:
    """Its deliveries by channel and outcome, and where those are seen that have come to nothing yet."""
    counts: Counter[tuple[str, str, str]] = Counter()
    for (journey, version, at, channel, outcome, gate), times in report.totals.deliveries:
        if (journey, at) == (of.name, step) and version in of.versions:
            counts[channel, outcome, gate] += times
    is_send = isinstance(_compiled(of, step), program.Send)
    link = element("a", "how channels stand", href=address(request, "deliveries", journey=of.name))
    others = element("p", "Deliveries that wait for their channel are not counted by step: ", link, ".")
    return together(_by_outcome(counts), others if is_send else None) if counts or is_send else None


def _by_outcome(counts: Mapping[tuple[str, str, str], int]) -> Markup | None:
    if not counts:
        return None
    table = element(
        "table",
        element("caption", "Its deliveries"),
        heads("Channel", "Outcome", "Deliveries", numbers_from=2),
        element("tbody", [*_outcomes(counts)]),
    )
    return wide(table, "Table of deliveries")


def _outcomes(counts: Mapping[tuple[str, str, str], int]) -> Iterator[Markup]:
    for (channel, outcome, gate), times in sorted(counts.items(), key=lambda each: (each[0][0], -each[1], each[0])):
        is_machine = outcome.startswith(BY_MACHINE)
        words = reached(outcome.removeprefix(BY_MACHINE), gate or None, None, None, is_machine=is_machine)
        yield element("tr", element("th", name(channel), scope="row"), element("td", _bounded(words)), numeric(times))


def _bounded(text: str) -> Markup:
    return element("bdi", cut(text, TEXT_MAX))
