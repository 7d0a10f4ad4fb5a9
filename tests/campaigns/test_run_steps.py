"""Each kind of step in a run: its sets, against lists that are made in plain Python of the same people."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path

import pytest
from tests.campaigns.run_world import AT, DAY_MS, World, adds_up, in_order, names, ref_of, viewed

from parcours.campaigns.sets.duck import DuckSets
from parcours.core.profile import Profile

TEXTS = {
    "profile.yaml": (
        "traits: {email: string, phone: string, city: string, score: number, tier: string, born: date, any: object}\n"
    ),
    "events.yaml": "events:\n  Product Viewed: {properties: {product: string}}\n",
    "audiences.yaml": """\
        audiences:
          visitors: 'count("Product Viewed", "30d") > 0'
          nobody: profile.city == "Nowhere"
          best: {saved: true}
        """,
    "messages/news.yaml": """\
        message: news
        email: {subject: News, text: News}
        sms: {text: News}
        """,
}

Person = dict[str, object]


def drawn(seed: int = 3, count: int = 120) -> dict[str, Person]:
    """People with few different values, many equal, some missing; `viewed` is how many days ago, if ever."""
    chance = random.Random(seed)
    choices: dict[str, list[object]] = {
        "email": [None, "", *(f"{number}@shop.example" for number in range(40))],
        "phone": [None, "", "+331"],
        "city": [None, "Paris", "Tours", "Besançon"],
        "score": [None, None, 0, 1, 1.5, 2, 2.0, 10, -3],
        "tier": [None, "gold", "silver", "bronze"],
        "viewed": [None, 0, 1, 29.99, 30, 45],
    }
    initials = ["a", "B", "é", "z", "\uffee", "\U0001f600", "o'", 'a"b', "@anonymous/"]
    return {
        f"{chance.choice(initials)}{number:03}": {key: chance.choice(values) for key, values in choices.items()}
        for number in range(count)
    }


def profiles_of(people: dict[str, Person]) -> dict[str, Profile]:
    return {
        name: Profile(
            traits={key: value for key, value in each.items() if value is not None and key != "viewed"},
            series={} if each["viewed"] is None else viewed(float(str(each["viewed"]))),
        )
        for name, each in people.items()
    }


class Shop(World):
    """People and a campaign of these steps; the campaign is drawn up anew for each test."""

    def __init__(self, folder: Path, steps: str, people: dict[str, Person] | None = None) -> None:
        self.drawn = drawn() if people is None else people
        text = "campaign: c\nsteps:\n" + "".join(f"  {line}\n" for line in steps.strip().splitlines())
        super().__init__(folder, TEXTS | {"campaigns/c.yaml": text}, profiles_of(self.drawn))

    def those(self, holds: Callable[[Person], bool]) -> list[str]:
        return in_order(name for name, each in self.drawn.items() if holds(each))


def number_of(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def over(value: object, least: float) -> bool:
    number = number_of(value)
    return number is not None and number > least


def lot(step: str, person: str, run: int = 1) -> bytes:
    return blake2b(f"c\0{run}\0{step}\0{person}".encode()).digest()[:8]


def test_reads_begin_with_an_audience_or_with_whoever_meets_a_condition(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: visitors, read: visitors}
- {id: parisians, read: {where: 'profile.city == "Paris" && count("Product Viewed", "1d") == 0'}}
- {id: all, read: {where: now > timestamp("2020-01-01T00:00:00Z")}}
- {id: none, read: {where: now < timestamp("2020-01-01T00:00:00Z")}}
- {id: mine, read: {where: 'profile.score > 1 && run.step == "mine" && run.id.startsWith("a")'}}
""",
    )
    run = shop.run()

    made = shop.made(run)

    assert names(run, "visitors") == shop.those(lambda each: each["viewed"] in (0, 1, 29.99))
    assert names(run, "parisians") == shop.those(lambda each: each["city"] == "Paris" and each["viewed"] != 0)
    assert names(run, "all") == shop.those(lambda each: True)
    assert names(run, "none") == []
    expected = [name for name in shop.those(lambda each: over(each["score"], 1)) if name.startswith("a")]
    assert names(run, "mine") == expected and expected
    assert all(adds_up(each) for each in made.values())


def test_a_filter_divides_by_what_the_profile_says_by_the_run_and_by_histories_beside_it(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: all, read: {where: 'true'}}
- {id: rich, from: all, filter: profile.score > 1}
- {id: run, from: all, filter: run.step == "run"}
- id: both
  from: all
  filter: >-
    count("Product Viewed", "30d") > 0 && run.entered_at == now && last("Product Viewed") <= now
    && !consent("sms", "marketing") && has(profile.any.deep) == false
""",
    )
    run = shop.run()

    made = shop.made(run)

    rich = shop.those(lambda each: over(each["score"], 1))
    assert names(run, "rich") == rich
    assert names(run, "rich.rest") == [name for name in shop.those(lambda each: True) if name not in rich]
    assert names(run, "run") == shop.those(lambda each: True) and names(run, "run.rest") == []
    assert names(run, "both") == shop.those(lambda each: each["viewed"] in (0, 1, 29.99))
    assert all(adds_up(each) for each in made.values())


def test_a_dedupe_keeps_the_first_of_those_who_are_equal_in_all_of_it(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: all, read: {where: 'true'}}
- id: two
  from: all
  dedupe:
    by: [profile.city, profile.tier]
    keep: 2
    order: [{filled: profile.phone}, {prefer: [2, -3], of: profile.score}, {by: profile.email, lowest: true}]
- {id: chance, from: all, dedupe: {by: [profile.city], order: [{random: true}]}}
""",
    )
    run = shop.run()

    made = shop.made(run)

    groups: dict[tuple[object, object], list[str]] = {}
    everybody = shop.those(lambda each: True)
    for name in everybody:
        groups.setdefault((shop.drawn[name]["city"], shop.drawn[name]["tier"]), []).append(name)
    kept, chosen = set[str](), set[str]()
    for (city, tier), members in groups.items():

        def place(name: str) -> tuple[object, ...]:
            each = shop.drawn[name]
            preferred = [2, -3].index(each["score"]) if each["score"] in (2, -3) else 2
            return (not each["phone"], preferred, each["email"] is None, str(each["email"]).encode())

        kept |= set(members if city is None or tier is None else sorted(members, key=place)[:2])
    for city in {each["city"] for each in shop.drawn.values()}:
        members = [name for name in everybody if shop.drawn[name]["city"] == city]
        chosen |= set(members if city is None else sorted(members, key=lambda name: lot("chance", name))[:1])
    assert names(run, "two") == in_order(kept)
    assert names(run, "two.rest") == [name for name in everybody if name not in kept]
    assert names(run, "chance") == in_order(chosen)
    assert all(adds_up(each) for each in made.values())


def test_a_split_takes_from_the_top_with_limits_and_shares_of_what_the_step_took(tmp_path: Path) -> None:
    parts = """
    - {name: gold, when: profile.tier == "gold"}
    - {name: top, order: [{by: profile.score, highest: true}], limit: 10%}
    - {name: few, when: profile.city == "Paris", order: [{random: true}], limit: 3}
"""
    shop = Shop(
        tmp_path,
        f"""
- {{id: all, read: {{where: 'true'}}}}
- id: parts
  from: all
  split:{parts}    - {{name: others, otherwise: true}}
- id: over
  from: all
  overlap: true
  split:{parts}
""".replace("\n\n", "\n"),
    )
    run = shop.run()

    made = shop.made(run)

    def expected(step: str, *, overlap: bool) -> dict[str, list[str]]:
        everybody = shop.those(lambda each: True)
        taken, found = set[str](), dict[str, list[str]]()

        def by_score(name: str) -> tuple[bool, float]:
            score = number_of(shop.drawn[name]["score"])
            return (score is None, -(score or 0))

        wanted: dict[str, Callable[[list[str]], list[str]]] = {
            "gold": lambda left: [name for name in left if shop.drawn[name]["tier"] == "gold"],
            "top": lambda left: sorted(left, key=by_score)[: len(everybody) // 10],
            "few": lambda left: sorted(
                (name for name in left if shop.drawn[name]["city"] == "Paris"), key=lambda name: lot(step, name)
            )[:3],
        }
        for name, take in wanted.items():
            found[name] = in_order(take(everybody if overlap else [each for each in everybody if each not in taken]))
            taken |= set(found[name])
        return found | {"left": [name for name in everybody if name not in taken]}

    for step, rest in (("parts", "others"), ("over", "rest")):
        for part, people in expected(step, overlap=step == "over").items():
            assert names(run, f"{step}.{rest if part == 'left' else part}") == people
    assert adds_up(made["parts"]) and made["parts"].outputs["rest"] == 0


def test_random_parts_have_exact_sizes(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: all, read: {where: 'true'}}
- {id: even, from: all, split: {even: [a, b, c]}}
- {id: parts, from: all, split: {parts: {a: 45%, b: 44.5%, control: 10.5%}}}
""",
    )
    run = shop.run(number=12)

    shop.made(run)

    everybody = shop.those(lambda each: True)
    for step, sizes in (("even", [40, 40, 40]), ("parts", [54, 53, 13])):
        line = sorted(everybody, key=lambda name: lot(step, name, 12))
        found = [
            names(run, f"{step}.{part}") for part in (("a", "b", "c") if step == "even" else ("a", "b", "control"))
        ]
        assert [len(each) for each in found] == sizes
        assert found == [in_order(line[: sizes[0]]), in_order(line[sizes[0] : -sizes[2]]), in_order(line[-sizes[2] :])]


def test_sets_are_united_intersected_and_excluded(tmp_path: Path) -> None:
    shop = Shop(
        tmp_path,
        """
- {id: gold, read: {where: profile.tier == "gold"}}
- {id: paris, read: {where: profile.city == "Paris"}}
- {id: visitors, read: visitors}
- {id: any, union: [gold, paris, visitors]}
- {id: all, intersect: [gold, paris]}
- {id: mails, intersect: [gold, paris], by: [profile.email]}
- {id: quiet, exclude: {from: any, minus: [visitors, paris]}}
- {id: cities, union: [gold, visitors], by: [profile.city]}
""",
    )
    run = shop.run()

    made = shop.made(run)

    gold, paris = shop.those(lambda each: each["tier"] == "gold"), shop.those(lambda each: each["city"] == "Paris")
    visitors = shop.those(lambda each: each["viewed"] in (0, 1, 29.99))
    emails = {shop.drawn[name]["email"] for name in paris} - {None, ""}
    assert names(run, "any") == in_order({*gold, *paris, *visitors})
    assert made["any"].dropped == {"double": len(gold) + len(paris) + len(visitors) - len(names(run, "any"))}
    assert names(run, "all") == [name for name in gold if name in paris]
    assert names(run, "all.rest") == [name for name in gold if name not in paris]
    assert names(run, "mails") == [name for name in gold if shop.drawn[name]["email"] in emails]
    assert names(run, "quiet") == [name for name in gold if name not in visitors and name not in paris]
    firsts: dict[object, str] = {}
    nowhere = [name for each in (gold, visitors) for name in each if shop.drawn[name]["city"] is None]
    for name in [*gold, *visitors]:
        firsts.setdefault(shop.drawn[name]["city"], name)
    assert names(run, "cities") == in_order([*nowhere, *(name for city, name in firsts.items() if city is not None)])
    assert all(adds_up(each) for each in made.values())


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


def test_values_of_another_kind_than_most_are_noted_by_their_expression(tmp_path: Path) -> None:
    people: dict[str, Person] = {
        f"p{number}": {"any": {"deep": value}, "viewed": None}
        for number, value in enumerate([3, 1, "x", 2.5, True, None])
    }
    shop = Shop(
        tmp_path,
        """
- {id: all, read: {where: 'true'}}
- {id: first, dedupe: {by: [person], order: [{by: profile.any.deep, lowest: true}]}}
- {id: part, split: [{name: a, order: [{by: profile.any.deep, highest: true}], limit: 2}, {name: b, otherwise: true}],
   from: all}
""",
        people,
    )
    run = shop.run()

    made = shop.made(run)

    assert made["part"].noted == made["first"].noted == {"profile.any.deep": 2}
    assert names(run, "part.a") == ["p0", "p3"]


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
