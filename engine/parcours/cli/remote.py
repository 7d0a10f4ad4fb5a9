"""A running engine behind its door: how commands with `--url` ask it, and how it refuses in sentences."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from http.client import HTTPException
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

import msgspec
import typer

from parcours.errors import CallerError, OperatorError, SettingInvalid

T = TypeVar("T")

KEY_VARIABLE: Final = "PARCOURS_KEY"

NOTHING: Final[Mapping[str, str]] = MappingProxyType({})

ANSWER_BYTES_MAX: Final = 64 * 1024 * 1024

PIECE_BYTES: Final = 64 * 1024

ANSWERS_WITHIN_S: Final = 60.0
"""How long the door may take: a change waits for shards, and a large project is compiled."""

COUNTS_WITHIN_S: Final = 900.0
"""The same where everybody is looked at, after whoever has asked before."""

LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class _NoRedirects(HTTPRedirectHandler):
    """A key is not sent on to whoever the door names."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


class Refused(CallerError):
    """The door has answered, and it is not what was asked for.

    The first argument is the sentence, the second the status, the third the answer.
    """

    def __str__(self) -> str:
        return str(self.args[0])

    @property
    def status(self) -> int:
        return int(self.args[1])

    @property
    def told(self) -> Mapping[str, Any]:
        told: Mapping[str, Any] = self.args[2]
        return told


class Remote:
    """The door at an address.

    key  env:NAME or file:PATH; None: that of PARCOURS_KEY, if it is set
    Raises BadParameter for what is no address or no reference, SettingInvalid for a key that is not there.
    """

    def __init__(self, url: str, key: str | None = None, environ: Mapping[str, str] | None = None) -> None:
        self._url = _address(url)
        self._key = _key(key, os.environ if environ is None else environ)
        direct = [ProxyHandler({})] if urlsplit(self._url).hostname in LOOPBACK else []
        self._within_s = ANSWERS_WITHIN_S
        self._opener = build_opener(_NoRedirects, *direct)

    def get(self, *path: str, accept: str = "application/json", query: Mapping[str, str] = NOTHING) -> bytes:
        """What is there; parts of the path are encoded one by one. Raises Refused, OperatorError."""
        return self._ask("GET", path, None, accept, query)

    def look(self, *path: str, query: Mapping[str, str] = NOTHING) -> Any:
        """The JSON that is there."""
        return self._decoded(self._ask("GET", path, None, None, query))

    def post(self, *path: str, body: object = None) -> Any:
        """The JSON with which it is answered. Raises Refused, OperatorError."""
        return self._decoded(self._ask("POST", path, json.dumps({} if body is None else body).encode(), None))

    def told(self, *path: str, body: object, kind: type[T]) -> T:
        """The answer to a question, as a struct of this kind. Raises Refused, OperatorError, CallerError."""
        return self._read(self._ask("POST", path, json.dumps(body).encode(), None), kind)

    def seen(self, *path: str, query: Mapping[str, str], kind: type[T]) -> T:
        """What is there, as a struct of this kind. Raises Refused, OperatorError, CallerError."""
        return self._read(self._ask("GET", path, None, None, query), kind)

    def _read(self, answer: bytes, kind: type[T]) -> T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise CallerError(f"The answer of {self._url} cannot be read: {error}.") from None

    def patient(self) -> Remote:
        """The same door for a question about everybody, which may take longer."""
        patient = copy(self)
        patient._within_s = COUNTS_WITHIN_S
        return patient

    def delete(self, *path: str) -> Any:
        """The same for what is taken away."""
        return self._decoded(self._ask("DELETE", path, None, None))

    def pieces(self, *path: str) -> Iterator[bytes]:
        """Lines of JSON of any length, piece by piece. Raises Refused, OperatorError, also where they break off.

        They are not asked for line by line: an answer in chunks that ends too early is not told from a whole one then.
        """
        with self._opened("GET", path, None, "application/x-ndjson") as answer:
            while piece := answer.read(PIECE_BYTES):
                yield piece

    def _ask(
        self,
        method: str,
        path: tuple[str, ...],
        body: bytes | None,
        accept: str | None,
        query: Mapping[str, str] = NOTHING,
    ) -> bytes:
        with self._opened(method, path, body, accept, query) as answer:
            read: bytes = answer.read(ANSWER_BYTES_MAX)
        return read

    @contextmanager
    def _opened(
        self,
        method: str,
        path: tuple[str, ...],
        body: bytes | None,
        accept: str | None,
        query: Mapping[str, str] = NOTHING,
    ) -> Iterator[Any]:
        if any(part in ("", ".", "..") for part in path):
            raise typer.BadParameter("a name is expected, and not an empty one, '.' or '..'")
        address = "/".join([self._url, *(quote(part, safe="") for part in path)])
        address += f"?{urlencode(query)}" if query else ""
        headers = {"Accept": accept or "application/json", "User-Agent": "parcours"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self._key is not None:
            headers["Authorization"] = f"Bearer {self._key}"
        request = Request(address, data=body, headers=headers, method=method)  # http or https, as checked
        try:
            with self._opener.open(request, timeout=self._within_s) as answer:
                yield answer
        except HTTPError as error:
            with error:
                raise self._refusal(error.code, error.headers.get("Location"), error.read(ANSWER_BYTES_MAX)) from None
        except (URLError, OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise OperatorError(f"The door at {self._url} does not answer: {reason}.") from None

    def _refusal(self, status: int, location: str | None, body: bytes) -> CallerError:
        try:
            told = json.loads(body)
        except ValueError:
            told = None
        if not isinstance(told, dict) or not isinstance(told.get("message"), str):
            elsewhere = f" and names {location}" if location else ""
            return CallerError(
                f"{self._url} answers with {status}{elsewhere}: it does not look like a door of Parcours."
            )
        said = f"{told['message'][:1].upper()}{told['message'][1:]}"
        sentence = said if said.endswith(("?", ".")) else f"{said}."
        if told.get("code") == "key":  # pages are answered by where one logs in, and say why besides
            sentence += f" Name one by --key env:NAME or --key file:PATH, or put it into {KEY_VARIABLE}."
        return Refused(sentence, status, told)

    def _decoded(self, body: bytes) -> Any:
        try:
            return json.loads(body)
        except ValueError:
            raise CallerError(f"{self._url} answers with what is no JSON: it is no door of Parcours.") from None


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
        named = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        named = False
    if not named or parts.query or parts.fragment or parts.username is not None:
        raise typer.BadParameter(f"{url!r}: an address such as http://127.0.0.1:8080 is expected.", param_hint="--url")
    return url.rstrip("/")


def _key(reference: str | None, environ: Mapping[str, str]) -> str | None:
    if reference is None:
        secret, whence = environ.get(KEY_VARIABLE), KEY_VARIABLE
    else:
        scheme, _, name = reference.partition(":")
        if scheme not in ("env", "file") or not name:
            raise typer.BadParameter(
                "env:NAME or file:PATH is expected: a key itself would be seen by everybody on this machine.",
                param_hint="--key",
            )
        secret, whence = environ.get(name) if scheme == "env" else _text(Path(name)), reference
        if secret is None:
            raise SettingInvalid(f"The environment variable {name} is not set, and --key names it.")
    if not secret:
        return None
    secret = secret.strip()
    if not secret.isascii() or not secret.isprintable() or " " in secret:
        raise SettingInvalid(f"{whence} holds no key: letters and digits without spaces are expected.")
    return secret


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeError:
        raise SettingInvalid(f"{path} holds no key: it is no text.") from None
