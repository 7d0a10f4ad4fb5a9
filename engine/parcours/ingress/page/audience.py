"""/audiences/{name}: what it means and who asks for it; with `?sample=` how many are in it now, and the first of them.

To count looks at everybody, so that is asked for, and the screen does not ask again by itself.
"""

from __future__ import annotations

from typing import Final

from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.keys import sees_people
from parcours.ingress.look_bodies import AudienceLooked, SaveShown
from parcours.ingress.looked_sets import SAMPLE, audience_looked, audience_named
from parcours.ingress.page.cards import Column, Row, cards
from parcours.ingress.page.frame import TEXT_MAX, address, name, screen, seen
from parcours.ingress.page.run_parts import moment_of, run_address
from parcours.insight.figures import counted_text
from parcours.insight.page.markup import Child, Markup, element, together
from parcours.journey.audience_uses import AudienceUse
from parcours.journey.compile.campaigns.found import NAMED
from parcours.journey.picture.svg_text import cut

MEMBERS: Final = (Column("Person"), Column("What the condition reads", is_whole=True))

PATHS: Final = {
    "journey": "journeys",
    "campaign": "campaigns",
    "audience": "audiences",
    "funnel": "insight/funnel",
}
"""Below which addresses those are looked at that ask for an audience."""


async def _audience(door: Door, request: Request) -> Answer:
    of = await audience_named(door, request.params["name"])
    counted = await audience_looked(door, request) if "sample" in request.query else None
    uses = [element("li", use_words(each, request)) for each in of.used_by]
    told: list[tuple[str, Child]] = [("Who is in it", meaning(of.condition))]
    if of.condition is None:
        told.append(("Saved last", saved_words(of.last_save, request)))
    told.append(("Asked for by", element("ul", uses, class_="sizes") if uses else "nobody"))
    return screen(
        door,
        request,
        of.name,
        element("p", element("a", "Audiences", href=address(request, "audiences")), class_="up"),
        element("h1", name(of.name)),
        element("p", element("bdi", cut(of.label, TEXT_MAX)), class_="lead") if of.label else None,
        element(
            "dl", [element("div", element("dt", term), element("dd", words)) for term, words in told], class_="rules"
        ),
        None if counted is None else _counted(counted),
        _counting(of.name, request, is_again=counted is not None),
        reloads=counted is None,
    )


audience_screen = seen(_audience)


def meaning(condition: str | None) -> Markup:
    """By what somebody is in an audience."""
    if condition is None:
        return element("span", "whoever was saved")
    return element("code", element("bdi", cut(condition, TEXT_MAX)))


def saved_words(save: SaveShown | None, request: Request) -> Child:
    """When an audience was saved last, by which run, and how many people."""
    if save is None:
        return "never: nobody is in it"
    people = counted_text(save.people, "person", "people")
    if save.campaign.startswith(NAMED):
        return together(moment_of(save.at), f", {people} who were named")
    href = run_address(request, save.campaign, save.run)
    run = element("a", f"run {save.run} of ", name(save.campaign), href=href)
    return together(moment_of(save.at), f", {people}, by ", run)


def use_words(use: AudienceUse, request: Request) -> Markup:
    """Who asks for an audience, and where."""
    where = cut(", ".join(use.where), TEXT_MAX)
    path = PATHS.get(use.kind)
    who: Child = name(use.name)
    if path is not None:
        who = element("a", who, href=address(request, *path.split("/"), use.name))
    return together(f"{use.kind} " if use.name else use.kind, who if use.name else None, ": ", element("bdi", where))


def _counting(audience: str, request: Request, *, is_again: bool) -> Markup:
    href = address(request, "audiences", audience, sample=f"{SAMPLE}")
    words = "Count again" if is_again else "Count who is in it now"
    look = " Whom you are shown is recorded." if sees_people(request.key) else ""
    return element("p", element("a", words, href=href, rel="nofollow"), f": everybody is looked at for it.{look}")


def _counted(of: AudienceLooked) -> Markup:
    """How many are in it, and the first of them."""
    figure = element("div", element("dt", "In it"), element("dd", f"{of.size:,}"))
    rows = [
        Row(name(each.person), [element("ul", [element("li", name(why)) for why in each.because], class_="sizes")])
        for each in of.sample
    ]
    return together(
        element("dl", figure, class_="figures"),
        element("p", "As of ", moment_of(of.at), "."),
        cards(f"The first {len(rows)} by name", MEMBERS, rows) if rows else None,
    )
