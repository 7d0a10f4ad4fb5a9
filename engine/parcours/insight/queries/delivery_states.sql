-- The deliveries, a row each, and in which states each is at the newest. It has to be in one: `states` says in how many.
--
-- What left may fail later, when its provider says so. A mark, such as opened, has only what was sent; with one that
-- was not, a row is missing. `begun` is when it was decided, `decided` whether that is told.
with told as (
    select
        key,
        any_value(kind) as kind, any_value(journey) as journey, any_value(version) as version, any_value(step) as step,
        any_value(channel) as channel, any_value(message) as message, min(time) as begun,
        arg_max(person, row(time, record, shard, n)) as person,
        bool_or(outcome in ('held', 'queued', 'claimed', 'retried')) as under_way,
        bool_or(outcome = 'unknown') as unknown,
        bool_or(outcome = 'sent') as sent,
        bool_or(outcome = 'refused') as refused,
        bool_or(outcome = 'cancelled') as cancelled,
        bool_or(outcome = 'failed') as failed,
        bool_or(
            outcome in (
                'delivered', 'bounced', 'opened', 'clicked', 'dismissed', 'withdrawn', 'replied', 'complained',
                'unsubscribed', 'answered'
            )
        ) as marked
    from main.deliveries
    group by key
),
settled as (
    select
        * exclude (under_way, unknown, sent, marked),
        under_way or refused as decided,
        under_way and not (unknown or sent or refused or cancelled or failed or marked) as open,
        unknown and not (sent or refused or cancelled or failed or marked) as unknown,
        sent and not failed as sent
    from told
)
select *, open::integer + unknown::integer + sent::integer + refused::integer + cancelled::integer + failed::integer as states
from settled
