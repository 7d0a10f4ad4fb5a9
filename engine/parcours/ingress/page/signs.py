"""What is not well with a journey? Its signs (insight/health.py), for whoever looks on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, get_args
from urllib.parse import parse_qsl, urlsplit

from parcours.ingress.exchange import Request
from parcours.ingress.hidden_names import shown_signs
from parcours.ingress.page.frame import TEXT_MAX, address
from parcours.insight.health import Sign, SignName, sentence
from parcours.insight.page.markup import Markup, element, together
from parcours.journey.picture.svg_text import cut
from parcours.service.live_report import LiveReport

ORDER: Final[Sequence[str]] = get_args(SignName)


def signs_of(report: LiveReport, name: str, request: Request) -> Sequence[Sign]:
    """The signs of a journey, worst first."""
    return shown_signs(report.signs(name), request.key)


def urgency(signs: Sequence[Sign]) -> int:
    """The smaller, the sooner somebody should look."""
    return ORDER.index(signs[0].sign) if signs else len(ORDER)


def health(signs: Sequence[Sign], request: Request) -> Markup:
    """The signs, each a link to where it shows."""
    if not signs:
        return element("span", "fine", class_="fine")
    return together([together(_shown(each, request), " ") for each in signs])


def sentences(signs: Sequence[Sign]) -> Markup | None:
    """The same in words."""
    told = [element("li", element("bdi", cut(sentence(each), TEXT_MAX))) for each in signs]
    return element("ul", told, class_="signs") if told else None


def _shown(sign: Sign, request: Request) -> Markup:
    words, said = sign.sign.replace("_", " "), cut(sentence(sign), TEXT_MAX)
    where = urlsplit(sign.where)
    asked = dict(parse_qsl(where.query))
    href = address(request, *where.path.strip("/").split("/"), fragment="step" if "step" in asked else "", **asked)
    return element("a", words, href=href, title=said, class_="sign")
