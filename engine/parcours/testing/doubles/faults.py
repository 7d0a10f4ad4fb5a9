"""The faults of a provider, as values that a test hands to its double."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Fault = TypeVar("Fault")


@dataclass(frozen=True, slots=True)
class Reply:
    """An SMTP server's fault: it sends this line instead of its usual one, such as `451 4.7.1 Try again later`."""

    line: str


@dataclass(frozen=True, slots=True)
class HttpReply:
    """An HTTP provider's fault: it answers with this instead of taking the message; `body` is sent as JSON."""

    status: int
    body: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Drop:
    """The provider takes the message in, and breaks the connection without answering."""


@dataclass(frozen=True, slots=True)
class Hang:
    """The provider takes the message in, and does not answer until the double is closed."""


class Script(Generic[Fault]):
    """The queue of faults to come, oldest first."""

    def __init__(self) -> None:
        self._faults: deque[Fault] = deque()

    def add(self, fault: Fault, times: int = 1) -> None:
        self._faults.extend([fault] * times)

    def __len__(self) -> int:
        return len(self._faults)

    def take(self) -> Fault | None:
        """The next fault, None if all goes well. Appending and popping are atomic, so no lock is needed."""
        try:
            return self._faults.popleft()
        except IndexError:
            return None
