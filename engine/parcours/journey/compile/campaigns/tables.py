"""The compiler of tables: whose a row is, and what a query reads. Of the files themselves it knows nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from parcours.expression.kinds import KEY, ExpectedKind
from parcours.expression.names import ANYTHING, Names
from parcours.journey.campaign_columns import USER_ID
from parcours.journey.campaign_program import Table
from parcours.journey.compile.campaigns.columns import UNKNOWN_COLUMNS, as_expression, row_names, table_columns
from parcours.journey.compile.campaigns.orders import COMPARED
from parcours.journey.compile.circles import circles
from parcours.journey.compile.declarations import Declarations, condition, value
from parcours.journey.identities import ANONYMOUS, USER
from parcours.journey.model.tables import TableDocument
from parcours.journey.read.documents import Documents, Margins
from parcours.journey.read.finding import Key, Margin
from parcours.journey.set_expressions import SetExpression, set_expression
from parcours.wording import nearest, quoted

_WORD: Final = re.compile(r"[A-Za-z0-9_-]+")


def lost_names(margins: Margins, kind: str) -> frozenset[str]:
    """The names of a document, such as tables.yaml, of which something could not be read."""
    lost = margins.lost.get(margins.single[kind].file, frozenset())
    return frozenset(str(path[1]) for path in lost if path[0] == kind and len(path) > 1)


def compiled_tables(documents: Documents, declared: Declarations, margins: Margins) -> dict[str, Table]:
    """The tables by name. Of one that could not be read whole, any column may be named."""
    margin, unread = margins.single["tables"], lost_names(margins, "tables")
    compiler = _TableCompiler(documents, declared)
    tables = {
        name: compiler.compile(name, document, margin.below("tables", name), is_whole=name not in unread)
        for name, document in documents.tables.tables.items()
    }
    for circle in circles({name: table.uses for name, table in tables.items()}):
        margin.error(f"the query reads itself, by way of {' → '.join(circle)}", "tables", circle[0], "sql")
    return tables


@dataclass(frozen=True, slots=True)
class _TableCompiler:
    documents: Documents
    declared: Declarations

    def compile(self, name: str, document: TableDocument, margin: Margin, *, is_whole: bool) -> Table:
        columns = table_columns(document.columns) if is_whole else UNKNOWN_COLUMNS
        for number, column in enumerate(document.columns):
            before = list(document.columns)[:number]
            if (given := next((each for each in before if each.casefold() == column.casefold()), None)) is not None:
                margin.error(
                    f"upper and lower case do not tell columns apart, and there is {given!r}", "columns", column
                )
        of_row = Names(None, row=row_names(columns), now=False, trees=self.declared.trees)
        is_trait = self._is_trait(document.match, margin)
        return Table(
            name=name,
            file=document.file,
            sql=document.sql,
            columns=dict(document.columns) if is_whole else dict(ANYTHING),
            person=self._of_row(margin, as_expression(document.person, columns), of_row, KEY, "person")
            if document.person is not None
            else None,
            match=document.match,
            match_is_trait=is_trait,
            fold=document.fold,
            join=None if document.join is None else self._join(document.join, row_names(columns), margin),
            many=document.many,
            key=tuple(
                self._of_row(margin, as_expression(text, columns), of_row, COMPARED, "key", number)
                for number, text in enumerate(document.key or ())
            ),
            uses=self._used(name, document.sql, margin),
            caseless=not is_trait and self._is_caseless(document.match),
        )

    def _of_row(self, margin: Margin, text: str, names: Names, place: ExpectedKind, *keys: Key) -> SetExpression:
        return set_expression(value(margin, text, names, place, *keys))

    def _is_trait(self, match: str | None, margin: Margin) -> bool:
        """Whether rows are matched by a trait; a finding where there is neither a trait nor a namespace of the name."""
        if match is None or match == USER_ID:
            return False
        if match in self.declared.traits:
            if self.declared.traits[match] in ("object", "list"):
                margin.error(f"the trait {match!r} is no single value that a row could have", "match")
            return True
        known = {USER_ID, *self.declared.traits, *self._namespaces()}
        if match not in known and not {"traits", "events"} & self.declared.unread:
            what = "neither a trait nor a namespace of ids is called"
            margin.error(f"{what} {quoted(match)}{nearest(match, known)}", "match")
        return False

    def _is_caseless(self, namespace: str | None) -> bool:
        identity = None if namespace is None else self.documents.profile.identities.get(namespace)
        return identity is not None and identity.caseless

    def _namespaces(self) -> set[str]:
        used = {event.key.namespace for event in self.documents.events.events.values() if event.key}
        return {ANONYMOUS, USER, *used, *self.documents.profile.identities}

    def _join(self, text: str, row: Mapping[str, str], margin: Margin) -> SetExpression:
        names = Names(self.declared.traits, row=row, now=False, trees=self.declared.trees)
        compiled = set_expression(condition(margin, text, names, "join"))
        if compiled.basis != "both":
            margin.error("a join compares a row with a person, as in row.city == profile.city", "join", value=text)
        return compiled

    def _used(self, name: str, sql: str | None, margin: Margin) -> tuple[str, ...]:
        if sql is None:
            return ()
        if not re.match(r"(?is)\s*(select|with)\b", sql):
            margin.error("a query is one SELECT", "sql")
        words = set(_WORD.findall(sql)) | set(re.findall(r"\w+", sql))
        used = tuple(each for each in self.documents.tables.tables if each in words and each != name)
        if not used and "tables" not in self.declared.unread:
            margin.error("a query reads other tables of this file, and names none of them", "sql")
        return used


def with_their_sources(names: Iterable[str], tables: Mapping[str, Table]) -> tuple[str, ...]:
    """These tables, and those that their queries read, by name."""
    found, waiting = set[str](), list(names)
    while waiting:
        name = waiting.pop()
        if name in tables and name not in found:
            found.add(name)
            waiting += tables[name].uses
    return tuple(sorted(found))
