"""The actor of a shard that tells for whom it works. Apart from observed.py, which is read where Ray is not."""

from __future__ import annotations

from parcours.runtime.cluster.actors import Assignment, ShardActor
from parcours.testing.faults.nodes.observed import Opened, Worked, tell


class ObservedShardActor(ShardActor):
    """The engine's own, with a word more."""

    _number = -1

    async def assign(self, plan: bytes, asked: Assignment) -> int:
        epoch = await super().assign(plan, asked)
        self._number = asked.number
        tell(Opened(asked.number, asked.keeper, epoch))
        return epoch

    async def ask(self, request: bytes, keeper: int | None = None) -> bytes:
        known = self._keeper
        answer = await super().ask(request, keeper)
        if keeper is not None and keeper < known:
            tell(Worked(self._number, keeper, known))
        return answer
