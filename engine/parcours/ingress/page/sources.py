"""Sources on /engine: what has become of lines, where each partition is, and the button that pauses or resumes one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Handler, Request
from parcours.ingress.page.controls import may_change
from parcours.ingress.page.frame import TEXT_MAX, address, name, seen, sent_to
from parcours.ingress.page.rows import stacking
from parcours.ingress.page.session import TOKEN_FIELD, check_form, form_of, form_token
from parcours.ingress.source_bodies import PartitionShown, SourceShown, paused_there
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.picture.svg_text import cut

COLUMNS: Final = ("Partition", "State", "Position", "Lag", "Trouble")

PARTITIONS_MAX: Final = 100
"""Partitions of a source on the screen; JSON has all. Those in trouble come first, and those that are over last."""

SECTION: Final = "sources"


def sources_part(door: Door, request: Request, sources: Sequence[SourceShown]) -> Markup | None:
    """All that the door reads, None where it reads none."""
    if not sources:
        return None
    return together(
        element("h2", "Sources", id=SECTION),
        element("p", "Lines are those since this door began. Another door of the engine has figures of its own."),
        [_source(door, request, each) for each in sources],
    )


def paused_form(*, paused: bool) -> Handler:
    """Pauses or resumes a source, for a form of the screen, and leads back."""

    async def change(door: Door, request: Request) -> Answer:
        check_form(door, request, form_of(request))
        await paused_there(door, request, paused=paused)
        return sent_to(address(request, "engine", fragment=SECTION))

    return seen(change)


def _source(door: Door, request: Request, of: SourceShown) -> Markup:
    counts = ", ".join(f"{number:,} {_words(outcome)}" for outcome, number in of.outcomes.items() if number)
    return together(
        element("h3", name(of.name), element("span", " paused", class_="sign") if of.paused else None),
        element("p", counts or "no lines", "."),
        None if of.trouble is None else element("p", _bounded(of.trouble), class_="warning"),
        _partitions(of),
        _button(door, request, of) if may_change(request) else None,
    )


def _partitions(of: SourceShown) -> Markup:
    if not of.partitions:
        return element("p", "It has no partitions here.")
    ranked = sorted(of.partitions, key=lambda each: (each.trouble is None, each.state == "over", -(each.lag or 0)))
    more = len(ranked) - PARTITIONS_MAX
    rows = [_partition(each) for each in ranked[:PARTITIONS_MAX]]
    return together(
        stacking(f"Partitions of {of.name}", COLUMNS, rows, ("Position", "Lag")),
        element("p", f"And {more:,} more.") if more > 0 else None,
    )


def _partition(of: PartitionShown) -> Sequence[Child]:
    return (
        name(of.name),
        of.state,
        *("not known" if number is None else f"{number:,}" for number in (of.position, of.lag)),
        "none" if of.trouble is None else element("span", _bounded(of.trouble), class_="sign"),
    )


def _button(door: Door, request: Request, of: SourceShown) -> Markup:
    verb, told = (
        ("resume", "It is read on from where it was.")
        if of.paused
        else ("pause", "Nobody reads it until it is resumed: no other door either, and not after a restart.")
    )
    return element(
        "form",
        element("input", type="hidden", name=TOKEN_FIELD, value=form_token(door, request)),
        element("button", f"{verb.capitalize()} ", name(of.name)),
        element("span", told),
        method="post",
        action=address(request, "sources", of.name, verb),
        class_="filter",
    )


def _words(outcome: str) -> str:
    return outcome.replace("_", " ")


def _bounded(text: str) -> Markup:
    return element("bdi", cut(text, TEXT_MAX))
