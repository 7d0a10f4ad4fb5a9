"""The mail server in a process of its own, with faults by a seed. Its ledger is what it prints, a line for each event.

`{"port": 1}` first; then `{"mail": [key, person, message]}` for each mail that was taken in, and `{"fault": name}` for
each fault that a transaction has met. A line on its input ends the faults, the end of its input ends it.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from email.parser import BytesHeaderParser
from typing import Final

from parcours.testing.doubles.faults import Drop, Hang, Reply
from parcours.testing.doubles.smtp import Mail, SmtpFault, SmtpServer, Stage

FAULTS: Final[dict[str, tuple[Stage, SmtpFault]]] = {
    "hangs before the mail": ("rcpt", Hang()),
    "hangs after the final dot": ("body", Hang()),
    "drops the connection after the final dot": ("body", Drop()),
    "answers 421": ("mail", Reply("421 4.3.2 shutting down")),
    "answers 451": ("rcpt", Reply("451 4.7.1 try again later")),
    "answers 554": ("body", Reply("554 5.7.1 refused")),
}

PAUSE_S: Final = 0.4
"""Longest time without a fault to come."""

LOOK_EVERY_S: Final = 0.02


def main(seed: str) -> None:
    """Serve until the input ends."""
    calm, over = threading.Event(), threading.Event()
    threading.Thread(target=_listen, args=(calm, over), daemon=True).start()
    chance, told = random.Random(int(seed)), 0
    names: list[str] = []
    coming: str | None = None
    with SmtpServer() as server:
        _say(port=server.port)
        next_s = 0.0
        while not over.wait(LOOK_EVERY_S):
            for mail in server.mailbox[told:]:
                told += 1
                _say(mail=_known(mail))
            if coming is not None and not server.faults_to_come():
                _say(fault=coming)
                coming, next_s = None, PAUSE_S * chance.random()
            next_s -= LOOK_EVERY_S
            if coming is None and next_s <= 0 and not calm.is_set():
                names = names or chance.sample(list(FAULTS), len(FAULTS))
                coming = names.pop()
                server.next(*FAULTS[coming])


def _known(mail: Mail) -> tuple[str, str, str]:
    subject = str(BytesHeaderParser().parsebytes(mail.raw)["Subject"])
    return mail.message_id.strip("<>").partition("@")[0], mail.to.partition("@")[0], subject


def _listen(calm: threading.Event, over: threading.Event) -> None:
    sys.stdin.readline()
    calm.set()
    sys.stdin.read()
    over.set()


def _say(**told: object) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1])
