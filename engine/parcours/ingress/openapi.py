"""/openapi.json, made from the rows by which the door answers: what is not in the table is not in the document.

Bodies allow null where a key may be missing, and keys that nobody knows: real clients send both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import version
from typing import Any, Final, TypeAlias

import msgspec

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request, Route

PARAMETER: Final = re.compile(r"\{(\w+)\}")

REFERENCES: Final = "#/components/schemas/{name}"

Schemas: TypeAlias = dict[type[msgspec.Struct], dict[str, Any]]
"""The schema of each struct, a reference to the document's components."""

STATUSES: Final = {
    "400": "The request cannot be carried out as it was made.",
    "401": "The key is missing, unknown or expired.",
    "403": "The key does not open this, or not to this page.",
    "404": "There is no such thing.",
    "405": "The address does not take this method; `Allow` says which ones it takes.",
    "408": "The body came too slowly.",
    "409": "It is not as the request supposes.",
    "413": "The body is too large.",
    "415": "The body is packed in a way that nobody here knows.",
    "429": "There is no room now, or a shard is away: come again after Retry-After.",
    "500": "A fault of ours; the log has it under the request's id.",
    "501": "Transfer-Encoding names more than chunked.",
    "503": "Nobody can carry it out now.",
}
"""What an answer of each status says, which any address may give."""

WITHOUT_BODY: Final = {
    303: "It is done, and Location says where to look.",
    304: "It is as the client has it, by the ETag that it sent.",
}
"""What further answers say."""


class ProblemBody(msgspec.Struct):
    """What is said of a request that is not carried out. Further keys tell what is known of its parts."""

    code: str
    message: str
    request_id: str


def document(routes: Iterable[Route]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    rows = list(routes)
    structs: set[type[msgspec.Struct]] = {each for row in rows for each in _structs_of(row)}
    ordered: list[type[msgspec.Struct]] = sorted({*structs, ProblemBody}, key=lambda each: each.__name__)
    schemas, components = msgspec.json.schema_components(ordered, ref_template=REFERENCES)
    schema_of = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for row in rows:
        for path in (row.path, *row.also):
            paths.setdefault(path, {})[row.method.lower()] = _operation(row, path, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Parcours", "version": version("parcours")},
        "paths": paths,
        "components": {
            "schemas": msgspec.json.decode(msgspec.json.encode(components)),  # a default may be a tuple
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "The key as user, without a password."},
            },
        },
    }


def _operation(row: Route, path: str, schema_of: Schemas) -> dict[str, Any]:
    problem = {"application/json": {"schema": schema_of[ProblemBody]}}
    told: dict[str, Any] = {
        "summary": row.summary,
        "operationId": f"{row.method.lower()} {path}",
        "responses": {
            str(row.status): {"description": "It is done.", **_answers(row, schema_of)},
            **{str(status): {"description": WITHOUT_BODY[status]} for status in row.other_statuses},
            **{status: {"description": text, "content": problem} for status, text in STATUSES.items()},
        },
    }
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in PARAMETER.findall(path)
    ]
    if parameters := [*parameters, *_queried(row.asks)]:
        told["parameters"] = parameters
    if row.takes is not None:
        told["requestBody"] = {"required": True, **_content(row.takes, schema_of)}
    if row.scope is not None:
        told["security"] = [{"bearer": [row.scope]}, {"basic": [row.scope]}]
        told["x-scope"] = row.scope
    return told


def _structs_of(row: Route) -> list[type[msgspec.Struct]]:
    return [each for each in (row.takes, row.gives, row.or_gives) if each is not None]


def _queried(kind: type[msgspec.Struct] | None) -> list[dict[str, Any]]:
    """The parameters of a query: nothing of it has to be there, and null is what is left out."""
    if kind is None:
        return []
    schema = msgspec.json.schema(kind)
    fields = schema["$defs"][kind.__name__]["properties"]
    return [{"name": name, "in": "query", "required": False, "schema": _said(each)} for name, each in fields.items()]


def _said(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of a value that is there."""
    (value,) = [each for each in schema.get("anyOf", [schema]) if each != {"type": "null"}]
    without_null = [each for each in value.get("enum", ()) if each is not None]
    return {**value, "enum": without_null} if without_null else {key: value[key] for key in value if key != "default"}


def _answers(row: Route, schema_of: Schemas) -> dict[str, Any]:
    """What is answered where all is well: JSON of one shape or of two, and a page."""
    told = _content(row.gives, schema_of)
    if row.gives is not None and row.or_gives is not None:
        either = {"anyOf": [schema_of[row.gives], schema_of[row.or_gives]]}
        told = {"content": {"application/json": {"schema": either}}}
    if row.page is not None and row.page is not row.handler and row.status == 200:
        told.setdefault("content", {})["text/html"] = {"schema": {"type": "string"}}
    return told


def _content(kind: type[msgspec.Struct] | None, schema_of: Schemas) -> dict[str, Any]:
    return {} if kind is None else {"content": {"application/json": {"schema": schema_of[kind]}}}


@cache
def _whole() -> bytes:
    from parcours.ingress.routes import ROUTES as ALL  # the table has this route in it, too

    return msgspec.json.encode(document(ALL))


async def openapi(_door: Door, _request: Request) -> Answer:
    """The document of all that the door answers."""
    return Answer(body=_whole())


ROUTES: Final = (Route(method="GET", path="/openapi.json", handler=openapi, always=True, summary="This document."),)
