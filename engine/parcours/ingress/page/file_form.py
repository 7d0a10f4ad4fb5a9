"""A form that somebody fills in with a file: its fields, and what stands in the file, as texts."""

from __future__ import annotations

from collections.abc import Iterator
from email.message import Message
from email.parser import BytesParser
from email.policy import HTTP
from typing import Final

from parcours.ingress.exchange import Problem, Request
from parcours.ingress.page.session import FIELDS_MAX, form_of

WITH_FILES: Final = "multipart/form-data"


def fields_of(request: Request) -> dict[str, str]:
    """The fields; that of a file has what stands in it. Raises Problem for what is no form, or no text."""
    kind = request.headers.get("content-type", "")
    if kind.partition(";")[0].strip().lower() != WITH_FILES:
        return form_of(request)
    whole = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + kind.encode("latin-1") + b"\r\n\r\n" + request.body)
    parts = list(_parts(whole))
    if not parts or len(parts) > FIELDS_MAX:
        raise Problem(400, "invalid", "the form cannot be read")
    try:
        return {name: told.decode() for name, told in parts}
    except UnicodeDecodeError:
        raise Problem(400, "invalid", "the file is no text in UTF-8") from None


def _parts(whole: Message) -> Iterator[tuple[str, bytes]]:
    for part in whole.get_payload() if whole.is_multipart() else []:
        name = part.get_param("name", header="content-disposition") if isinstance(part, Message) else None
        told = part.get_payload(decode=True) if isinstance(part, Message) else None
        if isinstance(name, str) and isinstance(told, bytes):
            yield name, told
