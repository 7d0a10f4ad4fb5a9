-- The events of each person, with the number of her visit: a new one begins after a pause.
select time, person, visit, event, declared, message_id, anonymous_id, sent_at, properties, shard, record, n, person_then
from (
    select *, sum(begins::integer) over in_order as visit
    from (
        select
            *,
            coalesce(epoch_ms(time) - epoch_ms(lag(time) over in_order) > (select visit_pause_ms from hidden.viewed), true) as begins
        from main.events
        window in_order as (partition by person order by time, record, shard, n)
    )
    window in_order as (partition by person order by time, record, shard, n rows unbounded preceding)
)
