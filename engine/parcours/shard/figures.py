"""What does a shard say of itself in numbers? And where does it run?"""

from __future__ import annotations

import os
from socket import gethostname

import msgspec

from parcours.core.recent import Recent
from parcours.core.totals import Totals
from parcours.durations import Durations
from parcours.shard.fact_positions import FactStanding
from parcours.shard.messages import Status


class ShardFigures(msgspec.Struct, frozen=True, array_like=True):
    """What a shard says of itself in numbers, without looking at anybody.

    journal_bytes   of the journal behind the oldest image
    timers_late_ms  for how long the next timer has been due, 0 if it is not
    commits         how long records took to be written, since the shard was opened
    handovers       by channel, how long after its decision a delivery was handed over for the first time, likewise
    outbox          deliveries by channel, whatever each of them waits for
    recent          what has happened in the last hours
    late            by journey, for how long a timer of its runs has been due; of the first people who are due
    journal_from_ms  when the journal behind the oldest image begins, None where there is none
    timers_late     about how many people have a timer that is due
    process         where it runs: the machine, and the process there
    facts_to        by destination of facts, where it stands
    """

    status: Status
    totals: Totals
    epoch: int
    journal_bytes: int
    timers_late_ms: int
    commits: Durations
    handovers: dict[str, Durations]
    outbox: dict[str, int]
    recent: Recent = Recent()
    late: dict[str, int] = {}
    journal_from_ms: int | None = None
    timers_late: int = 0
    process: str = ""
    facts_to: dict[str, FactStanding] = {}


def here() -> str:
    """This machine and this process, for whoever looks after them."""
    return f"{gethostname()}, process {os.getpid()}"
