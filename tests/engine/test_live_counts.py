"""The counters that are followed are those of the report, journey by journey, whatever happens to shards meanwhile."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.ingress.page.studio import SETTINGS, TEXTS
from tests.projects import write_texts

from parcours import Project, Service
from parcours.service.live_counts import LiveCounts


async def come(service: Service, *numbers: int) -> None:
    for number in numbers:
        who = f"person{number}"
        await service.identify(who, {"email": f"{who}@mail.example"})
        for event in ("Booked", "Joined", *(["Came"] if number % 2 else [])):
            await service.track(who, event, {"total": 80})
    await service.drain(30)


async def agrees(service: Service, counts: LiveCounts) -> None:
    report = await service.report()
    for name, told in report.counts.items():
        followed = counts.report(name, service.now_ms())
        assert followed.counts[name] == told
        for of in ("ways", "deliveries"):
            assert getattr(followed.totals, of) == [each for each in getattr(report.totals, of) if each[0][0] == name]


def test_they_are_those_of_the_report_after_each_look(tmp_path: Path) -> None:
    write_texts(tmp_path / "studio", TEXTS)
    project, store = Project.load(tmp_path / "studio"), f"sqlite:///{tmp_path}/store"

    async def scenario() -> None:
        async with Service.open(
            project, store, shards=2, runtime="local", records=["email"], settings=SETTINGS
        ) as service:
            counts = service.live_counts()
            assert await counts.look() == set()

            await come(service, *range(10))

            assert await counts.look() == {"booked", "joined", "stuck"}
            await agrees(service, counts)
            assert await counts.look() == set()
            await service.track("person1", "Booked", {"total": 80})
            await service.drain(30)
            assert await counts.look() == {"booked"}
            await agrees(service, counts)

    asyncio.run(scenario())
