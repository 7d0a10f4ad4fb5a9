"""When does a step of a campaign end in an engine, and who is judged then: the same as under virtual time."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import pytest
from tests.engine.test_campaigns import (
    EVERYBODY,
    filled,
    going_on,
    opened,
    over,
    person,
    runs_of,
    sent_to,
    sizes,
    until,
)
from tests.simulation.campaign_shop import BEGIN_MS, HOUR_MS, campaign, project_in

from parcours import Engine, Settings
from parcours.campaigns import live_runs, people
from parcours.campaigns.live_people import LivePeople
from parcours.campaigns.run_place import LiveBook, read_place
from parcours.clock import ManualClock
from parcours.journey.project import Project

Step: TypeAlias = dict[str, Any]

LED = Settings(campaign_lead_ms=500)
"""What begins lies well in the future."""

CAPPED = {"project": "shop", "policies": {"consent": {"default": "opt_out"}, "caps": [{"max": 1, "per": "1d"}]}}
"""One message a day."""

NAMED: Step = {"id": "named", "update": {"city": "'Oslo'"}}
TEXT: Step = {"id": "text", "send": "news", "channels": ["sms"]}
PHONE = "+33612345678"


def pass_ms(clock: ManualClock, passed_ms: int) -> None:
    """Let so much time pass."""
    until_ms = clock.now_ms() + passed_ms
    with going_on(clock):
        until(lambda: clock.now_ms() > until_ms)


def cities(engine: Engine, people: int) -> set[object]:
    return {person(engine, f"u{number}").traits["city"] for number in range(people)}


def test_an_update_that_is_the_last_step_is_carried_out(tmp_path: Path) -> None:
    project, clock = project_in(tmp_path / "shop", campaign(EVERYBODY, NAMED)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock, settings=LED) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        with going_on(clock):
            run = over(engine)

        named = run.steps["named"]
        assert (run.state, named.outputs) == ("done", {"main": 3})
        assert run.ended is not None and named.begins is not None and run.ended >= named.begins
        assert cities(engine, 3) == {"Oslo"}


def test_what_follows_an_update_sees_it(tmp_path: Path) -> None:
    steps: list[Step] = [EVERYBODY, NAMED, {"id": "there", "filter": "profile.city == 'Oslo'"}]
    project, clock = project_in(tmp_path / "shop", campaign(*steps)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock, settings=LED) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        with going_on(clock):
            run = over(engine)

        there, named = run.steps["there"], run.steps["named"]
        assert there.outputs == {"main": 3, "rest": 0}
        assert named.begins is not None and there.at >= named.begins


def test_what_follows_an_update_sees_it_though_the_run_was_paused_when_it_was_due(tmp_path: Path) -> None:
    later: Step = {"id": "later", "from": "all", "wait": "6s"}
    there: Step = {"id": "there", "from": "named", "after": ["later"], "filter": "profile.city == 'Oslo'"}
    project, clock = project_in(tmp_path / "shop", campaign(EVERYBODY, NAMED, later, there)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock, settings=Settings(campaign_lead_ms=2_000)) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: runs_of(engine, "u2"))
        engine.pause_campaign("push")
        pass_ms(clock, 10_000)
        assert cities(engine, 3) == {"Paris"}

        engine.resume_campaign("push")
        with going_on(clock):
            run = over(engine)
        assert cities(engine, 3) == {"Oslo"}
        assert run.steps["there"].outputs == {"main": 3, "rest": 0}


def project_with_guests(tmp_path: Path) -> Project:
    """Two people of a table become known, and a filter comes after that."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "guests.csv").write_text("who\ng1\ng2\n")
    guests = {"file": "guests.csv", "person": "row.who", "match": "userId", "columns": {"who": "string"}}
    steps: list[Step] = [
        {"id": "all", "read": {"table": "guests", "unknown": "create"}},
        {"id": "once", "dedupe": {"by": ["person"]}},
        {"id": "fresh", "filter": "!has(profile.email)"},
    ]
    return project_in(tmp_path / "shop", campaign(*steps), tables={"tables": {"guests": guests}})


def test_a_table_whose_people_are_made_known_ends_when_that_begins(tmp_path: Path) -> None:
    clock = ManualClock(BEGIN_MS)
    with opened(project_with_guests(tmp_path), "memory:", clock=clock, settings=LED) as engine:
        engine.run_campaign("push")
        with going_on(clock):
            run = over(engine)

        begins = run.steps["all"].begins
        assert run.steps["fresh"].outputs == {"main": 2, "rest": 0}
        assert begins is not None and run.steps["fresh"].at >= begins
        assert [person(engine, name).traits for name in ("g1", "g2")] == [{}, {}]


def test_whoever_is_made_known_later_than_planned_is_in_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, kept = LivePeople.room, list[str]()

    async def late(self: LivePeople, what: str, shard: int, due: int, people: int) -> None:
        """The first slice comes three seconds too late."""
        if not kept:
            kept.append(what)
            while clock.now_ms() < due + 3_000:
                await self.pause(0.02)
        await room(self, what, shard, due, people)

    monkeypatch.setattr(LivePeople, "room", late)
    clock = ManualClock(BEGIN_MS)
    settings = Settings(campaign_lead_ms=6_000)
    with opened(project_with_guests(tmp_path), "memory:", clock=clock, settings=settings) as engine:
        engine.run_campaign("push")
        with going_on(clock):
            run = over(engine)

        assert kept == ["push/1/all"]
        assert run.steps["fresh"].outputs == {"main": 2, "rest": 0}
        assert run.steps["fresh"].at >= (run.steps["all"].begins or 0) + 3_000


def paused_while_they_are_due(engine: Engine, clock: ManualClock, people: int) -> None:
    """Half of them have a phone; it is paused when everybody has been taken along, until all have been due."""
    for number in range(0, people, 2):
        engine.identify(f"u{number}", {"phone": PHONE}).result()
    engine.run_campaign("push")
    with going_on(clock):
        until(lambda: all(runs_of(engine, f"u{number}") for number in range(people)))
    engine.pause_campaign("push")
    pass_ms(clock, 3_000)


def test_whom_a_send_was_refused_in_a_pause_is_judged_once_it_goes_on(tmp_path: Path) -> None:
    steps: list[Step] = [EVERYBODY, TEXT | {"rate": "5/s"}, {"id": "other", "from": "text.refused", "wait": "10ms"}]
    project, clock = project_in(tmp_path / "shop", campaign(*steps)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock, settings=LED) as engine:
        filled(engine, 8)
        paused_while_they_are_due(engine, clock, 8)
        assert "other" not in engine.campaign("push").runs[0].steps

        engine.resume_campaign("push")
        with going_on(clock):
            run = over(engine)
        assert (sizes(run)["text.refused"], sizes(run)["other.main"]) == (4, 4)


def test_so_it_is_where_the_engine_is_opened_again_in_the_pause(tmp_path: Path) -> None:
    steps: list[Step] = [EVERYBODY, TEXT | {"rate": "5/s"}, {"id": "other", "from": "text.refused", "wait": "10ms"}]
    project, store = project_in(tmp_path / "shop", campaign(*steps)), f"sqlite:///{tmp_path / 'store'}"
    clock = ManualClock(BEGIN_MS)
    with opened(project, store, clock=clock, settings=LED) as engine:
        filled(engine, 8)
        paused_while_they_are_due(engine, clock, 8)
    with opened(project, store, clock=clock, settings=LED) as engine:
        engine.resume_campaign("push")
        with going_on(clock):
            run = over(engine)
        assert (sizes(run)["text.refused"], sizes(run)["other.main"]) == (4, 4)


def test_whoever_left_in_a_pause_is_in_no_set_that_follows(tmp_path: Path) -> None:
    steps: list[Step] = [
        EVERYBODY,
        {"id": "mail", "send": "news", "channels": ["email"]},
        {"id": "clicked", "reacted": {"of": "mail", "reaction": "clicked", "within": "2s"}},
    ]
    shop = project_in(tmp_path / "shop", campaign(*steps, exit=[{"event": "Bought"}]))
    clock = ManualClock(BEGIN_MS)
    with opened(shop, "memory:", clock=clock, settings=LED) as engine:
        filled(engine, 4)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: "refused" in sizes_of_mail(engine))
            until(lambda: all(waits_for_clicks(engine, f"u{number}") for number in range(4)))
        engine.pause_campaign("push")
        engine.track("u1", "Bought", {"total": 3}).result()
        pass_ms(clock, 4_000)

        engine.resume_campaign("push")
        with going_on(clock):
            run = over(engine)
        assert (run.steps["clicked"].dropped, run.steps["clicked"].outputs) == ({"exited": 1}, {"main": 0, "rest": 3})


def test_a_part_of_a_split_that_is_called_failed_ends_no_run_that_goes_on(tmp_path: Path) -> None:
    steps: list[Step] = [
        EVERYBODY,
        {"id": "half", "split": {"even": ["ok", "failed"]}},
        {"id": "later", "from": "half.ok", "wait": "2s"},
        {"id": "mail", "send": "news", "channels": ["email"]},
    ]
    project, store = project_in(tmp_path / "shop", campaign(*steps)), f"sqlite:///{tmp_path / 'store'}"
    clock = ManualClock(BEGIN_MS)
    with opened(project, store, clock=clock, settings=LED) as engine:
        filled(engine, 6)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: sum(bool(runs_of(engine, f"u{number}")) for number in range(6)) == 3)
    with opened(project, store, clock=clock, settings=LED) as engine:
        with going_on(clock):
            run = over(engine, despite="is not exported yet")

        assert run.state == "done"
        assert (run.steps["half"].outputs, len(sent_to(engine, 6, "mail"))) == ({"ok": 3, "failed": 3}, 3)


def sizes_of_mail(engine: Engine) -> dict[str, int]:
    mail = engine.campaign("push").runs[0].steps.get("mail")
    return {} if mail is None else dict(mail.outputs)


def waits_for_clicks(engine: Engine, name: str) -> bool:
    return any(run.step == "clicked" for run in person(engine, name).runs)


@pytest.mark.parametrize("looks", [False, True], ids=["before it is known whom it waits for", "once that is known"])
def test_a_send_that_waited_for_a_window_ends_with_its_deliveries_where_nobody_was_there_then(
    tmp_path: Path, *, looks: bool
) -> None:
    steps: list[Step] = [
        EVERYBODY,
        {"id": "mail", "send": "news", "channels": ["email"], "window": {"from": "10:00", "to": "12:00"}},
        {"id": "clicked", "reacted": {"of": "mail", "reaction": "clicked", "within": "2h"}},
    ]
    project, store = project_in(tmp_path / "shop", campaign(*steps)), f"sqlite:///{tmp_path / 'store'}"
    clock = ManualClock(BEGIN_MS)
    with opened(project, store, clock=clock, settings=LED) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: all(runs_of(engine, f"u{number}") for number in range(3)))
        if looks:
            pass_ms(clock, 1_000)
    clock.move_to(BEGIN_MS + 2 * HOUR_MS)
    with opened(project, store, clock=clock, settings=LED) as engine:
        with going_on(clock):
            until(lambda: all(waits_for_clicks(engine, f"u{number}") for number in range(3)))
        clock.move_to(BEGIN_MS + 3 * HOUR_MS - 5_000)
        assert "clicked" not in engine.campaign("push").runs[0].steps
        with going_on(clock):
            run = over(engine, despite="is not exported yet")

        assert run.steps["clicked"].at == BEGIN_MS + 3 * HOUR_MS


def test_until_when_a_step_is_awaited_is_kept_though_the_disk_fails_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    awaits, failed = LiveBook.awaits, list[str]()

    async def failing(book: LiveBook, step: str, until: int) -> None:
        if not failed:
            failed.append(step)
            raise OSError("no space left on device")
        await awaits(book, step, until)

    monkeypatch.setattr(LiveBook, "awaits", failing)
    monkeypatch.setattr(live_runs, "RETRY_S", 0.05)
    window = {"from": "10:00", "to": "12:00"}
    mail: Step = {"id": "mail", "send": "news", "channels": ["email"], "window": window}
    project, clock = project_in(tmp_path / "shop", campaign(EVERYBODY, mail)), ManualClock(BEGIN_MS)
    with opened(project, f"sqlite:///{tmp_path / 'store'}", clock=clock, settings=LED) as engine:
        filled(engine, 3)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: awaited(tmp_path).get("mail", 0) == BEGIN_MS + HOUR_MS)

        assert failed == ["mail"]


def awaited(tmp_path: Path) -> dict[str, int]:
    """Until when steps of the first run are awaited, as it is kept."""
    place = read_place(tmp_path / "store" / "campaigns" / "push" / "1")
    assert place is not None
    return place.awaited


def test_a_send_in_waves_keeps_no_other_step_of_its_instant_waiting(tmp_path: Path) -> None:
    """Those of its second wave are handed over when it comes, beside all that goes on meanwhile."""
    steps: list[Step] = [
        EVERYBODY,
        {"id": "mail", "send": "news", "channels": ["email"], "waves": {"parts": 2, "every": "1h"}},
        {"id": "later", "from": "all", "wait": "1s"},
        {"id": "some", "from": "later", "filter": "profile.score < 3"},
    ]
    project, clock = project_in(tmp_path / "shop", campaign(*steps)), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock, settings=LED) as engine:
        filled(engine, 10)
        engine.run_campaign("push")
        with going_on(clock):
            until(lambda: "some" in engine.campaign("push").runs[0].steps)
        early = engine.campaign("push").runs[0]
        assert clock.now_ms() < BEGIN_MS + HOUR_MS
        assert early.steps["mail"].outputs == {"main": 10}
        assert early.steps["some"].outputs == {"main": 3, "rest": 7}
        assert len(sent_to(engine, 10, "mail")) == 5

        clock.move_to(clock.now_ms() + HOUR_MS)
        with going_on(clock):
            run = over(engine)
        assert run.steps["mail"].outputs == {"main": 10, "refused": 0}
        assert len(sent_to(engine, 10, "mail")) == 10


def test_of_two_sends_of_one_instant_the_first_in_the_document_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cap lets one of them pass; time stands still, so that both begin at the same instant."""
    monkeypatch.setattr(people, "SLICE_PEOPLE", 3)
    sends: list[Step] = [
        {"id": name, "from": "all", "send": "news", "channels": ["email"]} for name in ("second", "first", "last")
    ]
    project, clock = project_in(tmp_path / "shop", campaign(EVERYBODY, *sends), parcours=CAPPED), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock, settings=LED) as engine:
        filled(engine, 12)
        engine.run_campaign("push")
        until(lambda: passes(clock, 1) and "last" in engine.campaign("push").runs[0].steps)
        with going_on(clock):
            over(engine)

        sent = [len(sent_to(engine, 12, name)) for name in ("second", "first", "last")]
        assert sent == [12, 0, 0]


def test_so_it_is_where_handing_over_the_first_fails_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its people are all due before it is tried again: those of the last wait for them."""
    room, failed = LivePeople.room, list[str]()

    async def failing(self: LivePeople, what: str, shard: int, due: int, people: int) -> None:
        if not failed:
            failed.append(what)
            raise OSError("no space left on device")
        await room(self, what, shard, due, people)

    monkeypatch.setattr(LivePeople, "room", failing)
    monkeypatch.setattr(live_runs, "RETRY_S", 1)
    mail: Step = {"from": "all", "send": "news", "channels": ["email"]}
    sends = [mail | {"id": name} for name in ("zero", "last")]
    project, clock = project_in(tmp_path / "shop", campaign(EVERYBODY, *sends), parcours=CAPPED), ManualClock(BEGIN_MS)
    with opened(project, "memory:", clock=clock, settings=LED) as engine:
        filled(engine, 8)
        engine.run_campaign("push")
        with going_on(clock):
            run = over(engine, despite="no space left on device")

        assert (run.state, failed) == ("done", ["push/1/zero"])
        assert [len(sent_to(engine, 8, name)) for name in ("zero", "last")] == [8, 0]
        assert engine.troubles() == []


def passes(clock: ManualClock, passed_ms: int) -> bool:
    """Let a little time pass, though hardly any beside what is done meanwhile."""
    clock.move_to(clock.now_ms() + passed_ms)
    return True
