"""The names by which deliveries can be asked for: a misspelt one would find nothing, as if nothing had been sent."""

from __future__ import annotations

from collections.abc import Mapping

from parcours.channel import CALL
from parcours.errors import CallerError
from parcours.journey.channels import channels_known
from parcours.journey.program import Program
from parcours.wording import nearest, quoted, shown_value


class SentNames:
    """What every project published so far has named."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {"channel": {CALL}, "journey": set(), "step": set(), "message": set()}

    def add(self, program: Program) -> None:
        """A project has been published."""
        self._known["channel"] |= channels_known(program)
        journeys = (*program.journeys, *program.taking)
        self._known["journey"].update(journey.name for journey in journeys)
        self._known["step"].update(step for journey in journeys for step in journey.steps)
        self._known["message"].update(program.messages, program.actions)

    def check(self, asked: Mapping[str, object]) -> None:
        """Raises CallerError for a name of a channel, journey, step or message that there has never been."""
        for kind, known in self._known.items():
            name = asked.get(kind)
            if name is None:
                continue
            if not isinstance(name, str):
                raise CallerError(f"{kind}={shown_value(name)}: a text is expected")
            if name not in known:
                raise CallerError(f"{kind}: the project has no {kind} {quoted(name)}{nearest(name, known)}")
