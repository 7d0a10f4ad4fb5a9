-- What became of offers that somebody got: a mark, or that it was given back.
select
    time, person, json_extract_string(value, '$[0]') as proposition, name as offer,
    json_extract_string(value, '$[1]') as decision, json_extract_string(value, '$[2]') as placement,
    json_extract_string(value, '$[3]') as mark, shard, record, n, person_then
from main.changes
where what = 'proposition'
