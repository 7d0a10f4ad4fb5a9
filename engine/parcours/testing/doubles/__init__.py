"""Doubles of providers: local servers that speak the real protocols, for tests and for the demo.

Each is a context manager around a server in a thread of its own on a free loopback port. Messages taken in are in a
plain list; `next(...)` gives the coming messages a fault.
"""

from parcours.testing.doubles.faults import Drop, Hang, HttpReply, Reply
from parcours.testing.doubles.fcm import FcmServer, Push
from parcours.testing.doubles.http import HttpServer
from parcours.testing.doubles.smtp import Mail, SmtpServer
from parcours.testing.doubles.twilio import Sms, TwilioServer

__all__ = [
    "Drop",
    "FcmServer",
    "Hang",
    "HttpReply",
    "HttpServer",
    "Mail",
    "Push",
    "Reply",
    "Sms",
    "SmtpServer",
    "TwilioServer",
]
