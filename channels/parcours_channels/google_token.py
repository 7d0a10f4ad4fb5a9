"""Access tokens of a Google service account: fetched when needed, kept until they expire."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import requests
from google.auth.exceptions import GoogleAuthError
from google.auth.transport.requests import Request
from google.oauth2.service_account import Credentials

SCOPES = ("https://www.googleapis.com/auth/firebase.messaging",)


class TokenUnavailable(Exception):
    """No access token could be had, so nothing was sent."""


class TokenSource:
    """The current token for many deliveries at once; only one of them fetches a new one.

    google-auth signs and fetches with blocking calls, so that happens in a thread.
    """

    def __init__(self, account: Mapping[str, Any], timeout_s: float) -> None:
        self.credentials = Credentials.from_service_account_info(account, scopes=SCOPES)  # type: ignore[no-untyped-call]
        self._timeout_s = timeout_s
        self._session = requests.Session()
        self._fetching = asyncio.Lock()

    async def token(self) -> str:
        """A token that has not expired. Raises TokenUnavailable."""
        async with self._fetching:
            if not self.credentials.valid:
                await asyncio.to_thread(self._fetch)
        return str(self.credentials.token)

    def drop(self, token: str) -> None:
        """The provider does not take this token any more; another is fetched if that has not happened yet."""
        if self.credentials.token == token:
            self.credentials.token = None

    def close(self) -> None:
        self._session.close()

    def _fetch(self) -> None:
        request = Request(self._session)

        def bounded(*args: Any, **keywords: Any) -> Any:
            return request(*args, **{**keywords, "timeout": self._timeout_s})

        try:
            self.credentials.refresh(bounded)
        except GoogleAuthError as error:
            raise TokenUnavailable(f"Google gave no access token: {error.args[0]}") from error
