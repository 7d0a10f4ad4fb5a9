"""What test people got, as it would have left: a mail in a frame that loads nothing, texts, and what one reacts to."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from parcours.channel import CALL, INBOX
from parcours.core.delivery.feedback import OUTCOMES, is_possible
from parcours.ingress.copied_people import addresses_for_tests
from parcours.ingress.door import Door
from parcours.ingress.exchange import PAGE, VARY, Answer, Problem, Request, Route
from parcours.ingress.page.frame import NAME_MAX, TEXT_MAX, address, moment, name, seen
from parcours.ingress.page.sandbox import Trial
from parcours.ingress.page.trial_parts import form, panel, trial_of
from parcours.ingress.page.trials import CHANGES, of_browsers
from parcours.insight.page.markup import Child, Markup, element
from parcours.journey.picture.svg_text import cut
from parcours.testing.sandbox import Rendered

SHOWN_MAX: Final = 30
"""Messages on the screen, the newest ones."""

LONG_MAX: Final = 5_000
"""Characters of a text of a message."""

FRAME_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'self'; sandbox"
"""For a mail: it has its own styles, and neither loads pictures nor runs, sends or leads anywhere."""

ONE_PART: Final = "the text leaves as 1 segment"
"""What the channel does not remark, as that is nothing to be known."""


def messages(door: Door, request: Request, trial: Trial) -> Markup:
    """The newest first."""
    rendered = list(reversed(trial.sandbox.rendered()))[:SHOWN_MAX]
    shown = [_message(door, request, trial, each) for each in rendered] or [element("p", "Nothing yet.")]
    return panel("messages", "What would have left", *shown)


def _message(door: Door, request: Request, trial: Trial, of: Rendered) -> Markup:
    outgoing = of.outgoing
    head = element(
        "h3",
        name(outgoing.message),
        " by ",
        name(outgoing.channel),
        None if len(trial.people) == 1 else [" to ", name(outgoing.person)],
    )
    where = element("p", name(outgoing.step), " of ", name(outgoing.journey), " · ", moment(outgoing.at), " · to ",
                    element("bdi", cut(outgoing.to, NAME_MAX)), class_="lead")  # fmt: skip
    if of.said is None:
        return element("article", head, where, element("p", "It cannot be rendered, or may not leave.", class_="sign"))
    return element(
        "article",
        head,
        where,
        _content(request, trial, of, of.said),
        _parts(of),
        _reactions(door, request, trial, of),
        _really(door, request, trial, of),
    )


def _content(request: Request, trial: Trial, of: Rendered, said: Mapping[str, Any]) -> Child:
    rows = [element("div", element("dt", name(field)), element("dd", _value(value)))
            for field, value in said.items() if field != "html"]  # fmt: skip
    told = element("dl", rows, class_="contents") if rows else None
    if "html" not in said:
        return told
    frame = element(
        "iframe",
        src=address(request, "try", trial.id, "message", key=of.outgoing.key),
        title=f"{cut(of.outgoing.message, NAME_MAX)} as it looks, without its pictures",
        sandbox="",
        class_="mail",
    )
    return [told, frame]


def _value(value: Any) -> Markup:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return element("pre", cut(text, LONG_MAX) if "\n" not in text else text[:LONG_MAX])


def _parts(of: Rendered) -> Markup | None:
    """What the channel remarks; of a text message in how many parts it goes."""
    told = of.remarks or ((ONE_PART,) if of.outgoing.channel == "sms" else ())
    return element("p", [element("bdi", cut(each, TEXT_MAX)) for each in told], class_="remarks") if told else None


def _reactions(door: Door, request: Request, trial: Trial, of: Rendered) -> Markup:
    possible = [each for each in OUTCOMES if is_possible(each, of.outgoing.channel)]
    options = [element("option", each, value=each) for each in possible]
    more = ("answer", "Answer, as JSON ") if of.outgoing.channel == CALL else ("link", "Link ")
    return form(
        door,
        request,
        trial,
        "react",
        element("label", "She reacts: ", element("select", options, name="reaction")),
        element("label", more[1], element("input", name=more[0], autocomplete="off")),
        element("button", "React"),
        key=of.outgoing.key,
    )


def _really(door: Door, request: Request, trial: Trial, of: Rendered) -> Markup | None:
    if not is_for_tests(door, of):
        return None
    if of.outgoing.key in trial.sent:
        return element("p", f"Really sent to {cut(of.outgoing.to, NAME_MAX)}, which is done once.")
    words = f"Really send to {cut(of.outgoing.to, NAME_MAX)}"
    return form(door, request, trial, "send", element("button", words), key=of.outgoing.key)


def is_for_tests(door: Door, of: Rendered) -> bool:
    """Whether the message may really be sent: to an address for tests, which serve.yaml names."""
    outgoing = of.outgoing
    if of.said is None or outgoing.channel in {CALL, *INBOX}:
        return False
    return outgoing.to in addresses_for_tests(door, outgoing.channel, door.service.program.region)


def rendered_of(trial: Trial, key: str) -> Rendered:
    """The message of this key. Raises Problem where it is not kept."""
    found: Sequence[Rendered] = [each for each in trial.sandbox.rendered() if each.outgoing.key == key]
    if not found:
        raise Problem(404, "unknown", "there is no such message, or none any more")
    return found[-1]


async def _shown(door: Door, request: Request) -> Answer:
    said = rendered_of(trial_of(door, request), request.query.get("key", "")).said or {}
    headers = {"Content-Security-Policy": FRAME_POLICY, **VARY}
    return Answer(body=str(said.get("html", "")).encode(), media_type=PAGE, headers=headers)


ROUTES: Final = (
    Route(
        method="GET",
        path="/try/{id}/message",
        handler=of_browsers,
        page=seen(_shown),
        scope=CHANGES,
        summary="A mail of a trial, for a frame. For browsers alone.",
    ),
)
