"""What does ruamel read in a text of YAML? Within bounds of depth and number, and without values of kinds of its own.

The library takes time that grows much faster than the text does for keys that are collections themselves, for merged
mappings, and for brackets within brackets. So these are counted, and refused before it begins with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.constructor import RoundTripConstructor
from ruamel.yaml.nodes import MappingNode, ScalarNode
from ruamel.yaml.scanner import RoundTripScanner

from parcours.expression.operators import INTEGER_MAX, INTEGER_MIN
from parcours.wording import bounded, quoted

VALUES_MAX: Final = 20_000
"""Values in one document. Aliases of aliases grow without bound; no honest document comes near."""

TOKENS_MAX: Final = 4 * VALUES_MAX
"""Tokens in which a text has its values: no value takes more of them, and each is counted when it is read."""

MERGES_MAX: Final = 500
"""Mappings into which another one is merged by `<<`. The work grows with the square of them."""

TOO_DEEP: Final = "the document is nested too deeply"
TOO_MANY: Final = f"it holds more than {VALUES_MAX} values"
TOO_MANY_MERGES: Final = f"it merges more than {MERGES_MAX} mappings"
"""What is said of documents that no author would write by mistake."""

DEPTH_MAX: Final = 100
"""Nested brackets or indentations. The scanner's work grows with the square of them; honest documents have a dozen."""

INTEGER_LENGTH_MAX: Final = 100
"""Characters of a whole number as it is written: 64 bits have fewer in any base."""

KEY_REPEATED: Final = "the key is given twice"
KEY_NO_TEXT: Final = "a key has to be a text"

TEXT: Final = "tag:yaml.org,2002:str"
MERGE: Final = "tag:yaml.org,2002:merge"

NO_TEXTS: Final[Mapping[str, str]] = {
    "tag:yaml.org,2002:bool": "a boolean",
    "tag:yaml.org,2002:float": "a number",
    "tag:yaml.org,2002:int": "a number",
    "tag:yaml.org,2002:null": "null",
}
"""The tags of scalars that are no texts, in words."""

FAULTS: Final = (AttributeError, IndexError, KeyError, TypeError)
"""What the library raises for a value that is none of the kind that its tag names, such as `!!bool maybe`."""


@dataclass(frozen=True, slots=True, eq=False)
class Misplaced:
    """Stands for a value that has no place in a document."""

    reason: str
    line: int


class Scanner(RoundTripScanner):
    """Refuses deep nesting before the parser's recursion follows it, and more values than a document has."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._fetched = 0

    def fetch_more_tokens(self) -> Any:
        self._fetched += 1
        if self._fetched > TOKENS_MAX:
            raise ValueError(TOO_MANY)
        return super().fetch_more_tokens()

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


class Constructor(RoundTripConstructor):
    """Leaves dates as the text that was written: the document models know which texts are dates.

    repeated  the keys of each mapping that are given again, with the lines where they are; the mapping keeps the first
    unquoted  the keys of each mapping that are no texts to YAML, each with its line and what is to be said of it; they
              are read as they are written
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.repeated: list[tuple[object, object, int]] = []
        self.unquoted: list[tuple[object, str, int, str]] = []
        self._merges = 0

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        """Refuses a key that is a collection: what is constructed below it doubles with each level."""
        if isinstance(node, MappingNode):
            for key, _ in node.value:
                if not isinstance(key, ScalarNode):
                    raise ValueError(KEY_NO_TEXT)
                self._merges += key.tag == MERGE
            if self._merges > MERGES_MAX:
                raise ValueError(TOO_MANY_MERGES)
        return super().construct_object(node, deep)

    def check_mapping_key(self, node: Any, key_node: Any, mapping: Any, key: Any, value: Any) -> bool:
        if key in mapping:
            self.repeated.append((mapping, key, key_node.start_mark.line + 1))
        return key not in mapping

    def construct_mapping(  # type: ignore[override]  # as it is above
        self, node: Any, maptyp: Any, deep: bool = False
    ) -> Any:
        for key, _ in node.value:
            kind = NO_TEXTS.get(str(key.tag))
            if kind is not None:
                read = f"YAML reads {bounded(key.value)} as {kind}"
                told = f"a name is a text, and {read}: write {quoted(key.value)}, in quotes"
                self.unquoted.append((maptyp, key.value, key.start_mark.line + 1, told))
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
        return Misplaced("a whole number of more than 64 bits has no place in a document", node.start_mark.line + 1)


Constructor.add_constructor("tag:yaml.org,2002:int", Constructor.whole_number)
Constructor.add_constructor("tag:yaml.org,2002:timestamp", Constructor.as_written)


def load_yaml(text: str) -> tuple[Any, Constructor]:
    """What is in the text, and the constructor that knows what is odd in it. Raises YAMLError, ValueError or
    RecursionError.
    """
    yaml = YAML(typ="rt", pure=True)
    yaml.Scanner = Scanner
    yaml.Constructor = Constructor
    try:
        return yaml.load(text), yaml.constructor
    except FAULTS as error:
        raise ValueError("a value is not of the kind that its tag names, or is merged into itself") from error
