"""What stands on /deliveries: the figures of the report and of /metrics, by channel, and the newest of them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from tests.ingress.page.studio import TEXTS, Seen, Studio, at_the_studio, key

from parcours.dispatch.channel_state import ChannelState
from parcours.service.service import Service

CAREFUL = {
    **TEXTS,
    "parcours.yaml": """
        project: studio
        policies: {consent: {default: opt_out}, caps: [{channels: [email], class: marketing, max: 1, per: 1d}]}
    """,
    "messages/offer.yaml": "{message: offer, class: marketing, email: {subject: Hi, text: Hello}}",
    "journeys/again.yaml": """
        journey: again
        entry: {event: Joined}
        steps:
          - {id: once, send: offer, channels: [email]}
          - {id: twice, send: offer, channels: [email]}
          - {id: done, wait: 30d}
    """,
}
"""Of two offers the second is refused, for everybody."""


def counts(rows: list[list[str]]) -> dict[tuple[str, str], list[int]]:
    return {(row[0], row[1]): [int(each.replace(",", "")) for each in row[2:]] for row in rows}


OVER_TIME = ("In 1 h", "In 24 h", "In all")


def test_each_figure_is_one_of_the_report_and_of_the_metrics(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in()

        told = await studio.json("/deliveries")
        seen = Seen((await studio.look("/deliveries")).text)
        report = await studio.json("/report")
        summary = report["summary"]
        metrics = (await studio.client.get("/metrics", headers={"Authorization": "Bearer eve"})).text

        outcomes = {(each["channel"], each["outcome"]): each for each in told["outcomes"]}
        assert {name: each["total"] for name, each in outcomes.items()} == {
            (channel, outcome): number
            for channel, of_channel in summary["channels"].items()
            for outcome, number in of_channel.items()
        }
        assert all(each["minutes"] == each["hours"] == each["total"] for each in outcomes.values()), "all is of now"
        gates = Counter[str]()
        for each in told["gates"]:
            gates[each["gate"]] += each["total"]
        assert gates == summary["gates"] and gates["cap"] == 10
        for each in told["outcomes"]:
            line = f'parcours_deliveries_total{{channel="{each["channel"]}",outcome="{each["outcome"]}"}}'
            assert f"{line} {float(each['total'])}" in metrics
        assert counts(seen.rows[seen.rows.index(["Channel", "Gate", *OVER_TIME]) + 1 :][:1]) == {
            ("email", "cap"): [10, 10, 10]
        }
        at = seen.rows.index(["Channel", "Outcome", *OVER_TIME])
        shown = counts(seen.rows[at + 1 : at + 1 + len(outcomes)])
        assert shown == {name: [each["minutes"], each["hours"], each["total"]] for name, each in outcomes.items()}
        reasons = Counter[str]()
        for (_, _, reason), number in report["reasons"]:
            reasons[reason] += number
        assert {each["reason"]: each["total"] for each in told["reasons"]} == reasons

    at_the_studio(tmp_path, visit, texts=CAREFUL)


def test_the_address_chooses_channel_journey_and_outcome(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in()

        again = await studio.json("/deliveries?journey=again&outcome=refused&channel=")
        none = await studio.json("/deliveries?channel=sms")
        seen = Seen((await studio.look("/deliveries?journey=again&outcome=refused")).text)
        wrong = await studio.look("/deliveries?chanel=email")

        assert {(each["journey"], each["what"]) for each in again["newest"]} == {("again", "refused")}
        assert len(again["newest"]) == 10
        assert [(each["outcome"], each["total"]) for each in again["outcomes"]] == [("refused", 10)]
        assert none["newest"] == none["outcomes"] == none["channels"] == []
        assert seen.links["again.twice"] == "/journeys/again?step=twice#step"
        assert seen.links["Show all"] == "/deliveries"
        chosen = [told.get("value") for tag, told in seen.elements if tag == "option" and "selected" in told]
        assert chosen == ["again", "refused"]
        assert "Why, of all journeys and outcomes, the most frequent in 24 h first" in seen.text
        assert wrong.status_code == 400 and "cannot be read" in wrong.text

    at_the_studio(tmp_path, visit, texts=CAREFUL)


def test_nobody_is_named_without_the_scope_and_whoever_is_left_out_is_not_looked_at(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        await studio.log_in("eve")
        hidden = Seen((await studio.look("/deliveries?named=true")).text).text
        await studio.log_in("care")
        unasked = Seen((await studio.look("/deliveries")).text)
        named = Seen((await studio.look("/deliveries?journey=again&named=true")).text).text
        looks = Counter[str]()
        for number in range(10):
            facts = await studio.door.service.facts(f"person{number}")
            looks[f"person{number}"] += sum(type(fact).__name__ == "Looked" for fact in facts)

        assert not re.search(r"person\d", hidden + unasked.text)
        assert unasked.links["Name them"] == "/deliveries?named=true"
        assert set(re.findall(r"person\d", named)) == {name for name, times in looks.items() if times}
        assert max(looks.values()) == 1, "everybody who is shown has been looked at once"

    at_the_studio(
        tmp_path, visit, texts=CAREFUL, keys=(key("eve", "operate:read"), key("care", "operate:read", "people:read"))
    )


def test_a_channel_on_which_nothing_leaves_says_why_and_until_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = [
        ChannelState(
            channel="email", breaker="open", next_try_s=4.2, trouble="the channel 'email' waits: no login", rate="10/s"
        ),
        ChannelState(channel="sms", breaker="closed", next_try_s=None, trouble=None, rate=None),
        ChannelState(channel="push", breaker="silent", next_try_s=None, trouble="it is silent", rate="5/m"),
    ]

    async def told(_service: Service) -> list[ChannelState]:
        return states

    async def visit(studio: Studio) -> None:
        await studio.log_in()
        before = Seen((await studio.look("/deliveries")).text)
        monkeypatch.setattr(Service, "channel_states", told)
        seen = Seen((await studio.look("/deliveries")).text)

        assert before.row("email") == ["records: nothing leaves", "as it can carry", "0", "0"]
        assert seen.row("email")[:2] == [
            "waits the channel 'email' waits: no login; tried again in 4 s",
            "at most 10/s",
        ]
        assert seen.row("sms")[:2] == ["in order", "as it can carry"]
        assert seen.row("push")[:2] == ["silent it is silent", "at most 5/m"]
        assert "Nothing like that has happened." in seen.text

    at_the_studio(tmp_path, visit)
