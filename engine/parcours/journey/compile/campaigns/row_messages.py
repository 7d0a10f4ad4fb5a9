"""What the templates of a message name of a row: is it a column of the set to which it is sent?"""

from __future__ import annotations

from parcours.expression.dotted import joined_path, split_path
from parcours.expression.names import Names
from parcours.expression.nodes import ROW
from parcours.journey.compile.campaigns.columns import unknown_field
from parcours.journey.compile.campaigns.scope import Made
from parcours.journey.compile.templates import read_template, resolved, templates_in
from parcours.journey.model.document import MessageDocument
from parcours.journey.read.finding import Margin
from parcours.wording import nearest


def checked_paths(message: MessageDocument, taken: Made, names: Names, margin: Margin) -> tuple[str, ...]:
    """The paths below `row` that the message names; a finding for each that the set does not have."""
    if not taken.is_known:
        return ()
    said, kept = set[str](), set[str]()
    for _, text in templates_in(message.contents):
        use = read_template(text)
        for path in use.paths:
            root, *keys = split_path(path)
            if root in ("event", "entry"):
                said.add(f"names {path}, and no event has begun a campaign")
            elif root == ROW:
                known, unknown = resolved(path, names)
                kept.add(known.removeprefix(f"{ROW}."))
                if unknown is not None:
                    missing = path if keys[0] in taken.columns else joined_path((ROW, keys[0]))
                    hint = nearest(missing, [f"{ROW}.{each}" for each in names.of(ROW) or ()])
                    said.add(f"names {missing}, and no step above gives such a column{hint}")
        said |= {
            f"names row.{name}[...].{key}, and {complaint}"
            for name, key in use.elements
            if (complaint := unknown_field(name, key, taken.columns)) is not None
        }
    for each in sorted(said):
        margin.error(f"the message {message.message!r} {each}", "send")
    return tuple(sorted(kept))


def rows_named(message: MessageDocument) -> list[str]:
    """The paths below `row` that a message names, as they are written."""
    uses = [read_template(text) for _, text in templates_in(message.contents)]
    return sorted({path for use in uses for path in use.paths if split_path(path)[0] == ROW})
