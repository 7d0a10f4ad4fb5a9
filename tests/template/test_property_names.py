"""Is a declared name that property, whatever else Liquid means by the word?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from parcours.expression.names import Names
from parcours.journey.compile.templates import read_template, resolved
from parcours.journey.project import Project

if TYPE_CHECKING:
    from tests.template.conftest import Filled

FILES = {
    "parcours.yaml": "project: t\n",
    "profile.yaml": "traits: {email: string, first: string, tags: list}\n",
    "events.yaml": "events: {A: {properties: {size: number, box.size: string, items: list, o: object}}}",
    "journeys/j.yaml": "journey: j\nentry: {event: A}\nsteps: [{id: s, send: m}]\n",
}  # fmt: skip


def project(folder: Path, template: str) -> Path:
    for name, text in {**FILES, "messages/m.yaml": f'message: m\nemail: {{subject: S, text: "{template}"}}\n'}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    "template, entry_kept",
    [
        ("{{ entry.size }}", "size"),
        ("{{ entry['size'] }}", "size"),
        ("{{ entry.box.size }}", "box.size"),
        ("{{ entry.box.size.size }}", "box.size"),  # its characters
        ("{{ entry.items.size }}", "items"),
        ("{{ entry.items.first.size }}", "items"),
        ("{{ entry.items[0].size }}", "items"),
        ("{{ entry.o.size }}", "o"),
        ("{{ profile.first }}{{ event.size }}{{ entry.size }}", "size"),
    ],
)
def test_a_declared_size_first_or_last_is_a_property_like_any_other(
    template: str, entry_kept: str, tmp_path: Path
) -> None:
    folder = project(tmp_path, template)

    assert Project.check(folder) == []
    (journey,) = Project.load(folder).program.journeys
    assert journey.entry_paths == {entry_kept}


@pytest.mark.parametrize(
    "path, complaint",
    [
        ("profile.last", "unknown name profile.last"),
        ("profile.size", "unknown name profile.size"),
        ("entry.cart.size", "unknown name entry.cart.size, the number of keys is {{ entry.cart | size }}"),
        ("entry.cart.last", "unknown name entry.cart.last"),
        ("entry.boxes.size", "unknown name entry.boxes.size"),
    ],
)
def test_an_undeclared_one_is_unknown_where_an_object_would_hold_it(path: str, complaint: str) -> None:
    names = Names(profile={"first": "string", "tags": "list"}, entry={"cart.total": "number", "box.size": "string"})
    (read,) = read_template(f"{{{{ {path} }}}}").paths

    assert str(resolved(read, names)[1]).startswith(complaint)


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ entry.size }}", "7"),
        ("{{ other.size }}{{ other.first }}{{ other.last }}", ""),  # and not what is counted in the object
        ("{{ other | size }}", "1"),
        ("{{ entry.items.size }} {{ entry.items.first }} {{ entry.items.last }}", "2 a b"),
        ("{{ entry.text.size }}", "3"),
        ("{% for x in entry.items %}{% if forloop.first %}{{ x }}{% endif %}{% endfor %}", "a"),
        ("{% for pair in other %}{{ pair.first }}={{ pair.last }}{% endfor %}", "x=1"),
    ],
)
def test_an_object_has_a_size_only_if_the_data_say_so(template: str, expected: str, filled: Filled) -> None:
    data = {"entry": {"size": 7, "items": ["a", "b"], "text": "abc"}, "other": {"x": 1}}

    assert filled(template, data) == expected
