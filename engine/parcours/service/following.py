"""Questions about somebody are put where she lives: a name that was merged into a person is followed, once.

The shard of a name knows who has it. Where that is somebody of its own, one question is enough.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias, TypeVar

from parcours.core.fact import Fact
from parcours.insight.whose_facts import Told, merged_names
from parcours.routing.ports import ShardPort
from parcours.shard.found import Found
from parcours.shard.requests import Locate, Request

F = TypeVar("F", bound=Found)

PortOf: TypeAlias = Callable[[str], ShardPort]
"""The shard in whose slots a name is."""

FactsOf: TypeAlias = Callable[[Sequence[str]], Awaitable[list[Fact]]]
"""All that is still told under these names, in the order of happening for each."""


async def ask_owner(port_of: PortOf, name: str, question: Callable[[str], Request[F]]) -> F:
    """The answer of whoever has the person of this name."""
    found = await port_of(name).ask(question(name))
    return found if found.is_here else await port_of(found.owner).ask(question(found.owner))


async def told_under(port_of: PortOf, facts_of: FactsOf, name: str, *, used: bool) -> Told:
    """What is told of the person of this name.

    used  whether what was before a merge counts: otherwise nothing is read of it
    """
    found = await ask_owner(port_of, name, Locate)
    names = found.names if used else []
    facts = await facts_of([found.owner, *names])
    if used and (lost := merged_names(facts, found.owner).difference(names)):  # they were cut loose since
        facts = await facts_of([found.owner, *names, *sorted(lost)])
    return Told.of(found.owner, names, facts, used=used)
