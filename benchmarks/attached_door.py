"""One more door of an engine in a Ray cluster, a process of its own. See workloads/growing.py, which starts it.

It says its port once it is open, and ends when the standard input does. Requests are not logged.
"""

from __future__ import annotations

import sys

from throughput import shop

from parcours import Service, serving
from parcours.ingress.settings import ServeSettings


def main(address: str, rate: str) -> None:
    def opened(_: ServeSettings) -> Service:
        return Service.attach(address, shop("2s", rate))

    def announce(at: str, _: object) -> None:
        print(at.rpartition(":")[2], flush=True)

    settings = ServeSettings(port=0, notice_s=0, room_wait_ms=10_000)
    serving.serve(lambda: serving.Serving(opened, settings, announce=announce, ends_with=sys.stdin.fileno()))


if __name__ == "__main__":
    main(*sys.argv[1:])
