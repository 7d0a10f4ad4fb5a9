"""The body of an outbound call: its fields as JSON, always the same bytes for the same call."""

from __future__ import annotations

import msgspec
from pydantic import BaseModel, ConfigDict

from parcours.core.effect import Outgoing
from parcours.dispatch.render import RenderFailed
from parcours.journey.program import Program


class CallSettings(BaseModel):
    """What every call keeps to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    answer_bytes_max: int


class CallContent(BaseModel):
    """A call that is ready to leave.

    timeout_s   how long all of it may take, the answer included
    has_answer  whether anything of the answer is of use
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    body: bytes
    timeout_s: float
    has_answer: bool


class CallRenderer:
    """Makes a call of an outbox entry, as the action of its journey's version has it."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def publish(self, program: Program) -> None:
        """From now on make the calls of this program."""
        self._program = program

    def render(self, outgoing: Outgoing) -> CallContent:
        """The call. Raises RenderFailed where the project has no such action any more."""
        journey = self._program.journey(outgoing.journey, outgoing.version)
        action = (journey or self._program).actions.get(outgoing.message)
        if action is None:
            raise RenderFailed(f"render: the project has no action {outgoing.message!r} any more")
        return CallContent(
            body=msgspec.json.encode(outgoing.context),
            timeout_s=action.timeout_ms / 1000,
            has_answer=bool(action.answer),
        )
