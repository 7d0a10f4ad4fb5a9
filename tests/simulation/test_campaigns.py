"""Campaigns under virtual time: who is taken to which step when, and what becomes of sets while time passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.simulation.campaign_shop import (
    BEGIN_MS,
    DAY_MS,
    HOUR_MS,
    WISH,
    at,
    campaign,
    identified,
    people,
    project_in,
    reacted,
    told,
    tracked,
)

from parcours.errors import CallerError

ALL = {"id": "all", "read": {"where": "profile.score >= 0"}}
MAIL = {"id": "mail", "send": "news", "channels": ["email"]}
LATER = {"id": "later", "send": "news", "channels": ["sms"]}


def test_a_send_goes_at_its_rate_in_the_order_of_names_and_ends_with_the_last(tmp_path: Path) -> None:
    project = project_in(tmp_path, campaign(ALL, {**MAIL, "rate": "2/s"}, LATER))

    found = told(project, people(5))

    assert found.sent("mail") == {f"u{each}": HOUR_MS + each * 500 for each in range(5)}
    assert set(found.sent("later").values()) == {HOUR_MS + 2_000}, "it begins when the last person of the send is due"
    assert found.sizes() == {
        "all.main": 5, "mail.main": 5, "mail.refused": 0, "later.main": 5, "later.refused": 0
    }  # fmt: skip


def test_waves_are_of_exact_sizes_and_each_begins_in_its_turn(tmp_path: Path) -> None:
    project = project_in(tmp_path, campaign(ALL, {**MAIL, "waves": {"parts": 3, "every": "1h"}}))

    found = told(project, people(8))

    instants = sorted(found.sent("mail").values())
    assert [instants.count(HOUR_MS * (1 + wave)) for wave in range(3)] == [3, 3, 2]
    assert found.line("mail", "refused").at == BEGIN_MS + 3 * HOUR_MS


def test_a_window_opens_for_each_person_in_her_own_zone(tmp_path: Path) -> None:
    window = {"from": "10:00", "to": "12:00", "zone": "profile"}
    project = project_in(tmp_path, campaign(ALL, {**MAIL, "rate": "1/s", "window": window}, LATER, hours=0.5))
    zones = ("UTC", "Asia/Tokyo", "Europe/Paris")
    calls = [identified(f"u{number}", score=1, timezone=zone) for number, zone in enumerate(zones)]

    found = told(project, calls)

    # At 09:30 UTC it is open in Paris; in UTC half an hour later, in Tokyo at 10:00 of the next day.
    assert found.sent("mail") == {
        "u0": HOUR_MS,
        "u1": 16 * HOUR_MS + 1_000,
        "u2": HOUR_MS // 2 + 2_000,
    }
    assert set(found.sent("later").values()) == {16 * HOUR_MS + 1_000}, "the send ends with the last zone"


def test_whose_zone_changes_while_she_waits_for_a_window_is_sent_to_within_it_where_she_is(tmp_path: Path) -> None:
    window = {"from": "10:00", "to": "12:00", "zone": "profile"}
    project = project_in(tmp_path, campaign(ALL, {**MAIL, "rate": "1/s", "window": window}, LATER, hours=0.5))
    moved = [identified("u1", 0.75, timezone="Asia/Tokyo"), identified("u2", 0.75, timezone="Atlantic/Reykjavik")]

    found = told(project, [*people(3), *moved])

    # In Tokyo it is 19:00 when it opens in UTC; in Reykjavik clocks show what they show in UTC.
    assert found.sent("mail") == {"u0": HOUR_MS, "u1": 16 * HOUR_MS + 1_000, "u2": HOUR_MS + 2_000}
    assert set(found.sent("later").values()) == {16 * HOUR_MS + 1_000}, "the send ends with her"


def test_whom_a_gate_holds_is_released_at_the_rate_and_the_send_ends_with_her(tmp_path: Path) -> None:
    quiet = [{"from": "09:00", "until": "12:00"}]
    settings = {"project": "shop", "policies": {"consent": {"default": "opt_out"}, "quiet_hours": quiet}}
    transactional = {"message": "news", "class": "transactional", "sms": {"text": "hi"}}
    project = project_in(
        tmp_path,
        campaign(ALL, {**MAIL, "rate": "1/s"}, {**LATER, "send": "note"}),
        parcours=settings,
        messages_note={**transactional, "message": "note"},
    )

    found = told(project, people(3))

    assert found.sent("mail") == {f"u{each}": 3 * HOUR_MS + each * 1_000 for each in range(3)}
    assert set(found.sent("later").values()) == {3 * HOUR_MS + 2_000}


def quiet_until(hour: int) -> dict[str, Any]:
    quiet = [{"from": "09:00", "until": f"{hour}:00"}]
    return {"project": "shop", "policies": {"consent": {"default": "opt_out"}, "quiet_hours": quiet}}


def test_each_delivery_that_a_gate_holds_is_released_at_the_rate(tmp_path: Path) -> None:
    both = {"id": "both", "send": "news", "channels": ["email", "sms"], "rate": "1/s"}
    project = project_in(tmp_path, campaign(ALL, both), parcours=quiet_until(12))

    found = told(project, people(3))

    released = [(fact.person, fact.channel, fact.at - BEGIN_MS) for fact in found.deliveries("sent")]
    assert sorted(released) == [
        (f"u{each}", channel, 3 * HOUR_MS + each * 1_000) for each in range(3) for channel in ("email", "sms")
    ]


def test_whom_a_gate_holds_keeps_her_place_when_her_zone_changes(tmp_path: Path) -> None:
    project = project_in(tmp_path, campaign(ALL, {**MAIL, "rate": "1/s"}), parcours=quiet_until(12))
    moved = [identified("u1", 1.5, timezone="Atlantic/Reykjavik"), identified("u2", 1.5, timezone="Atlantic/Azores")]

    found = told(project, [*people(3), *moved])

    # In Reykjavik clocks show what they show in UTC, and on the Azores an hour less.
    assert found.sent("mail") == {"u0": 3 * HOUR_MS, "u1": 3 * HOUR_MS + 1_000, "u2": 4 * HOUR_MS + 2_000}
    assert sorted(each.person for each in found.deliveries("held")) == ["u0", "u1", "u2", "u2"]


def test_who_leaves_by_an_exit_is_sent_nothing_more_and_counted(tmp_path: Path) -> None:
    project = project_in(
        tmp_path,
        campaign(ALL, MAIL, {"id": "pause", "wait": "1d"}, LATER, exit=[{"event": "Bought"}], goal={"event": "Bought"}),
    )
    calls = [*people(4), tracked("u1", "Bought", 10), tracked("u2", "Bought", 25), tracked("u3", "Bought", 25.001)]

    found = told(project, calls)

    assert set(found.sent("later")) == {"u0", "u3"}, "the last instant of the wait is part of it"
    assert found.line("pause").dropped == {"exited": 2}
    assert found.moves("u1")[-2:] == [("goal", "pause", 10 * HOUR_MS), ("exited", "pause", 10 * HOUR_MS)]
    assert found.moves("u0")[-1] == ("ended", "later", 25 * HOUR_MS)
    counts = found.result.summary.campaigns["push"]  # type: ignore[index]
    assert (counts.runs, counts.goal) == (1, 2)


def test_an_exit_while_she_is_still_to_be_sent_to_keeps_the_mail_back(tmp_path: Path) -> None:
    project = project_in(tmp_path, campaign(ALL, {**MAIL, "rate": "1/s"}, exit=[{"event": "Bought"}]))

    found = told(project, [*people(3), tracked("u2", "Bought", 1 + 1.5 / 3_600)])

    assert set(found.sent("mail")) == {"u0", "u1"}
    assert found.line("mail", "refused").size == 0


def test_reactions_count_until_so_long_after_the_end_of_the_send(tmp_path: Path) -> None:
    clicked = {"id": "clicked", "reacted": {"of": "mail", "reaction": "clicked", "within": "1d"}}
    project = project_in(
        tmp_path, campaign(ALL, MAIL, clicked, LATER, {"id": "rest", "from": "clicked.rest", "send": "news"})
    )
    calls = [
        *people(5),
        reacted("u0", "clicked", "mail", 2),
        reacted("u1", "clicked", "mail", 25),
        reacted("u2", "clicked", "mail", 25.001),
        reacted("u3", "opened", "mail", 3),
    ]

    found = told(project, calls)

    assert set(found.sent("later")) == {"u0", "u1"}
    assert set(found.sent("rest")) == {"u2", "u3", "u4"}
    assert set(found.sent("later").values()) == {25 * HOUR_MS}
    assert found.result.summary.events.unmatched == 0


def test_reactions_to_a_send_are_waited_for_also_where_the_set_is_not_of_that_send(tmp_path: Path) -> None:
    clicked = {"id": "clicked", "from": "all", "reacted": {"of": "mail", "reaction": "clicked", "within": "1h"}}
    some = {"id": "some", "filter": "profile.score > 0"}
    project = project_in(tmp_path, campaign(ALL, some, {**MAIL, "rate": "1/s"}, clicked))
    calls = [*people(3), reacted("u1", "clicked", "mail", 1.5), reacted("u0", "clicked", "mail", 1.5)]

    found = told(project, calls)

    assert (found.line("clicked").size, found.line("clicked", "rest").size) == (1, 2), "u0 was sent nothing"
    assert found.line("clicked").at == BEGIN_MS + 2 * HOUR_MS + 1_000, "an hour after the end of the send"


def test_reactions_to_what_another_journey_sent_are_looked_up(tmp_path: Path) -> None:
    journey = {"journey": "hello", "entry": {"event": "Seen"}, "steps": [{"id": "greet", "send": "news"}]}
    opened = {
        "id": "opened",
        "reacted": {
            "of": {"journey": "hello", "step": "greet"},
            "reaction": "opened",
            "channel": "email",
            "since": "2d",
        },
    }
    project = project_in(tmp_path, campaign(ALL, opened, LATER, hours=72), journeys_hello=journey)
    calls = [
        *people(3),
        *(tracked(f"u{each}", "Seen", 1) for each in range(3)),
        {**reacted("u0", "opened", "greet", 23), "journey": "hello", "campaign": None},
        {**reacted("u1", "opened", "greet", 24), "journey": "hello", "campaign": None},
    ]

    found = told(project, calls)

    assert set(found.sent("later")) == {"u1"}, "that of u0 is more than two days old"


def test_a_saved_audience_is_entered_and_left_a_millisecond_later(tmp_path: Path) -> None:
    best = {"id": "save", "from": "split.high", "save": "best"}
    split = {
        "id": "split",
        "split": [{"name": "high", "when": "profile.score > 2"}, {"name": "low", "otherwise": True}],
    }
    journey = {
        "journey": "best",
        "entry": {"audience": "best", "change": "entered"},
        "exit": [{"audience": "best", "change": "left"}],
        "steps": [{"id": "hail", "send": "news", "channels": ["email"]}, {"id": "stay", "wait": "60d"}],
    }
    rule = {"at": at(1), "rule": "FREQ=DAILY;COUNT=2"}
    project = project_in(tmp_path, {**campaign(ALL, split, best), "schedule": rule}, journeys_best=journey)
    calls = [*people(5), identified("u3", 10, score=1), identified("u0", 10, score=9)]

    found = told(project, calls)

    assert found.sent("hail") == {"u3": HOUR_MS + 1, "u4": HOUR_MS + 1, "u0": DAY_MS + HOUR_MS + 1}
    assert ("exited", "stay", DAY_MS + HOUR_MS + 1) in found.moves("u3")
    assert found.sizes(1)["save.main"] == 2 and found.sizes(2)["save.main"] == 2


def test_what_is_saved_can_be_read_by_a_later_run_and_by_a_journey(tmp_path: Path) -> None:
    first = {**campaign({"id": "seen", "read": "seen"}, {"id": "save", "save": "best"}), "campaign": "first"}
    second = campaign({"id": "again", "read": "best"}, MAIL, hours=2)
    journey = {
        "journey": "read",
        "entry": {"read": "best", "at": at(3)},
        "steps": [{"id": "hail", "send": "news", "channels": ["sms"]}],
    }
    project = project_in(tmp_path, first, second, journeys_read=journey)

    found = told(project, [*people(3), tracked("u1", "Seen", 0.5)])

    assert (found.sent("mail"), found.sent("hail")) == ({"u1": 2 * HOUR_MS}, {"u1": 3 * HOUR_MS})


def test_steps_of_one_instant_act_in_document_order_whatever_ends_they_wait_for(tmp_path: Path) -> None:
    steps = (
        ALL,
        MAIL,
        {**LATER, "from": "all", "rate": "1/s"},
        {"id": "both", "from": "mail", "after": ["later"], "filter": "profile.score > 0"},
        {"id": "some", "from": "later", "filter": "profile.score > 1"},
        {"id": "mark", "update": {"score": "profile.score + 10.0"}},
        {"id": "last", "intersect": ["some", "mail"]},
        {"id": "none", "filter": "profile.score > 9"},
    )
    project = project_in(tmp_path, campaign(*steps))

    found = told(project, people(5))

    sizes = {name: found.line(name).size for name in ("both", "some", "last", "none")}
    assert sizes == {"both": 4, "some": 3, "last": 3, "none": 0}, "an update shows to what waits for it"


def test_a_test_skips_what_it_does_not_choose(tmp_path: Path) -> None:
    steps = (
        ALL,
        {"id": "many", "test": [{"name": "yes", "when": "size() > 3"}, {"otherwise": "no"}]},
        {"id": "mail", "from": "many.yes", "send": "news", "channels": ["email"]},
        {"id": "text", "from": "many.no", "send": "news", "channels": ["sms"]},
    )
    project = project_in(tmp_path, campaign(*steps))

    few, many = told(project, people(3)), told(project, people(4))

    assert (len(few.sent("mail")), len(few.sent("text"))) == (0, 3)
    assert (len(many.sent("mail")), len(many.sent("text"))) == (4, 0)
    assert few.line("mail", "skipped").size == 0


def test_an_empty_set_goes_on_and_a_send_to_nobody_is_done(tmp_path: Path) -> None:
    project = project_in(tmp_path, campaign({"id": "none", "read": "seen"}, MAIL, {"id": "p", "wait": "1h"}, LATER))

    found = told(project, people(3))

    assert found.sizes() == {
        "none.main": 0, "mail.main": 0, "mail.refused": 0, "p.main": 0, "later.main": 0, "later.refused": 0
    }  # fmt: skip
    assert found.line("later").at == BEGIN_MS + 2 * HOUR_MS


def test_an_occurrence_during_a_run_is_skipped_unless_runs_may_overlap(tmp_path: Path) -> None:
    steps = (ALL, MAIL, {"id": "pause", "wait": "30h"}, LATER)
    rule = {"at": at(1), "rule": "FREQ=DAILY;COUNT=3"}
    alone = {**campaign(*steps), "schedule": rule}

    one = told(project_in(tmp_path / "one", alone), people(2))
    both = told(project_in(tmp_path / "both", {**alone, "overlap": "allowed"}), people(2))

    assert [(line.run, line.at - BEGIN_MS) for line in one.lines if line.output == "skipped_running"] == [
        (2, DAY_MS + HOUR_MS)
    ]
    assert one.result.summary.campaigns["push"].runs == 2  # type: ignore[index]
    assert both.result.summary.campaigns["push"].runs == 3  # type: ignore[index]
    assert len(both.deliveries("sent")) == 12 and len({each.key for each in both.deliveries("sent")}) == 12


def test_a_rule_recurs_in_the_zone_of_the_project_whatever_the_zone_in_which_a_campaign_waits(tmp_path: Path) -> None:
    rule = {"at": "2026-03-28T03:00:00Z", "rule": "FREQ=DAILY;COUNT=2"}
    settings = {"project": "shop", "timezone": "Europe/Paris", "policies": {"consent": {"default": "opt_out"}}}
    project = project_in(tmp_path, {**campaign(ALL), "schedule": rule, "timezone": "UTC"}, parcours=settings)

    found = told(project, people(1))

    first, second = (line.at for line in found.lines)
    assert second - first == DAY_MS - HOUR_MS, "at 04:00 in Paris on both days, of which the second is the shorter one"


def test_a_run_begins_by_hand_at_a_time_or_with_the_last_event(tmp_path: Path) -> None:
    by_hand = {key: value for key, value in campaign(ALL, MAIL).items() if key != "schedule"}
    project = project_in(tmp_path, by_hand)
    calls = [*people(2), tracked("u0", "Seen", 5)]

    assert told(project, calls).lines == []
    assert set(told(project, calls, starts=[("push", BEGIN_MS + 7)]).sent("mail").values()) == {7}
    assert set(told(project, calls, starts=[("push", None)]).sent("mail").values()) == {5 * HOUR_MS}
    with pytest.raises(CallerError, match=r"no campaign 'pusch', did you mean 'push'\?"):
        told(project, calls, starts=[("pusch", None)])


def wishes(folder: Path, *lines: str) -> dict[str, Any]:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data/wishes.csv").write_text("\n".join(["mail,name", *lines]) + "\n")
    return {
        "tables": {
            "wishes": {
                "file": "data/wishes.csv",
                "person": "row.mail",
                "match": "email",
                "columns": {"mail": "string", "name": "string"},
            }
        }
    }


ENRICHED = {"id": "wished", "enrich": {"wish": {"table": "wishes", "take": "first", "columns": ["name"]}}}


def test_a_mail_has_what_the_table_says_of_its_person(tmp_path: Path) -> None:
    tables = wishes(tmp_path, "u0@mail.example,Matte", "u2@mail.example,Überraschung")
    project = project_in(
        tmp_path, campaign(ALL, ENRICHED, {"id": "mail", "send": "wish"}), tables=tables, messages_wish=WISH
    )

    found = told(project, people(3))

    contexts = {each.person: each.message for each in found.deliveries("sent")}
    assert contexts == {"u0": "wish", "u1": "wish", "u2": "wish"}
    assert found.sizes() == {"all.main": 3, "wished.main": 3, "wished.rest": 0, "mail.main": 3, "mail.refused": 0}


def test_only_numbers_are_added_up_also_where_most_values_are_texts(tmp_path: Path) -> None:
    tables = wishes(tmp_path, *(f"u{each}@mail.example,Matte" for each in range(3)))
    enriched = {"id": "more", "enrich": {"sum": {"table": "wishes", "sum": "profile.score"}}}
    some = {"id": "some", "filter": "row.sum > 1"}
    everybody = {"id": "all", "read": {"where": "has(profile.email)"}}
    project = project_in(tmp_path, campaign(everybody, enriched, some), tables=tables)
    calls = [identified("u0", score="ten"), identified("u1", score="20"), identified("u2", score=5)]

    found = told(project, calls)

    assert (found.line("more").size, found.line("some").size) == (3, 1)


def test_a_table_that_breaks_its_promise_ends_the_run_before_anything_is_sent(tmp_path: Path) -> None:
    tables = wishes(tmp_path, "u0@mail.example,Matte", "u1@mail.example,Ball", "u0@mail.example,Band")
    project = project_in(
        tmp_path, campaign(ALL, MAIL, ENRICHED, {"id": "wish", "send": "wish"}), tables=tables, messages_wish=WISH
    )

    found = told(project, people(3))

    (failed,) = found.result.failed
    assert (failed.step, failed.run) == ("wished", 1)
    assert "data/wishes.csv, line 2, and data/wishes.csv, line 4, are of one person" in failed.why
    assert set(found.sent("mail")) == {"u0", "u1", "u2"} and found.sent("wish") == {}
    assert [what for what, _, _ in found.moves("u0")][-1] == "ended", "nobody is left in a run that has failed"


def test_a_read_makes_people_known_of_whom_only_a_table_tells(tmp_path: Path) -> None:
    tables = wishes(tmp_path, "u0,Matte", "u7,Ball", ",Band")
    tables["tables"]["wishes"] |= {"match": "userId", "many": True}
    read = {"id": "rows", "read": {"table": "wishes", "unknown": "create"}}
    one = {"id": "one", "dedupe": {"by": ["person"]}}
    mark = {"id": "mark", "update": {"city": "row.name"}}
    project = project_in(tmp_path, campaign(read, one, mark), tables=tables)

    found = told(project, people(1))

    assert found.sizes() == {"rows.main": 2, "one.main": 2, "one.rest": 0, "mark.main": 2}
    assert ("updated", "mark", HOUR_MS) in found.moves("u7")


def test_an_export_is_written_below_the_folder_that_the_caller_names(tmp_path: Path) -> None:
    export = {"id": "file", "export": {"file": "all-{run}.csv", "columns": ["person", "profile.score"]}}
    project = project_in(tmp_path / "shop", campaign(ALL, export))

    told(project, people(2), exports=tmp_path / "out")

    assert (tmp_path / "out/all-1.csv").read_text().splitlines() == ["person,profile.score", "u0,0", "u1,1"]


@pytest.mark.parametrize("shards", [2, 8])
def test_any_number_of_shards_gives_the_same(tmp_path: Path, shards: int) -> None:
    steps = (
        ALL,
        {"id": "half", "split": {"even": ["a", "b"]}},
        {"id": "mail", "from": "half.a", "send": "news", "channels": ["email"], "rate": "3/s"},
        {"id": "clicked", "reacted": {"of": "mail", "reaction": "clicked", "within": "2h"}},
        {"id": "both", "union": ["clicked", "half.b"]},
        {"id": "text", "send": "news", "channels": ["sms"]},
    )
    project = project_in(tmp_path, campaign(*steps, exit=[{"event": "Bought"}]))
    calls = [
        *people(40),
        *(reacted(f"u{each}", "clicked", "mail", 2) for each in range(0, 40, 3)),
        *(tracked(f"u{each}", "Bought", 1.5) for each in range(0, 40, 7)),
    ]

    one, several = told(project, calls), told(project, calls, shards=shards)

    assert several.lines == one.lines
    assert several.result.summary == one.result.summary
    key = lambda fact: (fact.person, fact.at)  # noqa: E731
    assert sorted(several.facts, key=key) == sorted(one.facts, key=key)


def test_every_step_adds_up(tmp_path: Path) -> None:
    steps = (
        ALL,
        {"id": "some", "filter": "profile.score > 3"},
        {"id": "one", "dedupe": {"by": ["profile.city"]}},
        {"id": "back", "union": ["one", "some.rest"]},
        {"id": "mail", "send": "news", "channels": ["email"]},
        {"id": "pause", "wait": "1d"},
        {"id": "clicked", "reacted": {"of": "mail", "reaction": "clicked", "within": "3d"}},
    )
    project = project_in(tmp_path, campaign(*steps, exit=[{"event": "Bought"}]))
    calls = [
        *people(9, city="Oslo"),
        identified("u9", score=8),
        tracked("u9", "Bought", 3),
        tracked("u1", "Bought", 50),
    ]

    counts = told(project, calls).result.summary.campaigns["push"]  # type: ignore[index]

    for name, step in counts.steps.items():
        outputs = {output: size for output, size in step.outputs.items() if output != "refused"}
        assert sum(outputs.values()) + sum(step.dropped.values()) == step.inflow, name
    assert counts.steps["pause"].dropped == {"exited": 1} and counts.steps["clicked"].dropped == {"exited": 1}
