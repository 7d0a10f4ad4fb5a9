-- What has touched somebody: each outcome and mark of a delivery, and each mark of an offer that she got. What a machine
-- opened or clicked touched nobody, nor did what was given back.
select
    time, person, 'delivery' as kind, outcome as what, channel, message, journey, version, run, step, "class", purpose,
    link, key, null::varchar as offer, null::varchar as decision, null::varchar as placement, shard, record, n,
    person_then
from main.deliveries
where machine is distinct from true
union all
select
    time, person, 'offer', mark, null, null, null, null, null, null, null, null, null, proposition, offer, decision,
    placement, shard, record, n, person_then
from main.propositions
where mark <> 'given_back'
