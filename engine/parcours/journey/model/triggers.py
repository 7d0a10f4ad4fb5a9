"""The models of what can happen to a person: an event, or a change of audience."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from parcours.journey.model.forms import Document, ExpressionText, Name


class EventTriggerDocument(Document):
    """An event type, and the condition that the event has to meet."""

    event: str = Field(description="The name of an event type.")
    when: ExpressionText | None = Field(default=None, description="What the event has to meet; any will do without it.")


class AudienceTriggerDocument(Document):
    """The person enters an audience, or leaves it."""

    audience: Name = Field(description="The name of an audience.")
    change: Literal["entered", "left"] = Field(
        default="entered", description="Whether the person comes in or drops out."
    )
