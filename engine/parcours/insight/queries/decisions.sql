-- The decisions, a row each: the offers that somebody got at a placement, the best first, and what was looked at.
--
-- `score` is null where it is missing, and for the fallback.
select
    time, person, name as decision, json_extract_string(value, '$[0]') as placement,
    json_extract_string(value, '$[1]') as origin,
    list_transform(
        from_json(json_extract(value, '$[2]'), '["JSON"]'),
        lambda each, place: {
            'offer': json_extract_string(each, '$[0]'),
            'rank': place::smallint,
            'score': try_cast(json_extract_string(each, '$[2]') as double),
            'proposition': json_extract_string(each, '$[1]')
        }
    ) as offers,
    json_extract(value, '$[3]') = 'true' as fallback, json_extract(value, '$[4]') as trace, shard, record, n,
    person_then
from main.changes
where what = 'decided'
