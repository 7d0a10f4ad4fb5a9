"""Runs stand still for as long as somebody asks for it, and whoever waits for a while keeps nobody from it."""

from __future__ import annotations

import asyncio

from parcours.campaigns.work_gate import WorkGate


async def turns() -> None:
    """Let everybody go on who can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_stillness_waits_for_who_is_at_work_and_keeps_others_from_it() -> None:
    async def scenario() -> list[str]:
        gate, said, end = WorkGate(), list[str](), asyncio.Event()

        async def work(name: str) -> None:
            async with gate.at_work():
                said.append(f"{name} begins")
                await end.wait()
            said.append(f"{name} ends")

        async def stand_still() -> None:
            async with gate.still():
                said.append("still")
                await turns()
                said.append("over")

        tasks = [asyncio.ensure_future(work("first"))]
        await turns()
        tasks.append(asyncio.ensure_future(stand_still()))
        await turns()
        tasks += [asyncio.ensure_future(work("second")), asyncio.ensure_future(stand_still())]
        await turns()
        end.set()
        await asyncio.gather(*tasks)
        return said

    said = asyncio.run(scenario())

    assert said[:4] == ["first begins", "first ends", "still", "over"]
    assert sorted(said[4:]) == ["over", "second begins", "second ends", "still"]
    assert said.index("still", 4) + 1 == said.index("over", 4), "nobody begins in between"


def test_who_rests_goes_on_when_stillness_is_over_and_who_is_cancelled_meanwhile_leaves_it_as_it_was() -> None:
    async def scenario() -> None:
        gate, rested = WorkGate(), list[str]()

        async def work(name: str, rest_s: float) -> None:
            async with gate.at_work():
                async with gate.resting():
                    await asyncio.sleep(rest_s)
                rested.append(name)

        short, long = (asyncio.ensure_future(work(name, rest)) for name, rest in (("short", 0), ("long", 3600)))
        await turns()
        async with gate.still():
            cancelled = asyncio.ensure_future(work("cancelled", 0))
            await turns()
            for task in (cancelled, long):
                task.cancel()
            await turns()
            assert cancelled.cancelled() and long.cancelled() and rested in ([], ["short"])
        await short
        async with gate.still():
            assert rested == ["short"]
        await work("after", 0)
        assert rested == ["short", "after"]

    asyncio.run(scenario())
