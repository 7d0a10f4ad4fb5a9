"""Somebody who tries a project out behind the door of the studio."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape

import httpx
from tests.ingress.page.studio import Seen, Studio

from parcours.ingress.page.sandbox import Trial

SARAH = {"who": "sarah", "traits": "email: sarah@mail.example\nplan: gold", "journey": "booked"}


async def begun(studio: Studio, **fields: str) -> str:
    """Begin a trial; the path at which it is."""
    answer = await sent(studio, "/try", {"source": "published", "shorten": "5m", **SARAH, **fields})
    assert answer.status_code == 303, Seen(answer.text).text
    return answer.headers["location"]


async def sent(studio: Studio, path: str, fields: Mapping[str, str], of: str | None = None) -> httpx.Response:
    """A form of the page at this address, or at another one."""
    token = Seen((await studio.look(of or path)).text).fields["token"]
    return await studio.send(path, {"token": token, **fields})


async def done(studio: Studio, path: str, what: str, **fields: str) -> Seen:
    """Do something in a trial, and look at it."""
    answer = await sent(studio, path, {"do": what, **fields})
    assert answer.status_code == 303, Seen(answer.text).text
    return Seen((await studio.look(answer.headers["location"])).text)


async def books(studio: Studio, path: str, total: str = "80", who: str = "sarah") -> Seen:
    return await done(studio, path, "event", event="Booked", who=who, p0=total)


def trial_at(studio: Studio, path: str) -> Trial:
    return next(each for each in studio.door.trials.all() if each.id == path.rpartition("/")[2])


def key_of(seen: Seen, what: str) -> str:
    """The key of the newest message, as the form has it by which something is done with it."""
    at = [told for tag, told in seen.elements if tag == "input"]
    place = next(number for number, told in enumerate(at) if (told.get("name"), told.get("value")) == ("do", what))
    assert at[place + 1]["name"] == "key"
    return at[place + 1]["value"] or ""


def textarea(page: str) -> str:

    found = re.search(r"<textarea[^>]*>(.*)</textarea>", page, re.DOTALL)
    assert found is not None
    return unescape(found[1])
