"""How many mails, SMS and push messages a second? From the events that lead to them until a provider has taken all.

Every event is another person's and leads to a message at once, which is rendered by Liquid and sent by the real
channel. The providers are a process of their own on this machine that takes everything at once (sinks.py): no network
and no provider's own pace is in the rates. Each has to have taken one message for everybody. Beside the mails,
`bare aiosmtplib` hands over ready bytes of about the same size on as many connections, from this process.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.request import urlopen

from aiosmtplib import SMTP
from measuring import engines
from measuring.engines import Target
from measuring.processes import DRIVER, Meter
from measuring.shape import Answer, Figure, Measured

from parcours import Project
from parcours.journey.model.document import EventsDocument, JourneyDocument, MessageDocument, ProjectDocument
from parcours.testing.doubles.service_account import ServiceAccount
from workloads import sinks
from workloads.ingest import BLOCK_EVENTS, feed

BARE = "bare aiosmtplib"

LOOK_EVERY_S = 0.05

PATIENCE_S = 600
"""After which a provider that has not had everything will not get it."""

ITEMS = "{% for item in entry.items %}{{ item.name }}: {{ item.price | round: 2 }}\n{% endfor %}"

CONTENT: dict[str, dict[str, object]] = {
    "email": {
        "subject": "{{ entry.name | default: 'Hello' }}, your order",
        "text": f"Thank you, {{{{ entry.name }}}}.\n{ITEMS}",
        "html": f"<h1>Thank you, {{{{ entry.name }}}}</h1><p>{ITEMS}</p><p><a href='https://luma.example/'>Luma</a></p>",
    },
    "sms": {"text": "Thank you, {{ entry.name }}: {{ entry.items.size }} items are on their way."},
    "push": {"title": "Thank you, {{ entry.name }}", "body": "{{ entry.items.size }} items are on their way."},
}


class Dispatch:
    """The workload."""

    name: ClassVar[str] = "dispatch"
    counted: ClassVar[str] = "message"
    figures: ClassVar[Mapping[str, Figure]] = {"rate": Figure("messages/s", "more")}

    def __init__(self, asked: Namespace) -> None:
        self._messages, self._cases, self._connections = asked.messages, asked.cases, asked.connections
        self._dispatchers = asked.dispatchers
        most = 1 if asked.runtime == "local" else asked.shards
        if max(asked.dispatchers) > most:
            raise SystemExit(f"--dispatchers {max(asked.dispatchers)}: there a channel has {most} at most")
        self._target = Target.of(asked)

    @staticmethod
    def add_options(parser: ArgumentParser) -> None:
        engines.add_options(parser)
        parser.add_argument("--messages", type=int, default=20_000, help="of each channel")
        parser.add_argument(
            "--connections", type=int, default=4, help="of mail, for each dispatcher; SMS and push have their defaults"
        )
        parser.add_argument("--dispatchers", type=int, nargs="+", default=[1], help="of a channel, one case each")
        parser.add_argument("--cases", nargs="+", choices=[*CONTENT, BARE], default=[*CONTENT, BARE])

    def run(self, number: int) -> Iterator[Measured]:
        for case in self._cases:
            for dispatchers in [1] if case == BARE else self._dispatchers:
                with providers() as each:
                    yield self._bare(each) if case == BARE else self._sent(case, each, dispatchers)

    def _sent(self, channel: str, providers: Providers, dispatchers: int) -> Measured:
        count = self._messages
        lines = [json.dumps(order(channel, number)).encode() for number in range(count)]
        blocks = [b"\n".join(lines[first : first + BLOCK_EVENTS]) for first in range(0, count, BLOCK_EVENTS)]
        settings = providers.settings(channel, self._connections) | {"dispatchers": dispatchers}
        one = project(channel, settings)
        with self._target.engine(one, records=()) as opened:
            meter, started_s = opened.meter(), time.perf_counter()
            accepted = sum(outcome.accepted for outcome in feed(opened.engine, blocks))
            taken = providers.wait_for(channel, count)
            seconds, cpu_us = time.perf_counter() - started_s, meter.each_us(count)
            opened.engine.drain()
            deliveries = opened.engine.report().totals.deliveries
        sent = sum(of_state for (*_, state, _), of_state in deliveries if state == "sent")
        answers = [Answer("accepted", accepted, count), Answer("known to be sent", sent, count), *told(taken, count)]
        case = channel if dispatchers == 1 else f"{channel}, {dispatchers} dispatchers"
        return Measured(case, {"rate": count / seconds}, cpu_us, answers)

    def _bare(self, providers: Providers) -> Measured:
        """The mail that a channel makes of the same message is about as long."""
        count, mail = self._messages, b"Subject: Your order\r\n\r\n" + b"Thank you for all of it.\r\n" * 50
        meter, started_s = Meter(), time.perf_counter()
        asyncio.run(hand_over(providers.smtp_port, mail, count, self._connections))
        seconds, cpu_us = time.perf_counter() - started_s, meter.each_us(count)
        answers = told(providers.wait_for("email", count), count)
        return Measured(BARE, {"rate": count / seconds}, {DRIVER: cpu_us[DRIVER]}, answers)


def told(taken: tuple[int, int], count: int) -> list[Answer]:
    return [Answer("taken by the provider", taken[0], count), Answer("people who got one", taken[1], count)]


def order(channel: str, number: int) -> dict[str, object]:
    """Somebody's order, with the address of hers that the channel needs."""
    to = {"email": f"buyer-{number}@luma.example", "sms": f"+336{12_000_000 + number}", "push": f"token-{number}"}
    items = [{"name": f"Mat {place}", "price": 29.5 + place} for place in range(3)]
    properties = {"to": to[channel], "name": f"Sarah {number}", "items": items}
    return {
        "type": "track",
        "event": "Order Completed",
        "userId": f"buyer-{number}",
        "messageId": f"order-{number}",
        "properties": properties,
    }


def project(channel: str, settings: dict[str, object]) -> Project:
    """One journey: each order is confirmed at once."""
    declared = {"to": "string", "name": "string", "items": "list"}
    step = {"id": "confirm", "send": "confirmation", "channels": [channel], "to": {channel: "entry.to"}}
    message = {"message": "confirmation", "class": "transactional", "status": "ready", channel: CONTENT[channel]}
    return Project.of(
        ProjectDocument.model_validate({"project": "dispatch-benchmark", "channels": {channel: settings}}),
        events=EventsDocument.model_validate({"events": {"Order Completed": {"properties": declared}}}),
        messages=[MessageDocument.model_validate(message)],
        journeys=[
            JourneyDocument.model_validate({"journey": "order", "entry": {"event": "Order Completed"}, "steps": [step]})
        ],
    )


class Providers:
    """The process of the sinks."""

    def __init__(self, smtp_port: int, http_port: int) -> None:
        self.smtp_port = smtp_port
        self._url = f"http://127.0.0.1:{http_port}"

    def settings(self, channel: str, connections: int) -> dict[str, object]:
        """What parcours.yaml says of the channel."""
        if channel == "email":
            mail = {"host": "127.0.0.1", "port": self.smtp_port, "tls": "none", "sender": "Luma <shop@luma.example>"}
            return {**mail, "connections_max": connections}
        if channel == "sms":
            return {"account": "AC" + "0" * 32, "token": "sink", "sender": "+15005550006", "base_url": self._url}
        account = ServiceAccount("luma-example").to_json(f"{self._url}/token")
        return {"service_account": account, "endpoint": self._url}

    def taken(self, channel: str) -> tuple[int, int]:
        """How many messages, and of how many people."""
        with urlopen(f"{self._url}/taken") as answer:
            found: dict[str, Any] = json.load(answer)
        count, people = found[channel]
        return count, people

    def wait_for(self, channel: str, count: int) -> tuple[int, int]:
        """What has been taken once there is as much, or no hope for it."""
        until_s = time.monotonic() + PATIENCE_S
        while (taken := self.taken(channel))[0] < count and time.monotonic() < until_s:
            time.sleep(LOOK_EVERY_S)
        return taken


@contextmanager
def providers() -> Iterator[Providers]:
    command = [sys.executable, str(Path(sinks.__file__))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None and process.stdout is not None
        smtp_port, http_port = map(int, process.stdout.readline().split())
        try:
            yield Providers(smtp_port, http_port)
        finally:
            process.stdin.close()


async def hand_over(port: int, mail: bytes, count: int, connections: int) -> None:
    """So many mails, as fast as they are taken on so many connections."""
    numbers = iter(range(count))

    async def one() -> None:
        async with SMTP(hostname="127.0.0.1", port=port, start_tls=False) as smtp:
            for number in numbers:
                await smtp.sendmail("shop@luma.example", [f"buyer-{number}@luma.example"], mail)

    await asyncio.gather(*(one() for _ in range(connections)))


WORKLOAD = Dispatch
