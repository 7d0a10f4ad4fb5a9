"""Facts as messages of a log: those of one person stay in order, whichever of them fails.

A log that takes many messages at once may lose one and have the next. So no message leaves before the person's one
before it has been acknowledged: facts go in rounds, each with one of every person. Of nobody there is no order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

from parcours.channel import Accepted, Receipt, Refused
from parcours.destination import FactRow, FactsRefused
from parcours.destinations.message import Message

Send = Callable[[Sequence[Message]], Awaitable[list[Receipt]]]
"""Sends messages; a receipt for each."""


async def publish_in_rounds(send: Send, facts: Sequence[FactRow]) -> None:
    """Send the facts. Raises ConnectionError where one may not have arrived, FactsRefused for what is never taken."""
    refused: dict[str, str] = {}
    for each in rounds(facts):
        for receipt in await send([message_of_fact(fact) for fact in each]):
            if isinstance(receipt, Refused):
                refused[receipt.key] = receipt.reason
            elif not isinstance(receipt, Accepted):
                raise ConnectionError(receipt.reason)
    if refused:
        raise FactsRefused(refused)


def rounds(facts: Sequence[FactRow]) -> list[list[FactRow]]:
    """The facts in as few rounds as keep each person's in order."""
    found: list[list[FactRow]] = []
    before = Counter[str]()
    for fact in facts:
        number = before[fact.person]
        if fact.person:
            before[fact.person] += 1
        if number == len(found):
            found.append([])
        found[number].append(fact)
    return found


def message_of_fact(fact: FactRow) -> Message:
    """What a log has of a fact."""
    return Message(fact.id, fact.body, fact.person or None, (("id", fact.id), ("table", fact.table)))
