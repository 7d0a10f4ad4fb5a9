"""/campaigns/{name}/preview: all sets that a run would make now. It takes as long as they take, so a button asks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from parcours.ingress.campaign_figures import campaign_of
from parcours.ingress.door import Door
from parcours.ingress.exchange import Answer, Request
from parcours.ingress.keys import sees_people
from parcours.ingress.look_bodies import CampaignPreviewed
from parcours.ingress.looked_sets import previewed
from parcours.ingress.page.cards import Column, Row, cards
from parcours.ingress.page.frame import address, name, screen, seen
from parcours.ingress.page.parts import wide
from parcours.ingress.page.run_parts import compiled, dropped_words, listed, moment_of, outputs_words, sizes_of
from parcours.ingress.page.session import TOKEN_FIELD, check_form, form_of, form_token
from parcours.insight.page.markup import Child, Markup, drawn, element, together
from parcours.journey.picture.counts import PictureCounts
from parcours.journey.picture.drawing import campaign_svg
from parcours.service.campaign_preview import StepForeseen

SAMPLE: Final = 5
"""Rows of each set that are shown to whoever may see people."""

STEPS: Final = (
    Column("Step"),
    Column("Would take", is_number=True),
    Column("In its sets"),
    Column("Dropped"),
    Column("Gates would refuse or hold"),
    Column("Not foreseen", is_whole=True),
)

SETS: Final = (Column("Set"), Column("People, and what their rows have", is_whole=True))

UNFORESEEN: Final = "whoever comes here would wait, or may react: what follows is shown as nobody"


async def _show(door: Door, request: Request) -> Answer:
    campaign = (await campaign_of(door, request)).campaign
    told = "All sets are made as a run would make them that begins now. Nobody is sent anything, and nothing is kept."
    look = "You are shown some people of each set, which is recorded." if sees_people(request.key) else None
    return _screen(
        door,
        request,
        campaign,
        element("p", told),
        None if look is None else element("p", look),
        _form(door, request, campaign, "Preview"),
    )


preview_screen = seen(_show)


async def _make(door: Door, request: Request) -> Answer:
    check_form(door, request, form_of(request))
    preview = await previewed(door, request, SAMPLE)
    return _screen(
        door,
        request,
        preview.name,
        element("p", "As of ", moment_of(preview.at), f", by version {preview.version}. Nothing has happened."),
        _picture(door, preview),
        cards("All steps", STEPS, [_row(step, each) for step, each in preview.steps.items()]),
        _sample(preview),
        _form(door, request, preview.name, "Preview again"),
    )


previewed_screen = seen(_make)


def _screen(door: Door, request: Request, campaign: str, *main: Child) -> Answer:
    back = address(request, "campaigns", campaign)
    return screen(
        door,
        request,
        f"Preview of {campaign}",
        element("p", element("a", name(campaign), href=back), class_="up"),
        element("h1", "Preview of ", name(campaign)),
        *main,
        reloads=False,
    )


def _form(door: Door, request: Request, campaign: str, words: str) -> Markup:
    return element(
        "form",
        element("input", type="hidden", name=TOKEN_FIELD, value=form_token(door, request)),
        element("button", words),
        method="post",
        action=address(request, "campaigns", campaign, "preview"),
        class_="confirm",
    )


def _picture(door: Door, preview: CampaignPreviewed) -> Markup | None:
    program = compiled(door, preview.name, preview.version)
    if program is None:
        return None
    sizes = sizes_of({step: each.outputs for step, each in preview.steps.items()})
    svg = campaign_svg(program, PictureCounts(sizes=sizes), embedded=True)
    return element("figure", wide(drawn(svg), "Picture of the campaign; the table of steps says the same"))


def _row(step: str, of: StepForeseen) -> Row:
    gates = {} if of.gates is msgspec.UNSET else of.gates
    unforeseen = UNFORESEEN if of.unforeseen is True else ""
    cells: list[Child] = [
        f"{of.inflow:,}",
        outputs_words(of.outputs),
        dropped_words(of.dropped),
        listed({gate: gate for gate in gates}, gates),
        unforeseen,
    ]
    return Row(name(step), cells)


def _sample(preview: CampaignPreviewed) -> Markup | None:
    rows = [
        Row(name(of), [element("ul", map(_person, each), class_="sizes")])
        for of, each in preview.sample.items()
        if each
    ]
    return cards("The first of each set", SETS, rows) if rows else None


def _person(row: Mapping[str, Any]) -> Markup:
    columns = [
        together("; " if at else ": ", name(column), " ", name(_text(value)))
        for at, (column, value) in enumerate(each for each in row.items() if each[0] != "person")
    ]
    return element("li", name(_text(row.get("person"))), columns)


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
