"""Which steps of a campaign act at one instant: a step after the ends of all that it waits for."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from parcours.expression.expression import compile_expression, constant
from parcours.expression.names import Names
from parcours.journey import campaign_steps
from parcours.journey.campaign_steps import CampaignStep, Filter, SetRef, WaitAll
from parcours.journey.compile.campaigns.stages import stages_of
from parcours.journey.parts import WaitDuration
from parcours.journey.set_expressions import set_expression

DURATIONS_MS = [0, 1, 2, 3, 5, 8]


def step(name: str, above: list[str], duration_ms: int | None) -> CampaignStep:
    """A step that takes the first of those above and waits for the others."""
    sources, after = tuple(map(SetRef, above[:1])), tuple(above[1:])
    if duration_ms is None:
        condition = set_expression(constant(True))
        return Filter(
            id=name, sources=sources, after=after, outputs=("main",), columns={}, grain="person", condition=condition
        )
    wait = WaitDuration(name, duration_ms, None)
    return WaitAll(id=name, sources=sources, after=after, outputs=("main",), columns={}, grain="person", wait=wait)


@st.composite
def campaigns(draw: st.DrawFn) -> dict[str, CampaignStep]:
    steps: dict[str, CampaignStep] = {}
    for number in range(draw(st.integers(1, 10))):
        above = draw(st.lists(st.sampled_from(sorted(steps)), max_size=3, unique=True)) if steps else []
        duration_ms = draw(st.one_of(st.none(), st.sampled_from(DURATIONS_MS)))
        steps[f"s{number}"] = step(f"s{number}", above, duration_ms)
    return steps


def waits_ms(step: CampaignStep) -> int:
    """How long a step takes."""
    return step.wait.duration_ms if isinstance(step, WaitAll) and isinstance(step.wait, WaitDuration) else 0


def instants(steps: dict[str, CampaignStep]) -> dict[str, int]:
    """When each step begins, computed step by step."""
    begins, ends = dict[str, int](), dict[str, int]()
    for name, each in steps.items():
        awaited = [*(source.step for source in each.sources), *each.after]
        begins[name] = max((ends[other] for other in awaited), default=0)
        ends[name] = begins[name] + waits_ms(each)
    return begins


@given(campaigns())
def test_a_stage_begins_at_the_latest_of_its_ends(steps: dict[str, CampaignStep]) -> None:
    begins = instants(steps)
    ends = {name: begins[name] + waits_ms(each) for name, each in steps.items()}

    stages = stages_of(steps)

    assert sorted(name for stage in stages for name in stage.steps) == sorted(steps)
    for stage in stages:
        at = max((ends[name] for name in stage.ends), default=0)
        assert {begins[name] for name in stage.steps} == {at}


@given(campaigns())
def test_steps_stay_in_document_order_and_stages_follow_what_they_wait_for(steps: dict[str, CampaignStep]) -> None:
    place = dict(zip(steps, count(), strict=False))
    stages = stages_of(steps)
    stage_of = {name: number for number, stage in enumerate(stages) for name in stage.steps}

    for number, stage in enumerate(stages):
        assert [place[name] for name in stage.steps] == sorted(place[name] for name in stage.steps)
        assert all(stage_of[name] < number for name in stage.ends)


def test_a_test_waits_for_the_sets_whose_sizes_it_asks_for() -> None:
    names = Names(None, sets=frozenset({"", "later", "later.rest"}))
    asks = compile_expression('size() > 0 && size("later.rest") > 3', names)
    test = campaign_steps.Test(
        id="test",
        sources=(SetRef("read"),),
        after=(),
        outputs=("many", "few"),
        columns={},
        grain="person",
        arms=(("many", asks),),
        otherwise="few",
    )

    stages = stages_of({"read": step("read", [], None), "later": step("later", ["read"], 5), "test": test})

    assert [(stage.ends, stage.steps) for stage in stages] == [((), ("read", "later")), (("later",), ("test",))]
