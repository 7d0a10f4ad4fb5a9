"""What does a person's message say, and what can no template do?"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest
from pydantic import BaseModel, model_validator

from parcours.core.effect import Outgoing
from parcours.core.input import ContentRefused
from parcours.dispatch.render import ContentRejected, Renderer, RenderFailed
from parcours.errors import ProjectInvalid
from parcours.journey.program import Program
from parcours.template.dialect import LOOPS_MAX, NAMESPACE_MAX
from parcours.template.rendering import OUTPUT_BYTES_MAX

NewRenderer = Callable[..., Renderer]
NewEntry = Callable[..., Outgoing]

NEW_YEAR_2001 = 978_307_200_000


def text(renderer: Renderer, outgoing: Outgoing) -> str:
    return str(renderer.render(outgoing).model_dump()["text"])


def test_templates_are_filled_in_wherever_they_stand(new_renderer: NewRenderer, new_entry: NewEntry) -> None:
    renderer = new_renderer(
        text="Hello {{ profile.name }}", link={"url": "/{{ profile.name }}"}, tags=["a", "{{ profile.name }}"], size=3
    )

    content = renderer.render(new_entry(name="Anna")).model_dump()

    assert content == {
        "text": "Hello Anna", "html": None, "link": {"url": "/Anna"}, "tags": ["a", "Anna"], "size": 3,
    }  # fmt: skip


def test_a_name_without_a_value_is_empty(new_renderer: NewRenderer, new_entry: NewEntry) -> None:
    assert (
        text(new_renderer(text="Hello {{ profile.name | default: 'you' }}{{ profile.count }}"), new_entry())
        == "Hello you"
    )


def test_only_html_is_escaped(new_renderer: NewRenderer, new_entry: NewEntry) -> None:
    renderer = new_renderer(text="{{ profile.name }}", html="<b>{{ profile.name }}</b>", tags=["{{ profile.name }}"])

    content = renderer.render(new_entry(name="<Anna & Co>")).model_dump()

    assert content["text"] == "<Anna & Co>"
    assert content["tags"] == ["<Anna & Co>"]
    assert content["html"] == "<b>&lt;Anna &amp; Co&gt;</b>"


@pytest.mark.parametrize(
    "template, expected",
    [
        ("{{ 'now' | date: '%Y-%m-%d %H:%M:%S' }}", "2001-01-01 00:00:00"),
        ("{{ 'today' | date: '%Y-%m-%d' }}", "2001-01-01"),
        ("{{ 'now' | date: '%s' }}", "978307200"),
        ("{{ '10:30' | date: '%Y-%m-%d %H:%M' }}", "2001-01-01 10:30"),  # a time alone is of that day
        ("{{ 'March 3' | date: '%Y-%m-%d' }}", "2001-03-03"),  # and a day alone of that year
        ("{{ '2024-03-01T12:00:00Z' | date: '%d.%m.%Y %H h' }}", "01.03.2024 12 h"),
        ("{{ '2024-03-01T12:00:00+02:00' | date: '%H:%M %z' }}", "10:00 +0000"),  # an instant, shown where she is
        ("{{ 0 | date: '%Y-%m-%d %H:%M' }}", "1970-01-01 00:00"),  # in UTC wherever the machine stands
        ("{{ '86400' | date: '%Y-%m-%d' }}", "1970-01-02"),
        ("{{ 99999999999999999999 | date: '%Y' }}", "99999999999999999999"),
        ("{{ 'no date' | date: '%Y' }}", "no date"),
        ("{{ profile.name | date: '%Y' }}", ""),
    ],
)
def test_dates_follow_the_delivery_s_time_and_never_the_machine_s(
    template: str, expected: str, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    assert text(new_renderer(text=template), new_entry(at=NEW_YEAR_2001)) == expected


def test_html_has_the_same_dates(new_renderer: NewRenderer, new_entry: NewEntry) -> None:
    renderer = new_renderer(html="{{ 'now' | date: '<i>%Y</i>' }}")

    assert renderer.render(new_entry(at=NEW_YEAR_2001)).model_dump()["html"] == "&lt;i&gt;2001&lt;/i&gt;"


@pytest.mark.parametrize(
    "template",
    [
        f"{{% for i in (1..{LOOPS_MAX + 1}) %}}x{{% endfor %}}",
        "{% for i in (1..40) %}{% for j in (1..40) %}x{% endfor %}{% endfor %}",  # nested loops count together
        "{{ profile.name }}" * (OUTPUT_BYTES_MAX // 1_000 + 1),
        "{% assign a = profile.name %}"
        + "".join(f"{{% assign a{n} = profile.name %}}" for n in range(NAMESPACE_MAX // 1_000)),
    ],
    ids=["loop", "nested loops", "output", "namespace"],
)
def test_no_template_takes_more_than_its_share(template: str, new_renderer: NewRenderer, new_entry: NewEntry) -> None:
    renderer = new_renderer(text=template)

    with pytest.raises(RenderFailed, match="limit"):
        renderer.render(new_entry(name="x" * 1_000))


@pytest.mark.parametrize(
    "template, count",
    [
        ("{{ 1 | divided_by: profile.count }}", 0),
        ("{{ profile.count | date: '%' }}{{ 1 | modulo: 0 }}", 1),
        ("{{ 'a' | slice: profile.many }}", 1),
    ],
)
def test_what_fails_for_one_person_says_so(
    template: str, count: int, new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    with pytest.raises(RenderFailed, match="^render: "):
        new_renderer(text=template).render(new_entry(count=count, many={"a": 1}))


class Greedy(BaseModel):
    """A stranger's content, which runs out of memory."""

    text: str

    @model_validator(mode="after")
    def _remember(self) -> Greedy:
        if "{{" not in self.text:
            raise MemoryError
        return self


def test_running_out_of_memory_fails_one_person_s_message(new_program: Program, new_entry: NewEntry) -> None:
    renderer = Renderer(new_program, {"note": Greedy})

    with pytest.raises(RenderFailed, match="^render: MemoryError"):
        renderer.render(new_entry())


def test_a_template_that_calls_its_delivery_off_refuses_the_content(
    new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    renderer = new_renderer(text="{% if profile.count == 0 %}{% abort 'nothing in stock' %}{% endif %}left")

    assert text(renderer, new_entry(count=1)) == "left"
    with pytest.raises(ContentRejected, match="^nothing in stock$") as refused:
        renderer.render(new_entry(count=0))
    assert refused.value.receipt("k1") == ContentRefused("k1", "nothing in stock")


def test_dates_are_in_the_zone_of_the_person(new_renderer: NewRenderer, new_entry: NewEntry) -> None:
    renderer = new_renderer(text="{{ 'now' | date: '%H:%M' }}")
    entry = new_entry(at=NEW_YEAR_2001)

    for name, time in [("Asia/Tokyo", "09:00"), ("", "00:00"), ("Mars/Olympus", "00:00")]:
        assert text(renderer, msgspec.structs.replace(entry, zone=name)) == time


def test_a_message_that_the_project_has_no_more_fails_for_its_person_alone(
    new_renderer: NewRenderer, new_entry: NewEntry
) -> None:
    with pytest.raises(RenderFailed, match="no message 'gone'"):
        new_renderer().render(new_entry(message="gone"))


def test_content_that_is_not_valid_once_filled_in_fails(new_renderer: NewRenderer, new_entry: NewEntry) -> None:
    renderer = new_renderer(text="x" * 999_000 + "{{ profile.name }}")

    assert len(text(renderer, new_entry(name="y" * 900))) == 999_900
    with pytest.raises(RenderFailed, match="at most 1000000 characters|limit"):
        renderer.render(new_entry(name="y" * 2_000))


def test_content_that_no_channel_would_take_is_found_before_anything_is_sent(new_renderer: NewRenderer) -> None:
    with pytest.raises(ProjectInvalid, match="message 'hello', note"):
        new_renderer(size="many")
