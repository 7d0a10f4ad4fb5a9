-- The offers that people got, a row each, and what became of it: one that was decided, and not given back, is shown, pending
-- or never shown, and `states` says in how many of these it is. `decided` and `states` are the same, or a row is missing.
--
-- What was given back may be decided again under the same key, for another offer too. A mark or a gift given back says that it
-- was decided; `told` says whether that is told. Pending is what can still be marked, and was not dismissed. `begun` is
-- when it was decided first. Of what was decided at one instant the first that was given is pushed out first.
with each_told as (
    select
        time, person, given.offer as offer, placement, given.proposition as proposition, 'decided' as what, shard,
        record, n, rank
    from (select *, unnest(offers) as given, generate_subscripts(offers, 1) as rank from main.decisions)
    union all
    select time, person, offer, placement, proposition, mark, shard, record, n, 0 from main.propositions
),
told as (
    select
        proposition, offer, placement, min(time) as begun,
        arg_max(person, row(time, record, shard, n)) as person,
        max(time) filter (what = 'decided') as newest,
        max(row(time, record, shard, n, rank)) filter (what = 'decided') as given,
        count(*) filter (what = 'decided') > 0 as told,
        count(*) filter (what = 'given_back') as given_back,
        coalesce(
            arg_max(what, row(time, record, shard, n)) filter (what in ('decided', 'given_back')) = 'decided', false
        ) as decided,
        bool_or(what = 'shown') as shown, bool_or(what = 'clicked') as clicked,
        bool_or(what = 'dismissed') as dismissed, bool_or(what = 'converted') as converted
    from each_told
    group by all
),
numbered as (
    select *, row_number() over (partition by person, decided order by given desc nulls last) as place from told
),
settled as (
    select
        numbered.*, not shown and (decided or not told) as unseen,
        coalesce(decided and not dismissed and newest > kept.since and place <= kept.most, false) as may_be_shown
    from numbered cross join hidden.propositions_kept kept
)
select
    proposition, person, offer, placement, begun, told, decided::integer as decided, shown,
    unseen and may_be_shown as pending, unseen and not may_be_shown as never_shown, clicked, dismissed, converted,
    given_back, shown::integer + unseen::integer as states
from settled
