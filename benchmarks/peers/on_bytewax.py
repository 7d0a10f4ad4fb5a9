"""How does Bytewax take the carts? One worker; everybody's cart is state under her name, its notification the wait.

Lines come in batches, are decoded by msgspec a batch at a time, and go to the operator of state in batches, which are
what Bytewax names as its lowest level. Ways:

all       every line comes to the person's state, which recognises message ids that it has had
listened  only what the journey listens to does, and a person who waits for nothing has no state
recovery  as `all`, with snapshots in SQLite each second, from which a worker would go on; the others keep nothing
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.run import cli_main

from peers.carts import LISTENED, ORDER, REMINDER, Line, Sent, decode, lets_in
from peers.telling import LOOK_EVERY_S, Watch, asked, tell

BATCH = 10_000
"""Lines that the source gives at once, as many as Parcours gets in a block; with fewer Bytewax idles in between."""

SNAPSHOT_EVERY = timedelta(seconds=1)

State = tuple[datetime | None, frozenset[str]]
"""When the wait ends, if there is one, and the message ids."""


class Flow:
    """What the parts of the dataflow share, all of which run in one thread.

    to_apply  lines that have not come to any state yet
    waiting   carts that wait
    """

    def __init__(self, lines: list[bytes], patience_s: float, *, keeps_ids: bool) -> None:
        self.lines, self.patience, self.keeps_ids = lines, timedelta(seconds=patience_s), keeps_ids
        self.to_apply = len(lines) if keeps_ids else sum(decode(line).event in LISTENED for line in lines)
        self.waiting = 0
        self.sent: list[Sent] = []
        self.watch = Watch(len(lines), patience_s)

    def applied(self, count: int) -> None:
        self.to_apply -= count
        if not self.to_apply:
            self.watch.taken()


class Cart(StatefulBatchLogic):
    """One person's."""

    __slots__ = ("_due", "_flow", "_seen")

    def __init__(self, flow: Flow, state: State | None) -> None:
        self._flow = flow
        self._due, seen = state or (None, frozenset())
        self._seen = set(seen)

    def on_batch(self, values: list[Line]) -> tuple[Iterable[str], bool]:
        flow = self._flow
        for line in values:
            if flow.keeps_ids:
                if line.message_id in self._seen:
                    continue
                self._seen.add(line.message_id)
            if self._due is None:
                if lets_in(line):
                    self._due = datetime.now(UTC) + flow.patience
                    flow.waiting += 1
            elif line.event == ORDER:
                self._due = None
                flow.waiting -= 1
        flow.applied(len(values))
        return (), self._is_over()

    def on_notify(self) -> tuple[Iterable[str], bool]:
        """Also called for a wait that an order has ended: Bytewax forgets no time that it was told."""
        if self._due is None or self._due > datetime.now(UTC):
            return (), self._is_over()
        self._due = None
        self._flow.waiting -= 1
        return (REMINDER,), self._is_over()

    def notify_at(self) -> datetime | None:
        return self._due

    def snapshot(self) -> State:
        return self._due, frozenset(self._seen)

    def _is_over(self) -> bool:
        return self._due is None and not self._flow.keeps_ids


class Lines(FixedPartitionedSource):
    """One partition, which stays until the last reminder is out."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def list_parts(self) -> list[str]:
        return ["lines"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Partition:
        return Partition(self._flow, resume_state or 0)


class Partition(StatefulSourcePartition):
    """Knows how far it has read."""

    def __init__(self, flow: Flow, place: int) -> None:
        self._flow, self._place = flow, place

    def next_batch(self) -> list[bytes]:
        flow, first = self._flow, self._place
        self._place = min(first + BATCH, len(flow.lines))
        if not flow.to_apply and flow.watch.due() and not flow.waiting:
            raise StopIteration
        return flow.lines[first : self._place]

    def next_awake(self) -> datetime | None:
        if self._place < len(self._flow.lines):
            return None
        return datetime.now(UTC) + timedelta(seconds=LOOK_EVERY_S)

    def snapshot(self) -> int:
        return self._place


class Reminders(DynamicSink):
    """Records them."""

    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Recorder:
        return Recorder(self._flow)


class Recorder(StatelessSinkPartition):
    def __init__(self, flow: Flow) -> None:
        self._flow = flow

    def write_batch(self, items: list[Sent]) -> None:
        self._flow.sent.extend(items)


Decoded = Callable[[list[bytes]], list[tuple[str, Line]]]


def every(batch: list[bytes]) -> list[tuple[str, Line]]:
    return [(line.person, line) for line in map(decode, batch)]


def listened(batch: list[bytes]) -> list[tuple[str, Line]]:
    return [(line.person, line) for line in map(decode, batch) if line.event in LISTENED]


def dataflow(flow: Flow, decoded: Decoded) -> Any:
    whole = Dataflow("carts")
    lines = op.input("lines", whole, Lines(flow))
    by_person = op.flat_map_batch("decode", lines, decoded)
    sent = op.stateful_batch("cart", by_person, lambda state: Cart(flow, state))
    op.output("send", sent, Reminders(flow))
    return whole


def main() -> None:
    one, lines = asked()
    kept = RecoveryConfig(one.folder, timedelta()) if one.way == "recovery" else None
    if kept is not None:
        init_db_dir(Path(one.folder), 1)
    flow = Flow(lines, one.patience_s, keeps_ids=one.way != "listened")
    whole = dataflow(flow, listened if one.way == "listened" else every)
    cli_main(whole, workers_per_process=1, epoch_interval=SNAPSHOT_EVERY if kept else None, recovery_config=kept)
    tell(flow.watch.told(flow.sent))


if __name__ == "__main__":
    main()
