"""Where does a door listen? Sockets at a host and a port, of one process alone or of many."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from parcours.errors import SettingInvalid

BACKLOG: Final = 2_048
"""Connections that may wait until somebody takes them."""


@contextmanager
def listening(host: str, port: int, *, shared: bool = False) -> Iterator[socket.socket]:
    """A socket that listens there; `shared`: with others, of processes of the same user.

    Raises SettingInvalid where nobody can.
    """
    try:
        taken = socket.create_server((host, port), family=_family(host), backlog=BACKLOG, reuse_port=shared)
    except OSError as error:
        raise _nobody_can(host, port, error) from None
    with taken:
        yield taken


@contextmanager
def port_held(host: str, port: int) -> Iterator[int]:
    """While it runs, only sockets that are shared can listen there; the port, a free one where it is 0.

    Raises SettingInvalid where somebody listens there already.
    """
    with listening(host, port) as alone:  # a socket that is shared would join those of other doors unnoticed
        port = alone.getsockname()[1]
    with socket.socket(_family(host)) as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            held.bind((host, port))
        except OSError as error:
            raise _nobody_can(host, port, error) from None
        yield port


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _nobody_can(host: str, port: int, error: OSError) -> SettingInvalid:
    return SettingInvalid(f"nobody can listen at {host}:{port}: {error.strerror or error}")
