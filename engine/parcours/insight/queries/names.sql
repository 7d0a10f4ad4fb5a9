-- Whose are today the rows that were told under a name, after an instant and up to another?
--
-- A merge gives the person what was told under the name until then; what is told later is of somebody else, who has
-- the name since. Whoever was merged herself later on takes it along. `counts` says of a merge whether the history
-- before it is hers; where it is not, the span ends all the same.
with recursive spans as (
    select
        name,
        coalesce(lag(time) over told, '-infinity'::timestamptz) as since,
        time as until,
        person,
        (select follow from hidden.viewed) = 'all'
            or not list_contains(json_extract_string(value, '$[1][*][4]'), 'unused') as counts
    from hidden.changes
    where what = 'merged'
    window told as (partition by name order by time, record, shard, n)
),
chain (name, since, until, person, merged, depth) as (
    select name, since, until, person, until, 1 from spans where counts
    union all
    select chain.name, chain.since, chain.until, spans.person, spans.until, depth + 1
    from chain
    join spans on spans.name = chain.person and chain.merged > spans.since and chain.merged <= spans.until
    where spans.counts and depth < 1000
)
select name, since, until, arg_max(person, depth) as person
from chain
group by name, since, until
