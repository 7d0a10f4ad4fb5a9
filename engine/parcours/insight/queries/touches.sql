-- What has touched somebody: each outcome and mark of a delivery. What a machine opened or clicked touched nobody.
select
    time, person, 'delivery' as kind, outcome as what, channel, message, journey, version, run, step, "class", purpose,
    link, key, shard, record, n, person_then
from main.deliveries
where machine is distinct from true
