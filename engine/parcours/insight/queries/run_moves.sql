-- The moves of runs, each under the number that its run has at last: a merge gives the person's next number to a run of
-- somebody who was merged into her, and the run goes on.
--
-- Under one name there were several people if it came back after a merge, each with runs from 1 on. So a run is known
-- by name, journey and number, and by `until`: the instant of the merge by which the name ended. `place` is the order
-- of happening, `known` from when on the run is the person's.
with recursive merges as (
    select
        name, coalesce(lag(time) over told, '-infinity'::timestamptz) as since, time as until, person,
        from_json(json_extract(value, '$[1]'), '[["VARCHAR"]]') as runs
    from hidden.changes
    where what = 'merged'
    window told as (partition by name order by time, record, shard, n)
),
went_on as (
    select
        each.name, each.until, each.run[1] as journey, each.run[3]::integer as run, each.person as to_name,
        coalesce(merges.until, 'infinity'::timestamptz) as to_until, each.run[4]::integer as to_run, each.until as merged
    from (select name, until, person, unnest(runs) as run from merges) each
    left join merges on merges.name = each.person and each.until > merges.since and each.until <= merges.until
    where each.run[4] is not null
),
chain (name, until, journey, run, to_name, to_until, to_run, merged, depth) as (
    select *, 1 from went_on
    union all
    select
        chain.name, chain.until, chain.journey, chain.run, next.to_name, next.to_until, next.to_run, next.merged,
        depth + 1
    from chain
    join went_on as next
        on next.name = chain.to_name and next.until = chain.to_until and next.journey = chain.journey
        and next.run = chain.to_run
    where depth < 1000
),
last_of as (
    select
        name, until, journey, run, max(depth) as merges, arg_max(to_name, depth) as to_name,
        arg_max(to_until, depth) as to_until, arg_max(to_run, depth) as to_run, max(merged) as merged
    from chain
    group by name, until, journey, run
),
told as (
    select
        moves.* exclude (person, run),
        moves.person as name, coalesce(merges.until, 'infinity'::timestamptz) as until, moves.run
    from hidden.moves as moves
    left join merges on merges.name = moves.person and moves.time > merges.since and moves.time <= merges.until
    where moves.run is not null
)
select
    told.* exclude (name, until, run),
    coalesce(last_of.to_name, told.name) as name, coalesce(last_of.to_until, told.until) as until,
    coalesce(last_of.to_run, told.run) as run, greatest(told.time, last_of.merged) as known,
    row(told.time, told.record, told.shard, told.n) as place
from told
left join last_of
    on last_of.name = told.name and last_of.until = told.until and last_of.journey = told.journey
    and last_of.run = told.run
