"""The comparison of two projects as text or JSON: totals first, then changes person by person, up to a limit."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

import msgspec

from parcours.insight.diff import Comparison, DeliveryChange, Difference

SIGNS = {"appears": "+", "vanishes": "-", "moves": "~"}


def difference_text(difference: Difference, changes_max: int) -> str:
    """Totals, and at most so many changes with a count of the rest."""
    return "".join(f"{line}\n" for line in _lines(difference, changes_max))


def difference_json(difference: Difference, changes_max: int) -> bytes:
    """One line of JSON; `more` counts the changes that are left out."""
    shown = difference.changes[:changes_max]
    whole = msgspec.to_builtins(difference) | {
        "changes": msgspec.to_builtins(shown),
        "more": len(difference.changes) - len(shown),
    }
    return msgspec.json.encode(whole)


def _lines(difference: Difference, changes_max: int) -> Iterator[str]:
    if not difference.changes:
        same = difference.deliveries.same
        yield f"No difference: {same:,} {'delivery is' if same == 1 else 'deliveries are'} the same."
        return
    yield f"Deliveries: {_counted(difference.deliveries)}. People who notice: {difference.people:,}."
    for name, count in difference.outcomes.items():
        if count.appears or count.vanishes or count.moves:
            yield f"  {name}: {_counted(count)}"
    for person, changes in groupby(difference.changes[:changes_max], lambda change: change.person):
        yield ""
        yield person
        yield from map(_change, changes)
    more = len(difference.changes) - changes_max
    if more > 0:
        yield ""
        yield f"and {more:,} more {'change' if more == 1 else 'changes'}"


def _counted(count: Comparison) -> str:
    parts = {"appear": count.appears, "vanish": count.vanishes, "move": count.moves, "the same": count.same}
    return ", ".join(f"{number:,} {word}" for word, number in parts.items() if number)


def _change(change: DeliveryChange) -> str:
    visit = f", visit {change.visit}" if change.visit > 1 else ""
    time = f"{change.before} -> {change.after}" if change.kind == "moves" else change.before or change.after
    step = f"{change.journey}.{change.step}, run {change.run}{visit}"
    return f"  {SIGNS[change.kind]} {time}  {step}: {change.channel} {change.outcome}"
