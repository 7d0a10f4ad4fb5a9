"""Is there a row for whatever `troubles()` can say? The texts of the code are compared with the table of the page."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from parcours.ingress.trouble_meanings import MEANINGS, meaning_of

ENGINE = Path(__file__).parents[2] / "engine"
PAGE = (ENGINE / "docs" / "operating.md").read_text()
ROOMS = (
    "clock.py",
    "campaigns",
    "dispatch",
    "insight/exporter",
    "routing",
    "runtime",
    "service",
    "shard",
    "sources",
    "store",
)

# What makes a sentence, or a part of one, for somebody who tells it.
WORDED_BY = {
    "clock.py": {"_words", "behind"},
    "dispatch/breaker.py": {"_words"},
    "service/call_secrets.py": {"unknown_references"},
    "shard/claiming.py": {"_full"},
    "shard/ids/seen.py": {"_shortage"},
    "shard/interruptions.py": {"_in_words"},
    "shard/peer_host.py": {"silent"},
}
SAID = {"trouble", "troubles", "_trouble", "_troubles", "_shard_troubles", "_apart"}
NOTED_BY = {"_note", "_wait"}
TOLD_IN = {"ActorGone"}  # by the supervisor, of the actor

# They only say whose sentence it is, or put sentences together.
WRAPPERS = {
    "shard ...: ...",
    "...: ...",
    "the channel ... ...",
    "; ",
    ", ",
    "... ...",
    "... (...)",
    "shard ... ...: ...",
}


def template_of(node: ast.expr) -> str | None:
    """The text of a string with dots where values are put in, None for what is no string."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "..." for part in node.values)
    return None


def templates(node: ast.AST) -> Iterator[str]:
    """All texts of words below a node, none within another one."""
    text = template_of(node) if isinstance(node, ast.expr) else None
    if text is not None:
        if " " in text:
            yield text
        return
    for child in ast.iter_child_nodes(node):
        is_docstring = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
        if not (is_docstring or isinstance(child, ast.Raise | ast.Assert)):
            yield from templates(child)


def name_of(node: ast.expr) -> str | None:
    match node:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Subscript(value=value):
            return name_of(value)
        case _:
            return None


def said_by(function: ast.FunctionDef | ast.AsyncFunctionDef, worded: bool) -> Iterator[str]:
    """The texts of a function that become troubles. `worded`: all of them do."""
    if worded or function.name in {"trouble", "troubles"}:
        yield from templates(function)
        return
    named = {
        name_of(each.targets[0]): each.value
        for each in ast.walk(function)
        if isinstance(each, ast.Assign) and len(each.targets) == 1
    }
    for each in ast.walk(function):
        for value in told(each):
            yield from templates(value)
            for name in ast.walk(value):
                if isinstance(name, ast.Name) and name.id in named:
                    yield from templates(named[name.id])


def told(node: ast.AST) -> Iterator[ast.expr]:
    """The values that a statement, or a call, makes a trouble."""
    match node:
        case ast.Assign(targets=[target], value=value) if name_of(target) in SAID:
            yield value
        case ast.Call(func=ast.Attribute(value=whose, attr="append"), args=[value]) if name_of(whose) in SAID:
            yield value
        case ast.Call(func=function, args=arguments) if name_of(function) in NOTED_BY | TOLD_IN:
            yield from arguments


def said() -> dict[str, str]:
    """Each template with the file that has it."""
    found: dict[str, str] = {}
    for room in ROOMS:
        place = ENGINE / "parcours" / room
        for path in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            name = path.relative_to(ENGINE / "parcours").as_posix()
            for each in ast.walk(ast.parse(path.read_text())):
                if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef):
                    found |= dict.fromkeys(said_by(each, each.name in WORDED_BY.get(name, ())), name)
    return {text: path for text, path in found.items() if text not in WRAPPERS}


def in_words(text: str) -> re.Pattern[str]:
    """What finds a template in a sentence, whatever stands for its values there."""
    return re.compile(".*".join(re.escape(part.strip()) for part in text.split("...")))


def rows() -> dict[str, str]:
    """The rows of the table by their sentences."""
    _, _, section = PAGE.partition("\n## What a trouble means\n")
    table = section.partition("\n## ")[0]
    return {found[1]: found[0] for found in re.finditer(r"^\| `+ ?(.*?) ?`+ \| .*", table, re.MULTILINE)}


def test_each_trouble_of_the_code_has_a_row() -> None:
    table = rows().values()

    missing = {text: path for text, path in said().items() if not any(in_words(text).search(row) for row in table)}

    assert not missing


def test_each_row_is_of_a_trouble_that_there_is() -> None:
    wanted = [in_words(text) for text in said()]

    assert [sentence for sentence in rows() if not any(each.search(sentence) for each in wanted)] == []


def test_what_words_a_sentence_is_there() -> None:
    for path, names in WORDED_BY.items():
        tree = ast.parse((ENGINE / "parcours" / path).read_text())
        assert names <= {each.name for each in ast.walk(tree) if isinstance(each, ast.FunctionDef)}, path


def test_a_new_sentence_is_found_wherever_it_is_told() -> None:
    code = '''
class Any:
    def troubles(self):
        """No trouble."""
        return [f"the {what} is low"]

    def a(self):
        why = f"{1} is new, and not known"
        self.troubles[""] = why
        self._note(f"it {2!r} fails")
        self.trouble = "it has gone"
        self._troubles.append(f"so has {3}")
        self.troubles = {"": "a new one"}
        log.warning("not this one")
'''
    functions = [each for each in ast.walk(ast.parse(code)) if isinstance(each, ast.FunctionDef)]

    assert {text for each in functions for text in said_by(each, worded=False)} == {
        "the ... is low",
        "... is new, and not known",
        "it ... fails",
        "it has gone",
        "so has ...",
        "a new one",
    }


def plain(text: str) -> str:
    """A cell of the table without its marks; several words of code are in quotes."""
    unlinked = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"`+([^`]*)`+", lambda code: f"'{code[1]}'" if " " in code[1] else code[1], unlinked)


def test_the_door_says_of_each_trouble_what_the_table_says() -> None:
    cells = [re.split(r"(?<!\\) \| ", row.removeprefix("| ").removesuffix(" |"))[-2:] for row in full_rows()]

    assert [each.trouble for each in MEANINGS] == list(rows())
    assert [[each.means, each.to_do] for each in MEANINGS] == [[plain(cell) for cell in two] for two in cells]


def full_rows() -> list[str]:
    _, _, section = PAGE.partition("\n## What a trouble means\n")
    return re.findall(r"^\| `.* \|$", section.partition("\n## ")[0], re.MULTILINE)


def test_each_trouble_is_known_by_its_sentence() -> None:
    for each in MEANINGS:
        assert meaning_of(f"shard 3: {each.trouble.replace('...', 'any')}") == each
    assert meaning_of("something else") is None
