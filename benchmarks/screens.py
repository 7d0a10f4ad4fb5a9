"""How heavy and how quick is a screen of the live page, among few people and among many?

A journey of 60 steps with 100 people who wait at the first one, among more and more people who are in no journey. Each
screen is asked of the application in this process, a first time, when the picture is laid out, and again and again.
Sizes are those of all that a browser loads for it, as a proxy would pack it, by gzip. Prints medians in ms of the
processor, shards included, and one line of JSON last.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from gzip import compress
from itertools import islice

import httpx

from parcours import Project, Service
from parcours.ingress.application import app
from parcours.journey.model.document import EventsDocument, JourneyDocument, ProfileDocument, ProjectDocument

STEPS = 60
WAITING = 100
BLOCK = 5_000

HTML = {"Accept": "text/html"}

SCREENS = {
    "list": "/journeys",
    "journey": "/journeys/long",
    "step, 100 waiting": "/journeys/long?step=s0",
}

LOADED = re.compile(r'(?:src|href)="(/page/[^"]+)"')


def long_journey() -> Project:
    """Waits, and every fifth step a branch of which one way leaves out a step."""
    steps: list[dict[str, object]] = [{"id": "s0", "wait": "7d"}]
    for number in range(1, STEPS - 1):
        if number % 5 == 2 and number < STEPS - 3:
            arms = [{"when": "profile.gold == true", "next": f"s{number + 2}"}, {"otherwise": f"s{number + 1}"}]
            steps.append({"id": f"s{number}", "branch": arms})
        else:
            steps.append({"id": f"s{number}", "wait": "1d"})
    steps.append({"id": f"s{STEPS - 1}", "end": True})
    return Project.of(
        ProjectDocument.model_validate({"project": "long"}),
        profile=ProfileDocument.model_validate({"traits": {"gold": "boolean"}}),
        events=EventsDocument.model_validate({"events": {"Joined": {}, "Viewed": {}}}),
        journeys=[JourneyDocument.model_validate({"journey": "long", "entry": {"event": "Joined"}, "steps": steps})],
    )


def lines(begin: int, end: int) -> Iterator[bytes]:
    for number in range(begin, end):
        event = "Joined" if number < WAITING else "Viewed"
        yield json.dumps({"type": "track", "event": event, "userId": f"person-{number}"}).encode()


async def fill(service: Service, begin: int, end: int) -> None:
    """All of these people come."""
    coming = lines(begin, end)
    while block := list(islice(coming, BLOCK)):
        taken = await service.ingest(b"\n".join(block))
        assert taken.accepted == len(block)


async def milliseconds(client: httpx.AsyncClient, path: str) -> float:
    started_s = time.process_time()
    answer = await client.get(path, headers=HTML)
    taken_ms = (time.process_time() - started_s) * 1_000
    assert answer.status_code == 200, answer.text
    return taken_ms


async def packed(client: httpx.AsyncClient, path: str) -> tuple[int, int]:
    """How many requests a screen takes, and their bytes."""
    page = await client.get(path, headers=HTML)
    bodies = [page.content, *[(await client.get(each)).content for each in sorted({*LOADED.findall(page.text)})]]
    return len(bodies), sum(len(compress(each, 6)) for each in bodies)


async def measure(people: list[int], runs: int, folder: str) -> dict[str, object]:
    told: dict[str, object] = {}
    async with Service.open(long_journey(), f"sqlite:///{folder}/store", shards=2, runtime="local") as service:
        transport = httpx.ASGITransport(app(service))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            there = 0
            for many in people:
                await fill(service, there, many)
                there = many
                for name, path in SCREENS.items():
                    first_ms = await milliseconds(client, path)
                    again_ms = statistics.median([await milliseconds(client, path) for _ in range(runs)])
                    print(f"{many:>9,} people  {name:18} first {first_ms:6.1f} ms, then {again_ms:5.1f} ms")
                    told[f"{name}, {many}"] = round(again_ms, 1)
            for name, path in SCREENS.items():
                requests, size = await packed(client, path)
                print(f"{name:18} {size / 1024:5.1f} KB in {requests} requests")
                told[f"{name}, bytes"] = size
                told[f"{name}, requests"] = requests
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, nargs="+", default=[1_000, 100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=21)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="parcours-screens-") as folder:
        print(json.dumps(asyncio.run(measure(given.people, given.runs, folder))))


if __name__ == "__main__":
    main()
