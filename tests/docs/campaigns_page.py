"""Writes the page on campaigns from the models and their examples: `python -m tests.docs.campaigns_page`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import BaseModel
from tests.docs import campaign_examples as examples
from tests.docs.campaign_set_engines import SET_ENGINES
from tests.docs.language_page import block, described, keys_table, sentence

from parcours.journey.model import campaign, campaign_acts, campaign_sets, experiments, orders, tables
from parcours.journey.model import document as documents
from parcours.journey.model.campaign_steps import CAMPAIGN_STEP_MODELS
from parcours.journey.model.forms import Document

PAGE = Path(__file__).parents[2] / "engine" / "docs" / "campaigns.md"

INTRODUCTION = """\
# Campaigns

A campaign is a batch over sets of people: it fixes who is in which set at one instant, and does something with each of
them. A journey follows one person from event to event; a campaign asks about all of them at once. This page names every
key of its documents and every kind of step, each with an example; the examples are one project, which the tests check.

`parcours check FOLDER` tells what is wrong with yours, `parcours graph FOLDER NAME` draws a campaign with its sets on
the edges, with `--counts OUT` as large as a simulation has found them, and `parcours schema campaign` and `parcours
schema tables` print JSON Schemas for editors. `parcours simulate` runs campaigns with the journeys, at their schedules,
`parcours campaign preview` shows the sets of one as of an instant (see [Runs](#runs)), and an engine runs them at their
schedules or by hand (see [In an engine](#in-an-engine)). They need the extra `campaigns`: `pip install
'parcours[campaigns]'`; without it a project that has one is refused. All machines of a cluster may make large
sets (see [Sets above one machine](#sets-above-one-machine)).

This page is written by `python -m tests.docs.campaigns_page` from the models and is not edited by hand.
"""

SETS = """\
## Sets

Each step takes a set and gives others. It takes the one that `from` names, as `STEP` or `STEP.OUTPUT`, and the main
output of the step above without it. Only steps above can be named, so nothing goes round. A set may be taken by many
steps, or by none; `parcours check` warns of one that nobody takes, unless it is a `rest`. With `after: [STEP, ...]` a
step waits besides until those are over.

A set has rows, and each row a person. After a read of people a person has one row; after a read of a table she has as
many as the table has for her, and `dedupe: {by: [person]}` makes it one again. `send`, `save`, `update`, `reacted` and
`wait` take people, and `parcours check` says where several rows began.

Columns come from the table that was read, and from `enrich`. Expressions name them as `row.NAME`, beside `profile`,
`run` and `now`, with histories and consents as everywhere; messages name them as `{{ row.wishes[0].product }}` or
`{% for wish in row.wishes %}`, and `parcours check` looks whether a step above gives them. In expressions values have
the kinds that tables declare, also in the objects of a list: `row.wishes[0].added < now` compares two instants.
Where rows are compared, and where they are exported, `NAME` alone is the column too, and `person` the person.

Steps act at instants: all that follow on a read act at its own, in document order, until one of them ends later. Those
are `wait`, `reacted`, `send`, `update`, and a read that makes people known. A test begins when the sets are there whose
sizes it asks for.
"""

RUNS = """\
## Runs

A run begins at an instant of the schedule, after the events of that instant, and its sets are those of that instant
whatever happens later: who is in them, and the columns that `enrich` gave. Runs are numbered from 1. One that falls
due while another one goes on is skipped, unless the campaign says `overlap: allowed`.

**A person's side.** A step that sends, updates, waits or looks for reactions takes its people along. The first one
opens a run of the campaign for each of them, under the number of the campaign's run; it ends when that is over, or by
an `exit`. Whoever has left is sent nothing more, even where her mail was only waiting for its turn, and is dropped
from the sets that follow as `exited`. Gates, caps, quiet hours and consent are those of journeys, at her own instant.
A person is sent a step's message once on each channel.

A random split with an `experiment` takes everybody in its set along, so that facts tell who fell into which part before
anything is sent; also into one for which nothing follows, such as the control group. So it needs a set in which each
person has one row, and whoever has left the run, or may not enter it, takes no part. Other splits are told of nobody:
their sets are in the run's files. The answer is asked for as `parcours experiment OUT CAMPAIGN.STEP`.

**When a send goes.** Person number n of the set, in the order of names, is due n / `rate` after the step begins.
`waves` are parts of equal sizes, drawn by lot, each `every` later than the one before. With a `window` everybody
outside it is moved to its next opening in the zone that it names, and comes n / `rate` after that. A send ends when
its last person has been due, those included whom a gate holds; whoever is held is released n / `rate` after the gate
opens. What takes its sets begins then: `refused` are those of whom gates refused every channel.

**Whose time zone changes** while she waits for a `window` that goes by her own stays due when she was. Where the
window is shut on her new clock then, she waits from there for its next opening, and at a `time` of day for the next
one; so nobody is sent to at night because she has travelled, or has told only then where she lives. Somebody whom the
campaign itself has made known has the project's zone until then. What a gate holds passes all gates anew at once, and
after them the window. Copies for seeds go when she was due at first.

A `rate` is no limit where people wait for a `window`. They are spread over one opening: n / `rate` goes on from its
start again where it is longer than the opening. So whoever is moved into it goes faster than the `rate` as soon as
more are moved than fit in at that `rate` (3,600 an hour at `1/s`), and faster too where openings in several time zones
overlap, or later people are due in it anyway. At a `time` of day everybody in a zone is due at once. `parcours check`
warns of a time of day, and of an opening with room for less than a million people.

**Who comes too late for a `window`** waits for its next opening as well: where a resume comes after its end, where the
engine was down over it, or where a provider takes mails more slowly than people are due. Whoever was due in a pause is
due anew then; a delivery that has not left is `held` by the gate `window`, for transactional messages too. Two things
go before it: what another gate holds is released when that opens, even where the window is shut at that time, and what
was due at a `time` of day that an outage has passed leaves as soon as the engine is back. Copies for seeds wait for no
window but that of the person.

**Reactions** to a send of the run count until `within` after its end, that instant included; of another campaign or a
journey those of the last `since`.

**Seeds** are addresses of your own that get a copy of each send of each run, once, with the data of the person that
they name, or of the first of the set where that one is not in it. A copy goes when she is due, whatever gates, consent
and caps say, and whether she is still there or not; a pause holds it, and what stops the run before ends it. It is in
no count: no set, no report and no cap knows of it, it has no links of ours in it (`preferences_url` is empty), and what
a provider reports of it says nothing of her. A copy of which it is not certain that it was not sent is not sent again.
An empty set has no data, and no copy. In `deliveries.ndjson` copies are the lines with `"seed":true`, in exported facts
the `changes` that are `copied`, and `parcours explain` names those with somebody's data.

**Saves** hold a millisecond later, for everybody at once, and journeys hear of it as of any audience.

**What fails.** A table with too many cells that do not fit, or a second row where one was promised, ends the run at
that step: nothing more is sent in it, by no other step of that instant either, and the report says why.

`parcours simulate` writes beside its other results `campaigns.ndjson`, a line for each output of each step as soon as
it is known: `at`, `campaign`, `version`, `run`, `step`, `output`, `size`, and `dropped`, how many rows are in no
output, by reason (`double`, `unknown_person`, `no_key`, `no_row`, `exited`). `output` is `skipped` for a step that
took only what a `test` did not choose, `failed` where the run ended, and without a step `skipped_running`.
`summary.json` has the sums under `campaigns`, and `exports/` the files that campaigns export. `--campaign NAME`, or
`NAME@TIME`, begins a run by hand. For any number of shards, and whatever the order of lines in a table with a `key`,
the files are the same. Exported facts have these lines as the table `campaign_steps`, of a simulation and of an engine
([Facts as files](insight.md)).

`parcours campaign preview FOLDER NAME --events FILE --at TIME` makes the sets that a run would make at that time, and
says how many deliveries each gate would refuse or hold; nobody is sent anything. What comes after a `wait` or
`reacted` is not foreseen. `--sample` shows rows, and `--format json` has it all as the summary does.

`parcours campaign proof FOLDER NAME --step STEP --as PERSON --to ADDRESS --events FILE --at TIME` sends what a send
would say to that person at that time, with her row as the preview has it, to an address of yours. It goes by the
project's own channel as parcours.yaml sets it up, with `[Proof]` before its subject, title or text, and without links
of ours. Nothing happens to her, so neither consent nor caps are asked, and no count knows of it. Of several channels
of the step it is the first that takes the address, one with a rule for addresses before one that takes any;
`--channel` names another one.

With `--store URL` in place of `--events` both, and `parcours audience show`, are as of the newest instant of a store
that no engine has open. Its people are read into memory, and what they were to go through by then they go through
there, also a publication of the project in the folder where that is not the one of the store; the store stays as it
is. A preview is of the run that would begin next: it knows whom earlier ones took at steps that read `new` only.

`parcours explain FOLDER PERSON --events FILE` tells for each run and step in which of its sets somebody was, and why:
to whom she gave way, which condition did not hold, that she had left. `parcours audience show FOLDER NAME --events
FILE` counts who is in an audience as of an instant, and shows the first of them with what its condition reads.

With `--url URL` preview, proof and `audience show` ask a running engine by its door, as of now, and print the same. A
proof goes by the engine's own channel then, to one of the `test_addresses` of its serve.yaml; rows and people are shown
to a key with the scope `people:read`.
"""

ENGINE = """\
## In an engine

Nobody stands still for a campaign. Shards know the next instant of each schedule beforehand: before anything later
happens to somebody, her columns are taken as she stands, and everybody else is looked at slice by slice. So a run is as
of its instant however late its sets are made, also where a shard or the whole engine was down at that instant. That is
so of the one instant that comes next. A run that is made up for after several instants have been missed, one that is
started by hand, and a step whose instant could not be foreseen, is as of a moment at which all shards agree.

Two instants are kept of a step that does something with its people: *T*, as of which its set is, and *S*, when it
begins: `campaign_lead_ms` (10 s) after its sets are there. Rates, waves, waits and whatever follows count from S. Under
virtual time S is T. People are handed to shards in slices, not earlier than `campaign_ahead_ms` before they are due and
not more than `campaign_in_flight_max` of them at a time in one shard: a large set does not lie in memory. Whom a
`window` moves to the next morning waits in the shard as a timer and does not count. Whoever has become somebody else
since the set was made is found by whom she is now, in whichever shard. All sets of an instant are made before anybody
is handed over, and then each step hands over beside the others: what follows on other sets does not wait for a send
with waves or a slow rate, and is not kept back by one.

While a campaign is paused nobody moves, and no step ends. Once it is resumed all that was due meanwhile is made up for
at once, not at the `rate` of the send, and gates ask how it is then; whoever is due later goes at her own instant.
Waits keep their ends, and so does a send whose people the shards had before: reactions to it count from then.

An audience that is saved holds for everybody from one instant at which all shards agree, once all of them know who
enters and who leaves; meanwhile nobody moves from one shard to another, and events go on.

```python engine
from parcours import Engine, Project

project = Project.load("shop")
with Engine.open(project, "sqlite:///store", runtime="local", records=["email", "sms", "push"]) as engine:
    number = engine.run_campaign("wishes", by="marion")
    run = engine.campaign("wishes").runs[-1]
    print(run.state, {name: (step.inflow, step.outputs, step.dropped) for name, step in run.steps.items()})
    engine.pause_campaign("wishes")  # no step begins, and nobody moves; resume_campaign, close_campaign, stop_campaign
```

The same by commands: `parcours campaign run`, `pause`, `resume`, `close` and `stop` `NAME --url URL`, and over HTTP
(see [the door](http.md#operating)). `parcours campaign show NAME --url URL` has its runs, and the newest of them, or
the one of `--run N`, step by step: T as `at`, S as `begins` (of a `wait` or `reacted` `at` is its end, as of which its
sets are, and so after `begins`; `explain` has the instant from which on she waits), how many rows the step took, and
where they are. What a step took is the sum of its outputs and of what was dropped; `refused`, and the subsets of a
split with `overlap`, are beside the sum. `parcours report --url URL` has the sums over all runs, and `parcours explain`
tells with `--url URL`, or with `--store URL` of a store that no engine has open, where somebody is in the sets of the
newest ten runs of each campaign, as long as its sets are kept, whatever has been published since.

What a run has come to lies in the folder of the store, below `campaigns/NAME/NUMBER`, and files of an `export` in its
`exports/`. Whoever opens the store again goes on with every run: what has been made is not made again, and nobody is
taken along twice. Of instants of a schedule that passed meanwhile the newest is made up for, and the others are told
as `missed`; while a campaign is paused or closed all of them are. A run stays on the version with which it began. One
that cannot go on because the disk is full or the store fails waits, is tried again every minute, and is a trouble of
the engine until then; a table that is not as it was declared ends it, and the step says why.

**Closed or stopped** a campaign stays until somebody publishes, whatever that changes: it opens all campaigns and
journeys of the project again, or with a name (`parcours publish DIR NAME`) that one alone. An engine that is opened
with a changed project opens those alone that have changed. Paused ones stay paused, and a run that was stopped does not
come back.
"""

TABLES = """\
Of a value that does not fit its type a row has none. `decimal(2)` is money: it is added without rounding, and
expressions see it as a number. `parcours check` looks whether the files are there and have the columns; of CSV and
NDJSON it reads the beginning, packed or not. A CSV file has a header, without rows too. NDJSON has none: a column is
there if any row of any file of the pattern has it, and a table without a row is an empty one, of which the check warns.
What is missing keeps a project from being published, and `--draft` lets it pass. A query is looked at over tables
without rows: one that names a table or a column that is not there, or reads anything else, is an error. Parquet, `.zst`
and queries need the extra `campaigns`; without it a warning says that they were passed over.

A table is copied when a run first uses it, and a file that changes afterwards changes nothing in that run. It is linked
to people as they are at each instant, by all names of theirs: ids that were merged into somebody are hers. A run is
refused, with the lines, for two rows of one person where `many` does not allow them, and for two with the same `key`;
also for a column of which more cells do not fit than `table_bad_cells_max` says, and for a table with a `join` of more
rows than `join_rows_max`.
"""

TESTS = """\
In the project's own tests a campaign runs by its schedule, and where `campaign: NAME` is given, by hand. A test names a
campaign wherever it names a journey, and `sets` asks for the sizes of sets in one run, the first without `run`. The
rest of the language of tests is in the language reference.
"""

OUTPUTS: Mapping[str, str] = {
    "read": "Output: its own name.",
    "filter": "Outputs: its own name, and `rest`.",
    "dedupe": "Outputs: its own name, and `rest`.",
    "split": "Outputs: the names that are given, and `rest` of a list of subsets.",
    "union": "Output: its own name.",
    "intersect": "Outputs: its own name, and `rest` of the first set.",
    "exclude": "Outputs: its own name, and `rest` of the first set.",
    "enrich": "Outputs: its own name, and `rest`.",
    "save": "Output: its own name, for what it took.",
    "update": "Output: its own name, for what it took.",
    "export": "Output: its own name, for what it took.",
    "wait": "Output: its own name.",
    "test": "Outputs: the names that are given.",
    "reacted": "Outputs: its own name, and `rest`.",
    "send": "Outputs: its own name, for everybody, and `refused`, for whom a gate refused as well.",
}

PARTS: Mapping[str, tuple[type[Document], ...]] = {
    "read": (campaign_sets.PeopleDocument, campaign_sets.TableReadDocument),
    "dedupe": (campaign_sets.DedupeDocument,),
    "split": (
        campaign_sets.SubsetDocument,
        campaign_sets.EvenDocument,
        campaign_sets.PartsDocument,
        experiments.ExperimentDocument,
        experiments.ExperimentGoal,
    ),
    "exclude": (campaign_sets.ExcludeDocument,),
    "enrich": (campaign_sets.EnrichmentDocument,),
    "export": (campaign_acts.ExportDocument,),
    "test": (campaign_acts.TestArm, campaign_acts.TestOtherwise),
    "reacted": (campaign_acts.ReactedDocument, campaign_acts.OtherSendDocument),
    "send": (campaign_acts.WavesDocument, campaign_acts.OpeningDocument, campaign_acts.LocalTimeDocument),
}
"""The parts of a step that have keys of their own. A wait's are in the language reference."""

ORDERS = """\
## Orders

`order` is a list: where one key leaves two rows equal the next one decides, and in the end the person and the row, so
that the same rows are always chosen. A row without a value comes last, whichever end is asked for. Values are compared
with those of their own kind: one of another kind than most in its column is missing, for `filled` as well, and the run
counts it. In `by` of a `dedupe` a missing or empty value makes no row equal to another.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(
        [
            INTRODUCTION,
            _campaign(),
            SETS,
            _tables(),
            _saved(),
            *_steps(),
            _orders(),
            RUNS,
            ENGINE,
            SET_ENGINES,
            _tests(),
        ]
    )


def models() -> list[type[Document]]:
    """Every document and part of one that this page describes."""
    found = []
    for module in (campaign, campaign_acts, campaign_sets, experiments, orders, tables):
        for each in vars(module).values():
            if isinstance(each, type) and issubclass(each, Document) and each.__module__ == module.__name__:
                found.append(each)
    return found


def _campaign() -> str:
    whole = block(examples.FILES["campaigns/wishes.yaml"])
    head = keys_table(campaign.CampaignDocument)
    parts = described(campaign.ScheduleDocument, campaign.SeedDocument)
    return f"## `campaigns/wishes.yaml`\n\n{sentence(campaign.CampaignDocument)}\n\n{whole}\n{head}\n{parts}"


def _tables() -> str:
    whole = block(examples.FILES["tables.yaml"])
    return f"## `tables.yaml`\n\n{whole}\n{described(tables.TablesDocument, tables.TableDocument)}\n{TABLES}"


ASKED = """\
`in_audience("best")` asks for one in any expression about a person: in journeys, in those of campaigns about rows too,
and in the conditions of other audiences, which may ask for saved ones alone. The people of a funnel can be its members
as well, once or again and again, and so can people who are named: [From a funnel to an
audience](insight.md#from-a-funnel-to-an-audience).
"""


def _saved() -> str:
    whole = block(examples.FILES["audiences.yaml"])
    return f"## Saved audiences\n\n{sentence(documents.SavedAudienceDocument)}\n\n{whole}\n{ASKED}"


def _steps() -> Iterable[str]:
    yield "## Steps\n\nEach has an `id`, and may have `after`; those that take one set may have `from`.\n"
    yield described(campaign_sets.TakingStep)
    for kind, model in CAMPAIGN_STEP_MODELS.items():
        text = block(examples.STEPS[kind])
        keys = _own_keys(model)
        parts = "".join(f"\n{described(part)}" for part in PARTS.get(kind, ()))
        yield f"### `{kind}`\n\n{sentence(model)} {OUTPUTS[kind]}\n\n{text}\n{keys}{parts}"


def _own_keys(model: type[BaseModel]) -> str:
    """The keys that a step has besides those of all steps."""
    return keys_table(model, but=frozenset({"id", "after", "source"}))


def _orders() -> str:
    parts = (orders.ValueOrder, orders.FilledOrder, orders.PreferredOrder, orders.RandomOrder)
    return f"{ORDERS}\n{described(*parts)}"


def _tests() -> str:
    file, text = examples.TESTS
    return f"## `{file}`\n\n{TESTS}\n{block(text)}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
