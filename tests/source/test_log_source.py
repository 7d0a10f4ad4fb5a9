"""Does the log in memory pass the contract suite of sources?"""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

import pytest

from parcours.source import PartitionGone, PositionOutOfRange, Source, SourceUnreachable
from parcours.testing.doubles import Log, LogSource
from parcours.testing.source_contract import SourceContract


class TestLogSource(SourceContract[Log]):
    source: ClassVar[type[Source]] = LogSource

    @contextmanager
    def broker(self) -> Iterator[Log]:
        yield Log()

    def settings(self, broker: Log) -> dict[str, Any]:
        return {"log": broker.name}

    def write(self, broker: Log, values: Sequence[bytes], partition: int = 0) -> str:
        for number, value in enumerate(values, 1):
            broker.append(str(partition), value, timestamp_ms=1_000 * number)
        return str(partition)

    def cut_off(self, broker: Log) -> AbstractContextManager[None]:
        return broker.away()

    def remove(self, broker: Log, partition: str) -> None:
        del broker.partitions[partition]

    def forget(self, broker: Log, partition: str, position: int) -> None:
        broker.drop_before(partition, position)


@pytest.mark.parametrize(
    "error, says",
    [
        (PartitionGone("no topic"), "no topic"),
        (SourceUnreachable("no broker"), "no broker"),
        (PositionOutOfRange(5, 9), "the log does not hold position 5; the oldest that there is: 9"),
        (PositionOutOfRange(5), "the log does not hold position 5"),
    ],
)
def test_what_can_be_wrong_says_so_in_another_process_too(error: Exception, says: str) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert (type(again), str(again)) == (type(error), says)
