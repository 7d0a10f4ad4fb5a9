"""Each step of a run that makes sets of people: against lists that are made in plain Python of the same people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.campaigns.drawn_shop import Person, Shop, lot, number_of, over
from tests.campaigns.run_world import adds_up, in_order, names


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
