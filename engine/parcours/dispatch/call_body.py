"""The request of an outbound call: always the same one, to the byte, for the same call. Secrets are not in it yet."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from pydantic import BaseModel, ConfigDict, SecretStr

from parcours.core.effect import Outgoing
from parcours.dispatch.render import RenderFailed
from parcours.journey.model.actions import CallsDocument
from parcours.journey.program import Program


class CallSettings(CallsDocument):
    """What every call keeps to: what stands under `channels.call`, and what the engine adds.

    secrets  what each reference in a header stands for
    """

    answer_bytes_max: int
    secrets: Mapping[str, SecretStr] = {}


class CallContent(BaseModel):
    """A call that is ready to leave, but for what the references in its headers stand for.

    body        None for a request without one
    timeout_s   how long all of it may take, the answer included
    has_answer  whether anything of the answer is of use
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    method: str
    headers: Mapping[str, str]
    body: bytes | None
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
            method=action.method,
            headers=action.headers,
            body=msgspec.json.encode(outgoing.context) if action.has_body else None,
            timeout_s=action.timeout_ms / 1000,
            has_answer=bool(action.answer),
        )
