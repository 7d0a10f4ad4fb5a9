"""/engine: what is not in order, and what to do; how shards, sources and the door stand; what was rejected; keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from parcours.core.totals import MERGED, NOT_ASKED
from parcours.ingress.door import Door
from parcours.ingress.engine_bodies import DoorShown, EngineShown, ShardAway, ShardShown, TroubleShown
from parcours.ingress.engine_figures import engine_told
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.page.destinations import destinations_part
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.parts import chips, instant
from parcours.ingress.page.rows import stacking
from parcours.ingress.page.sources import sources_part
from parcours.ingress.rejections import IN_WORDS
from parcours.ingress.source_bodies import sources_told
from parcours.insight.figures import about_text, counted_text
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.insight.sentences import NOT_MERGED
from parcours.journey.picture.svg_text import cut

SHARDS: Final = ("Shard", "People", "Lag", "Time", "Next timer", "Late timers", "Lines that wait")

HELD: Final = ("Shard", "Ready", "Claimed", "Held", "Journal", "Since", "Epoch", "Process")

MB: Final = 1_000_000


async def _engine(door: Door, request: Request) -> Answer:
    told = await engine_told(door, request)
    return screen(
        door,
        request,
        "Engine",
        element("h1", "Engine"),
        _troubles(told.troubles),
        _shards(told),
        sources_part(door, request, await sources_told(door)),
        destinations_part(told.destinations),
        _door(told.door),
        _merges(told),
        _rejected(told),
        _limits(told.limits),
        _letters(told.dead_letters, request),
        _keys(told),
    )


engine_screen = seen(_engine)


def _troubles(troubles: Sequence[TroubleShown]) -> Markup:
    if not troubles:
        return element("p", element("span", "Nothing is out of order.", class_="fine"))
    rows = [
        (
            instant(each.since),
            _bounded(each.trouble),
            _bounded(each.means or "there are no words for it"),
            _bounded(each.to_do),
        )
        for each in troubles
    ]
    columns = ("Noticed here", "What", "What it means", "What to do")
    return element("div", stacking("Not in order, the newest first", columns, rows), class_="troubles")


def _shards(told: EngineShown) -> Markup:
    rows = [*map(_away, told.away), *map(_shard, told.shards)]
    return together(
        stacking("Shards", SHARDS, rows, ("People", "Lag", "Lines that wait")),
        stacking("Deliveries, journal and process of each", HELD, [*map(_held, told.shards)], HELD[1:4])
        if told.shards
        else None,
    )


def _away(of: ShardAway) -> Sequence[Child]:
    said = together(element("span", "does not answer", class_="sign"), f" for {about_text(int(of.asked_ms))}")
    return (f"{of.shard}", "not known", "none", said, "not known", "not known", f"{of.waiting_lines:,}")


def _shard(of: ShardShown) -> Sequence[Child]:
    refuses = None if of.refuses is None else together(" ", element("span", _bounded(of.refuses), class_="sign"))
    return (
        f"{of.shard}",
        f"{of.people:,}",
        f"{of.lag_ms:,.0f} ms",
        together(instant(of.stamp), refuses),
        "nothing is due" if of.next is None else instant(of.next),
        f"about {of.late:,}, the first by {about_text(of.late_ms)}" if of.late_ms else "none",
        f"{of.waiting_lines:,}",
    )


def _held(of: ShardShown) -> Sequence[Child]:
    return (
        f"{of.shard}",
        *(f"{number:,}" for number in (of.ready, of.claimed, of.held)),
        f"{of.journal_bytes / MB:,.1f} MB",
        "the newest record" if of.journal_from is None else instant(of.journal_from),
        f"{of.epoch:,}",
        name(of.process),
    )


def _door(of: DoorShown) -> Markup:
    figures: list[tuple[str, str]] = [
        ("Requests", _rate(of.requests, of)),
        ("Events", _rate(of.events, of)),
        ("Answered 429", _rate(of.busy, of)),
        ("Being answered", f"{of.active:,}"),
        ("Bodies under way", f"{of.body_bytes:,} bytes"),
        *((f"Streams: {kind}", f"{number:,}") for kind, number in of.streams.items()),
    ]
    return together(
        element("h2", "This door"),
        element("dl", [element("div", element("dt", each), element("dd", n)) for each, n in figures], class_="figures"),
        element(
            "p", f"Rates are those of the last {of.window_s} s. Another door of the engine has figures of its own."
        ),
    )


def _rate(number: int, of: DoorShown) -> str:
    return f"{number / of.window_s:,.1f}/s"


def _merges(told: EngineShown) -> Markup:
    still = sum(each.standing_still for each in told.shards)
    unanswered = sum(each.unanswered for each in told.shards)
    who = counted_text(still, "person stands still", "people stand still")
    messages = counted_text(unanswered, "message between shards waits", "messages between shards wait")
    said = f"{who} to become one with somebody; {messages} for an answer."
    results = _in_words(told.merges)
    table = _counts("Merges that calls asked for", "What became of them", results) if results else None
    return together(element("h2", "Merges"), element("p", said), table)


def _in_words(merges: Mapping[str, int]) -> Mapping[str, int]:
    """What became of merges, as a sentence."""
    told = {MERGED: "merged", NOT_ASKED: "nobody has asked for it", **NOT_MERGED}
    return {told.get(result, result): number for result, number in merges.items()}


def _rejected(told: EngineShown) -> Markup:
    if not told.rejected:
        return together(element("h2", "Rejected"), element("p", "No call was of no use since this door began."))
    rows = [
        (
            instant(each.at),
            IN_WORDS.get(each.reason, each.reason),
            element("i", "it had none") if each.message_id is None else name(each.message_id),
        )
        for each in told.newest_rejected
    ]
    kinds = {IN_WORDS.get(kind, kind): number for kind, number in told.rejected.items()}
    return together(
        element("h2", "Rejected"),
        _counts("Calls of no use since this door began", "Reason", kinds),
        stacking("The last of them", ("When", "Reason", "Message id"), rows) if rows else None,
    )


def _limits(limits: Mapping[str, int]) -> Markup:
    heading = element("h2", "Limits reached")
    if not limits:
        return together(heading, element("p", "None."))
    return together(heading, _counts("How often, since the store began", "Setting", limits))


def _letters(number: int | None, request: Request) -> Markup:
    if number is None:
        told: Child = "Not all shards say now how many there are."
    elif not number:
        told = "There are none."
    else:
        told = together(element("a", f"{number:,} could not be applied", href=address(request, "dead")), ".")
    return together(element("h2", "Dead letters"), element("p", told))


def _keys(told: EngineShown) -> Markup | None:
    if not told.keys:
        return None
    rows = [
        (
            name(each.name),
            chips(each.scopes),
            "never" if each.expires is None else instant(each.expires),
            "not since this door began" if each.last_used is None else instant(each.last_used),
        )
        for each in told.keys
    ]
    return together(
        element("h2", "Keys"), stacking("Keys of this door", ("Key", "Opens", "Expires", "Last used"), rows)
    )


def _counts(caption: str, what: str, counts: Mapping[str, int]) -> Markup:
    ranked = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return stacking(caption, (what, "Times"), [(name(each), f"{n:,}") for each, n in ranked], ("Times",))


def _bounded(text: str) -> Markup:
    return element("bdi", cut(text, TEXT_MAX))
