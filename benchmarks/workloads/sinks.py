"""Providers that take everything at once: SMTP, and HTTP as an SMS and a push provider answer. A process of their own.

They read no more than they need to answer, so that a channel waits for itself. What each has taken is told by
`GET /taken`: how many messages, and for how many people. Run as a script it prints two ports, that of SMTP first, and
ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import cast

import uvloop

END_OF_MAIL = b"\r\n.\r\n"

END_OF_HEAD = b"\r\n\r\n"

TOKEN = b'{"access_token": "sink", "expires_in": 3600, "token_type": "Bearer"}'


class Taken:
    """What one of them has taken."""

    def __init__(self) -> None:
        self.count = 0
        self.people: set[bytes] = set()

    def take(self, whose: bytes) -> None:
        self.count += 1
        self.people.add(whose)


class Mail(asyncio.Protocol):
    """A connection of SMTP, which refuses nothing."""

    def __init__(self, taken: Taken) -> None:
        self._taken = taken
        self._unread = b""
        self._recipient = b""
        self._in_mail = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while True:
            line, found, rest = self._unread.partition(END_OF_MAIL if self._in_mail else b"\r\n")
            if not found:
                return
            self._unread = rest
            self._transport.write(self._after_mail() if self._in_mail else self._answer(line))

    def _after_mail(self) -> bytes:
        self._in_mail = False
        self._taken.take(self._recipient)
        return b"250 2.0.0 taken\r\n"

    def _answer(self, line: bytes) -> bytes:
        command = line[:4].upper()
        if command == b"EHLO":
            return b"250-sink\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
        if command == b"RCPT":
            self._recipient = line
        if command == b"DATA":
            self._in_mail = True
            return b"354 go on\r\n"
        return b"221 bye\r\n" if command == b"QUIT" else b"250 2.0.0 fine\r\n"


class Http(asyncio.Protocol):
    """A connection of HTTP, which stays open. Every body is another person's message."""

    def __init__(self, sinks: Sinks) -> None:
        self._sinks = sinks
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while True:
            head, found, rest = self._unread.partition(END_OF_HEAD)
            if not found:
                return
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
            if len(rest) < length:
                return
            self._unread = rest[length:]
            status, body = self._sinks.answer(head.split(b" ", 2)[1], rest[:length])
            kind = b"Content-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
            self._transport.write(b"HTTP/1.1 %d OK\r\n%b%b" % (status, kind, body))


class Sinks:
    """All of them."""

    def __init__(self) -> None:
        self.taken = {name: Taken() for name in ("email", "sms", "push")}

    def answer(self, path: bytes, body: bytes) -> tuple[int, bytes]:
        """The status and the body for a request."""
        if path == b"/token":
            return 200, TOKEN
        if path == b"/taken":
            told = {name: [each.count, len(each.people)] for name, each in self.taken.items()}
            return 200, json.dumps(told).encode()
        name = "sms" if path.endswith(b"/Messages.json") else "push"
        self.taken[name].take(body)
        number = self.taken[name].count
        if name == "sms":
            return 201, b'{"sid": "SM%032x", "status": "queued"}' % number
        return 200, b'{"name": "projects/sink/messages/%d"}' % number

    async def serve(self) -> None:
        """Until standard input ends."""
        loop = asyncio.get_running_loop()
        smtp = await loop.create_server(lambda: Mail(self.taken["email"]), "127.0.0.1", 0)
        http = await loop.create_server(lambda: Http(self), "127.0.0.1", 0)
        print(smtp.sockets[0].getsockname()[1], http.sockets[0].getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(Sinks().serve())
