"""The table of people, the same on every runtime: what it tells while everything goes on."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from pathlib import Path

from tests.projects import write_texts

from parcours.config import Settings
from parcours.journey.project import Project
from parcours.runtime.runtimes import RuntimeName
from parcours.service.people_table import PersonRow
from parcours.service.service import Service

FILES = {
    "parcours.yaml": "{project: shop, policies: {consent: {default: opt_in}}, anonymous_history: used}",
    "profile.yaml": "traits: {email: {type: string, pii: true}, city: string, 'home.rooms': integer, visits: integer}",
    "events.yaml": "events: {Seen: {}}",
    "audiences.yaml": "audiences: {northern: 'profile.city == \"Lille\"'}",
    "journeys/visit.yaml": "{journey: visit, entry: {event: Seen}, steps: [{id: long, wait: 1d}]}",
}

PEOPLE = 300


def shop(folder: Path) -> Project:
    write_texts(folder / "shop", FILES)
    return Project.load(folder / "shop")


async def table(service: Service) -> dict[str, PersonRow]:
    rows: dict[str, PersonRow] = {}
    async with aclosing(service.everybody()) as slices:
        async for slice_ in slices:
            assert not {each.person for each in slice_} & rows.keys(), "nobody is told twice"
            rows |= {each.person: each for each in slice_}
    return rows


async def changing(service: Service, until: asyncio.Event) -> None:
    """Everybody's traits change in turn, all of a round to the number of the round."""
    number = 1
    while not until.is_set():
        number += 1
        for person in range(PEOPLE):
            await service.identify(f"p{person}", {"visits": number})


async def is_of_one_instant(folder: Path, runtime: RuntimeName) -> None:
    """Rounds of changes go on while the table is taken, slice by slice: nobody is more than a round ahead."""
    store, few = f"sqlite:///{folder}/store", Settings(due_people_max=7)
    async with Service.open(shop(folder), store, shards=2, runtime=runtime, settings=few) as service:
        for person in range(PEOPLE):
            await service.identify(f"p{person}", {"visits": 1, "email": f"p{person}@shop.example"})
        until = asyncio.Event()
        going_on = asyncio.ensure_future(changing(service, until))
        for _ in range(3):
            rows = await table(service)
            numbers = [int(str(rows[f"p{person}"].traits["visits"])) for person in range(PEOPLE)]
            assert len(rows) == PEOPLE
            assert len({each.taken for each in rows.values()}) == 1
            assert sorted(numbers, reverse=True) == numbers, "who comes first in a round is not behind the others"
            assert numbers[0] - numbers[-1] in {0, 1}, "all are of one instant"
        until.set()
        await going_on
