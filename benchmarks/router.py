"""One more router of an engine in a Ray cluster, a process of its own. See workloads/growing.py, which starts it.

It says `ready` once it is attached and its lines are made, hands them in as soon as a line comes by the standard input,
and tells what became of them. Of so many routers each has the events of its own people.
"""

from __future__ import annotations

import json
import sys

from throughput import shop
from workload import events
from workloads.ingest import BLOCK_EVENTS, feed

from parcours import Engine


def lines_of(number: int, routers: int, count: int, people: int) -> list[bytes]:
    return [line for line in events(count, people) if int(json.loads(line)["userId"][-6:]) % routers == number]


def main(address: str, rate: str, *numbers: str) -> None:
    lines = lines_of(*map(int, numbers))
    blocks = [b"\n".join(lines[start : start + BLOCK_EVENTS]) for start in range(0, len(lines), BLOCK_EVENTS)]
    with Engine.attach(address, shop("2s", rate)) as engine:
        print("ready", flush=True)
        sys.stdin.readline()
        outcomes = feed(engine, blocks)
        accepted = sum(outcome.accepted for outcome in outcomes)
        print(json.dumps({"lines": len(lines), "accepted": accepted}), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    main(*sys.argv[1:])
