"""Lives of programs that are killed, by themselves or from outside.

What all lives of a program have in common is imported once, by one process; then one life after the other is forked,
as it is asked for.
"""

from __future__ import annotations

import functools
import inspect
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from parcours import Engine

ROOT = Path(__file__).parents[2]

Place: TypeAlias = tuple[type, str, bool]
"""Where a life may end itself: a method of a class, and whether after it has been carried out."""


@dataclass(frozen=True)
class Life:
    """One life of an engine in a store, which takes lines.

    first        the number of the first line to be handed in
    lines        how many there are; the life ends in good order then. None: until it is killed
    lasts_s      after which time from its opening it is killed, None where it is not
    place, call  where it ends itself, and at which call of that (from 1)
    """

    store: str
    first: int
    lines: int | None
    lasts_s: float | None
    place: str | None
    call: int

    @classmethod
    def last(cls, store: Path, first: int, lines: int) -> Life:
        """One that takes so many lines and ends in good order."""
        return cls(str(store), first, lines, None, None, 0)

    def written(self) -> str:
        return json.dumps(asdict(self))

    def hand_in(self, engine: Engine, line: Callable[[int], Any], at_once: int) -> None:
        """Be killed in time from now on, hand in the lines, and say of each batch that it is taken."""
        if self.lasts_s is not None:
            signal.setitimer(signal.ITIMER_REAL, self.lasts_s)  # which ends a process that does not expect it
        number, until = self.first, None if self.lines is None else self.first + self.lines
        while until is None or number < until:
            engine.ingest([line(each) for each in range(number, number + at_once)]).result(30)
            number += at_once
            say(taken=number)
        engine.drain(30)


class Lives:
    """The process of which the lives of one program are forked."""

    def __init__(self, module: str, *arguments: str) -> None:
        command = [sys.executable, "-X", "faulthandler", "-m", module, *arguments]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=ROOT)

    def close(self) -> None:
        """Let it end."""
        self._process.communicate()

    def lived(self, *arguments: str) -> dict[str, Any] | None:
        """One life; what it told at its end, None where it was killed."""
        ended, said = self.live(*arguments)
        if ended == -signal.SIGKILL:
            return None
        assert ended == 0, f"it ended with {ended}: {said[-1:]}"
        return said[-1]

    def killed(self, life: Life, at: Counter[str]) -> int:
        """One life that is killed, counted by where; the number of the line that comes next."""
        ended, said = self.live(life.written())
        assert ended in (-signal.SIGKILL, -signal.SIGALRM), f"{ended}: {said[-3:]}"
        at[life.place if ended == -signal.SIGKILL and life.place is not None else "any time"] += 1
        taken: list[int] = [each["taken"] for each in said if "taken" in each]
        return max([life.first, *taken])

    def killed_within(self, life_s: float, *arguments: str) -> None:
        """One life that is ended after this time, if it has not ended by itself."""
        ended, said = self.live(*arguments, life_s=life_s)
        assert ended in (0, -signal.SIGALRM), f"it ended with {ended}: {said[-1:]}"

    def live(self, *arguments: str, life_s: float | None = None) -> tuple[int, list[dict[str, Any]]]:
        """One life: how it ended, and what it said."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps([life_s, arguments])}\n")
        self._process.stdin.flush()
        said: list[dict[str, Any]] = []
        for line in self._process.stdout:
            said.append(json.loads(line))
            if "ended" in said[-1]:
                return said.pop()["ended"], said
        raise AssertionError("the process of all lives has ended")


def fork_lives(live: Callable[..., None]) -> None:
    """Fork lives as `Lives` asks for them: `live` is called with the arguments of each, and says what it has to say."""
    for asked in sys.stdin:
        life_s, arguments = json.loads(asked)
        child = os.fork()
        if child == 0:
            _live(live, life_s, arguments)
        _, status = os.waitpid(child, 0)
        say(ended=os.waitstatus_to_exitcode(status))


def _live(live: Callable[..., None], life_s: float | None, arguments: list[str]) -> None:
    """Be a life, and end with it."""
    code = 1
    try:
        if life_s is not None:
            signal.setitimer(signal.ITIMER_REAL, life_s)  # which ends a process that does not expect it
        live(*arguments)
        code = 0
    except Exception as error:
        say(error=repr(error))
        raise
    finally:
        with suppress(OSError):
            sys.stderr.flush()
        os._exit(code)


def die() -> None:
    """End this process as it stands."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_at(place: Place, call: int) -> None:
    """End this process at the call of this number (from 1) that comes to the place."""
    owner, name, is_after = place
    method: Callable[..., Any] = getattr(owner, name)
    calls = 0

    def counts(*, after: bool) -> None:
        nonlocal calls
        if after == is_after:
            calls += 1
            if calls == call:
                die()

    @functools.wraps(method)
    def plain(*args: Any, **more: Any) -> Any:
        counts(after=False)
        result = method(*args, **more)
        counts(after=True)
        return result

    @functools.wraps(method)
    async def awaited(*args: Any, **more: Any) -> Any:
        counts(after=False)
        result = await method(*args, **more)
        counts(after=True)
        return result

    setattr(owner, name, awaited if inspect.iscoroutinefunction(method) else plain)


def say(**what: object) -> None:
    """Write a line that cannot be cut: whoever is killed has said all of it or nothing."""
    line = memoryview(f"{json.dumps(what)}\n".encode())
    while line:
        line = line[os.write(1, line) :]
