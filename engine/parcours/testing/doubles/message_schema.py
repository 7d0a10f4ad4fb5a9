"""The schema check of FCM messages, by the discovery document that Google publishes.

The document ships in the wheel of google-api-python-client. Checked are unknown fields, the kinds of values, and that
there is exactly one target. As in Google's JSON mapping, a field may be written in camelCase or in snake_case.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DOCUMENT = "discovery_cache/documents/fcm.v1.json"
TARGETS = ("token", "fid", "topic", "condition")
KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "boolean": bool,
    "integer": (int, str),  # 64-bit integers travel as strings
    "number": (int, float),
    "object": dict,
    "array": list,
}


class SendRequestSchema:
    """The schema of `messages:send` as published."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("googleapiclient")
        if found is None or found.origin is None:
            raise ImportError(
                "checking messages against FCM's discovery document needs google-api-python-client: "
                "install it, or use FcmServer(validate=False)"
            )
        document = json.loads((Path(found.origin).parent / DOCUMENT).read_text(encoding="utf-8"))
        self._schemas: Mapping[str, Any] = document["schemas"]

    def wrong_with(self, request: object) -> str | None:
        """The first error, with its path; None if FCM would take the request."""
        wrong = self._check(request, {"$ref": "SendMessageRequest"}, "request")
        if wrong is not None:
            return wrong
        assert isinstance(request, dict), "the schema says so"
        targets = [name for name in TARGETS if name in request.get("message", {})]
        if len(targets) != 1:
            return f"exactly one of {', '.join(TARGETS)} is required, found {targets}"
        return None

    def _check(self, value: object, schema: Mapping[str, Any], path: str) -> str | None:
        schema = self._schemas[schema["$ref"]] if "$ref" in schema else schema
        kind = schema.get("type", "any")
        if kind != "any" and not isinstance(value, KINDS[kind]):
            return f"{path}: expected {kind}, found {type(value).__name__}"
        if isinstance(value, list):
            checks = (self._check(item, schema["items"], f"{path}[{n}]") for n, item in enumerate(value))
            return next((wrong for wrong in checks if wrong is not None), None)
        if isinstance(value, dict):
            return self._check_fields(value, schema, path)
        if "enum" in schema and value not in schema["enum"]:
            return f"{path}: {value!r} is none of {schema['enum']}"
        return None

    def _check_fields(self, value: Mapping[str, object], schema: Mapping[str, Any], path: str) -> str | None:
        properties = schema.get("properties", {})
        for name, item in value.items():
            field = properties.get(_camel(name)) or schema.get("additionalProperties")
            if field is None:
                return f"{path}.{name}: Cannot find field."
            wrong = self._check(item, field, f"{path}.{name}")
            if wrong is not None:
                return wrong
        return None


def _camel(name: str) -> str:
    return re.sub("_([a-z])", lambda match: match[1].upper(), name)
