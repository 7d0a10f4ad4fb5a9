"""Writes the language reference from the models and their examples: `python -m tests.docs.language_page`.

The sentences are the models' own, which are also the descriptions in the JSON Schema that an editor shows.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import get_args

from pydantic import BaseModel
from tests.docs import language_examples as examples

from parcours.config import Settings
from parcours.core.delivery.policy import GateName
from parcours.journey.model import (
    actions,
    analyses,
    analysis_forms,
    destinations,
    document,
    experiments,
    message_offers,
    metrics,
    offers,
    places,
    policies,
    scores,
    sources,
    steps,
    traits,
    triggers,
)
from parcours.journey.model.forms import Document
from parcours.journey.model.kinds import DOCUMENTS
from parcours.testing.cases import document as cases

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "language.md"

INTRODUCTION = """\
# The language of a project

A project is a folder of YAML files. This page names every document, every step, policy, function and setting, each
with an example; the examples are one project, which the tests check and run. `parcours check FOLDER` tells what is
wrong with yours, `parcours schema KIND` prints the JSON Schema of a document with these same sentences, for editors.
Campaigns and the tables that they read have a page of their own, `campaigns.md`.

Durations are texts such as `90s`, `1h30m` or `3d`, times of day `"09:00"`, in quotes. An expression that begins with a
sign, or has a colon in it, needs quotes as well. When clocks change, a time of day that does not exist is the first
instant after the gap, and one that comes twice is the first of the two.

This page is written by `python -m tests.docs.language_page` from the models and is not edited by hand.
"""

EXPRESSIONS = """\
Conditions and values are [CEL](https://cel.dev). They read `event` (the event at hand; in a step, the one that moved
the run last), `entry` (the event of the entry), `profile`, `run` (`id`, `entered_at`, `correlation`, `step`) and `now`.
A comparison with a value that is missing or null is false and never an error, arithmetic with it has no value, and a
condition without a value does not hold. `parcours check` warns of what never has one by the kinds that are declared.
A date is a text such as `1990-05-01`: `timestamp(profile.birthday)` is its midnight in UTC, for `getMonth()` and its
like, and for durations. `&&`, `||`, `!`, `? :`, `in`, `+ - * / %` and the comparisons are CEL's.

`in_audience("NAME")` takes any audience, by a literal name, wherever an expression may ask for histories and consents.
It is answered as of the instant at which it is asked, after that instant's events, from the person as she stands then:
a branch behind an `update` sees what it has changed, and where time alone moves her out of an audience, the answer is
another one from that millisecond on. Nothing happens by such a change alone, though: what shall be done when somebody
enters or leaves is an `audience` of an entry, an exit rule or a listener. A run asks by the definition of its own
version. Within `audiences.yaml` only audiences that campaigns save may be asked for, so that none depends on itself;
one that does changes with the save, at its instant, and tells so also where the saved one is `silent`.

The examples are asked of an event `{event}`, of a profile `{profile}`, at {now}; the person has ordered
twice, on 1 February for 30 and on 1 March for 50, agreed to mails about carts, and is in the audience `buyers`.
"""

TEMPLATES = """\
## Templates

The texts of messages are [Liquid](https://shopify.github.io/liquid/), and read `profile`, `entry`, `event` and `run`
under the names that are declared, as in `{{ entry.cart.total }}`. `size`, `first` and `last` are what Liquid means by
them behind a list or a text; behind an object they are properties, and have to be declared. `{{ entry.cart | size }}`
counts what an object holds.

`{{ preferences_url }}` is the address of the page on which the person says what she wants to get. It is her own, and
empty where the engine has no links: in a simulation, in a test, and without a door. In cards and in-app messages, which
her app shows, it is empty, too.
"""

INBOX = """\
The channels `card` and `inapp` need no provider and no settings: what is sent on them lies in the person's own inbox,
under her own name as the address, and is rendered at the instant of the send, live as in a simulation. Purpose,
consent, caps and quiet hours hold for them as for any channel.

There is room for 50 of them (`inbox_max`) in 64 KB (`inbox_bytes_max`); a new one pushes out the oldest that is not
pinned. One lies there as long as its message says by `expires`, and for 30 days without it (`inbox_expires_ms`). A
delivery is `sent` when it lies there, `delivered` when it was fetched, `opened` when it was seen, then `clicked`.
`dismissed` takes it out for good. All of these are reactions that a journey can wait for.

What was not seen yet is taken back when its run is left by an exit or its journey is stopped, and by the events that
`withdraw` names; with a correlation, by those of the same value. A pause holds none of that up. Whatever is taken out
has the mark `withdrawn`, and its reason: `exit`, `event`, `pushed_out` or `expired`.

`show` of an in-app message is for the app to obey, `times` is `once`, `always` or `until_click`. A content has room for
16 KB."""

PLACES = """\
The page `places.md` says what becomes of them. Latitudes and longitudes are degrees of WGS 84, lengths texts such as
`50m` or `1.5km`. A polygon is straight lines in latitude and longitude, does not cross itself, and lies on one side of
the 180th meridian. Each place may have its own of the rules that stand under `defaults`, besides what follows.
Conditions name the events `Place Entered` and `Place Left` without any declaration."""

ANALYSES = f"""\
A condition on an event reads `event`, and `now`, which is the event's own time; that of a segment reads `profile`.
Facts have no personal data, so what is `pii` cannot be named here, and neither can traits that hold addresses. A type
that is recognised by a rule is looked for among the events that arrive, by its rule.

Names are unique over all files of the folder, those of each kind for themselves. Nothing here changes a version of a
journey or campaign, and nothing but `audiences` changes what an engine keeps of a person.

A formula names metrics of any file; one whose name is a number cannot be named.

Of the models of credit `same` is the last touch of the conversion's own visit, `u` gives 40 % to the first touch, 20 to
those between and 40 to the last, `j` 20, 20 and 60, `inverse-j` 60, 20 and 20, `participation` the whole to each key,
and `decay` half as much for each 7 days of age. `shapley` takes {analysis_forms.SHAPLEY_KEYS_MAX} different keys at
most.
"""

SCORES = """\
`score()`, `margin()` and `band()` may stand wherever a condition asks for histories, but in `audiences.yaml`, in other
scores, and in what a campaign asks together with a row. How a score is told, trained and judged stands in
`decisions.md`. A model is one JSON file; the one of this example:
"""

DESTINATIONS = """\
The page `destinations.md` says what the other side is told, and when. A destination has an `audience` or takes `facts`.
`key` asks for traits alone; `fields` for whatever a condition of an audience may ask for, and for scores.
"""

OFFERS = """\
How an offer is chosen, capped, and ranked by what is learned stands in `decisions.md`. In what is evaluated where
offers are chosen `context` and `offer` are roots, too; elsewhere they mean nothing. `offers` is one
at the steps of a journey that has a `decide` step, and in the texts of a message that names offers.
"""

SETTINGS = """\
What an engine is opened with: `Engine.open(project, store, settings=Settings(open_runs_max=100))`. A name says its
unit; below stands what holds where nothing is said.
"""


ENDED_RUNS = """\
Goals, reactions and re-entry may ask for a run after its end. Of each journey the newest 200 ended runs of a person are
remembered (`ended_runs_max`), for 400 days (`run_memory_ms`), and as far as there is room (`ended_runs_bytes_max`). An
older one reaches no goal and hears no reaction any more, and its value of the correlation may enter again. The first
such loss is recorded for each person and journey, as a limit that was reached. A run whose delivery is still under way
is not forgotten before it is over.

Without a correlation, `reentry: never` is remembered for ever."""


def page() -> str:
    """The whole page."""
    parts = [
        INTRODUCTION,
        *_documents(),
        *_entries(),
        *_steps(),
        *_policies(),
        *_analyses(),
        _functions(),
        TEMPLATES,
        *_tests(),
        _settings(),
    ]
    return "\n".join(parts)


def files() -> dict[str, str]:
    """The project of all examples, by the names of its files."""
    project = dict([*examples.DOCUMENTS.values(), examples.INBOX, examples.MODEL, examples.TESTS])
    for name, entry in examples.ENTRIES.values():
        project[f"journeys/{name}.yaml"] = _journey(name, entry, "")
    for name, text in examples.STEPS.values():
        project[f"journeys/{name}.yaml"] = _journey(name, examples.ENTRY, text)
    return project


def models() -> list[type[Document]]:
    """Every document and part of one, those of one module after the other."""
    found = []
    for module in (
        document,
        actions,
        traits,
        policies,
        steps,
        cases,
        analyses,
        metrics,
        analysis_forms,
        places,
        scores,
        offers,
        message_offers,
        sources,
        destinations,
    ):
        for name, each in vars(module).items():
            if name.startswith("_") or not isinstance(each, type):
                continue
            if issubclass(each, Document) and each.__module__ == module.__name__:
                found.append(each)
    return found


def _journey(name: str, entry: str, steps_text: str) -> str:
    return f"journey: {name}\n{entry}steps:\n{steps_text}  - {{id: done, end: true}}\n"


ELSEWHERE = frozenset({"tables", "campaign", "insight"})
"""The kinds of documents that campaigns_page.py describes, and that of analyses, which have a part of their own."""


def _documents() -> Iterable[str]:
    for kind, model in DOCUMENTS.items():
        if kind in ELSEWHERE:
            continue
        file, text = examples.DOCUMENTS[kind]
        yield f"## `{file}`\n\n{sentence(model)}\n\n{block(text)}\n{keys_table(model)}"
        if kind == "message":
            yield "### Offers of a message\n\n" + described(
                message_offers.DecidedOfferDocument, message_offers.KeptOfferDocument
            )
            yield f"### Cards and in-app messages\n\n{block(examples.INBOX[1])}\n{INBOX}\n"
        if kind == "audiences":
            yield described(document.SavedAudienceDocument)
        if kind == "scores":
            yield _scores()
        if kind == "offers":
            yield _offers()
        if kind == "sources":
            yield described(sources.SourceDocument, sources.MessageMapDocument)
        if kind == "destinations":
            yield _destinations()
    yield "### Traits and namespaces\n\n" + described(traits.TraitDocument, traits.IdentityDocument)
    yield "### Event types\n\n" + described(document.EventDocument, traits.TraitDocument, document.KeyDocument)
    yield described(places.LocationDocument, places.CrossingDocument)
    yield f"### Places\n\n{PLACES}\n\n" + described(
        places.PlaceRulesDocument,
        places.CirclePlaceDocument,
        places.PolygonPlaceDocument,
        places.PlaceFileDocument,
        places.PlacesKeptDocument,
    )
    yield "### Actions\n\n" + described(actions.ActionDocument, actions.CallsDocument)


def _scores() -> str:
    parts = described(
        scores.ScoreDocument,
        scores.PredictsDocument,
        scores.NumberFeature,
        scores.ChoiceFeature,
        scores.ModelDocument,
        scores.KeepDocument,
    )
    return f"{parts}\n{SCORES}\n```json\n{examples.MODEL[1]}```\n"


def _destinations() -> str:
    parts = described(
        destinations.DestinationDocument,
        destinations.TargetDocument,
        destinations.WebhookDocument,
        destinations.PluginDocument,
        destinations.ValueDocument,
        destinations.AgreementDocument,
        destinations.KafkaDocument,
        destinations.NatsDocument,
        destinations.NatsTlsDocument,
        destinations.FactsDocument,
        destinations.FactsTargetDocument,
    )
    return f"{DESTINATIONS}\n{parts}"


def _offers() -> str:
    parts = described(
        offers.PlacementDocument,
        offers.OfferDocument,
        offers.OfferGoalDocument,
        offers.OfferCapDocument,
        offers.TextContentDocument,
        offers.HtmlContentDocument,
        offers.JsonContentDocument,
        offers.ImageContentDocument,
        offers.TagsCollectionDocument,
        offers.TagsDocument,
        offers.OffersCollectionDocument,
        offers.FormulaRankingDocument,
        offers.BanditRankingDocument,
        offers.DecisionDocument,
        offers.StrategyDocument,
    )
    return f"{OFFERS}\n{parts}"


def _entries() -> Iterable[str]:
    yield "## Entry, goal and exit of a journey\n"
    for name, (_, text) in examples.ENTRIES.items():
        yield f"### {sentence(vars(document)[name])}\n\n{block(text)}\n{keys_table(vars(document)[name])}"
    yield "### Goal, exit and re-entry\n\n" + described(
        document.GoalDocument, document.ReentryAfterDocument, triggers.AudienceTriggerDocument
    )
    yield f"### What is known of runs that have ended\n\n{ENDED_RUNS}\n"


def _steps() -> Iterable[str]:
    yield "## Steps\n"
    parts = {
        "SendStep": (steps.FirstChannel,),
        "WaitStep": (steps.UntilInstant, steps.UntilLocalTime),
        "WaitForStep": (steps.EventListenerDocument, steps.ReactionListenerDocument, steps.AudienceListenerDocument),
        "BranchStep": (steps.WhenArm, steps.OtherwiseArm),
        "SplitStep": (steps.SplitArm, experiments.ExperimentDocument, experiments.ExperimentGoal),
    }
    for name, (_, text) in examples.STEPS.items():
        model: type[Document] = vars(steps)[name]
        heading = f"### `{_keyword(model)}`\n\n{sentence(model)}\n\n"
        body = block(f"steps:\n{text}  - {{id: done, end: true}}\n") + f"\n{keys_table(model)}"
        yield heading + body + "".join(f"\n{described(part)}" for part in parts.get(name, ()))


def _policies() -> Iterable[str]:
    gates = "`, `".join(get_args(GateName))
    yield (
        "## Policies\n\nThey stand in `parcours.yaml`, whose example has each of them, and so do hold-outs.\n"
        f"Before a message goes out it passes the gates in this order: `{gates}`.\nThe first that objects is told.\n"
    )
    yield described(policies.PoliciesDocument, policies.ConsentDocument, policies.CapDocument)
    yield described(policies.QuietHoursDocument, policies.HoldoutDocument)


def _analyses() -> Iterable[str]:
    file, text = examples.DOCUMENTS["insight"]
    model = DOCUMENTS["insight"]
    yield f"## `{file}`\n\n{sentence(model)}\n\n{block(text)}\n{keys_table(model)}\n{ANALYSES}"
    yield "### Metrics and segments\n\n" + described(
        metrics.SumMetric,
        metrics.PeopleMetric,
        metrics.CountMetric,
        metrics.FormulaMetric,
        metrics.EventSegmentDocument,
    )
    yield "### Funnels, flows and cohorts\n\n" + described(
        analyses.FunnelDocument,
        analysis_forms.AudienceSplit,
        analysis_forms.ExperimentSplit,
        analysis_forms.SegmentsSplit,
        analyses.FlowDocument,
        analyses.CohortDocument,
        analyses.FunnelAudienceDocument,
    )
    yield "### Attributions\n\n" + described(
        analyses.AttributionDocument,
        analysis_forms.DeliveriesTouched,
        analysis_forms.EventsTouched,
        analysis_forms.PropositionsTouched,
        analysis_forms.CustomModel,
        analysis_forms.DecayModel,
        analysis_forms.MarkovModel,
    )


def _tests() -> Iterable[str]:
    file, text = examples.TESTS
    told = "What has to happen, and when: `parcours test FOLDER` runs them under virtual time."
    yield f"## `{file}`\n\n{told}\n\n{block(text)}\n{described(cases.Case)}"
    yield "### What is given\n\n" + described(
        cases.EventGiven,
        cases.IdentifyGiven,
        cases.MergeGiven,
        cases.ReactionGiven,
        cases.ConsentGiven,
        cases.ConsentTerms,
        cases.DecisionGiven,
        cases.MarkGiven,
        cases.CampaignGiven,
    )
    yield "### What is expected\n\n" + described(
        cases.DeliveryExpected,
        cases.MoveExpected,
        cases.DecisionExpected,
        cases.NeverExpected,
        cases.Never,
        cases.SetsExpected,
    )


def _keyword(model: type[BaseModel]) -> str:
    """The key by which a step is recognised: the first one behind its id."""
    return next(name for name in model.model_fields if name != "id")


def described(*parts: type[BaseModel]) -> str:
    """Each model's sentence and keys."""
    return "\n".join(f"{sentence(part)}\n\n{keys_table(part)}" for part in parts)


def sentence(model: type[BaseModel]) -> str:
    """What a model is, in its own words."""
    return (model.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()


def keys_table(model: type[BaseModel], but: frozenset[str] = frozenset()) -> str:
    """The keys of a model in a table, without those of some fields."""
    rows = []
    for name, field in model.model_fields.items():
        if name in but:
            continue
        needed = "needed" if field.is_required() else ""
        rows.append(f"| `{field.alias or name}` | {needed} | {field.description} |")
    return "\n".join(["| key | | |", "|---|---|---|", *rows, ""])


def _functions() -> str:
    rows = [
        f"| `{name}` | `{text.replace('|', chr(92) + '|')}` | `{json.dumps(value, ensure_ascii=False)}` | {said} |"
        for name, (text, value, said) in examples.FUNCTIONS.items()
    ]
    told = EXPRESSIONS.format(
        event=_json(examples.SCOPE_EVENT), profile=_json(examples.SCOPE_PROFILE), now=examples.NOW
    )
    return "\n".join(["## Expressions\n", told, "| function | example | its value | |", "|---|---|---|---|", *rows, ""])


def _json(value: Mapping[str, object]) -> str:
    return json.dumps(value, ensure_ascii=False)


def _settings() -> str:
    defaults = Settings().model_dump(mode="json")
    rows = [
        f"| `{name}` | `{json.dumps(defaults[name])}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["## Settings\n", SETTINGS, "| setting | default | |", "|---|---|---|", *rows, ""])


def block(text: str) -> str:
    """A block of YAML."""
    return f"```yaml\n{text}```\n"


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
