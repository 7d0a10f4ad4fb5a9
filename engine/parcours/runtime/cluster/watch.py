"""The watch over actors: each is asked again and again, and whatever is wrong with it is its trouble until it is well.

One that says nothing for too long is ended, and one that lacks its assignment is assigned again. A question stays with
the actor for a while: the end of its process answers it at once, and little is asked of those that are well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Final

import ray
from ray.exceptions import RayActorError, RayTaskError

from parcours.errors import ShardUnavailable
from parcours.runtime.cluster.actor_port import ActorGone

log = logging.getLogger("parcours")

WATCH_PAUSE_S: Final = 0.5
"""Pause before an actor is asked again whether it is there; a restarted one is back at work that much later."""

ANSWERS_AFTER_S: Final = 2.0
"""How long one that is well keeps the question at most."""

ANSWERS_AFTER_SHARE: Final = 0.2
"""The same, of the time that it may say nothing: a frozen one is noticed that much later."""


class Watch:
    """
    silence_s  how long an actor may say nothing once it should answer
    troubles   of each actor that is not well, by its name in words
    """

    def __init__(self, silence_s: float) -> None:
        self._silence_s = silence_s
        self._answers_after_s = min(ANSWERS_AFTER_SHARE * silence_s, ANSWERS_AFTER_S)
        self.troubles: dict[str, str] = {}

    async def keep(self, name: str, look_after: Callable[[float], Awaitable[object]]) -> None:
        """Ask for ever. Whatever goes wrong is kept as the actor's trouble until it is well again.

        `look_after` is told after how many seconds the actor is to answer: at once as long as it has a trouble.
        """
        told: str | None = None  # by a dispatcher: nobody sees what its own process logs
        while True:
            await asyncio.sleep(WATCH_PAUSE_S)
            try:
                answer = await look_after(0 if name in self.troubles else self._answers_after_s)
            except Exception as error:  # noqa: BLE001  # the watch has to go on whatever it finds
                self._note(name, f"{name}: {error}")
            else:
                if self.troubles.pop(name, None):
                    log.info("%s is at work again", name)
                if isinstance(answer, str) and answer != told:
                    log.warning("%s: %s", name, answer)
                told = answer if isinstance(answer, str) else None

    def _note(self, name: str, trouble: str) -> None:
        if trouble != self.troubles.get(name):
            log.warning("%s", trouble)
        self.troubles[name] = trouble

    async def look_after(
        self, actor: Any, ask: Callable[[float], Any], assign: Callable[[], Awaitable[None]], after_s: float
    ) -> object:
        """What the actor answers after this time, None if it has only just been assigned. Raises what is wrong with it,
        once something has been done about that.
        """
        try:
            async with asyncio.timeout(after_s + self._silence_s):
                return await ask(after_s)
        except TimeoutError:  # it answers between the slices of its work, however much that is
            ray.kill(actor, no_restart=False)
            raise ActorGone(f"no answer within {self._silence_s:g} s, so its process is ended") from None
        except RayActorError:
            # the next answer of the one that is started anew tells that it has to be assigned
            raise ActorGone("its process has ended, and is started anew") from None
        except ShardUnavailable:
            await assign()
        except RayTaskError as error:
            raise error.cause from None
        return None
