"""What no handler sees: requests that are no HTTP, and connections that do nothing, at a door in its own process."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from tests.ingress.served import PATIENCE_S, Served, served

from parcours.examples import write_example

CONNECTIONS_MAX = 50


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("door")
    project = folder / "shop"
    write_example(project, "abandoned-cart")
    config = folder / "serve.yaml"
    config.write_text(f"connections_max: {CONNECTIONS_MAX}\nread_timeout_s: 0.2\nnotice_s: 0\n")
    recording = [each for name in ("email", "sms", "push") for each in ("--record", name)]
    with served(project, "memory:", "--config", str(config), *recording, folder=folder) as opened:
        yield opened


def connect(door: Served) -> socket.socket:
    address = urlsplit(door.address)
    assert address.hostname is not None and address.port is not None
    return socket.create_connection((address.hostname, address.port), timeout=PATIENCE_S)


def told(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    pieces = []
    try:
        while piece := connection.recv(65_536):
            pieces.append(piece)
    except ConnectionResetError:
        pieces.append(b"(reset)")
    return b"".join(pieces)


GET_HEALTH = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"

HEAD = b"POST /v1/track HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "sent",
    [
        HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /v1/track HTTP/1.1\nHost: localhost\n\n",  # lines that end in LF alone
        HEAD + b"X-Long: " + b"x" * 65_536 + b"\r\n\r\n",
        HEAD + b"X-Endless: " + b"x" * 65_536,
        HEAD + b"X-Endless: " + b"x" * 1_000_000,
        HEAD + b"".join(b"X-%d: %s\r\n" % (number, b"x" * 100) for number in range(650)) + b"\r\n",
        HEAD + b"Content-Length: -1\r\n\r\n",
        b"\x16\x03\x01\x02\x00",  # somebody who wants to speak TLS
        # RFC 9112, 3.2: one Host, and a host in it
        HEAD + b"Host: localhost\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"HOST: evil.example\r\nContent-Length: 2\r\n\r\n{}",
        b"POST /v1/track HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /health HTTP/1.1\r\n\r\n",
        *(
            b"GET /health HTTP/1.1\r\nHost: %b\r\n\r\n" % host
            for host in (
                b"localhost/x",
                b"me@localhost",
                b"local host",
                b"localhost, localhost",
                b"localhost:8a",
                b"[x]",
            )
        ),
        # RFC 9112, 6.3: whose body could end anywhere
        HEAD + b"Transfer-Encoding: gzip\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked, gzip\r\n\r\n",
        b"POST /v1/track HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_what_is_no_request_is_answered_with_400_and_the_connection_is_closed(door: Served, sent: bytes) -> None:
    check_refused(door, sent, b"400 Bad Request")


@pytest.mark.parametrize(
    "codings",
    [
        b"Transfer-Encoding: gzip, chunked",
        b"Transfer-Encoding: identity, chunked",
        b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
    ],
)
def test_a_transfer_coding_that_nobody_undoes_here_is_answered_with_501(door: Served, codings: bytes) -> None:
    check_refused(door, HEAD + codings + b"\r\n\r\n2\r\n{}\r\n0\r\n\r\n", b"501 Not Implemented")


@pytest.mark.parametrize(
    "sent",
    [
        *(
            b"GET /health HTTP/1.1\r\nHost: %b\r\nConnection: close\r\n\r\n" % host
            for host in (b"localhost", b"LOCALHOST:80", b"127.0.0.1:", b"[::1]:8080")
        ),
        b"GET /health HTTP/1.0\r\n\r\n",  # as balancers ask that know no host
        HEAD.replace(b"track", b"m") + b"Transfer-Encoding: Chunked\r\nConnection: close\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
    ],
)
def test_what_is_a_request_is_answered(door: Served, sent: bytes) -> None:
    with connect(door) as connection:
        connection.sendall(sent)

        assert told(connection).startswith(b"HTTP/1.1 200")


def check_refused(door: Served, sent: bytes, status: bytes) -> None:
    with connect(door) as connection:
        connection.sendall(sent)

        answer = told(connection)

    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert {b"connection: close", b"x-content-type-options: nosniff", b"cache-control: no-store"} < set(
        head.split(b"\r\n")
    )
    assert json.loads(body.removesuffix(b"(reset)")).keys() == {"code", "message", "request_id"}


def test_a_body_that_comes_too_slowly_is_given_up_and_its_connection_closed(door: Served) -> None:
    with connect(door) as connection:
        connection.sendall(b"POST /publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\n1")

        check_given_up(told(connection), b"408 Request Timeout")


LARGE = b"x" * 3_000_000


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: %d\r\n" % len(LARGE), LARGE),
        (b"Content-Length: %d\r\n" % len(LARGE), b"x"),  # whoever has asked before he sends more
        (b"Content-Length: 999999999999\r\nExpect: 100-continue\r\n", b""),
        (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%b\r\n0\r\n\r\n" % (len(LARGE), LARGE)),
        (b"Transfer-Encoding: chunked\r\n", b"%x\r\n%b" % (len(LARGE) + 1, LARGE)),
        (b"Content-Length: 40000\r\n", b"x" * 40_000),  # a call that is read, and too large then
    ],
)
def test_a_body_that_is_too_large_is_answered_and_its_connection_closed(door: Served, head: bytes, body: bytes) -> None:
    with connect(door) as connection:
        connection.sendall(HEAD + head + b"\r\n" + body)

        check_given_up(told(connection), b"413 Request Entity Too Large")


def check_given_up(answer: bytes, status: bytes) -> None:
    """There is one answer, the connection's last, and it has come whole."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status)
    assert b"connection: close" in head.lower().split(b"\r\n")
    assert json.loads(body).keys() == {"code", "message", "request_id"}


def test_idle_connections_do_no_harm_and_one_too_many_is_closed(door: Served) -> None:
    idle = [connect(door) for _ in range(CONNECTIONS_MAX - 1)]
    try:
        with httpx.Client() as client:
            assert client.get(f"{door.address}/health").status_code == 200
            for _ in range(3):
                with connect(door) as one_too_many:
                    assert told(one_too_many) in (b"", b"(reset)")
            assert client.get(f"{door.address}/health").status_code == 200
        for connection in (idle[0], idle[-1]):  # whoever has idled is served as soon as he asks
            connection.sendall(GET_HEALTH)
            assert connection.recv(65_536).startswith(b"HTTP/1.1 200")
        for connection in idle[:10]:
            connection.close()
        assert is_let_in(door), "there is room again"
    finally:
        for connection in idle:
            connection.close()


def is_let_in(door: Served) -> bool:
    """Whether a new connection is served, as soon as the door has noticed that others have gone."""
    for _ in range(100):
        with connect(door) as connection:
            try:
                connection.sendall(GET_HEALTH)
                if connection.recv(65_536).startswith(b"HTTP/1.1 200"):
                    return True
            except ConnectionError:
                continue
    return False


def test_no_answer_names_the_server(door: Served) -> None:
    assert "server" not in httpx.get(f"{door.address}/health").headers
