"""/deliveries: how channels stand, what becomes of deliveries and why, and the newest of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.core.counted import BY_MACHINE
from parcours.ingress.delivery_bodies import ChannelShown, Deliveries
from parcours.ingress.delivery_figures import deliveries_told
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.journey_figures import journeys_of
from parcours.ingress.keys import sees_people
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.parts import choice, heads, instant, numeric, wide
from parcours.ingress.page.rows import stacking
from parcours.ingress.step_bodies import NewestFact
from parcours.insight.delivery_counts import OverTime
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.insight.report import OUTCOMES
from parcours.insight.sentences import reached
from parcours.journey.picture.svg_text import cut

JOURNEYS_MAX: Final = 200
"""Journeys to choose from; of another one the address says it."""

NOTHING: Final = "Nothing like that has happened."


async def _deliveries(door: Door, request: Request) -> Answer:
    told = await deliveries_told(door, request)
    return screen(
        door,
        request,
        "Deliveries",
        element("h1", "Deliveries"),
        _filter(door, told, request),
        _channels(told.channels, request),
        _outcomes(told),
        _gates(told),
        _reasons(told, request),
        _newest(told.newest, request),
        reloads=request.query.get("named") != "true",
    )


deliveries_screen = seen(_deliveries)


def _filter(door: Door, told: Deliveries, request: Request) -> Markup:
    journeys = [each for each, _ in journeys_of(door, door.service.ledger)][:JOURNEYS_MAX]
    asked = {field: request.query.get(field, "") for field in ("channel", "journey", "outcome")}
    outcomes = [*OUTCOMES, *sorted({each.outcome for each in told.outcomes}.difference(OUTCOMES))]
    channels = [each.channel for each in told.channels]
    is_filtered = any(asked.values())
    return element(
        "form",
        choice("Channel", "channel", channels, asked["channel"]),
        choice("Journey", "journey", journeys, asked["journey"]),
        choice("Outcome", "outcome", outcomes, asked["outcome"], _outcome_words),
        element("button", "Show"),
        element("a", "Show all", href=address(request, "deliveries")) if is_filtered else None,
        action=address(request, "deliveries"),
        role="search",
        class_="filter",
    )


def _outcome_words(outcome: str) -> str:
    is_machine = outcome.startswith(BY_MACHINE)
    return reached(outcome.removeprefix(BY_MACHINE), None, None, None, is_machine=is_machine)


def _channels(channels: Sequence[ChannelShown], request: Request) -> Markup | None:
    if not channels:
        return element("p", "Nothing is sent on any channel.")
    rows = [
        (
            _link(each.channel, request),
            _state(each),
            "as it can carry" if each.rate is None else f"at most {each.rate}",
            f"{each.ready:,}",
            f"{each.waiting:,}",
        )
        for each in channels
    ]
    return stacking("Channels", ("Channel", "State", "Rate", "Ready", "Waiting"), rows, ("Ready", "Waiting"))


def _link(channel: str, request: Request) -> Markup:
    journey, outcome = (request.query.get(field) or None for field in ("journey", "outcome"))
    href = address(request, "deliveries", channel=channel, journey=journey, outcome=outcome)
    return element("a", name(channel), href=href)


def _state(of: ChannelShown) -> Child:
    if of.state == "records":
        return "records: nothing leaves"
    if of.state == "not open":
        return "not open: what is for it waits"
    if of.trouble is None:
        return element("span", of.state, class_="fine")
    after = "" if of.next_try_s is None else f"; tried again in {of.next_try_s:.0f} s"
    return together(
        element("span", of.state, class_="sign"), " ", element("bdi", cut(f"{of.trouble}{after}", TEXT_MAX))
    )


def _outcomes(told: Deliveries) -> Markup | None:
    order = {outcome: number for number, outcome in enumerate(OUTCOMES)}
    ranked = sorted(told.outcomes, key=lambda each: (each.channel, order.get(each.outcome, len(order)), each.outcome))
    rows = [_counts(each.channel, _outcome_words(each.outcome), each) for each in ranked]
    return _over_time("What became of deliveries, by channel", "Outcome", rows, told)


def _gates(told: Deliveries) -> Markup | None:
    rows = [_counts(each.channel, each.gate, each) for each in told.gates]
    return _over_time("Refused or held by a gate, by channel", "Gate", rows, told) if rows else None


def _reasons(told: Deliveries, request: Request) -> Markup | None:
    if not told.reasons:
        return None
    rows = [_counts(each.channel, each.reason, each) for each in told.reasons]
    whole = "of all journeys and outcomes, " if request.query.get("journey") or request.query.get("outcome") else ""
    table = _over_time(f"Why, {whole}the most frequent in {told.hours} h first", "Reason", rows, told)
    return together(table, element("p", f"And {told.reasons_more:,} more.") if told.reasons_more else None)


def _over_time(caption: str, what: str, rows: Sequence[Markup], told: Deliveries) -> Markup:
    columns = ("Channel", what, f"In {_minutes(told.minutes)}", f"In {told.hours} h", "In all")
    body = rows or [element("tr", element("td", NOTHING, colspan=len(columns)))]
    table = element("table", element("caption", caption), heads(*columns, numbers_from=2), element("tbody", body))
    return wide(table, caption, "sheet watched")


def _minutes(minutes: int) -> str:
    return f"{minutes // 60} h" if minutes % 60 == 0 else f"{minutes} min"


def _counts(channel: str, what: str, of: OverTime) -> Markup:
    return element(
        "tr",
        element("th", name(channel), scope="row"),
        element("td", element("bdi", cut(what, TEXT_MAX))),
        *map(numeric, (of.minutes, of.hours, of.total)),
    )


def _newest(facts: Sequence[NewestFact], request: Request) -> Markup:
    if not facts:
        return element("p", NOTHING)
    rows = [
        (instant(each.at), name(each.person), _where(each, request), element("bdi", cut(each.words, TEXT_MAX)))
        for each in facts
    ]
    return together(
        stacking("The newest", ("When", "Person", "Where", "What"), rows),
        _naming(request) if sees_people(request.key) and "named" not in request.query else None,
    )


def _naming(request: Request) -> Markup:
    channel, journey, outcome = (request.query.get(each) or None for each in ("channel", "journey", "outcome"))
    href = address(request, "deliveries", channel=channel, journey=journey, outcome=outcome, named="true")
    return element("p", element("a", "Name them", href=href), ": that you have looked at each of them is recorded.")


def _where(of: NewestFact, request: Request) -> Markup:
    href = address(request, "journeys", of.journey, step=of.step, fragment="step")
    return together(name(of.channel or ""), " of ", element("a", name(f"{of.journey}.{of.step}"), href=href))
