"""What becomes of sets that are skipped, empty, acted on and chosen later, and of what breaks off in between."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.campaigns.drawn_shop import Shop
from tests.campaigns.run_world import AT, DAY_MS, adds_up, names, ref_of

from parcours.campaigns.sets.duck import DuckSets


def test_a_test_lets_one_output_through_and_what_takes_only_others_is_skipped(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: visitors, read: visitors}
- {id: gold, read: {where: profile.tier == "gold"}}
- id: size
  from: visitors
  test:
    - {name: huge, when: size() > 1000}
    - {name: some, when: 'size() > 3 && size("gold") > 0 && size("visitors") == 0'}
    - {otherwise: few}
- {id: mail, from: size.huge, send: news, channels: [email]}
- {id: list, from: size.some, save: best}
- {id: again, from: size.huge, test: [{name: yes, when: size() > 0}, {otherwise: no}]}
- {id: never, from: again.no, filter: 'true'}
- {id: both, union: [size.huge, size.some]}
- {id: none, intersect: [size.some, size.huge]}
- {id: kept, exclude: {from: size.some, minus: [size.huge]}}
""",
    )
    run = shop.run()

    made = shop.made(run)

    visitors = names(run, "visitors")
    assert made["size"].outputs == {"few": len(visitors)} and made["size"].skips == ("huge", "some")
    assert made["mail"].skipped and made["again"].skipped and made["never"].skipped
    assert made["list"].skipped
    assert run.size(ref_of("mail")) == 0 and names(run, "never") == [] and run.hash(ref_of("size.huge")) == ""
    assert made["both"].skipped and made["none"].skipped and made["kept"].skipped


def test_sets_that_were_skipped_are_empty_beside_others(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: visitors, read: visitors}
- {id: size, test: [{name: many, when: size() > 3}, {otherwise: few}]}
- {id: both, union: [size.few, size.many]}
- {id: none, intersect: [size.many, size.few]}
- {id: kept, exclude: {from: size.many, minus: [size.few]}}
- {id: gone, exclude: {from: size.few, minus: [size.many]}}
""",
    )
    run = shop.run()

    made = shop.made(run)

    visitors = names(run, "visitors")
    assert names(run, "both") == visitors and names(run, "kept") == visitors
    assert names(run, "none") == [] and names(run, "none.rest") == visitors
    assert names(run, "gone") == [] and not made["gone"].skipped
    assert all(adds_up(each) for each in made.values())


def test_acts_take_their_sets_and_later_those_are_chosen_who_are_left(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: visitors, read: visitors}
- {id: saved, save: best, key: profile.email}
- {id: mail, from: visitors, send: news, channels: [email]}
- {id: pause, wait: 2d}
- {id: clicked, reacted: {of: mail, reaction: clicked}}
- {id: tier, update: {tier: '"gold"'}}
- {id: last, filter: profile.city == "Paris"}
""",
    )
    run = shop.run()
    made = shop.made(run)
    visitors = names(run, "visitors")
    with_email = [name for name in visitors if shop.drawn[name]["email"]]
    assert names(run, "saved") == with_email
    assert made["saved"].dropped == {"no_key": len(visitors) - len(with_email)}
    assert made["mail"].outputs == {"main": len(visitors)} and names(run, "mail") == visitors

    refused, gone = visitors[:4], visitors[2:7]
    run.choose("mail", "refused", refused, rest=None)
    mail = run.choose("mail", "main", [name for name in visitors if name not in gone], rest=None)

    left = [name for name in visitors if name not in gone]
    assert mail.outputs == {"main": len(left), "refused": 4} and mail.dropped == {"exited": 5}
    assert names(run, "mail") == left and names(run, "mail.refused") == refused
    later = AT + 2 * DAY_MS
    assert run.make("pause", AT).inflow == len(left)
    run.choose("pause", "main", iter(left[1:]), rest=None)
    assert run.make("clicked", later).outputs == {}
    clicked = run.choose("clicked", "main", visitors[::2], rest="rest", exited=left[3:4])
    stay = [name for name in left[1:] if name != left[3]]
    assert names(run, "clicked") == [name for name in stay if name in visitors[::2]]
    assert names(run, "clicked.rest") == [name for name in stay if name not in visitors[::2]]
    assert adds_up(clicked) and clicked.dropped == {"exited": 1}
    assert run.choose("clicked", "main", [], rest="rest") == clicked, "what is chosen stays"
    assert run.make("clicked", later) == clicked
    assert run.make("tier", later).outputs == {"main": len(names(run, "clicked"))}
    run.collect(4, later, shop.told(4, later))
    run.make("last", later)
    assert names(run, "last") == [name for name in names(run, "clicked") if shop.drawn[name]["city"] == "Paris"]


def test_when_nobody_is_left_what_follows_is_done_with_nobody(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: visitors, read: visitors}
- {id: pause, wait: 2d}
- {id: gold, filter: profile.tier == "gold"}
- {id: list, export: {file: list.csv, columns: [person, profile.email, run.step]}}
- {id: saved, save: best, key: profile.email}
- {id: mail, send: news, channels: [email]}
""",
    )
    run = shop.run()
    visitors = shop.made(run)["visitors"].outputs["main"]

    left = run.choose("pause", "main", [], rest=None)
    later = AT + 2 * DAY_MS
    made = shop.made(run, later, stage=1)
    run.export("list", later, tmp_path)

    assert left.dropped == {"exited": visitors} and left.outputs == {"main": 0}
    assert [made[step].skipped for step in ("gold", "list", "saved", "mail")] == [False] * 4
    assert made["mail"].inflow == 0 and made["mail"].outputs == {"main": 0}
    assert (tmp_path / "list.csv").read_bytes() == b"person,profile.email,run.step\r\n"


@pytest.mark.parametrize("nobody_known", [True, False])
def test_empty_sets_go_on(tmp_path: Path, nobody_known: bool) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: nobody, read: nobody}
- {id: once, dedupe: {by: [profile.email], order: [{by: profile.score, highest: true}]}}
- {id: parts, split: [{name: a, when: profile.score > 1, limit: 10%}, {name: b, otherwise: true}]}
- {id: half, from: parts.b, split: {even: [c, d]}}
- {id: both, union: [half.c, parts.a]}
- {id: filtered, filter: run.id == "x"}
- {id: mail, send: news, channels: [email]}
- {id: clicked, reacted: {of: mail, reaction: clicked}}
""",
        {} if nobody_known else None,
    )
    run = shop.run()

    made = shop.made(run)

    assert all(not each.skipped and each.inflow == 0 and not any(each.outputs.values()) for each in made.values())
    run.make("clicked", AT)
    assert run.choose("clicked", "main", [], rest="rest").outputs == {"main": 0, "rest": 0}


def test_a_step_that_broke_off_is_made_as_if_it_had_not_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop(tmp_path, "- {id: visitors, read: visitors}\n- {id: part, filter: profile.score > 1}")
    whole = shop.run("whole")
    shop.made(whole)
    broken = shop.run("broken")
    broken.collect(0, AT, shop.told(0, AT))
    broken.make("visitors", AT)
    written = DuckSets.filter

    def breaks(self: DuckSets, source: Path, condition: object, folder: Path) -> object:
        written(self, source, condition, folder)  # type: ignore[arg-type]
        raise OSError("no room")

    monkeypatch.setattr(DuckSets, "filter", breaks)
    with pytest.raises(OSError, match="no room"):
        broken.make("part", AT)
    monkeypatch.undo()

    with pytest.raises(AssertionError, match="has not been made"):
        broken.size(ref_of("part"))
    assert broken.make("part", AT) == whole.make("part", AT)
    assert broken.hash(ref_of("part")) == whole.hash(ref_of("part"))


def test_what_shards_told_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "- {id: visitors, read: visitors}")
    run = shop.run()
    told = shop.told(0, AT)

    def broken() -> Iterator[tuple[str, bytes]]:
        yield from told[:50]
        raise OSError("a shard is gone")

    with pytest.raises(OSError, match="a shard is gone"):
        run.collect(0, AT, broken())
    assert not run.has_people(0)
    with pytest.raises(AssertionError, match="shards are asked before"):
        run.make("visitors", AT)

    run.collect(0, AT, reversed(told))
    run.collect(0, AT, iter(()))
    assert run.has_people(0) and run.make("visitors", AT).inflow == len(names(run, "visitors")) > 0


def test_shards_tell_of_everybody_once(tmp_path: Path) -> None:
    shop = Shop(tmp_path, "- {id: visitors, read: visitors}")
    told = shop.told(0, AT)

    with pytest.raises(AssertionError, match="of everybody once"):
        shop.run().collect(0, AT, [*told, told[7]])
