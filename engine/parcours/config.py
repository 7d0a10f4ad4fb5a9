"""What can be set: every bound of the engine, by name, with the reason for its default."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import Field

from parcours.errors import SettingInvalid
from parcours.figures_settings import FiguresSettings
from parcours.sets_settings import SetsSettings
from parcours.settings_base import SettingsBase
from parcours.wording import shown_value

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

MIB = 1024 * 1024

MACRO_STEPS_MAX = 10_000
"""Default of `macro_steps_max`, and the bound where an expression is evaluated without settings."""

TABLE_BAD_CELLS_MAX: Final = 0.01
"""Default of `table_bad_cells_max`: a wrong type spoils nearly all cells, and some typists a few."""

COUNT_MAX: Final = 2**40
"""More than any machine holds, of bytes too; sums and products of a few of them still fit into 64 bits."""

DURATION_MAX_MS: Final = 100 * 365 * DAY_MS
"""A hundred years: who waits for longer waits for nobody, and whatever is due then still has a time."""

RETRY_DELAYS_MAX: Final = 1_000
"""The last delay is that of all later attempts, so nobody needs more."""

Count = Annotated[int, Field(ge=1, le=COUNT_MAX)]
Duration = Annotated[int, Field(ge=1, le=DURATION_MAX_MS)]
NodeLabel = Annotated[str, Field(pattern=r"^([A-Za-z0-9][\w./-]{0,62}=!?[A-Za-z0-9][\w.-]{0,61})?$")]
Seconds = Annotated[float, Field(gt=0, le=DAY_MS / SECOND_MS)]


class Settings(SettingsBase, frozen=True):
    """The engine's settings. Durations are in the unit that the name ends with.

    Raises SettingInvalid for a name that there is not, and for a value out of bounds.
    """

    event_bytes_max: Count = Field(default=32 * 1024, description="Longest event line, in bytes; Segment's own limit.")
    id_bytes_max: Annotated[int, Field(ge=256, le=COUNT_MAX)] = Field(
        default=512, description="Longest user id, anonymous id or message id taken, in bytes."
    )
    batch_events_max: Count = Field(
        default=5_000, description="Most events in a micro-batch; beyond it the round trip grows and the rate does not."
    )
    batch_bytes_max: Count = Field(
        default=8 * 1024 * 1024,
        description="Most bytes in one micro-batch, but for a single line: a record of the journal is about as long.",
    )
    batches_in_flight_max: Count = Field(default=4, description="Batches under way to a shard, of all its routers.")
    routers_max: Count = Field(
        default=64,
        description="Routers whose batch numbers a shard remembers; the one unheard of for longest is forgotten.",
    )
    idle_events: Literal["answer", "keep"] = Field(
        default="answer", description="Those that nothing listens to: routers answer them, or shards keep their ids."
    )
    source_lines_max: Count = Field(default=50_000, description="Lines of one partition of a source under way.")
    deferred_names_max: Count = Field(
        default=1_000,
        description="Names of one router whose lines wait at a shard; beyond it all of its lines there wait together.",
    )
    later_max_s: Count = Field(
        default=30, description="How long a line waits whose person is moving, before its call fails; in seconds."
    )
    places_of_person_max: Count = Field(default=200, description="Places of one person; one more she does not enter.")
    identities_max: Count = Field(default=100, description="Names of one person; one more stays somebody else.")
    identity_memory_ms: Duration = Field(
        default=400 * DAY_MS,
        description="How long a name stays hers under which nothing is heard of a person; then it is somebody new's.",
    )
    package_bytes_max: Count = Field(
        default=8 * MIB, description="Most bytes of a person who is merged into another; one who has more stays apart."
    )
    message_ids_for_ms: Duration = Field(default=DAY_MS, description="How long a message id is remembered.")
    message_ids_bytes_max: Annotated[int, Field(ge=MIB, le=COUNT_MAX)] = Field(
        default=256 * MIB,
        description="Memory of a shard for message ids: enough for those of a day at 2,000 events a second.",
    )
    message_ids_disk_max: Annotated[int, Field(ge=MIB, le=COUNT_MAX)] = Field(
        default=4 * 1024 * MIB,
        description="Disk of a shard for message ids: as many as those; beyond either the oldest are forgotten.",
    )
    traits_bytes_max: Count = Field(default=4_096, description="Room for one person's undeclared traits, in bytes.")
    all_traits_bytes_max: Count = Field(
        default=65_536, description="Room for all traits of one person, declared ones too, in bytes of JSON."
    )
    open_runs_max: Count = Field(
        default=1_000,
        description="Runs of one person that are open, or that ended with a delivery under way, over all journeys.",
    )
    run_deliveries_max: Count = Field(
        default=100,
        description="Deliveries that a run remembers, each of which costs an event 1 µs; a loop forgets the oldest.",
    )
    run_memory_ms: Duration = Field(
        default=400 * DAY_MS, description="How long an ended run is remembered for re-entry, reactions and goals."
    )
    ended_runs_max: Count = Field(
        default=200, description="Ended runs of one person remembered of each journey; the oldest are forgotten."
    )
    ended_runs_bytes_max: Count = Field(
        default=256 * 1024,
        description="Room for the ended runs of one person in each journey, in bytes; the oldest are forgotten.",
    )
    instant_steps_max: Count = Field(
        default=1_000, description="Steps that a run may take at one instant; beyond it the run is parked."
    )
    update_rounds_max: Count = Field(
        default=100, description="How often the updates of one instant may move a person in and out of audiences."
    )
    suppressed_addresses_max: Count = Field(
        default=100,
        description="Addresses of one person on one channel that are known to be dead; the oldest are forgotten.",
    )
    suppressed_bytes_max: Count = Field(
        default=16 * 1024,
        description="Room for all dead addresses of one person, in bytes; the oldest of a channel are forgotten.",
    )
    reached_for_ms: Duration = Field(
        default=400 * DAY_MS,
        description="How long it is remembered who was reached at an address, for reports that name an address only.",
    )
    address_people_max: Count = Field(
        default=100,
        description="People of one slot who are found by one address of their profiles; the oldest are not any more.",
    )
    reached_people_max: Count = Field(
        default=100, description="People of one slot remembered as reached at one address; the oldest are forgotten."
    )
    reached_addresses_max: Count = Field(
        default=100_000, description="Addresses remembered at which people of one slot were reached; the oldest go."
    )
    consents_bytes_max: Count = Field(
        default=16 * 1024,
        description="Room for what one person says of consent, in bytes; what no message asks for is forgotten.",
    )
    reservations_max: Count = Field(
        default=100,
        description="Marketing of one person kept for caps to come, in all; what caps count now is kept in any case.",
    )
    links_bytes_max: Count = Field(default=4_096, description="Room for links clicked of one delivery; the oldest go.")
    inbox_max: Count = Field(
        default=50, description="Cards and in-app messages in one person's inbox; the oldest that is not pinned goes."
    )
    inbox_bytes_max: Count = Field(
        default=64 * 1024, description="Room for all of them, in bytes of JSON; they are read with each of her inputs."
    )
    inbox_changes_max: Count = Field(
        default=10_000,
        description="Newest changes of inboxes that a shard has at hand, and whoever passes them on to apps as many.",
    )
    inbox_expires_ms: Duration = Field(default=30 * DAY_MS, description="How long one lies there without an `expires`.")
    soft_failures_max: Annotated[int, Field(ge=2, le=COUNT_MAX)] = Field(
        default=3,
        description="Failures at an address, without a word that it is dead, by which it counts as dead all the same.",
    )
    soft_failures_within_ms: Duration = Field(default=30 * DAY_MS, description="How long one counts, if none arrives.")
    soft_failures_over_ms: Annotated[int, Field(ge=0, le=DURATION_MAX_MS)] = Field(
        default=3 * DAY_MS,
        description="Shortest time from the first to the last of them: one bad day of a provider is no proof.",
    )
    series_entries_max: Count = Field(default=1_000, description="Entries kept of one history of one person.")
    kept_attempts_max: Count = Field(default=60, description="Attempts, a minute apart, to keep a funnel's audience.")
    score_sample: Count = Field(default=100, description="Facts tell what scores say of one person in so many.")
    propositions_max: Count = Field(default=50, description="Offers that somebody got last, and marks can be about.")
    propositions_for_ms: Duration = Field(default=90 * DAY_MS, description="How long each of them can be marked.")
    answered_requests_max: Count = Field(default=50, description="Requests of a person, answered the same if repeated.")
    cap_pending_ms: Duration = Field(default=HOUR_MS, description="How long an offer that was not seen yet is counted.")
    offer_counts_max: Count = Field(
        default=200, description="Offers counted for one person's caps at a time; another with caps she does not get."
    )
    decision_timeout_ms: Duration = Field(default=200, description="A decision asked for is answered within it.")
    strangers: Literal["remember", "forget"] = Field(
        default="remember", description="Whether who is unknown gets offers that have to be remembered; or none of it."
    )
    decision_tick_ms: Annotated[int, Field(ge=SECOND_MS, le=DURATION_MAX_MS)] = Field(
        default=MINUTE_MS, description="How often a ranking learns that says nothing of it (`every`)."
    )
    lessons_kept_max: Annotated[int, Field(ge=8, le=COUNT_MAX)] = Field(
        default=16, description="Lessons that a shard whose timers are late goes by; beyond it nobody learns meanwhile."
    )
    decision_trace_max: Count = Field(default=50, description="Offers of a strategy of which a decision's fact tells.")
    score_cases_min: Count = Field(default=200, description="Cases of each outcome to train a score; or it is refused.")
    campaign_steps_max: Count = Field(default=100, description="Steps of one campaign; one with more is refused.")
    campaign_seeds_max: Count = Field(
        default=20, description="Seeds of one campaign, which get a copy of each send; one with more is refused."
    )
    campaign_outputs_max: Count = Field(default=50, description="Outputs of one campaign's split; more are refused.")
    enrich_rows_max: Count = Field(
        default=100, description="Rows that a campaign takes of a table for one person; more are refused."
    )
    table_bad_cells_max: Annotated[float, Field(ge=0, le=1)] = Field(
        default=TABLE_BAD_CELLS_MAX,
        description="Share of a table column's filled cells that may not fit its type; beyond it the run is refused.",
    )
    join_rows_max: Count = Field(
        default=100_000,
        description="Rows of a table that a `join` links: each is compared with every person, so it is for small ones.",
    )
    campaign_memory_bytes: Annotated[int, Field(ge=64 * MIB, le=COUNT_MAX)] = Field(
        default=2_048 * MIB,
        description="Memory for making the sets of a campaign; what does not fit into it lies on disk meanwhile.",
    )
    sets: SetsSettings = Field(default=SetsSettings(), description="Which engine makes sets: `duckdb`, or `daft`.")
    campaign_lead_ms: Annotated[int, Field(ge=0, le=DURATION_MAX_MS)] = Field(
        default=10_000,
        description="How long after its sets are ready a step of a campaign begins, so that its people are there.",
    )
    campaign_ahead_ms: Duration = Field(
        default=60_000, description="How long before they are due people of a campaign's step are handed to shards."
    )
    campaign_in_flight_max: Count = Field(
        default=100_000,
        description="People of a campaign's step for whom a shard has something to do; others come as it is done.",
    )
    campaign_runs_max: Count = Field(
        default=10, description="Runs of all campaigns that are under way at a time; others wait for their turn."
    )
    campaign_sets_for_ms: Duration = Field(
        default=90 * DAY_MS, description="How long the sets of a campaign's run are kept once it is over."
    )
    macro_steps_max: Count = Field(
        default=MACRO_STEPS_MAX,
        description="Elements that all macros of an expression may go through; beyond it its value is missing.",
    )
    erase_within_ms: Duration = Field(
        default=DAY_MS,
        description="How long it may take until nothing of somebody erased lies in any file; then it is a trouble.",
    )
    kept_inputs_max: Count = Field(
        default=200, description="Inputs kept for one person's runs of a paused journey; beyond it none is made up for."
    )
    dead_letters_max: Count = Field(
        default=1_000,
        description="Inputs that cannot be applied and that a shard keeps for somebody to look at; the oldest go.",
    )
    attempts_max: Count = Field(
        default=5,
        description="Attempts in all at a delivery that was not sent, or left in doubt by crashes of the engine.",
    )
    retry_delays_ms: Annotated[tuple[Duration, ...], Field(min_length=1, max_length=RETRY_DELAYS_MAX)] = Field(
        default=(MINUTE_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 2 * HOUR_MS),
        description="Pauses before the second, third ... attempt; a provider that asks for longer gets longer.",
    )
    retry_after_max_ms: Duration = Field(
        default=DAY_MS,
        description="Longest pause before another attempt that a provider may ask for; then it is made anyway.",
    )
    ambiguous_resend_after_ms: Duration = Field(
        default=5 * MINUTE_MS, description="Pause before an ambiguous transactional delivery is sent again."
    )
    interruptions_told_for_ms: Duration = Field(
        default=HOUR_MS, description="How long it is a trouble that deliveries were under way when the engine stopped."
    )
    answer_bytes_max: Count = Field(
        default=16 * 1024,
        description="Longest answer to an outbound call that is read, in bytes; of a longer one nothing is.",
    )
    due_people_max: Count = Field(
        default=2_000,
        description="People looked at in one slice: whose timers fire, or who are in an audience that is read.",
    )
    totals_max: Count = Field(
        default=20_000,
        description="Steps that totals count apart, over all versions ever, and as many ways and outcomes of them.",
    )
    reasons_max: Count = Field(
        default=500, description="Different reasons counted apart, 100 of them of one channel: it may word each anew."
    )
    remarks_max: Count = Field(
        default=100,
        description="Different remarks of a channel counted apart for one step: a channel may word each anew.",
    )
    totals_facts_max: Count = Field(
        default=20_000, description="Facts after which a shard writes its totals again; a restart counts so many anew."
    )
    figures: FiguresSettings = Field(default=FiguresSettings(), description="What is counted and kept for who looks.")
    newest_facts_max: Count = Field(default=1_000, description="Newest facts that a shard has at hand, in a ring.")
    outbox_max: Count = Field(
        default=500_000, description="Deliveries of a channel that may wait in a shard, at about 1 KB of memory each."
    )
    outbox_full: Literal["keep", "refuse"] = Field(
        default="keep",
        description="What becomes of events then: `keep` takes them, and it is a trouble; `refuse`: Overloaded.",
    )
    claim_max: Count = Field(
        default=200, description="Deliveries claimed in one commit; a channel's capacity says how many are under way."
    )
    send_timeout_s: Seconds = Field(
        default=60.0, description="How long one call of a channel's send may take; then its deliveries are ambiguous."
    )
    channel_silence_ms: Duration = Field(
        default=5_000,
        description="How long deliveries may be under way without any answer before their channel is in trouble.",
    )
    channel_refusals_max: Count = Field(
        default=5, description="People in a row who meet the same refusal of the sender before the channel waits."
    )
    channel_pause_ms: Duration = Field(
        default=1_000, description="Pause of a channel by which nothing can leave before it is tried with one delivery."
    )
    channel_pause_max_ms: Duration = Field(
        default=5 * MINUTE_MS, description="The pause doubles up to this, for as long as nothing can leave."
    )
    actor_silence_ms: Annotated[int, Field(ge=SECOND_MS, le=DURATION_MAX_MS)] = Field(
        default=10_000,
        description="How long an actor on Ray may answer nothing before its process is ended; a busy one answers.",
    )
    actor_nodes: NodeLabel = Field(default="", description="Label of nodes of Ray that actors may be on; none: on any.")
    peer_messages_max: Count = Field(
        default=1_000,
        description="Messages to another shard that may be unanswered; beyond it nothing begins that needs one more.",
    )
    peer_batch_messages_max: Count = Field(
        default=200, description="Messages to another shard under way at a time: they are taken in one commit."
    )
    peer_batch_bytes_max: Count = Field(
        default=8 * MIB, description="Bytes of messages under way at a time, but for a single message."
    )
    peer_silence_ms: Duration = Field(
        default=5_000, description="How long a message to another shard may be unanswered; then it is a trouble."
    )
    hello_wait_s: Seconds = Field(default=1.0, description="How long a shard that opens waits for what others have.")
    journal_bytes_max: Count = Field(
        default=64 * MIB,
        description="Journal behind the oldest image from which images are renewed, for as many bytes as are written.",
    )
    export_records: Count = Field(
        default=2_000, description="Records of the journal in one range that is exported: a file of each table and day."
    )
    export_every_ms: Duration = Field(
        default=MINUTE_MS, description="How long facts lie in the journal alone where fewer records have come together."
    )
    export_lag_max_ms: Duration = Field(
        default=10 * MINUTE_MS,
        description="How long facts may wait for the exporter; then it is a trouble, and no events are archived.",
    )
    facts_held_for_ms: Duration = Field(
        default=7 * DAY_MS, description="How long facts wait in the journal for a destination, at most; by whole days."
    )
    compact_after_ms: Duration = Field(
        default=2 * DAY_MS,
        description="Age at which the files of a day become one of each table; by then late rows have become rare.",
    )
    compact_files: Count = Field(
        default=100,
        description="Files of ranges of one table and day beyond which they become one before that: each costs a "
        "question about a person 1 ms.",
    )
    compact_grace_ms: Duration = Field(
        default=HOUR_MS, description="How long files stay that count no more, for readers who have begun with them."
    )
    warehouse_memory_bytes: Annotated[int, Field(ge=64 * MIB, le=COUNT_MAX)] = Field(
        default=1_024 * MIB, description="Memory for a question about facts; what does not fit lies on disk meanwhile."
    )
    warehouse_threads: Count = Field(default=2, description="Threads that answer a question about facts.")
    sql_rows_max: Count = Field(default=100_000, description="Rows of an engine's answer in SQL; more are left out.")
    sql_bytes_max: Count = Field(default=64 * MIB, description="Bytes of texts in it; what follows is left out.")
    sql_timeout_s: Seconds = Field(default=60.0, description="How long it may take, or it fails.")
    analysis_timeout_s: Seconds = Field(default=60.0, description="The same of an engine's report or analysis.")
    analysis_bytes_max: Count = Field(default=16 * MIB, description="Most bytes of JSON in one; more are refused.")
    questions_max: Count = Field(default=2, description="Questions about facts that an engine answers at a time.")
    questions_waiting_max: Count = Field(default=50, description="Such questions that wait; beyond it they fail.")
    clock_jump_max_ms: Duration = Field(
        default=10 * SECOND_MS,
        description="How far the clock may jump ahead and be followed at once; further, once it has stood for as long.",
    )
    change_wait_s: Seconds = Field(
        default=10.0,
        description="How long a publication, or a change of a journey, waits for each shard; then it is refused.",
    )
    waiting_calls_max: Count = Field(
        default=1_000,
        description="Calls of ingest that wait for room in the router; beyond it they fail with Overloaded.",
    )
    loop_horizon_ms: Duration = Field(
        default=400 * DAY_MS,
        description="How long after the last event a simulation follows journeys that never settle.",
    )


def settings_of(given: object) -> Settings:
    """The settings that a caller has given, the defaults for None. Raises SettingInvalid for what are none."""
    if given is None:
        return Settings()
    if not isinstance(given, Settings):
        raise SettingInvalid(f"settings={shown_value(given)}: Settings are expected, such as Settings(claim_max=100)")
    return given
