"""The process of a Kafka for tests: librdkafka's mock cluster, told what to do by lines on its standard input.

It is run by its path, so that it starts without the engine. What it offers lies in librdkafka's C interface, of which
Python's client knows only a part.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import confluent_kafka

ALL_BROKERS = -1
PRODUCER = 0
ERROR_BYTES = 512


class Cluster:
    """A mock cluster; each method is a request that a line may name."""

    def __init__(self, brokers: int) -> None:
        self._library = _library()
        self._cluster = self._new(brokers)

    def servers(self) -> str:
        """The addresses of its brokers, as clients take them."""
        told: bytes = self._pointer("cluster_bootstraps", ctypes.c_char_p, self._cluster)
        return told.decode()

    def create(self, topic: str, partitions: int) -> int:
        return self._do("topic_create", topic.encode(), partitions, 1)

    def delete(self, topic: str) -> int:
        return self._do("topic_delete", topic.encode())

    def forget(self, topic: str, partition: int, before: int) -> int:
        return self._do("partition_delete_records", topic.encode(), ctypes.c_int32(partition), ctypes.c_int64(before))

    def down(self) -> int:
        return self._do("broker_set_down", ALL_BROKERS)

    def up(self) -> int:
        return self._do("broker_set_up", ALL_BROKERS)

    def fail(self, request: int, errors: list[int]) -> int:
        self._do("clear_request_errors", ctypes.c_int16(request))
        codes = (ctypes.c_int * len(errors))(*errors)
        self._do("push_request_errors_array", ctypes.c_int16(request), ctypes.c_size_t(len(errors)), codes)
        return 0

    def rebalance_after(self, delay_ms: int) -> int:
        self._do("group_initial_rebalance_delay_ms", delay_ms)
        return 0

    def _new(self, brokers: int) -> ctypes.c_void_p:
        library = self._library
        library.rd_kafka_conf_new.restype = library.rd_kafka_new.restype = ctypes.c_void_p
        configuration = ctypes.c_void_p(library.rd_kafka_conf_new())
        error = ctypes.create_string_buffer(ERROR_BYTES)
        length = ctypes.c_size_t(ERROR_BYTES)
        for name, value in ((b"bootstrap.servers", b"127.0.0.1:1"), (b"log_level", b"0")):
            library.rd_kafka_conf_set(configuration, name, value, error, length)
        handle = library.rd_kafka_new(PRODUCER, configuration, error, length)
        if not handle:
            raise RuntimeError(error.value.decode())
        return ctypes.c_void_p(self._pointer("cluster_new", ctypes.c_void_p, ctypes.c_void_p(handle), brokers))

    def _pointer(self, name: str, kind: Any, *arguments: Any) -> Any:
        function = getattr(self._library, f"rd_kafka_mock_{name}")
        function.restype = kind
        return function(*arguments)

    def _do(self, name: str, *arguments: Any) -> int:
        """Carry something out; the code of what is wrong, 0 if nothing is."""
        done: int = getattr(self._library, f"rd_kafka_mock_{name}")(self._cluster, *arguments)
        return done


def _library() -> ctypes.CDLL:
    """The librdkafka that Python's client has loaded already."""
    beside = Path(confluent_kafka.__file__).parent.with_name("confluent_kafka.libs")
    bundled = sorted(beside.glob("librdkafka*.so*"))
    return ctypes.CDLL(str(bundled[0]) if bundled else "librdkafka.so.1")


def main() -> None:
    cluster = Cluster(int(sys.argv[1]))
    for line in sys.stdin:
        name, *arguments = json.loads(line)
        request: Callable[..., int | str] = getattr(cluster, name)
        sys.stdout.write(f"{json.dumps(request(*arguments))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
