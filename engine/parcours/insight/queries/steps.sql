-- The stays of runs at steps, a row each: when it was reached, and how it was left. Whatever a run tells of another step
-- than before begins a stay, so a stay of which the beginning is missing has no `reached`.
with marked as (
    select
        *,
        min(time) filter (what = 'entered') over of_run as entered,
        last_value(version) over of_run as run_version
    from hidden.run_moves
    window of_run as (
        partition by kind, journey, name, until, run order by place
        rows between unbounded preceding and unbounded following
    )
),
beginning as (
    select
        *, what = 'reached' or lag(step) over in_order is distinct from step as begins
    from marked
    where step is not null
    window in_order as (partition by kind, journey, name, until, run order by place)
),
numbered as (
    select
        *,
        sum(begins::integer) over (
            partition by kind, journey, name, until, run order by place rows unbounded preceding
        ) as stay
    from beginning
),
stays as (
    select
        kind, journey, name, until, run, stay,
        any_value(run_version) as version, any_value(entered) as entered, any_value(step) as step,
        min(time) as begun,
        min(time) filter (what = 'reached') as reached,
        max(time) filter (what in ('ended', 'exited')) as ended,
        arg_max(what, place) filter (what in ('ended', 'exited', 'parked')) as last_what,
        arg_max(why, place) filter (what in ('ended', 'exited', 'parked')) as why,
        max(known) as known
    from numbered
    group by kind, journey, name, until, run, stay
),
followed as (
    select
        *, lead(begun) over in_order as went_on, lead(step) over in_order as next_step,
        max(known) over (partition by kind, journey, name, until, run) as run_known
    from stays
    window in_order as (partition by kind, journey, name, until, run order by stay)
)
select
    coalesce(today.person, followed.name) as person,
    kind, journey, version, run, step, stay::integer as stay, entered, reached, went_on, next_step, ended,
    case
        when went_on is not null then 'gone_on'
        when ended is not null then last_what
        when last_what = 'parked' then 'parked'
        else 'waiting'
    end as state,
    case when went_on is null then why end as why,
    followed.name as person_then
from followed
left join hidden.names as today
    on today.name = followed.name and run_known > today.since and run_known <= today.until
