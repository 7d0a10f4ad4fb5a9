"""What does an actor need to know? A plan, in a form that travels between processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parcours.config import Settings
from parcours.core.turn import Crowd
from parcours.expression.nodes import Node
from parcours.journey.project import Project
from parcours.routing.plan import Plan, RecordedAnswers


@dataclass(frozen=True, slots=True)
class Assignment:
    """A plan whose project is its documents: every process compiles them for itself, to the same program.

    trees  what the project's expressions say, as this process has read them
    """

    project: bytes
    trees: Mapping[str, Node] = field(repr=False)
    shards: int
    store: str
    channels: Mapping[str, Mapping[str, object]] = field(repr=False)
    records: tuple[str, ...]
    virtual: bool
    crowd: Crowd | None
    settings: Settings
    rendering: RecordedAnswers | None

    @classmethod
    def of(cls, plan: Plan) -> Assignment:
        return cls(
            plan.project.to_json(),
            plan.project.trees(),
            plan.shards,
            plan.store,
            plan.channels,
            plan.records,
            plan.virtual,
            plan.crowd,
            plan.settings,
            plan.rendering,
        )

    def plan(self) -> Plan:
        return Plan(
            Project.from_json(self.project, self.trees),
            self.shards,
            self.store,
            self.channels,
            self.records,
            self.virtual,
            self.crowd,
            self.settings,
            self.rendering,
        )
