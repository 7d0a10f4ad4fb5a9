"""What is published, and what do its names mean? A world for each publication, and what has been done to journeys."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from tests.model.reference.expression import Tree, parse
from tests.model.reference.times import is_duration

Document = dict[str, Any]
Meaning = tuple[Any, ...]  # an event's name, and the event and rule that it is made by, if it is
Series = tuple[Meaning, str | None, str | None]  # an event, a property and a condition
AudienceKey = tuple[Any, ...]  # a name, its condition, and what the events in it mean


@dataclass(frozen=True)
class Limits:
    """Settings that say how much is kept of a person."""

    ended_runs_max: int = 200
    inbox_max: int = 50
    inbox_bytes_max: int = 65_536
    open_runs_max: int = 1_000
    identities_max: int = 100


@dataclass
class Life:
    """What happened to journeys up to the input or the change at hand, which `order` numbers."""

    limits: Limits = Limits()
    order: int = 0
    worlds: list["World"] = field(default_factory=list)
    since: dict[Series, int] = field(default_factory=dict)
    contents: dict[str, list[str]] = field(default_factory=dict)
    state: dict[str, str] = field(default_factory=dict)
    paused: set[str] = field(default_factory=set)
    read: set[tuple[str, int]] = field(default_factory=set)
    message_ids: dict[tuple[str, str], int] = field(default_factory=dict)  # by the name that they are written under


class World:
    """The documents of a published project, by name."""

    def __init__(self, project: Document, life: Life | None = None) -> None:
        self.settings: Document = project["project"]
        self.timezone: str = self.settings["timezone"]
        self.policies: Document = self.settings.get("policies", {})
        self.profile: Document = project["profile"]
        self.events: Document = project["events"].get("events", {})
        self.audiences: dict[str, str] = project["audiences"].get("audiences", {})
        self.messages: dict[str, Document] = {message["message"]: message for message in project["messages"]}
        self.actions: dict[str, Document] = project.get("actions", {}).get("actions", {})
        # Several journeys of one person go by priority, highest first, then name.
        self.journeys: list[Document] = sorted(project["journeys"], key=place_of)
        self.life = life or Life()
        self.versions: dict[str, int] = {}
        self.enter_life()

    def enter_life(self) -> None:
        self.life.worlds.append(self)
        for journey in self.journeys:
            # A version is an integer and what it covers; the same content is the same version.
            contents = self.life.contents.setdefault(journey["journey"], [])
            content = json.dumps(self.covered(journey), sort_keys=True)
            if not contents or contents[-1] != content:
                contents.append(content)
            self.versions[journey["journey"]] = len(contents)
            # Publishing opens what was closed or stopped; what is paused stays so.
            self.life.state[journey["journey"]] = "open"
        for condition in (*self.audiences.values(), *conditions_of(self.journeys)):
            for series in self.series_of(condition):
                # A new series starts at publication.
                self.life.since.setdefault(series, self.life.order)

    def meaning(self, event: str) -> Meaning:
        declaration = self.events.get(event, {})
        return (event, declaration.get("of"), declaration.get("rule"))

    def audience_key(self, name: str) -> AudienceKey:
        condition = self.audiences[name]
        return (name, condition, *(meaning for meaning, _, _ in self.series_of(condition)))

    def series_of(self, condition: str) -> list[Series]:
        found: list[Series] = []
        for node in nodes_of(condition):
            if node[0] == "call" and node[1] in ("count", "sum", "last"):
                name, *texts = (argument[1] for argument in node[2])
                path = texts.pop(0) if node[1] == "sum" else None
                condition_text = next((text for text in texts if not is_duration(text)), None)
                found.append((self.meaning(name), path, condition_text))
        return found

    def covered(self, journey: Document) -> list[Any]:
        """All that a version pins: the journey, and the messages, actions, audiences and events that it names."""
        messages = [self.messages[step["send"]] for step in journey["steps"] if "send" in step]
        names = {value for value in texts_of(journey) if isinstance(value, str)}
        names.update(event for message in messages for event in message.get("withdraw", []))
        names.update(name for condition in conditions_of([journey]) for name in audiences_asked(condition))
        audiences = [self.audience_key(name) for name in sorted(names & self.audiences.keys())]
        events = {self.meaning(name) for name in names & self.events.keys()}
        for condition in conditions_of([journey]):
            events.update(meaning for meaning, _, _ in self.series_of(condition))
        actions = [self.actions[step["call"]] for step in journey["steps"] if "call" in step]
        return [journey, messages, actions, audiences, sorted(events, key=str)]


def place_of(journey: Document) -> tuple[int, str]:
    return (-journey.get("priority", 0), journey["journey"])


def texts_of(document: Any) -> Iterator[Any]:
    if isinstance(document, dict | list):
        for inner in document.values() if isinstance(document, dict) else document:
            yield from texts_of(inner)
    else:
        yield document


def conditions_of(document: Any) -> Iterator[str]:
    """Every condition text below: what stands under `when`."""
    if isinstance(document, dict):
        if isinstance(document.get("when"), str):
            yield document["when"]
        for inner in document.values():
            yield from conditions_of(inner)
    elif isinstance(document, list):
        for inner in document:
            yield from conditions_of(inner)


def audiences_asked(condition: str) -> list[str]:
    """The audiences in which a condition asks for the person."""
    return [node[2][0][1] for node in nodes_of(condition) if node[:2] == ("call", "in_audience")]


@cache
def nodes_of(text: str) -> list[Tree]:
    return nodes(parse(text))


def nodes(tree: Tree) -> list[Tree]:
    found = [tree]
    for part in tree[1:]:
        for inner in part if isinstance(part, list) else [part]:
            if isinstance(inner, tuple):
                found.extend(nodes(inner))
    return found
