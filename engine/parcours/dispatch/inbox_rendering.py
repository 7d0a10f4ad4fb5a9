"""What would lie in inboxes: cards and in-app messages, rendered in the shard, live as in a simulation.

The channels are looked for when the first of these deliveries comes: most shards never have one.
"""

from __future__ import annotations

from parcours.channel import INBOX
from parcours.core.effect import Outgoing
from parcours.core.input import Settlement
from parcours.dispatch.recorded_rendering import RecordedRendering, checks_on, contents_on
from parcours.dispatch.registry import Registry
from parcours.journey.program import Program
from parcours.shard.outbox import Answering


class InboxRendering:
    """Answers the deliveries of one shard that lie in inboxes: satisfies `Answering`."""

    def __init__(self, registry: Registry | None = None) -> None:
        self._registry = registry
        self._answering: Answering | None = None

    def __call__(self, outgoing: Outgoing, program: Program) -> Settlement:
        if self._answering is None:
            installed = self._registry or Registry.installed()
            rendering = RecordedRendering(contents_on(INBOX, installed), checks_on(INBOX, installed), keep=False)
            self._answering = rendering.answering(program)
        return self._answering(outgoing, program)
