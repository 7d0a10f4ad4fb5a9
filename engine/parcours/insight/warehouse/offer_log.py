"""What facts tell of offers: decisions, what became of each, and what rankings learned, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from parcours.core.fact import Decided, Learned, OfferMarked
from parcours.insight.exporter.facts import change_of

if TYPE_CHECKING:
    from parcours.insight.warehouse.warehouse import Warehouse

TOLD = ("decided", "proposition", "learned")


def offer_log(warehouse: Warehouse) -> Iterator[Decided | OfferMarked | Learned]:
    """All of it. What was learned at an instant comes before what was decided then.

    `person` is whose it is today. Raises as a warehouse does.
    """
    query = f"""
        select epoch_ms(time) as time, person, what, name, value, "by", reason, dwell
        from main.changes where what in {TOLD} order by time, what <> 'learned', person, record, n
    """
    names = ("time", "person", "what", "name", "value", "by", "reason", "dwell")
    for row in warehouse.rows(query):
        fact = change_of(dict(zip(names, row, strict=True)))
        assert isinstance(fact, Decided | OfferMarked | Learned), "as the query says"
        yield fact
