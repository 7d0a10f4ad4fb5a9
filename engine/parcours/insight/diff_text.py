"""The comparison of two projects as text or JSON: totals first, then changes person by person, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import msgspec

from parcours.insight.diff import Comparison, DeliveryChange, Difference
from parcours.insight.diff_offers import DecisionChange, DecisionComparison, OfferDifference

SIGNS = {"appears": "+", "vanishes": "-", "moves": "~", "changes": "~"}


def difference_text(difference: Difference, changes_max: int) -> str:
    """Totals, and at most so many changes with a count of the rest."""
    return "".join(f"{line}\n" for line in _lines(difference, changes_max))


def difference_json(difference: Difference, changes_max: int) -> bytes:
    """One line of JSON; `more` counts the changes that are left out, of offers apart."""
    whole = _bounded(difference, changes_max)
    if difference.offers is not None:
        whole["offers"] = _bounded(difference.offers, changes_max)
    else:
        del whole["offers"]
    return msgspec.json.encode(whole)


def _bounded(difference: Difference | OfferDifference, changes_max: int) -> dict[str, object]:
    shown = msgspec.to_builtins(difference.changes[:changes_max])
    more = max(len(difference.changes) - changes_max, 0)
    whole: dict[str, object] = msgspec.to_builtins(difference)
    return whole | {"changes": shown, "more": more}


def _lines(difference: Difference, changes_max: int) -> Iterator[str]:
    offers = difference.offers
    if not difference.changes and (offers is None or not offers.changes):
        yield f"No difference: {_same(difference)} the same."
        return
    if difference.changes or offers is None:
        yield f"Deliveries: {_counted(difference.deliveries)}. People who notice: {difference.people:,}."
    else:
        yield f"Deliveries: no difference. People who notice: {difference.people:,}."
    for name, count in difference.outcomes.items():
        if count.appears or count.vanishes or count.moves:
            yield f"  {name}: {_counted(count)}"
    if offers is not None:
        yield from _offer_totals(offers)
    for person, changes in groupby(difference.changes[:changes_max], lambda change: change.person):
        yield ""
        yield person
        yield from map(_change, changes)
    yield from _more(len(difference.changes) - changes_max)
    if offers is not None:
        for person, decided in groupby(offers.changes[:changes_max], lambda change: change.person):
            yield ""
            yield f"{person}, offers"
            yield from map(_decision, decided)
        yield from _more(len(offers.changes) - changes_max)


def _same(difference: Difference) -> str:
    deliveries = difference.deliveries.same
    told = f"{deliveries:,} {'delivery' if deliveries == 1 else 'deliveries'}"
    if difference.offers is None:
        return f"{told} {'is' if deliveries == 1 else 'are'}"
    decisions = difference.offers.decisions.same
    return f"{told} and {decisions:,} {'decision' if decisions == 1 else 'decisions'} are"


def _offer_totals(offers: OfferDifference) -> Iterator[str]:
    yield f"Decisions: {_decided(offers.decisions) if offers.changes else 'no difference'}."
    for name, count in offers.offers.items():
        if count.before != count.after:
            yield f"  {name}: {count.before:,} -> {count.after:,}"


def _more(more: int) -> Iterator[str]:
    if more > 0:
        yield ""
        yield f"and {more:,} more {'change' if more == 1 else 'changes'}"


def _decided(count: DecisionComparison) -> str:
    parts = {
        "appear": count.appears, "vanish": count.vanishes, "give other offers": count.changes, "move": count.moves,
        "the same": count.same,
    }  # fmt: skip
    return ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)


def _decision(change: DecisionChange) -> str:
    gave, gives = (", ".join(each) or "nothing" for each in (change.gave, change.gives))
    match change.kind:
        case "appears":
            time, told = change.after, gives
        case "vanishes":
            time, told = change.before, gave
        case "moves":
            time, told = f"{change.before} -> {change.after}", gives
        case "changes":
            time, told = change.before, f"{gave} -> {gives}"
    return f"  {SIGNS[change.kind]} {time}  {change.decision} at {change.placement}, {change.origin}: {told}"


def _counted(count: Comparison) -> str:
    parts = {"appear": count.appears, "vanish": count.vanishes, "move": count.moves, "the same": count.same}
    return ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)


def _change(change: DeliveryChange) -> str:
    visit = f", visit {change.visit}" if change.visit > 1 else ""
    time = f"{change.before} -> {change.after}" if change.kind == "moves" else change.before or change.after
    step = f"{change.journey}.{change.step}, run {change.run}{visit}"
    return f"  {SIGNS[change.kind]} {time}  {step}: {change.channel} {change.outcome}"
