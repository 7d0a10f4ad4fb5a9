-- The runs, a row each, under the number that each has at last.
--
-- A run that ended when its person was merged has a number of the other person's since, which is told of open runs only.
-- What it hears of goals later is told under that number: then nothing else is, and there is no `state`.
with runs as (
    select
        kind, journey, name, until, run,
        arg_max(version, place) as version,
        min(time) filter (what = 'entered') as entered,
        arg_min(why, place) filter (what = 'entered') as entered_by,
        max(time) filter (what in ('ended', 'exited')) as ended,
        arg_max(what, place) as newest,
        arg_max(what, place) filter (what in ('ended', 'exited')) as last_what,
        arg_max(why, place) filter (what in ('ended', 'exited', 'parked')) as why,
        arg_max(step, place) filter (what = 'reached') as step,
        min(time) filter (what = 'goal') as goal,
        max(known) as known
    from hidden.run_moves
    group by kind, journey, name, until, run
)
select
    coalesce(today.person, runs.name) as person,
    kind, journey, version, run, entered, entered_by,
    case
        when last_what is not null then last_what
        when newest = 'parked' then 'parked'
        when entered is not null or step is not null then 'open'
    end as state,
    ended,
    case when last_what is not null or newest = 'parked' then why end as why,
    step, goal, runs.name as person_then
from runs
left join hidden.names as today
    on today.name = runs.name and runs.known > today.since and runs.known <= today.until
