"""Does an event of one person get dearer with all that she has been through? A bot, or a test account, has thousands.

Two journeys in turn, one person, one shard on SQLite, blocks of events: in `ended` each event starts a run, which sends
and ends at once; in `open` one run listens, sends for each event, and listens again. For comparison `others` are the
events of the first journey with a person each. Processor time is given, of the whole process. The answers are checked:
runs counted, runs and deliveries remembered. Prints one line of JSON last: microseconds an event.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from parcours import Engine, Person, Project, Settings
from parcours.journey.model.document import EventsDocument, JourneyDocument, MessageDocument, ProjectDocument

PARTS = 10
"""The table has so many lines, each with the median of its blocks."""

SEND = {"id": "send", "send": "receipt", "to": {"email": '"bot@shop.example"'}}
JOURNEYS: dict[str, dict[str, object]] = {
    "ended": {"journey": "ended", "entry": {"event": "Ping"}, "steps": [SEND]},
    "open": {
        "journey": "open",
        "entry": {"event": "Begin"},
        "steps": [
            {"id": "listen", "wait_for": [{"event": "Ping", "next": "send"}]},
            {**SEND, "next": "listen"},
        ],
    },
}


def project(journey: str) -> Project:
    message = {"message": "receipt", "class": "transactional", "email": {"subject": "Hi", "text": "Hi"}}
    return Project.of(
        ProjectDocument.model_validate({"project": "hot-person", "timezone": "UTC"}),
        events=EventsDocument.model_validate({"events": {"Ping": {}, "Begin": {}}}),
        messages=[MessageDocument.model_validate(message)],
        journeys=[JourneyDocument.model_validate(JOURNEYS[journey])],
    )


def lines(first: int, count: int, person: Callable[[int], str]) -> list[bytes]:
    return [
        b'{"type":"track","event":"Ping","userId":"%b","messageId":"%d"}' % (person(number).encode(), number)
        for number in range(first, first + count)
    ]


def blocks(engine: Engine, events: int, block: int, person: Callable[[int], str]) -> Iterator[float]:
    """Microseconds of processor time an event, block by block."""
    for first in range(0, events, block):
        batch = lines(first, block, person)
        started = time.process_time()
        engine.ingest(batch).result()
        engine.drain()
        yield (time.process_time() - started) / block * 1_000_000


def check(journey: str, person: Person | None, events: int, settings: Settings) -> None:
    """What is remembered is what the settings say, and nothing has been lost or done twice."""
    assert person is not None, "she is known"
    if journey == "ended":
        assert person.counts == {"ended": events}, person.counts
        assert len(person.past) == min(events, settings.ended_runs_max), len(person.past)
        assert person.past[-1].number == events
    else:
        (run,) = person.runs
        assert len(run.deliveries) == min(events, settings.run_deliveries_max), len(run.deliveries)
        assert run.deliveries[-1].visit == events, run.deliveries[-1]
    assert {each.state for run in (*person.runs, *person.past) for each in run.deliveries} == {"sent"}


def measured(journey: str, events: int, block: int) -> list[float]:
    """Microseconds an event, for each block of one person's events."""
    settings = Settings()
    with tempfile.TemporaryDirectory(prefix="parcours-benchmark-") as folder:
        store = f"sqlite:///{Path(folder) / 'store'}"
        with Engine.open(project(journey), store, shards=1, runtime="local", records=["email"]) as engine:
            if journey == "open":
                engine.track("bot", "Begin").result()
            taken = list(blocks(engine, events, block, lambda number: "bot"))
            check(journey, engine.profile("bot"), events, settings)
    return taken


def of_others(events: int, block: int) -> float:
    """Microseconds an event where each has a person of its own."""
    with tempfile.TemporaryDirectory(prefix="parcours-benchmark-") as folder:
        store = f"sqlite:///{Path(folder) / 'store'}"
        with Engine.open(project("ended"), store, shards=1, runtime="local", records=["email"]) as engine:
            return statistics.median(blocks(engine, events, block, lambda number: f"u{number}"))


def parts(taken: list[float]) -> list[int]:
    """The medians of the parts, in their order."""
    size = max(1, len(taken) // PARTS)
    return [round(statistics.median(taken[first : first + size])) for first in range(0, len(taken), size)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ended", type=int, default=20_000, help="events that each start a run")
    parser.add_argument("--open", type=int, default=200_000, help="events in one run")
    parser.add_argument("--block", type=int, default=1_000)
    arguments = parser.parse_args()
    others = round(of_others(10 * arguments.block, arguments.block))
    print(f"{others} µs an event of different people")
    found: dict[str, list[int]] = {}
    for journey, events in (("ended", arguments.ended), ("open", arguments.open)):
        found[journey] = parts(measured(journey, events, arguments.block))
        print(f"{journey}: {events:,} events of one person")
        for number, each in enumerate(found[journey], 1):
            print(f"  until {events * number // len(found[journey]):>9,}  {each:>6} µs an event")
    print(json.dumps({"others_us": others, **{f"{name}_us": each for name, each in found.items()}}))


if __name__ == "__main__":
    main()
