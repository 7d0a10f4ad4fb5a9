"""The source of a document: plain data read from its YAML file, and the line of every key.

YAML 1.2: `on` and `no` are texts, 22:00 is a text, and so is a date until a document says otherwise. A file that cannot
be read is a finding, never an exception: the other files are still read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from io import BytesIO, TextIOWrapper
from pathlib import Path
from stat import S_ISREG
from typing import Any, Final

from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.scalarbool import ScalarBoolean

from parcours.journey.model.places import GEOJSON_BYTES_MAX, NO_FEATURES
from parcours.journey.read.finding import Finding, Key, KeyPath, Margin
from parcours.journey.read.numbered_keys import is_numbered
from parcours.journey.read.unread import unread_files
from parcours.journey.read.yaml_files import yaml_files
from parcours.journey.read.yaml_text import (
    KEY_NO_TEXT,
    KEY_REPEATED,
    TOO_DEEP,
    TOO_MANY,
    VALUES_MAX,
    Constructor,
    Misplaced,
    load_yaml,
)
from parcours.surrogates import mended_text

FILE_BYTES_MAX: Final = 4_000_000
"""Bytes of one document or content file: far above any journey or email, and it fits into memory."""

_DIGITS: Final = re.compile("[1-9][0-9]*")

OUTSIDE: Final = "the file lies outside the project folder"
"""What is said of a path that no author would write by mistake."""

FILE_SUFFIX: Final = "_file"
"""`text_file: reminder.txt` in a message stands for `text` with what the file holds."""

SINGLE: Final[Mapping[str, str]] = {
    "project": "parcours.yaml",
    "profile": "profile.yaml",
    "events": "events.yaml",
    "audiences": "audiences.yaml",
    "actions": "actions.yaml",
    "tables": "tables.yaml",
    "places": "places.yaml",
    "scores": "scores.yaml",
    "offers": "offers.yaml",
    "sources": "sources.yaml",
    "destinations": "destinations.yaml",
}
MANY: Final[Mapping[str, str]] = {
    "message": "messages",
    "journey": "journeys",
    "campaign": "campaigns",
    "insight": "insight",
}


@dataclass(frozen=True, slots=True)
class Source:
    """One document as written.

    lines     the line (from 1) of each key path; the empty path is line 1
    readable  False where the file is no YAML; `data` is None then
    repeated  the key paths that are given more than once; `data` has what was given first
    misplaced the key paths of values that have no place in a document; `data` has None there
    """

    kind: str
    file: str
    data: object
    lines: Mapping[KeyPath, int]
    readable: bool = True
    repeated: frozenset[KeyPath] = frozenset()
    misplaced: frozenset[KeyPath] = frozenset()

    def margin(self, findings: list[Finding]) -> Margin:
        """The margin for findings about this document; what has been told to be misplaced is not judged again."""
        return Margin(self.file, findings, self.lines, silent=self.misplaced)


def read_folder(folder: Path, findings: list[Finding]) -> list[Source]:
    """Every document of the project, in the order of their names; a file that cannot be read is a finding."""
    if not folder.is_dir():
        findings.append(Finding(str(folder), 0, "", "there is no such project folder"))
        return []
    sources = [_read(folder, kind, folder / name, findings) for kind, name in SINGLE.items() if _needed(folder, name)]
    for kind, name in MANY.items():
        sources += [_read(folder, kind, path, findings) for path in yaml_files(folder / name, findings)]
    seen = {*(source.file for source in sources), *(finding.file for finding in findings)}
    findings += unread_files(folder, seen, SINGLE.values(), MANY.values())
    return sources


def _needed(folder: Path, name: str) -> bool:
    """Whether to read this file: parcours.yaml always, so that its absence is a finding; others if they exist."""
    return name == SINGLE["project"] or (folder / name).exists()


def _read(folder: Path, kind: str, path: Path, findings: list[Finding]) -> Source:
    file = path.relative_to(folder).as_posix()
    unreadable = Source(kind, file, None, {}, readable=False)
    try:
        text = file_text(path)
        source = read_text(text, kind, file, findings)
    except DuplicateKeyError as error:  # of "<<", which merges mappings
        findings.append(_unreadable(file, error, KEY_REPEATED))
        return unreadable
    except MarkedYAMLError as error:
        reason = f"this is not YAML: {error.problem or error.context}"
        findings.append(_unreadable(file, error, reason + _quotes_missing(text, error)))
        return unreadable
    except (OSError, UnicodeError, ValueError, YAMLError, RecursionError) as error:
        findings.append(Finding(file, 0, "", _reason(error)))
        return unreadable
    if kind == "message":
        return _with_files(folder, path.parent, source, findings)
    return with_geojson(folder, source, findings) if kind == "places" else source


def file_text(path: Path, bytes_max: int = FILE_BYTES_MAX) -> str:
    """The text of a file. Raises ValueError for what is none, such as a FIFO or a device, or too large; OSError."""
    if not S_ISREG(path.stat().st_mode):
        raise ValueError("it is not a file")
    with path.open("rb") as file:  # no size that is told beforehand can be trusted
        read = file.read(bytes_max + 1)
    if len(read) > bytes_max:
        raise ValueError(f"the file is larger than {bytes_max} bytes")
    return TextIOWrapper(BytesIO(read), encoding="utf-8").read()


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "the file is missing"
    if isinstance(error, UnicodeError):
        return "the file is not UTF-8 text"
    if isinstance(error, RecursionError):
        return TOO_DEEP
    return f"the file cannot be read: {error}"


def _unreadable(file: str, error: MarkedYAMLError, message: str) -> Finding:
    mark = error.problem_mark or error.context_mark
    return Finding(file, mark.line + 1 if mark else 0, "", " ".join(message.split()))


_NEEDS_QUOTES: Final = re.compile(r"""^[\s-]*[\w ]+:\s+(["'\[{!&|>%@`].*|.*:\s.*)$""")
"""A key, and behind it a value that YAML does not take for a text: by how it begins, or for a colon in it."""

QUOTES_ADVICE: Final = (
    "; write an expression that begins with a sign, or has a colon in it, in quotes: when: '!has(...)'"
)


def _quotes_missing(text: str, error: MarkedYAMLError) -> str:
    """The advice to quote an expression, where that may be what is wrong."""
    mark = error.problem_mark or error.context_mark
    lines = text.splitlines()
    line = lines[mark.line] if mark is not None and mark.line < len(lines) else ""
    return QUOTES_ADVICE if _NEEDS_QUOTES.match(line) else ""


def read_text(text: str, kind: str, file: str, findings: list[Finding]) -> Source:
    """The document in a text. Each repeated key or misplaced value is a finding. Raises YAMLError or ValueError."""
    loaded, constructor = load_yaml(text)
    reading = _Reading({(): 1}, {})
    data = reading.plain(loaded, ())
    repeated = constructor.repeated
    again = {(id(mapping), key) for mapping, key, _ in repeated}
    told = [
        *_names_unquoted(kind, loaded, constructor),
        *((line, KEY_REPEATED) for *_, line in repeated),
        *((each.line, each.reason) for each in reading.misplaced.values()),
    ]
    findings += [Finding(file, line, "", reason) for line, reason in told]
    return Source(
        kind,
        file,
        data,
        reading.lines,
        repeated=frozenset(path for _, path in _paths(loaded, again, ())) if again else frozenset(),
        misplaced=frozenset(reading.misplaced),
    )


def _names_unquoted(kind: str, loaded: object, constructor: Constructor) -> Iterator[tuple[int, str]]:
    """The keys that YAML takes for no texts, but for the numbers that are no names."""
    keys = {(id(mapping), key): (line, told) for mapping, key, line, told in constructor.unquoted}
    numbers = {
        key
        for key, path in (_paths(loaded, keys.keys(), ()) if keys else ())
        if _DIGITS.fullmatch(str(path[-1])) and is_numbered(kind, path)
    }
    return (told for key, told in keys.items() if key not in numbers)


def _paths(value: object, keys: Set[tuple[int, object]], path: KeyPath) -> Iterator[tuple[tuple[int, object], KeyPath]]:
    """The paths of keys, each of which is given with the identity of the mapping that it is in."""
    if isinstance(value, CommentedMap):
        yield from (((id(value), key), (*path, _key(key))) for key in value if (id(value), key) in keys)
        for key, each in value.items():
            yield from _paths(each, keys, (*path, _key(key)))
    elif isinstance(value, CommentedSeq):
        for at, each in enumerate(value):
            yield from _paths(each, keys, (*path, at))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What ruamel has read as plain data; the lines of keys and the values that have no place are noted on the way."""

    lines: dict[KeyPath, int]
    misplaced: dict[KeyPath, Misplaced]

    def plain(self, value: Any, path: KeyPath) -> object:
        if len(self.lines) > VALUES_MAX:
            raise ValueError(TOO_MANY)
        if isinstance(value, CommentedMap):
            places = value.lc.data or {}
            return {_key(key): self._below(places.get(key), value[key], (*path, _key(key))) for key in value}
        if isinstance(value, CommentedSeq):
            places = value.lc.data or {}
            return [self._below(places.get(at), each, (*path, at)) for at, each in enumerate(value)]
        misplaced = value if isinstance(value, Misplaced) else _reason_misplaced(value, self.lines[path])
        if misplaced is not None:
            self.misplaced[path] = misplaced
            return None
        return _scalar(value)

    def _below(self, position: Sequence[int] | None, value: object, path: KeyPath) -> object:
        parent: tuple[Key, ...] = path[:-1]
        self.lines[path] = position[0] + 1 if position else self.lines[parent]
        return self.plain(value, path)


def _reason_misplaced(value: Any, line: int) -> Misplaced | None:
    """Why a scalar has no place in a document; None for one that has."""
    if str(getattr(getattr(value, "anchor", None), "value", "")).startswith("&"):  # `&& x` is x, named "&"
        return Misplaced(f"YAML takes a leading '&&' for a name{QUOTES_ADVICE}", line)
    if value is None or isinstance(value, bool | ScalarBoolean | str | int | float):
        return None
    if isinstance(value, TaggedScalar):
        return Misplaced(f"YAML takes {value.tag.value!r} for a tag, which has no place here{QUOTES_ADVICE}", line)
    return Misplaced(f"a {type(value).__name__} has no place in a document", line)


def _scalar(value: Any) -> object:
    if isinstance(value, bool | ScalarBoolean):
        return bool(value)
    if isinstance(value, str):
        return mended_text(str(value))  # the library has kinds of texts of its own
    for plain in (int, float):
        if isinstance(value, plain):
            return plain(value)
    return None


def _key(key: object) -> str:
    if isinstance(key, Misplaced):
        raise ValueError(key.reason)
    if not isinstance(key, str | int | float | bool):
        raise ValueError(KEY_NO_TEXT)
    return mended_text(str(key))


def _with_files(folder: Path, beside: Path, source: Source, findings: list[Finding]) -> Source:
    """The message with `*_file` keys replaced by what the files hold."""
    if not isinstance(source.data, dict):
        return source
    margin = source.margin(findings)
    data = {
        channel: _content(folder, beside, content, margin.below(channel)) if isinstance(content, dict) else content
        for channel, content in source.data.items()
    }
    return replace(source, data=data)


def _content(folder: Path, beside: Path, content: dict[str, object], margin: Margin) -> dict[str, object]:
    loaded: dict[str, object] = {}
    for key, value in content.items():
        if not key.endswith(FILE_SUFFIX):
            loaded[key] = value
        elif key.removesuffix(FILE_SUFFIX) in content:
            margin.error(f"{key.removesuffix(FILE_SUFFIX)} is given beside it; keep one of the two", key)
        else:
            loaded[key.removesuffix(FILE_SUFFIX)] = _file_text(folder, beside, value, margin.below(key))
    return loaded


def with_geojson(folder: Path, source: Source, findings: list[Finding]) -> Source:
    """places.yaml with what the files hold that it names; one that cannot be read is empty, with a finding."""
    places = source.data.get("places") if isinstance(source.data, dict) else None
    if not isinstance(source.data, dict) or not isinstance(places, dict):
        return source
    margin, read = source.margin(findings).below("places"), dict(places)
    for name, place in places.items():
        if isinstance(place, dict) and isinstance(place.get("file"), str) and "geojson" not in place:
            text = _file_text(folder, folder, place["file"], margin.below(name, "file"), GEOJSON_BYTES_MAX)
            read[name] = {**place, "geojson": text or NO_FEATURES}
    return replace(source, data={**source.data, "places": read})


def _file_text(folder: Path, beside: Path, value: object, margin: Margin, bytes_max: int = FILE_BYTES_MAX) -> str:
    """The text of the file; empty, with a finding, where it cannot be read."""
    if not isinstance(value, str):
        margin.error("a path beside this document is expected", value=repr(value))
        return ""
    path = (beside / value).resolve()
    if not path.is_relative_to(folder.resolve()):
        margin.error(OUTSIDE, value=repr(value))
        return ""
    try:
        return file_text(path, bytes_max)
    except (OSError, UnicodeError, ValueError) as error:
        margin.error(_reason(error), value=repr(value))
        return ""
