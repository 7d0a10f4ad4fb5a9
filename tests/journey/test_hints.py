"""What is written as other languages write it is refused with what it is here."""

from __future__ import annotations

from pathlib import Path

import pytest

from parcours.journey.project import Project
from parcours.journey.read.source import QUOTES_ADVICE
from parcours.journey.starter import write_starter


def complaint(folder: Path, file: str, old: str, new: str) -> str:
    """The one finding of the starter with this text in the place of another."""
    write_starter(folder)
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    (finding,) = Project.check(folder)
    assert finding.severity == "error" and finding.line > 1
    return finding.message


@pytest.mark.parametrize(
    "condition, hint",
    [
        ("event.cart.total > 50 and has(event.cart.items)", "on: 'and' is written &&"),
        ("event.cart.total > 50 & has(event.cart.items)", "on: 'and' is written &&"),
        ("event.cart.total > 50 OR true", "on: 'or' is written ||"),
        ("event.cart.total > 50 | true", "on: 'or' is written ||"),
        ("not has(event.cart.total)", "on: 'not' is written !"),
        ("event.cart.total <> 50", "on: 'not equal' is written !="),
        ("profile.email is null", "on: whether there is a value is asked by has(...)"),
        ("event.cart.total > 50 event.cart", "on (column 23)"),  # nothing to hint at
        ("contains(profile.email, 'a')", "it is written behind its value, as in profile.name.contains(...)"),
        ("profile.email.count('90d') > 1", "it is written before its value, as in count(...)"),
        ("profile.email.startswith('a')", "did you mean 'startsWith'?"),
    ],
)
def test_a_condition_in_another_language_s_words(condition: str, hint: str, tmp_path: Path) -> None:
    found = complaint(tmp_path / "shop", "journeys/abandoned-cart.yaml", "event.cart.total > 50", condition)

    assert hint in found


@pytest.mark.parametrize(
    "condition",
    [
        '"a" == profile.email',
        "'a' == profile.email",
        "!has(event.cart.total)",
        "event.cart.total > 50 ? true : false",
        "&& true",
        "[1, 2].exists(x, x == 1)",
        '{"a": 1}.a == 1',
    ],
)
def test_an_expression_that_yaml_takes_apart_needs_quotes(condition: str, tmp_path: Path) -> None:
    found = complaint(tmp_path / "shop", "journeys/abandoned-cart.yaml", "event.cart.total > 50", condition)

    assert found.endswith(QUOTES_ADVICE)


def test_what_is_not_yaml_for_another_reason_gets_no_such_advice(tmp_path: Path) -> None:
    found = complaint(tmp_path / "shop", "journeys/abandoned-cart.yaml", "tags: [cart]", "tags: [cart")

    assert "quotes" not in found


@pytest.mark.parametrize(
    "template, hint",
    [
        ("{% if profile.email && true %}x{% endif %}", "'&&' is written and"),
        ("{% if profile.email || true %}x{% endif %}", "'||' is written or"),
        ("{% if !profile.email %}x{% endif %}", "'!' is written as unless, or as == false"),
        ("{{ profile.email == 'a' ? 1 : 2 }}", "a choice is written as {% if ... %}"),
        ("{{ profile.email.upcase() }}", "a method is written as a filter, as in {{ profile.name | upcase }}"),
    ],
)
def test_a_template_in_another_language_s_words(template: str, hint: str, tmp_path: Path) -> None:
    found = complaint(tmp_path / "shop", "messages/cart-reminder.yaml", "They are still there:", template)

    assert found.startswith("not a Liquid template: ") and hint in found


def test_signs_within_the_quotes_of_a_template_are_no_reason_for_a_hint(tmp_path: Path) -> None:
    found = complaint(
        tmp_path / "shop", "messages/cart-reminder.yaml", "They are", "{{ profile.email | default '&&' }}"
    )

    assert "is written" not in found


@pytest.mark.parametrize(
    "file, text, told",
    [
        (
            "profile.yaml",
            "traits:\n  true: string\n  1: number\n  'true': string\n",
            [
                "profile.yaml:2: a name is a text, and YAML reads true as a boolean: write 'true', in quotes",
                "profile.yaml:3: a name is a text, and YAML reads 1 as a number: write '1', in quotes",
                "profile.yaml:4: the key is given twice",
            ],
        ),
        (
            "events.yaml",
            "events:\n  1: {properties: {1.50: string, null: string, ~: string}}\n",
            [
                "events.yaml:2: a name is a text, and YAML reads 1 as a number: write '1', in quotes",
                "events.yaml:2: a name is a text, and YAML reads 1.50 as a number: write '1.50', in quotes",
                "events.yaml:2: a name is a text, and YAML reads null as null: write 'null', in quotes",
                "events.yaml:2: a name is a text, and YAML reads ~ as null: write '~', in quotes",
            ],
        ),
        # below a key of this name there are numbers in a funnel, and nowhere else
        (
            "events.yaml",
            "events: {Seen: {properties: {step_within: {2: string}}}}\n",
            [
                "events.yaml:1: a name is a text, and YAML reads 2 as a number: write '2', in quotes",
                "step_within.2: unknown key",
                "step_within.type: this key is needed",
            ],
        ),
        ("profile.yaml", "traits: {0x10: string, '1': number, \"true\": string, on: string}\n", ["0x10"]),
    ],
)
def test_a_name_that_yaml_takes_for_something_else_needs_quotes(
    file: str, text: str, told: list[str], tmp_path: Path
) -> None:
    (tmp_path / "parcours.yaml").write_text("project: shop\n")
    (tmp_path / file).write_text(text)

    found = [str(finding) for finding in Project.check(tmp_path)]

    assert len(found) == len(told), found
    assert all(words in each for words, each in zip(told, found, strict=True)), found


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ("{2: 1h, '3': 2h}", []),
        ("{0x2: 1h}", ["0x2 as a number: write '0x2', in quotes", "step_within.0x2"]),
        ("{true: 1h}", ["true as a boolean: write 'true', in quotes", "step_within.true"]),
    ],
)
def test_a_number_that_is_no_name_needs_no_quotes(numbers: str, told: list[str], tmp_path: Path) -> None:
    (tmp_path / "parcours.yaml").write_text("project: shop\n")
    (tmp_path / "events.yaml").write_text("events: {Seen: {}, Bought: {}}\n")
    (tmp_path / "insight").mkdir()
    (tmp_path / "insight" / "shop.yaml").write_text(
        f"funnels: {{bought: {{steps: [Seen, Seen, Bought], step_within: {numbers}}}}}\n"
    )

    found = [str(finding) for finding in Project.check(tmp_path)]

    assert len(found) == len(told), found
    assert all(words in each for words, each in zip(told, found, strict=True)), found
