"""Findings: the errors and warnings of a project, each with its file, line and key path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal, TypeAlias

from parcours.wording import bounded, shown_value

Key: TypeAlias = str | int
KeyPath: TypeAlias = tuple[Key, ...]

Severity: TypeAlias = Literal["error", "draft", "warning"]
"""A draft is an error as soon as the project is to be published; it can be tested and simulated before."""

VALUE_SHOWN_MAX: Final = 60
"""Characters of an offending value in a finding: enough to recognise it, and the line stays readable."""

EXPRESSION_SHOWN_MAX: Final = 200
"""Characters of an expression in a finding: nearly all are shorter, and a mistake is named by its column."""

MESSAGE_MAX: Final = 1_000
"""Characters of a message: some name whatever is wrong in a document, which may be of any length."""


SECRETS_LIE_BELOW: Final = {"sources.yaml": "sources", "destinations.yaml": "to"}
"""By document the key below which a password may have been written out: no value there is told. A map has none."""

WHOLE_PARTS_DEPTH: Final = 2
"""What stands no deeper in those documents is a part as a whole, with all that lies in it."""


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One error or warning. `line` is from 1, 0 where the document did not come from a file.

    path   the key's path, such as `steps[1].send`
    value  the offending value, shortened; empty where the message says it
    runs   whether a live publication keeps running in spite of this error: only a new one is refused for it
    """

    file: str
    line: int
    path: str
    message: str
    value: str = ""
    severity: Severity = "error"
    runs: bool = False

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        kind = "warning: " if self.severity == "warning" else ""
        path = f"{self.path}: " if self.path else ""
        shown = f" (found {self.value})" if self.value else ""
        return f"{place}: {kind}{path}{self.message}{shown}"


def written(path: KeyPath) -> str:
    """A key path as an author reads it: `steps[1].wait_for[0].event`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f".{bounded(key)}" if text else bounded(key)
    return text


def shown(value: object) -> str:
    """A value for a finding, cut to a readable length."""
    return shown_value(value, VALUE_SHOWN_MAX)


@dataclass(frozen=True, slots=True)
class Margin:
    """The place for findings about one document.

    lines   the line of each key path
    silent  the parts that stand in for faulty ones: nothing is noted of what is not the author's
    """

    file: str
    findings: list[Finding]
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    base: KeyPath = ()
    silent: frozenset[KeyPath] = frozenset()

    def below(self, *keys: Key) -> Margin:
        """The margin of a part of the document."""
        return replace(self, base=(*self.base, *keys))

    def error(self, message: str, *keys: Key, value: str = "", runs: bool = False) -> None:
        """Note an error at the key path below this part."""
        self._add("error", message, keys, value, runs=runs)

    def draft(self, message: str, *keys: Key) -> None:
        """Note at the key path below this part that something is not ready to be published."""
        self._add("draft", message, keys, "", runs=True)

    def warn(self, message: str, *keys: Key) -> None:
        """Note a warning at the key path below this part."""
        self._add("warning", message, keys, "")

    def _may_be_secret(self, path: KeyPath) -> bool:
        key = SECRETS_LIE_BELOW.get(self.file)
        return key is not None and (key in path or len(path) <= WHOLE_PARTS_DEPTH) and "map" not in path

    def _add(self, severity: Severity, message: str, keys: KeyPath, value: str, *, runs: bool = False) -> None:
        path = (*self.base, *keys)
        if self.silent and any(path[:length] in self.silent for length in range(len(path) + 1)):
            return
        self.findings.append(
            Finding(
                self.file,
                self.line(path),
                written(path),
                bounded(" ".join(message.split()), MESSAGE_MAX),
                "" if self._may_be_secret(path) else bounded(value, EXPRESSION_SHOWN_MAX),
                severity,
                runs,
            )
        )

    def line(self, path: KeyPath) -> int:
        """The line of the key path, or of the nearest part around it."""
        for length in range(len(path), -1, -1):
            if path[:length] in self.lines:
                return self.lines[path[:length]]
        return 0


def errors(findings: Iterable[Finding], *, drafts: bool = False) -> list[Finding]:
    """The findings that keep a project from running, or with `drafts` from being tried out."""
    return [each for each in findings if each.severity == "error" or (each.severity == "draft" and not drafts)]
