"""What stands on /engine and below it: figures of /metrics, what is not in order and what to do, and dead letters."""

from __future__ import annotations

import asyncio
from hashlib import blake2s
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.ingress.page.studio import KEYS, Seen, Studio, at_the_studio, key

from parcours.clock import ManualClock
from parcours.core.time_text import time_text
from parcours.ingress.rates import WINDOW_S, Rates
from parcours.ingress.rejections import IN_WORDS, KINDS, OTHER
from parcours.ingress.troubles import TroubleTimes
from parcours.insight.page.markup import Markup
from parcours.service.figures import EngineFigures, ShardAnswer
from parcours.service.service import Service
from parcours.shard.ids.key import DIGEST_BYTES
from parcours.shard.in_hand import InHand, line_mark
from parcours.store.address import open_store

WITH_SHOP = (*KEYS, key("care", "operate", "people:read"), key("idle", "operate:read"))


async def samples(studio: Studio) -> dict[str, dict[tuple[tuple[str, str], ...], float]]:
    """What /metrics tells."""
    text = (await studio.client.get("/metrics", headers={"Authorization": "Bearer eve"})).text
    told: dict[str, dict[tuple[tuple[str, str], ...], float]] = {}
    for family in text_string_to_metric_families(text):
        for each in family.samples:
            told.setdefault(each.name, {})[tuple(sorted(each.labels.items()))] = each.value
    return told


def test_shards_and_the_door_have_the_figures_of_the_metrics(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.come()
        came = {"type": "track", "event": "Came"}
        calls = [{**came, "userId": "u"}, {**came, "messageId": "m-7"}]
        sent = await studio.client.post("/v1/batch", json={"batch": calls}, auth=("shop", ""))
        assert sent.json()["accepted"] == 1
        await studio.log_in()

        metrics = await samples(studio)
        told = await studio.json("/engine")
        seen = Seen((await studio.look("/engine")).text)

        for each in told["shards"]:
            shard = (("shard", str(each["shard"])),)
            assert each["people"] == metrics["parcours_shard_people"][shard]
            assert each["epoch"] == metrics["parcours_shard_epoch"][shard]
            assert each["journal_bytes"] == metrics["parcours_shard_journal_bytes"][shard]
            first, second = [row[1:] for row in seen.rows if row[0] == str(each["shard"])]
            assert first[0] == f"{each['people']:,}" and second[-2:] == [f"{each['epoch']}", each["process"]]
        assert len(told["shards"]) == 2 and any(each["people"] for each in told["shards"])
        held = sum(each["ready"] + each["claimed"] + each["held"] for each in told["shards"])
        assert held == sum(metrics.get("parcours_outbox", {}).values())
        assert told["door"]["events"] == metrics["parcours_door_events_total"][()] == 2
        requests = sum(metrics["http_server_request_duration_seconds_count"].values())
        assert told["door"]["requests"] == requests + 1, "that of the metrics itself came in between"
        assert told["rejected"] == {"nobody": 1}
        assert metrics["parcours_events_rejected_total"] == {(("reason", "nobody"),): 1}
        assert [(each["reason"], each["message_id"]) for each in told["newest_rejected"]] == [("nobody", "m-7")]
        assert seen.row("it names nobody") == ["1"] and "m-7" in seen.text
        assert "None." in seen.text and "There are none." in seen.text

    at_the_studio(tmp_path, visit)


def test_keys_are_told_with_their_last_use_and_without_anything_that_opens(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in("eve")

        told = {each["name"]: each for each in (await studio.json("/engine"))["keys"]}
        page = (await studio.look("/engine")).text

        assert told["eve"]["last_used"] is not None and told["idle"]["last_used"] is None
        assert told["care"]["scopes"] == ["operate", "people:read"]
        assert Seen(page).row("idle")[-1] == "not since this door began"
        assert not any(each.sha256 in page or each.sha256 in str(told) for each in WITH_SHOP)

    at_the_studio(tmp_path, visit, keys=WITH_SHOP)


def test_a_shard_that_is_away_is_told_and_all_else_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()
        figures = await studio.door.service.figures()

        async def away(_service: Service) -> EngineFigures:
            return EngineFigures((ShardAnswer(None, 5_000.0), figures.shards[1]), (7, 0), 1)

        async def troubles(_service: Service) -> list[str]:
            return ["shard 0: its process has ended, and is started anew", "something nobody has foreseen <b>"]

        monkeypatch.setattr(Service, "figures", away)
        monkeypatch.setattr(Service, "troubles", troubles)
        told = await studio.json("/engine")
        page = (await studio.look("/engine")).text
        seen = Seen(page)

        assert [each["shard"] for each in told["away"]] == [0] and [each["shard"] for each in told["shards"]] == [1]
        assert seen.row("0")[2] == "does not answer for 5s" and seen.row("0")[-1] == "7"
        assert "an actor was killed, by a lack of memory most often" in seen.text
        assert "nothing at once; if it comes again" in told["troubles"][0]["to_do"]
        assert told["troubles"][1]["means"] == "" and "there are no words for it" in seen.text
        assert "<b>" not in page.replace("<b>Parcours</b>", "") and Markup("&lt;b&gt;") in page

    at_the_studio(tmp_path, visit)


def suspect(store: str, person: str, message_id: str) -> None:
    """As if an engine had met this message before, and an error had come of it."""
    for shard in range(2):
        closed = open_store(store, shard)
        in_hand = InHand()
        in_hand.restore(closed.scratch())
        in_hand.line(line_mark(blake2s(f"{person}\0{message_id}".encode(), digest_size=DIGEST_BYTES).digest()))
        in_hand.blame(ZeroDivisionError("a mistake of ours"))
        closed.close()


def test_a_dead_letter_is_applied_once_more_from_a_page_of_its_own(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path}/store"

    async def once(studio: Studio) -> None:
        await studio.door.service.drain(30)

    async def visit(studio: Studio) -> None:
        await studio.door.service.track("sarah", "Came", {}, message_id="m1")
        await studio.log_in("eve")
        told = await studio.json("/engine")
        links = Seen((await studio.look("/engine")).text).links
        (letter,) = (await studio.json("/dead"))["letters"]
        path = f"/dead/{letter['id']}"
        listed, hidden = Seen((await studio.look("/dead")).text), Seen((await studio.look(path)).text)
        assert len(told["troubles"]) == 1 and "mistake" not in str(told)
        assert told["dead_letters"] == 1 and links["1 could not be applied"] == "/dead"
        assert listed.links[f"{letter['id']}: resend…"] == path
        assert await studio.json(path) == letter
        assert "To apply it once more takes a key that opens operate." in hidden.text
        assert "sarah" not in hidden.text + listed.text and "m1" not in hidden.text
        assert (await studio.send(f"{path}/resend", {})).status_code == 403

        await studio.log_in("care")
        shown = Seen((await studio.look(path)).text)
        assert "sarah" in shown.text and '"m1"' in shown.text
        assert (await studio.look("/dead/9.9")).status_code == 404
        assert (await studio.send(f"{path}/resend", {"token": "of nobody"})).status_code == 403
        token = {"token": shown.fields["token"]}
        assert (await studio.send(f"{path}/resend", token, "https://elsewhere.example")).status_code == 403
        assert (await studio.json("/engine"))["dead_letters"] == 1
        sent = await studio.send(f"{path}/resend", token)
        assert (sent.status_code, sent.headers["location"]) == (303, "/dead?applied=1")
        after = Seen((await studio.look(sent.headers["location"])).text).text
        assert "The event has been applied." in after and "There are none." in after
        assert (await studio.send(f"{path}/resend", token)).status_code == 404

    at_the_studio(tmp_path, once, store=store)
    suspect(store, "sarah", "m1")
    at_the_studio(tmp_path, visit, store=store, keys=WITH_SHOP)


def test_the_newest_trouble_comes_first_and_one_whose_numbers_change_is_the_same() -> None:
    times = TroubleTimes()

    times.noticed(["the channel 'email' has not answered for 12 s"], 1_000)
    found = times.noticed(["the channel 'email' has not answered for 14.5 s", "shard 1: it hangs"], 2_000)
    again = times.noticed(["shard 1: it hangs"], 3_000)
    back = times.noticed(["the channel 'email' has not answered for 1 s"], 4_000)

    assert found == [("shard 1: it hangs", 2_000), ("the channel 'email' has not answered for 14.5 s", 1_000)]
    assert (again[0].since_ms, back[0].since_ms) == (2_000, 4_000)


@pytest.mark.parametrize("name", ["shard ", "dispatcher email."])
def test_the_same_trouble_of_two_shards_or_dispatchers_is_told_twice(name: str) -> None:
    times = TroubleTimes()

    times.noticed([f"{name}0: full for 3 s"], 1_000)
    found = times.noticed([f"{name}0: full for 4 s", f"{name}12: full for 1 s"], 2_000)

    assert found == [(f"{name}12: full for 1 s", 2_000), (f"{name}0: full for 4 s", 1_000)] and times.number == 2


def test_a_trouble_is_noticed_before_anybody_looks_at_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock(1_796_076_840_000)

    looked = asyncio.Event()

    async def troubles(_service: Service) -> list[str]:
        looked.set()
        return ["the channel 'email' takes nothing: it is away"]

    async def visit(studio: Studio) -> None:
        await studio.log_in()
        monkeypatch.setattr(Service, "troubles", troubles)
        began = time_text(clock.now_ms())
        await studio.look("/journeys")
        async with asyncio.timeout(30):
            await looked.wait()
        clock.move_to(clock.now_ms() + 60_000)

        (told,) = (await studio.json("/engine"))["troubles"]

        assert told["since"] == began != time_text(clock.now_ms())

    at_the_studio(tmp_path, visit, clock=clock)


def test_each_screen_says_if_something_is_not_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def troubles(_service: Service) -> list[str]:
        return ["the channel 'email' takes nothing", "shard 1: it hangs"]

    async def visit(studio: Studio) -> None:
        await studio.log_in()
        fine = Seen((await studio.look("/journeys")).text)
        monkeypatch.setattr(Service, "troubles", troubles)

        for path in ("/engine", "/journeys", "/journeys/booked", "/deliveries", "/journeys/nobody"):
            assert "Engine (2) not in order" in Seen((await studio.look(path)).text).text
        assert "not in order" not in fine.text and fine.links["Engine"] == "/engine"

    at_the_studio(tmp_path, visit)


def test_a_send_leads_to_the_deliveries_that_its_channel_has_not_taken(tmp_path: Path) -> None:
    async def visit(studio: Studio) -> None:
        await studio.log_in()

        send = Seen((await studio.look("/journeys/booked?step=remind")).text)
        wait = Seen((await studio.look("/journeys/booked?step=coming")).text)

        assert send.links["how channels stand"] == "/deliveries?journey=booked"
        assert "how channels stand" not in wait.links

    at_the_studio(tmp_path, visit)


def test_rates_are_of_the_last_minute() -> None:
    now = [100.5]
    rates = Rates(lambda: now[0])
    assert (rates.window_s(), rates.counts()) == (1, {})

    rates.note("requests")
    rates.note("events", 5)
    now[0] += 30
    rates.note("requests")
    assert (rates.window_s(), rates.counts()) == (30, {"requests": 2, "events": 5})
    now[0] += 30
    assert (rates.window_s(), rates.counts()) == (WINDOW_S, {"requests": 1})
    now[0] += 1_000
    assert rates.counts() == {}


def test_each_kind_of_rejection_has_words() -> None:
    assert set(IN_WORDS) == {*(kind for kind, _ in KINDS), OTHER}
