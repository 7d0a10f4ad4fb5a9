"""A foreign member of the consumer group, in processes of its own: it joins, takes partitions away, and is gone again.

It leaves in good order or without a word, as its seed has it, until it is told to stop: then it says how often each of
both was.
"""

from __future__ import annotations

import json
import os
import select
import sys
import time
from collections import Counter
from random import Random

from confluent_kafka import Consumer
from tests.engine.lives import say

LONGEST_S = 3.0


def main(settings: str, topic: str, seed: str) -> None:
    chance, told = Random(int(seed)), Counter[str]()
    while not _is_asked_to_stop(chance.uniform(0.1, LONGEST_S)):
        lasts_s, leaves = chance.uniform(0.5, LONGEST_S), chance.random() < 0.5
        child = os.fork()
        if child == 0:
            _be_a_member(json.loads(settings), topic, lasts_s, leaves=leaves)
            os._exit(0)
        os.waitpid(child, 0)
        told["left" if leaves else "vanished"] += 1
    say(**told)


def _is_asked_to_stop(within_s: float) -> bool:
    return bool(select.select([sys.stdin], [], [], within_s)[0])


def _be_a_member(settings: dict[str, object], topic: str, lasts_s: float, *, leaves: bool) -> None:
    member = Consumer(settings)
    member.subscribe([topic])
    until = time.monotonic() + lasts_s
    while time.monotonic() < until:
        member.poll(0.05)
    if leaves:
        member.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
