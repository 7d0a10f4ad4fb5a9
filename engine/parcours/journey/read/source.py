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

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.constructor import DuplicateKeyError, RoundTripConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.scalarbool import ScalarBoolean
from ruamel.yaml.scanner import RoundTripScanner

from parcours.expression.operators import INTEGER_MAX, INTEGER_MIN
from parcours.journey.read.finding import Finding, Key, KeyPath, Margin
from parcours.journey.read.unread import unread_files
from parcours.journey.read.yaml_files import yaml_files
from parcours.surrogates import mended_text
from parcours.wording import bounded, quoted

VALUES_MAX: Final = 100_000
"""Values in one document. Aliases of aliases grow without bound; no honest document comes near."""

FILE_BYTES_MAX: Final = 4_000_000
"""Bytes of one document or content file: far above any journey or email, and it fits into memory."""

TOO_DEEP: Final = "the document is nested too deeply"
TOO_MANY: Final = f"it holds more than {VALUES_MAX} values"
OUTSIDE: Final = "the file lies outside the project folder"
"""What is said of documents that no author would write by mistake."""

DEPTH_MAX: Final = 100
"""Nested brackets or indentations. The scanner's work grows with the square of them; honest documents have a dozen."""

INTEGER_LENGTH_MAX: Final = 100
"""Characters of a whole number as it is written: 64 bits have fewer in any base."""

KEY_REPEATED: Final = "the key is given twice"

TEXT: Final = "tag:yaml.org,2002:str"

NO_TEXTS: Final[Mapping[str, str]] = {
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:null": "null",
}
"""The tags of scalars that are no texts, in words."""

FILE_SUFFIX: Final = "_file"
"""`text_file: reminder.txt` in a message stands for `text` with what the file holds."""

SINGLE: Final[Mapping[str, str]] = {
    "project": "parcours.yaml",
    "profile": "profile.yaml",
    "events": "events.yaml",
    "audiences": "audiences.yaml",
    "actions": "actions.yaml",
}
MANY: Final[Mapping[str, str]] = {"message": "messages", "journey": "journeys"}
LATER: Final[Mapping[str, str]] = {
    "campaigns": "campaigns",
    "offers.yaml": "offers",
    "places.yaml": "places",
    "tables.yaml": "tables",
}
"""Names that a later version gives a meaning: to ignore them in silence would be wrong."""


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


@dataclass(frozen=True, slots=True, eq=False)
class _Misplaced:
    """Stands for a value that has no place in a document."""

    reason: str
    line: int


class _Scanner(RoundTripScanner):
    """Refuses deep nesting before the parser's recursion follows it."""

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: N803  # as it is above
        super().fetch_flow_collection_start(TokenClass, to_push)
        self._bound(self.flow_context)

    def add_indent(self, column: int) -> bool:
        added = super().add_indent(column)
        self._bound(self.indents)
        return added

    def _bound(self, levels: Sequence[object]) -> None:
        if len(levels) > DEPTH_MAX:
            raise RecursionError(f"more than {DEPTH_MAX} levels")


class _Constructor(RoundTripConstructor):
    """Leaves dates as the text that was written: the document models know which texts are dates.

    repeated  the keys of each mapping that are given again, with the lines where they are; the mapping keeps the first
    unquoted  the line of each key that is no text to YAML, and what is to be said of it; it is read as it is written
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.repeated: list[tuple[object, object, int]] = []
        self.unquoted: list[tuple[int, str]] = []

    def check_mapping_key(self, node: Any, key_node: Any, mapping: Any, key: Any, value: Any) -> bool:
        if key in mapping:
            self.repeated.append((mapping, key, key_node.start_mark.line + 1))
        return key not in mapping

    def construct_mapping(  # type: ignore[override]  # as it is above
        self, node: Any, maptyp: Any, deep: bool = False
    ) -> Any:
        for key, _ in node.value:
            kind = NO_TEXTS.get(str(key.tag)) if isinstance(key, ScalarNode) else None
            if kind is not None:
                read = f"YAML reads {bounded(key.value)} as {kind}"
                told = f"a name is a text, and {read}: write {quoted(key.value)}, in quotes"
                self.unquoted.append((key.start_mark.line + 1, told))
                key.tag = TEXT
        return super().construct_mapping(node, maptyp, deep)

    def as_written(self, node: ScalarNode) -> str:
        return str(node.value)

    def whole_number(self, node: ScalarNode) -> object:
        """A whole number, as far as expressions know them; much longer ones Python itself does not write down."""
        if len(node.value) <= INTEGER_LENGTH_MAX:
            number = self.construct_yaml_int(node)
            if INTEGER_MIN <= number <= INTEGER_MAX:
                return number
        return _Misplaced("a whole number of more than 64 bits has no place in a document", node.start_mark.line + 1)


_Constructor.add_constructor("tag:yaml.org,2002:int", _Constructor.whole_number)
_Constructor.add_constructor("tag:yaml.org,2002:timestamp", _Constructor.as_written)


def read_folder(folder: Path, findings: list[Finding]) -> list[Source]:
    """Every document of the project, in the order of their names; a file that cannot be read is a finding."""
    if not folder.is_dir():
        findings.append(Finding(str(folder), 0, "", "there is no such project folder"))
        return []
    sources = [_read(folder, kind, folder / name, findings) for kind, name in SINGLE.items() if _needed(folder, name)]
    for kind, name in MANY.items():
        sources += [_read(folder, kind, path, findings) for path in yaml_files(folder / name, findings)]
    for name, feature in LATER.items():
        if (folder / name).exists():
            findings.append(Finding(name, 0, "", f"{feature}: not available in this version"))
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
    return source


def file_text(path: Path) -> str:
    """The text of a file. Raises ValueError for what is none, such as a FIFO or a device, or too large; OSError."""
    if not S_ISREG(path.stat().st_mode):
        raise ValueError("it is not a file")
    with path.open("rb") as file:  # no size that is told beforehand can be trusted
        read = file.read(FILE_BYTES_MAX + 1)
    if len(read) > FILE_BYTES_MAX:
        raise ValueError(f"the file is larger than {FILE_BYTES_MAX} bytes")
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
    yaml = YAML(typ="rt", pure=True)
    yaml.Scanner = _Scanner
    yaml.Constructor = _Constructor
    loaded = yaml.load(text)
    reading = _Reading({(): 1}, {})
    data = reading.plain(loaded, ())
    repeated = yaml.constructor.repeated
    again = {(id(mapping), key) for mapping, key, _ in repeated}
    told = [
        *yaml.constructor.unquoted,
        *((line, KEY_REPEATED) for *_, line in repeated),
        *((each.line, each.reason) for each in reading.misplaced.values()),
    ]
    findings += [Finding(file, line, "", reason) for line, reason in told]
    return Source(
        kind,
        file,
        data,
        reading.lines,
        repeated=frozenset(_paths(loaded, again, ())) if again else frozenset(),
        misplaced=frozenset(reading.misplaced),
    )


def _paths(value: object, keys: Set[tuple[int, object]], path: KeyPath) -> Iterator[KeyPath]:
    """The paths of keys, each of which is given with the identity of the mapping that it is in."""
    if isinstance(value, CommentedMap):
        yield from ((*path, _key(key)) for key in value if (id(value), key) in keys)
        for key, each in value.items():
            yield from _paths(each, keys, (*path, _key(key)))
    elif isinstance(value, CommentedSeq):
        for at, each in enumerate(value):
            yield from _paths(each, keys, (*path, at))


@dataclass(frozen=True, slots=True)
class _Reading:
    """What ruamel has read as plain data; the lines of keys and the values that have no place are noted on the way."""

    lines: dict[KeyPath, int]
    misplaced: dict[KeyPath, _Misplaced]

    def plain(self, value: Any, path: KeyPath) -> object:
        if len(self.lines) > VALUES_MAX:
            raise ValueError(TOO_MANY)
        if isinstance(value, CommentedMap):
            places = value.lc.data or {}
            return {_key(key): self._below(places.get(key), value[key], (*path, _key(key))) for key in value}
        if isinstance(value, CommentedSeq):
            places = value.lc.data or {}
            return [self._below(places.get(at), each, (*path, at)) for at, each in enumerate(value)]
        misplaced = value if isinstance(value, _Misplaced) else _reason_misplaced(value, self.lines[path])
        if misplaced is not None:
            self.misplaced[path] = misplaced
            return None
        return _scalar(value)

    def _below(self, position: Sequence[int] | None, value: object, path: KeyPath) -> object:
        parent: tuple[Key, ...] = path[:-1]
        self.lines[path] = position[0] + 1 if position else self.lines[parent]
        return self.plain(value, path)


def _reason_misplaced(value: Any, line: int) -> _Misplaced | None:
    """Why a scalar has no place in a document; None for one that has."""
    if str(getattr(getattr(value, "anchor", None), "value", "")).startswith("&"):  # `&& x` is x, named "&"
        return _Misplaced(f"YAML takes a leading '&&' for a name{QUOTES_ADVICE}", line)
    if value is None or isinstance(value, bool | ScalarBoolean | str | int | float):
        return None
    if isinstance(value, TaggedScalar):
        return _Misplaced(f"YAML takes {value.tag.value!r} for a tag, which has no place here{QUOTES_ADVICE}", line)
    return _Misplaced(f"a {type(value).__name__} has no place in a document", line)


def _scalar(value: Any) -> object:
    if isinstance(value, bool | ScalarBoolean):
        return bool(value)
    if isinstance(value, str):
        return mended_text(value)
    for plain in (int, float):
        if isinstance(value, plain):
            return plain(value)
    return None


def _key(key: object) -> str:
    if isinstance(key, _Misplaced):
        raise ValueError(key.reason)
    if not isinstance(key, str | int | float | bool):
        raise ValueError("a key has to be a text")
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


def _file_text(folder: Path, beside: Path, value: object, margin: Margin) -> str:
    """The text of the file; empty, with a finding, where it cannot be read."""
    if not isinstance(value, str):
        margin.error("a path beside this document is expected", value=repr(value))
        return ""
    path = (beside / value).resolve()
    if not path.is_relative_to(folder.resolve()):
        margin.error(OUTSIDE, value=repr(value))
        return ""
    try:
        return file_text(path)
    except (OSError, UnicodeError, ValueError) as error:
        margin.error(_reason(error), value=repr(value))
        return ""
