"""The examples of the page on campaigns: one project, whose campaigns show a kind of step each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

FILES: Final[Mapping[str, str]] = {
    "parcours.yaml": "project: shop\ntimezone: Europe/Paris\n",
    "profile.yaml": (
        "traits: {email: string, phone: string, push_token: string, first_name: string, city: string, "
        "score: number, tier: string}\n"
    ),
    "events.yaml": """\
events:
  Product Viewed: {properties: {product: string}}
  Order Completed: {properties: {total: number}}
""",
    "audiences.yaml": """\
audiences:
  visitors: 'count("Product Viewed", "30d") > 0'
  best: {saved: true, label: Our best customers}
""",
    "tables.yaml": """\
tables:
  wishes:
    file: data/wishes.csv
    columns: {mail: string, product: string, price: decimal(2), added: timestamp}
    person: mail
    match: email
    fold: true
    many: true
    key: [product]
  orders:
    file: "data/orders-*.ndjson.gz"
    columns: {customer: string, total: decimal(2), status: string}
    person: customer
    match: userId
    many: true
  stores:
    file: data/stores.csv
    columns: {city: string, phone: string}
    join: row.city == profile.city
  regulars:
    sql: select customer, count(*) as n from orders group by 1
    columns: {customer: string, n: integer}
    person: customer
    match: userId
""",
    "messages/wishes.yaml": """\
message: wishes
email:
  subject: "{{ profile.first_name }}, {{ row.wishes.size }} wishes"
  text: "{{ row.wishes[0].product }}{% for wish in row.wishes %} {{ wish.price }}{% endfor %}"
""",
    "messages/news.yaml": """\
message: news
email: {subject: News, text: "Dear {{ profile.first_name }}"}
sms: {text: News}
push: {title: News, body: News}
""",
    "campaigns/wishes.yaml": """\
campaign: wishes
description: Write to visitors about what they wish for, and once more to those who do not look.
starts: 2026-11-01
ends: 2026-12-31
schedule: {at: 2026-11-02T09:00:00, rule: "FREQ=WEEKLY;BYDAY=MO"}
exit: [{event: Order Completed}]
goal: {event: Order Completed, within: 7d, target: 5%}
seeds: [{email: marion@example.com, as: sarah}]
steps:
  - {id: visitors, read: visitors}
  - {id: unique, dedupe: {by: [profile.email], order: [{by: profile.score, highest: true}]}}
  - {id: wished, enrich: {wishes: {table: wishes, take: 3, order: [{by: row.added, latest: true}], required: true}}}
  - {id: mail, send: wishes, rate: 500/s}
  - {id: opened, reacted: {of: mail, reaction: opened, within: 3d}}
  - {id: again, from: opened.rest, send: news, channels: [sms]}
  - {id: thanks, from: opened, update: {tier: '"reader"'}}
""",
}
"""The documents by their paths; tables.yaml and the first campaign stand on the page whole."""

DATA: Final[Mapping[str, str]] = {
    "data/wishes.csv": "mail,product,price,added\nsarah@example.com,Mat,19.90,2026-10-01T10:00:00Z\n",
    "data/stores.csv": "city,phone\nParis,+33100000000\n",
}

ORDERS: Final = ("data/orders-1.ndjson.gz", '{"customer":"sarah","total":"80.00","status":"paid"}\n')
"""A file that is packed, and what is in it."""

TESTS: Final = (
    "tests/wishes.yaml",
    """\
- test: who wishes for something is written to each Monday, and once more if she does not look
  people: {sarah: {email: sarah@example.com, phone: "+33612345678"}, joe: {email: joe@example.com}}
  start: 2026-11-02T07:00:00Z
  given:
    - {who: sarah, event: Product Viewed, properties: {product: Mat}}
    - {who: joe, event: Product Viewed, properties: {product: Mat}}
    - {who: sarah, consent: {channel: email}}
    - {who: sarah, consent: {channel: sms}}
    - {at: +8d, who: sarah, reaction: opened, of: wishes.mail}
    - {at: +11d, campaign: wishes}
  until: +12d
  expect:
    - {campaign: wishes, sets: {visitors: 2, wished: 1, wished.rest: 1, mail: 1, opened.rest: 1, again: 1}}
    - {who: sarah, journey: wishes, step: mail, channel: email, at: +1h, contains: {text: Mat}}
    - {who: sarah, journey: wishes, step: again, channel: sms, at: +3d1h, times: 1}
    - {campaign: wishes, run: 2, sets: {opened: 1, opened.rest: 0, thanks: 1}}
    - {campaign: wishes, run: 3, sets: {visitors: 2, mail: 1}}
    - {who: joe, journey: wishes, times: 0}
""",
)

STEPS: Final[Mapping[str, str]] = {
    "read": """\
steps:
  - {id: visitors, read: visitors}
  - {id: parisians, read: {where: 'profile.city == "Paris" && consent("email", "marketing")'}}
  - {id: payers, read: {table: orders, where: 'row.status == "paid" && row.total > 50', unknown: create}, new: true}
""",
    "filter": """\
steps:
  - {id: visitors, read: visitors}
  - {id: parisians, filter: profile.city == "Paris"}
  - {id: others, from: parisians.rest, send: news, channels: [email]}
""",
    "dedupe": """\
steps:
  - {id: orders, read: {table: orders}}
  - id: customers
    dedupe: {by: [person], order: [{by: row.total, highest: true}]}
  - id: addresses
    dedupe:
      by: [profile.email]
      order: [{filled: profile.phone}, {prefer: [gold, silver], of: profile.tier}, {random: true}]
""",
    "split": """\
steps:
  - {id: visitors, read: visitors}
  - id: value
    split:
      - {name: gold, when: profile.tier == "gold"}
      - {name: top, order: [{by: profile.score, highest: true}], limit: 10%}
      - {name: others, otherwise: true}
  - id: halves
    from: value.others
    split: {even: [sms, push]}
  - id: trial
    from: value.top
    split: {parts: {a: 45%, b: 45%, control: 10%}}
    experiment: {goal: {event: Order Completed, within: 14d, value: event.total}, control: control, planned: 5000}
""",
    "union": """\
steps:
  - {id: visitors, read: visitors}
  - {id: parisians, read: {where: profile.city == "Paris"}}
  - {id: either, union: [visitors, parisians]}
""",
    "intersect": """\
steps:
  - {id: visitors, read: visitors}
  - {id: parisians, read: {where: profile.city == "Paris"}}
  - {id: both, intersect: [visitors, parisians], by: [profile.email]}
""",
    "exclude": """\
steps:
  - {id: parisians, read: {where: profile.city == "Paris"}}
  - {id: visitors, read: visitors}
  - {id: quiet, exclude: {from: parisians, minus: [visitors]}}
""",
    "enrich": """\
steps:
  - {id: visitors, read: visitors}
  - id: known
    enrich:
      wishes: {table: wishes, take: 3, order: [{by: row.added, latest: true}], columns: [product, price]}
      store: {table: stores, take: first}
      spent: {table: orders, where: row.status == "paid", sum: row.total}
      orders: {table: regulars, max: row.n}
  - {id: spenders, filter: 'row.spent > 100 && row.wishes.size() > 0 && has(row.store.phone)'}
""",
    "save": """\
steps:
  - {id: gold, read: {where: profile.tier == "gold"}}
  - {id: saved, save: best, mode: append, key: profile.email}
""",
    "update": """\
steps:
  - {id: visitors, read: visitors}
  - {id: spent, enrich: {spent: {table: orders, sum: row.total}}}
  - {id: tiers, update: {tier: 'row.spent > 1000 ? "gold" : "silver"'}}
""",
    "export": """\
steps:
  - {id: visitors, read: visitors}
  - {id: spent, enrich: {spent: {table: orders, sum: row.total}}}
  - {id: list, export: {file: "visitors-{run}.csv", columns: [person, profile.email, spent]}}
""",
    "wait": """\
steps:
  - {id: visitors, read: visitors}
  - {id: pause, wait: {time: "09:00", days: [mon, tue, wed, thu, fri]}}
  - {id: note, send: news, channels: [push]}
""",
    "test": """\
steps:
  - {id: visitors, read: visitors}
  - id: size
    test:
      - {name: many, when: size() > 10000}
      - {otherwise: few}
  - {id: gently, from: size.many, send: news, channels: [email], rate: 100/s}
  - {id: quickly, from: size.few, send: news, channels: [email]}
""",
    "reacted": """\
steps:
  - {id: visitors, read: visitors}
  - {id: mail, send: news, channels: [email]}
  - {id: clicked, reacted: {of: mail, reaction: clicked, within: 3d}}
  - {id: never, from: clicked.rest, reacted: {of: {campaign: wishes, step: mail}, reaction: opened, since: 30d}}
""",
    "send": """\
steps:
  - {id: visitors, read: visitors}
  - id: mail
    send: news
    channels: {first: [push, email]}
    waves: {parts: 4, every: 1h}
    window: {from: "09:00", to: "18:00", days: [mon, tue, wed, thu, fri]}
  - {id: pause, wait: 2d}
  - {id: text, send: news, channels: [sms], window: {time: "12:00"}}
""",
}
"""The steps of a campaign for each kind of step."""


def files() -> dict[str, str]:
    """The whole project, by the paths of its files, but for what is packed."""
    shown = {f"campaigns/of-{kind}.yaml": f"campaign: of-{kind}\n{text}" for kind, text in STEPS.items()}
    return {**FILES, **shown, **DATA, **dict([TESTS])}
