"""The reader of a project's tests: documents, checked against the project's names, and findings by file and line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from pydantic import ValidationError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from parcours.journey.project import Project
from parcours.journey.read.finding import Finding, Margin, errors
from parcours.journey.read.reading import note_invalid
from parcours.journey.read.source import Source, file_text, read_text
from parcours.journey.read.yaml_files import yaml_files
from parcours.testing.cases.check import SceneChecker
from parcours.testing.cases.content import Fields
from parcours.testing.cases.document import Case, Rehearsal, Scene

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
    """The valid tests in the project's folder, in the order of files and lines, with what is wrong or doubtful."""
    findings: list[Finding] = []
    placed: list[LocatedTest] = []
    fields = Fields(project)
    for path in yaml_files(folder / FOLDER, findings):
        source = _source(path, f"{FOLDER}/{path.name}", findings)
        if source is not None:
            placed += _cases(project, source, findings, fields)
    return placed, sorted(set(findings))


def read_rehearsal(project: Project, path: Path) -> tuple[Rehearsal | None, list[Finding]]:
    """The people of a YAML file, None if it has an error; and what is wrong or doubtful."""
    findings: list[Finding] = []
    source = _source(path, path.name, findings)
    rehearsal = (
        None if source is None else _scene(project, Rehearsal, source.data, source.margin(findings), Fields(project))
    )
    return (None if errors(findings) else rehearsal), sorted(set(findings))


def read_cases_of(project: Project, text: str, file: str) -> tuple[list[LocatedTest], list[Finding]]:
    """The valid tests in a text, which would lie in this file, with what is wrong or doubtful."""
    findings: list[Finding] = []
    cases = list(_cases(project, read_text(text, "tests", file, findings), findings, Fields(project)))
    return cases, sorted(set(findings))


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
    before = len(errors(margin.findings))
    SceneChecker(project, scene, fields).check(margin)
    return scene if len(errors(margin.findings)) == before else None
