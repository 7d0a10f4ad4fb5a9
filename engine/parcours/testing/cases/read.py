"""The reader of a project's tests: documents, checked against the project's names, and findings by file and line.

Without that check a test with a misspelt step would pass by expecting nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar, assert_never

from pydantic import ValidationError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from parcours.channel import CALL
from parcours.core.delivery.feedback import CALL_OUTCOMES, is_possible
from parcours.expression.dotted import joined_path, split_path
from parcours.expression.names import kind_at
from parcours.instants import floor_ms
from parcours.journey.channels import channels_used, leaving_steps
from parcours.journey.program import CallAction
from parcours.journey.project import Project
from parcours.journey.read.finding import Finding, Key, Margin
from parcours.journey.read.reading import note_invalid
from parcours.journey.read.source import Source, file_text, read_text
from parcours.journey.read.yaml_files import yaml_files
from parcours.testing.cases.content import Fields
from parcours.testing.cases.document import (
    Case,
    ConsentGiven,
    DeliveryExpected,
    EventGiven,
    Expected,
    Given,
    IdentifyGiven,
    MoveExpected,
    NeverExpected,
    ReactionGiven,
    Rehearsal,
    Scene,
)
from parcours.testing.cases.moment import at_ms
from parcours.wording import nearest, quoted

FOLDER: Final = "tests"

SceneKind = TypeVar("SceneKind", bound=Scene)


@dataclass(frozen=True, slots=True)
class LocatedTest:
    """A test and its place, `file:line`; lines has the line of each expectation."""

    case: Case
    file: str
    line: int
    lines: tuple[int, ...]


def read_cases(project: Project, folder: Path) -> tuple[list[LocatedTest], list[Finding]]:
    """The valid tests in the project's folder, in the order of files and lines, and the findings on the others."""
    findings: list[Finding] = []
    placed: list[LocatedTest] = []
    fields = Fields(project)
    for path in yaml_files(folder / FOLDER, findings):
        source = _source(path, f"{FOLDER}/{path.name}", findings)
        if source is not None:
            placed += _cases(project, source, findings, fields)
    return placed, sorted(set(findings))


def read_rehearsal(project: Project, path: Path) -> tuple[Rehearsal | None, list[Finding]]:
    """The people of a YAML file, None if it has an error."""
    findings: list[Finding] = []
    source = _source(path, path.name, findings)
    rehearsal = (
        None if source is None else _scene(project, Rehearsal, source.data, source.margin(findings), Fields(project))
    )
    return (None if findings else rehearsal), sorted(set(findings))


def _source(path: Path, file: str, findings: list[Finding]) -> Source | None:
    try:
        return read_text(file_text(path), "tests", file, findings)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        said = " ".join(str(error.problem or error.context).split())
        findings.append(Finding(file, mark.line + 1 if mark else 0, "", f"this is not YAML: {said}"))
    except (UnicodeError, ValueError, YAMLError, RecursionError) as error:
        findings.append(Finding(file, 0, "", f"the file cannot be read: {error}"))
    return None


def _cases(project: Project, source: Source, findings: list[Finding], fields: Fields) -> Iterable[LocatedTest]:
    margin = source.margin(findings)
    if not isinstance(source.data, list):
        margin.error("a list of tests is expected, each beginning with `- test: NAME`")
        return
    unsure = {path[0] for path in source.repeated | source.misplaced}
    for number, data in enumerate(source.data):
        case = _scene(project, Case, data, margin.below(number), fields)
        if case is not None and number not in unsure:
            lines = tuple(margin.line((number, "expect", place)) for place in range(len(case.expect)))
            yield LocatedTest(case, source.file, margin.line((number,)), lines)


def _scene(project: Project, kind: type[SceneKind], data: object, margin: Margin, fields: Fields) -> SceneKind | None:
    """The scene, None if it has an error."""
    try:
        scene = kind.model_validate(data)
    except ValidationError as error:
        note_invalid(error, kind, margin)
        return None
    before = len(margin.findings)
    _Checker(project, scene, fields).check(margin)
    return scene if len(margin.findings) == before else None


class _Checker:
    """Checks the names in a scene against the project's."""

    def __init__(self, project: Project, scene: Scene, fields: Fields) -> None:
        self._fields = fields
        self._scene = scene
        self._program = project.program
        declared = project.documents.events.events
        self._events = {*declared, *(event.of for event in declared.values() if event.of is not None)}
        self._journeys = {journey.name: journey for journey in self._program.journeys}
        self._channels = channels_used(project.program)

    def check(self, margin: Margin) -> None:
        start_ms = floor_ms(self._scene.start)
        until_ms = None if self._scene.until is None else at_ms(self._scene.until, start_ms)
        for place, given in enumerate(self._scene.given):
            self._given(given, margin.below("given", place))
            if at_ms(given.at, start_ms) < start_ms:
                margin.error("this is before the start", "given", place, "at")
            elif until_ms is not None and at_ms(given.at, start_ms) > until_ms:
                margin.error("this is after `until`, and so would never be seen", "given", place, "at")
        for place, expected in enumerate(self._scene.expect) if isinstance(self._scene, Case) else ():
            self._expected(expected, margin.below("expect", place))

    def _given(self, given: Given, margin: Margin) -> None:
        match given:
            case EventGiven():
                self._known(given.who, self._scene.people, "person", margin, "who")
                self._known(given.event, self._events, "event", margin, "event")
            case ReactionGiven():
                self._known(given.who, self._scene.people, "person", margin, "who")
                self._sent_by(given, margin)
            case IdentifyGiven() | ConsentGiven():
                self._known(given.who, self._scene.people, "person", margin, "who")
            case _:
                assert_never(given)

    def _sent_by(self, given: ReactionGiven, margin: Margin) -> None:
        steps = leaving_steps(self._journeys.values(), given.of)
        if len(steps) > 1:
            names = " or ".join(f"{journey}.{step}" for journey, step in steps)
            margin.error(f"several journeys send at {given.of!r}, write {names}", "of")
        elif not steps:
            known = [f"{name}.{step}" for name, each in self._journeys.items() for step in each.steps]
            margin.error(f"no step {given.of!r} sends anything{nearest(given.of, known)}", "of")
        else:
            (journey, step), channels = next(iter(steps.items()))
            if given.channel is None and len(channels) > 1:
                margin.error(f"{journey}.{step} sends on {', '.join(channels)}: name the channel", "of")
            elif given.channel is not None:
                self._known(given.channel, channels, "channel", margin, "channel")
            if not is_possible(given.reaction, channels[0]):
                called = channels == (CALL,)
                what = f"a call is {' or '.join(sorted(CALL_OUTCOMES))}" if called else "only a call is answered"
                margin.error(f"{what}, and {journey}.{step} {'calls' if called else 'sends'}", "reaction")
            elif given.answer is not None:
                self._answer(given.answer, self._journeys[journey].steps[step], margin.below("answer"))

    def _answer(self, answer: Mapping[str, object], step: object, margin: Margin) -> None:
        """Check an answer: only the paths that its action declares are ever read."""
        declared = self._program.actions[step.action].answer if isinstance(step, CallAction) else {}
        for path in _paths(answer):
            if kind_at(declared, path) is None:
                hint = nearest(path, declared)
                margin.error(f"the action declares no {path!r} in its answer{hint}", split_path(path)[0])

    def _expected(self, expected: Expected, margin: Margin) -> None:
        match expected:
            case DeliveryExpected():
                self._place(expected.who, expected.journey, expected.step, margin)
                self._known(expected.channel, self._channels, "channel", margin, "channel")
                known = {*self._program.messages, *self._program.actions}
                self._known(expected.message, known, "message", margin, "message")
                self._said(expected, margin)
            case MoveExpected():
                self._place(expected.who, expected.journey, expected.step, margin)
            case NeverExpected():
                self._known(expected.who, self._scene.people, "person", margin, "who")
                self._known(expected.never.channel, self._channels, "channel", margin, "never", "channel")
                self._known(expected.never.journey, self._journeys, "journey", margin, "never", "journey")
            case _:
                assert_never(expected)

    def _said(self, expected: DeliveryExpected, margin: Margin) -> None:
        for key, named in (("content", expected.content), ("contains", expected.contains)):
            for name in named:
                self._known(name, self._fields.of(expected), "field", margin, key, name)

    def _place(self, who: str | None, journey: str | None, step: str | None, margin: Margin) -> None:
        self._known(who, self._scene.people, "person", margin, "who")
        self._known(journey, self._journeys, "journey", margin, "journey")
        within = [self._journeys[journey]] if journey in self._journeys else self._journeys.values()
        self._known(step, {name for each in within for name in each.steps}, "step", margin, "step")

    def _known(self, name: str | None, names: Collection[str], what: str, margin: Margin, *keys: Key) -> None:
        if name is not None and name not in names:
            margin.error(f"unknown {what} {quoted(name)}{nearest(name, list(names))}", *keys)


def _paths(value: Mapping[str, object], before: str = "") -> Iterator[str]:
    """The dotted path of every leaf of an object."""
    for name, inner in value.items():
        if isinstance(inner, Mapping) and inner:
            yield from _paths(inner, f"{before}{joined_path([name])}.")
        else:
            yield before + joined_path([name])
