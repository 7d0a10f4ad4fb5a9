"""What of the carts does Flink run in Python? It loads this module where it does, in a process or thread of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pyflink.common import Types
from pyflink.datastream import KeyedProcessFunction
from pyflink.datastream.state import MapStateDescriptor, ValueStateDescriptor

from peers.carts import ORDER, decode, lets_in

NOTHING, BEGIN, END = range(3)

Read = tuple[str, str, int]
"""A person, a message id, and what the line does with her cart."""

BEGUN, WARM, TAKEN = "begun", "warm", "taken"
"""Files that are there once the first line is taken, once a fifth is, and once all are."""

WARM_SHARE = 0.2
"""Of the lines are taken before time counts: by then the JVM has compiled what it runs often."""

REMINDED = "reminded"
"""A file that is there once nobody waits after that: it says how many were reminded."""


def read(text: str) -> Read:
    line = decode(text)
    does = END if line.event == ORDER else BEGIN if lets_in(line) else NOTHING
    return line.person, line.message_id, does


def to_count(lines: int) -> int:
    """How many of the lines time is taken of."""
    return lines - round(lines * WARM_SHARE)


def person_of(line: Read) -> str:
    return line[0]


class Cart(KeyedProcessFunction):
    """Everybody's, one at a time; the counters are of all of them, in the one task that there is."""

    def __init__(self, lines: int, patience_s: float, folder: str) -> None:
        self._to_take, self._patience_ms, self._folder = lines, round(patience_s * 1_000), Path(folder)
        self._waiting = self._reminded = 0
        self._marks = {lines - 1: BEGUN, to_count(lines): WARM, 0: TAKEN}

    def open(self, runtime_context: Any) -> None:
        self._due = runtime_context.get_state(ValueStateDescriptor("due", Types.LONG()))
        self._seen = runtime_context.get_map_state(MapStateDescriptor("seen", Types.STRING(), Types.BOOLEAN()))

    def process_element(self, value: Read, ctx: Any) -> Iterator[str]:
        _, message_id, does = value
        if not self._seen.contains(message_id):
            self._seen.put(message_id, True)
            if does != NOTHING:
                self._apply(does, ctx.timer_service())
        self._to_take -= 1
        if self._to_take in self._marks:
            (self._folder / self._marks[self._to_take]).touch()
            self._tell_if_over()
        return iter(())

    def _apply(self, does: int, timers: Any) -> None:
        due_ms = self._due.value()
        if does == BEGIN and due_ms is None:
            due_ms = timers.current_processing_time() + self._patience_ms
            self._due.update(due_ms)
            timers.register_processing_time_timer(due_ms)
            self._waiting += 1
        elif does == END and due_ms is not None:
            timers.delete_processing_time_timer(due_ms)
            self._due.clear()
            self._waiting -= 1

    def on_timer(self, timestamp: int, ctx: Any) -> Iterator[str]:
        self._due.clear()
        self._waiting -= 1
        self._reminded += 1
        self._tell_if_over()
        yield ctx.get_current_key()

    def _tell_if_over(self) -> None:
        if not self._to_take and not self._waiting:
            written = self._folder / "written"
            written.write_text(str(self._reminded))
            written.rename(self._folder / REMINDED)
