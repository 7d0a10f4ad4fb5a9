"""The examples of the language reference: one project in which each document, step and policy occurs, and expressions.

Every journey begins with the event `Checkout Started`, unless it is about another entry.
"""

from __future__ import annotations

from typing import Final

ENTRY: Final = "entry: {event: Checkout Started}\n"

DOCUMENTS: Final = {
    "project": (
        "parcours.yaml",
        """\
project: shop
timezone: Europe/Paris
channels:
  email: {host: smtp.example.com, sender: "Shop <shop@example.com>", password: "env:SMTP_PASSWORD", username: shop}
  call: {allowed_networks: [10.1.0.0/16]}
policies:
  consent: {default: opt_in, channels: {email: opt_out}}
  caps:
    - {channels: [email, sms], max: 20, per: 1d}
    - {purpose: cart, max: 50, per: 30d}
  quiet_hours:
    - {from: "22:00", until: "08:00"}
    - {channels: [sms], days: [sun], from: "00:00", until: "24:00", then: drop}
holdouts: {program: {percent: 5, salt: "2026"}}
""",
    ),
    "profile": (
        "profile.yaml",
        """\
traits:
  email: string
  phone: {type: string, pii: true}
  birthday: date
  timezone: string
  city: string
  channel: string
  tier: string
  renewal: timestamp
  address.country: string
addresses: {sms: profile.phone}
timezone: profile.timezone
identities: {loyalty: {caseless: true}, anonymous: {link: never}}
""",
    ),
    "events": (
        "events.yaml",
        """\
events:
  Checkout Started:
    properties: {cart_id: string, cart.total: number, '"utm.source"': string}
  Order Completed:
    description: She has paid.
    properties: {cart_id: string, total: number}
  Large Order:
    of: Order Completed
    rule: event.total >= 500
  Store Visit:
    properties: {card: {type: string, pii: true}}
    key: {namespace: loyalty, value: event.card}
  Location Updated:
    properties: {lat: number, lon: number, accuracy: number}
    location: {lat: event.lat, lon: event.lon, accuracy: event.accuracy}
  Region Crossed:
    properties: {region: string, way: string}
    crossing: {place: event.region, way: event.way}
""",
    ),
    "places": (
        "places.yaml",
        """\
defaults: {leave_after: 5m, margin: 80m}
places:
  studio: {circle: [33.7490, -84.3880, 120m], tags: [yoga], attributes: {city: Atlanta}, enter_after: 1m}
  mall: {polygon: [[33.84, -84.36], [33.85, -84.36], [33.85, -84.35]]}
""",
    ),
    "audiences": (
        "audiences.yaml",
        """\
audiences:
  buyers: count("Order Completed", "365d") > 0
  parisians: profile.city == "Paris" && profile.tier != "none"
  regulars: count("Place Entered", "90d", "'yoga' in event.tags") > 5
  almost: {saved: true}
""",
    ),
    "scores": (
        "scores.yaml",
        """\
scores:
  reorder:
    predicts: {event: Order Completed, when: event.total > 20, within: 14d}
    among: count("Checkout Started", "90d") > 0
    features:
      orders: count("Order Completed", "90d")
      spent: {value: 'sum("Order Completed", "total", "365d")', missing: 0}
      city: {value: profile.city, one_of: [Paris, Lyon]}
    model: {file: models/reorder.json, kind: logistic}
    bands: [0.2, 0.6]
""",
    ),
    "sources": (
        "sources.yaml",
        """\
sources:
  folder: {files: "in/*.ndjson"}
  orders:
    files: "orders/*.csv"
    map:
      event: '"Order Completed"'
      userId: value.customer
      timestamp: value.at
      properties: '{"cart_id": value.cart, "total": double(value.total)}'
""",
    ),
    "destinations": (
        "destinations.yaml",
        """\
destinations:
  vip-ads:
    audience: buyers
    to: {webhook: {url: "https://ads.example.com/in", headers: {Authorization: "env:ADS_LOGIN"}}}
    key: profile.email
    fields: {mail: {value: profile.email, hash: true}, city: profile.city}
    consent: {channel: email, purpose: ads}
    batch: 500
  parisians: {audience: parisians, to: {file: out/parisians.ndjson}}
  lake: {facts: [moves, deliveries], to: {kafka: {servers: "env:KAFKA", topic: facts}}}
  buyers-topic: {audience: buyers, to: {kafka: {servers: "127.0.0.1:9092", topic: buyers}}}
  buyers-stream: {audience: buyers, to: {nats: {url: "nats://127.0.0.1:4222", subject: audiences.buyers}}}
""",
    ),
    "offers": (
        "offers.yaml",
        """\
placements:
  email-hero: {channel: email, format: html}
  push-line: {channel: push, format: text}
  home-banner: {channel: web, format: json}
  picture: {channel: web, format: image}
offers:
  free-tasting:
    title: A free tasting
    tags: [wine, tasting]
    attributes: {margin: 4.5, store: Paris}
    eligible: profile.city == offer.store && count("Order Completed", "90d") > 0
    starts: 2026-03-01
    ends: 2026-12-31
    priority: 40
    goal: {event: Order Completed, within: 14d}
    caps:
      - {max: 3, per: 30d, of: shown}
      - {max: 10, of: Order Completed}
    content:
      email-hero: {html: "<b>{{ offer.title }}</b> in {{ profile.city }}", url: "https://shop.example.com/tasting"}
      push-line: {text: "Your free tasting in {{ offer.attributes.store }}"}
      home-banner: {json: {title: "{{ offer.title }}", page: "{{ context.page }}"}}
      picture: {image: "https://shop.example.com/tasting.png", alt: Three glasses}
  news: {title: News, content: {email-hero: {html: News}, push-line: {text: News}}}
collections:
  wines: {tags: {any: [wine]}}
  few: {offers: [free-tasting, news]}
rankings:
  margin: {formula: 'offer.margin * score("reorder")'}
  learned: {bandit: clicked, of: shown, every: 1h, prior: [1, 19]}
decisions:
  next-best:
    choose:
      - {collection: wines, when: 'score("reorder") > 0.3 || context.page == "wines"', ranking: margin}
      - {collection: few, ranking: learned}
      - {collection: all}
    count: 2
    distinct: true
    fallback: news
    context: {page: string}
""",
    ),
    "insight": (
        "insight/carts.yaml",
        """\
metrics:
  revenue: {sum: event.total, of: Order Completed, segment: parisians}
  buyers: {people: Order Completed, where: event.total > 0}
  orders: {count: Order Completed}
  clicks: {count: deliveries.clicked}
  per-click: {formula: revenue / clicks}
segments:
  parisians: profile.city == "Paris"
  full-carts: {event: Checkout Started, where: event.cart.total > 50}
funnels:
  to-order:
    steps: [Checkout Started, {event: Order Completed, when: event.total > 20}]
    within: 7d
    order: strict
    by: person
    exclude: [Large Order]
    step_within: {2: 2d}
    value: event.total
    split: profile.city
  by-way: {steps: [Checkout Started, Order Completed], split: {experiment: split.half}}
  buyers: {steps: [Checkout Started, Order Completed], split: {audience: buyers}}
  compared: {steps: [Checkout Started, Order Completed], split: {segments: [parisians, full-carts]}}
flows:
  before-order: {anchor: Order Completed, before: 3, after: 0, by: visit, key: event.cart_id, most: 8, collapse: true}
attributions:
  orders:
    conversion: Order Completed
    value: event.total
    touches: {deliveries: clicked}
    key: message
    lookback: 30d
    models: [first, last, u, {custom: [30, 40, 30]}, {decay: 3d}, {markov: 2}]
  visits: {conversion: Order Completed, touches: {events: [Checkout Started, Store Visit]}, models: [same, shapley]}
cohorts:
  weekly: {starts: Order Completed, returns: Order Completed, unit: week, periods: 8, segment: full-carts}
audiences:
  almost: {funnel: to-order, who: "lost:1", schedule: {at: 2026-11-02T06:00:00, rule: FREQ=DAILY}}
""",
    ),
    "actions": (
        "actions.yaml",
        """\
actions:
  customer:
    url: https://crm.example.com/customers
    method: PUT
    headers: {Authorization: "env:CRM_TOKEN", X-Shop: shop}
    query: {email: profile.email, most: 1}
    body: {total: entry.cart.total}
    timeout: 5s
    answer: {orders: integer}
""",
    ),
    "message": (
        "messages/reminder.yaml",
        """\
message: reminder
class: marketing
purpose: cart
expires: 2d
offers: {hero: {decision: next-best, placement: {email: email-hero}}}
email:
  subject: "{{ profile.city | default: 'Hello' }}, your cart waits"
  text: It holds {{ entry.cart.total }} euros worth.
  html: "<p>It waits.</p>{{ offers.hero.content }}"
sms: {text: Your cart waits.}
""",
    ),
    "journey": (
        "journeys/cart.yaml",
        """\
journey: cart
description: Reminds people of a cart.
tags: [cart]
entry: {event: Checkout Started, when: event.cart.total > 50}
correlation: event.cart_id
reentry: {after: 1d}
exit: [{event: Order Completed}]
goal: {event: Order Completed, within: 7d, target: 30%}
timezone: profile
starts: 2026-01-01
ends: 2026-12-31
priority: 70
steps:
  - {id: pause, wait: 1h}
  - {id: remind, send: reminder}
""",
    ),
}
"""For each kind of document a file, and what it holds."""

INBOX: Final = (
    "messages/look.yaml",
    """\
message: look
expires: 14d
withdraw: [Order Completed]
card:
  title: Your cart waits
  body: It holds {{ entry.cart.total }} euros worth.
  image: https://shop.example.com/cart.png
  url: https://shop.example.com/cart
  pinned: true
  data: {screen: cart}
inapp:
  body: Your cart waits.
  buttons: [{label: Look, url: "shop://cart"}, {label: Later}]
  show: {on: App Opened, times: until_click}
""",
)
"""A message for an inbox, in its file."""

ENTRIES: Final = {
    "EventEntryDocument": (
        "by-event",
        "entry: [{event: Checkout Started, when: event.cart.total > 50}, {event: Store Visit}]\n",
    ),
    "AudienceEntryDocument": ("by-audience", "entry: {audience: buyers, change: entered}\n"),
    "ReadEntryDocument": (
        "by-read",
        "entry: {read: parisians, at: 2026-03-02T09:00:00Z, rule: FREQ=WEEKLY;BYDAY=MO, rate: 500/s}\n",
    ),
}
"""For each form of entry a journey's name, and the entry."""

STEPS: Final = {
    "SendStep": (
        "send",
        """\
  - {id: once, send: reminder, channels: {first: [sms, email], prefer: profile.channel}}
  - {id: remind, send: reminder, channels: [email, sms], to: {sms: profile.phone}, on_refused: done}
""",
    ),
    "WaitStep": (
        "wait",
        """\
  - {id: a-while, wait: 1d12h}
  - {id: before-it-ends, wait: {until: profile.renewal, offset: -3d}}
  - {id: birthday, wait: {until: profile.birthday, offset: -1d, time: "09:00", yearly: true}}
  - {id: in-the-morning, wait: {time: "09:00", days: [mon, tue, wed, thu, fri]}}
""",
    ),
    "WaitForStep": (
        "wait-for",
        """\
  - {id: remind, send: reminder, channels: [email]}
  - id: something
    wait_for:
      - {event: Order Completed, when: event.cart_id == entry.cart_id, next: done}
      - {reaction: clicked, of: remind, link: "https://shop.example.com/cart", next: done}
      - {audience: buyers, change: entered}
      - {audience: parisians, change: outside, next: done}
    timeout: 2d
    on_timeout: done
""",
    ),
    "BranchStep": (
        "branch",
        """\
  - id: which
    branch:
      - {when: profile.city == "Paris", next: remind}
      - {when: 'entry["utm.source"] == "mail"', next: remind}
      - {otherwise: done}
  - {id: remind, send: reminder}
""",
    ),
    "SplitStep": (
        "split",
        """\
  - id: half
    split: [{name: reminded, percent: 50, next: remind}, {name: control, percent: 50%, next: done}]
    experiment: {goal: {event: Order Completed, within: 14d, value: event.total}, control: control, planned: 5000}
  - {id: remind, send: reminder}
""",
    ),
    "UpdateStep": (
        "update",
        "  - {id: remember, update: {tier: '\"gold\"', city: profile.address.country, channel: 'null'}}\n",
    ),
    "CallStep": (
        "call",
        """\
  - {id: ask, call: customer}
  - id: answer
    wait_for:
      - {reaction: answered, of: ask, next: known}
      - {reaction: failed, of: ask, next: done}
  - {id: known, branch: [{when: event.orders > 3, next: done}]}
""",
    ),
    "DecideStep": (
        "decide",
        """\
  - {id: pick, decide: next-best, placement: home-banner, as: best}
  - {id: good, branch: [{when: 'offers.best.name == "free-tasting" && !offers.best.fallback', next: done}]}
""",
    ),
    "EndStep": ("end", ""),
}
"""For each kind of step a journey's name, and its steps; they all end with `done`."""

TESTS: Final = (
    "tests/cart.yaml",
    """\
- test: a full cart is remembered once, and nobody is woken
  people: {sarah: {email: sarah@example.com, city: Paris}}
  start: 2026-03-02T09:00:00Z
  given:
    - {at: +0s, who: sarah, identify: {phone: "+33612345678"}}
    - {at: +0s, who: sarah, event: Checkout Started, properties: {cart_id: c1, cart: {total: 80}}}
    - {at: +0s, who: sarah, consent: {channel: sms, purpose: cart, granted: false}}
    - {at: +2h, who: sarah, reaction: opened, of: cart.remind, channel: email}
  until: +1d
  expect:
    - {who: sarah, journey: cart, step: remind, channel: email, at: +1h, contains: {text: 80 euros}}
    - {who: sarah, journey: cart, step: remind, channel: sms, outcome: refused, gate: consent}
    - {who: sarah, journey: cart, what: ended, at: +1h}
    - {never: {between: ["22:00", "08:00"]}}
- test: a visitor's cart is not followed up once she turns out to be Sarah, who has a card as well
  people: {sarah: {email: sarah@example.com}, "@anonymous/7f3a": null, "@loyalty/ab7": null}
  start: 2026-03-02T09:00:00Z
  given:
    - {at: +0s, who: "@anonymous/7f3a", event: Checkout Started, properties: {cart_id: c1, cart: {total: 80}}}
    - {at: +5m, who: "@loyalty/ab7", event: Store Visit, properties: {card: AB7}}
    - {at: +20m, who: sarah, identify: {loyalty: AB7}}
    - {at: +30m, who: sarah, merge: "@anonymous/7f3a"}
  expect:
    - {who: "@anonymous/7f3a", journey: cart, what: ended, why: "merged: unused", at: +30m}
    - {who: sarah, channel: email, times: 0}
- test: a tasting that was shown three times in a month is not offered again before the first is over
  people: {sarah: {email: sarah@example.com, city: Paris}}
  start: 2026-03-02T09:00:00Z
  given:
    - {at: +0s, who: sarah, event: Order Completed, properties: {total: 80}}
    - {at: +1d, who: sarah, decide: next-best, placement: home-banner, context: {page: wines}}
    - {at: +1d1m, who: sarah, mark: shown, of: free-tasting}
    - {at: +2d, who: sarah, decide: next-best, placement: home-banner, context: {page: wines}}
    - {at: +2d1m, who: sarah, mark: clicked, of: free-tasting}
    - {at: +3d, who: sarah, decide: next-best, placement: home-banner, context: {page: wines}}
    - {at: +3d1m, who: sarah, mark: shown, of: free-tasting}
    - {at: +31d, who: sarah, decide: next-best, placement: home-banner, context: {page: wines}}
    - {at: +31d1m, who: sarah, decide: next-best, placement: home-banner, context: {page: wines}}
  until: +32d
  expect:
    - {who: sarah, decision: next-best, placement: home-banner, offers: [free-tasting], at: +1d}
    - {who: sarah, decision: next-best, offers: [], reasons: {free-tasting: capped}, at: +31d}
    - {who: sarah, decision: next-best, offers: [free-tasting], fallback: false, at: +31d1m}
""",
)
"""A file of tests, and what it holds."""

SCOPE_EVENT: Final[dict[str, object]] = {"total": 80, "tags": ["sale", "new"], "at": "2026-03-02T09:30:15.250Z"}
SCOPE_PROFILE: Final[dict[str, object]] = {"city": " Paris ", "email": "Sarah@example.com", "age": "42"}
NOW: Final = "2026-03-02T10:00:00Z"
ORDERS: Final = ("2026-02-01T00:00:00Z", 30), ("2026-03-01T00:00:00Z", 50)
"""When the person has ordered, and for how much."""

MODEL: Final = (
    "models/reorder.json",
    """\
{
  "format": 1,
  "score": "reorder",
  "kind": "logistic",
  "features": [
    {"name": "orders", "text": "count(\\"Order Completed\\", \\"90d\\")", "mean": 0.4, "scale": 0.8, "missing": null},
    {
      "name": "spent", "text": "sum(\\"Order Completed\\", \\"total\\", \\"365d\\")",
      "mean": 31, "scale": 55, "missing": 0
    },
    {"name": "city=\\"Paris\\"", "text": "profile.city"},
    {"name": "city=\\"Lyon\\"", "text": "profile.city"},
    {"name": "city=else", "text": "profile.city"}
  ],
  "intercept": -2.1,
  "weights": [0.9, 0.3, 0.2, 0.1, 0]
}
""",
)
"""The model of the score, as anybody may make it."""

FUNCTIONS: Final = {
    "has": ("has(profile.city)", True, "Whether there is a value."),
    "default": ("default(profile.score, 0)", 0, "A value, or the other one where there is none."),
    "count": ('count("Order Completed", "90d")', 2, "How often an event happened within a window of time."),
    "sum": ('sum("Order Completed", "total", "20d")', 50, "The sum of a property over a window of time."),
    "last": (
        'last("Order Completed") == timestamp("2026-03-01T00:00:00Z")',
        True,
        "When an event happened last.",
    ),
    "consent": ('consent("email", "cart")', True, "Whether a message on this channel and for this purpose may go out."),
    "in_audience": ('in_audience("buyers")', True, "Whether the person is in an audience."),
    "score": ('score("reorder")', 0.75, "The probability that a score tells of her, from 0 to 1, to 6 decimals."),
    "margin": ('margin("reorder")', 1.098612, "What it is made of: the model's sum, of which 0 is one half."),
    "band": ('band("reorder")', "high", "The band of the score: low, medium or high."),
    "bool": ('bool("true")', True, "A text as true or false."),
    "double": ('double("1.5")', 1.5, "A number with decimals, of a text or a whole number."),
    "duration": ('now - duration("1h") < now', True, "A length of time, of a text such as `90m`."),
    "int": ("int(profile.age) + 1", 43, "A whole number, of a text or a number, cut off."),
    "matches": ('profile.email.matches("@example[.]com$")', True, "Whether an RE2 pattern is found in a text."),
    "size": ("size(event.tags)", 2, "Characters of a text, elements of a list, keys of an object."),
    "string": ("string(event.total)", "80", "A value as a text."),
    "timestamp": ("timestamp(event.at) < now", True, "An instant, of a text in ISO 8601 or of Unix seconds."),
    "contains": ('profile.email.contains("@")', True, "Whether a text has another in it."),
    "endsWith": ('profile.email.endsWith(".com")', True, "Whether a text ends so."),
    "startsWith": ('profile.email.startsWith("Sarah")', True, "Whether a text begins so."),
    "lower": ("profile.email.lower()", "sarah@example.com", "A text in small letters."),
    "lowerAscii": ("profile.email.lowerAscii()", "sarah@example.com", "The same for the letters A to Z only."),
    "upper": ('"straße".upper()', "STRASSE", "A text in capitals."),
    "upperAscii": ('"straße".upperAscii()', "STRAßE", "The same for the letters a to z only."),
    "trim": ("profile.city.trim()", "Paris", "A text without the blanks around it."),
    "all": ('event.tags.all(tag, tag != "old")', True, "Whether all elements meet a condition."),
    "exists": ('event.tags.exists(tag, tag == "sale")', True, "Whether any element meets a condition."),
    "exists_one": ('event.tags.exists_one(tag, tag == "sale")', True, "Whether exactly one element does."),
    "filter": ('event.tags.filter(tag, tag != "new")', ["sale"], "The elements that meet a condition."),
    "map": ("event.tags.map(tag, tag.upper())", ["SALE", "NEW"], "What becomes of each element."),
    "getFullYear": ("timestamp(event.at).getFullYear()", 2026, "The year of an instant; all of these take a zone."),
    "getMonth": ("timestamp(event.at).getMonth()", 2, "The month, from 0."),
    "getDate": ("timestamp(event.at).getDate()", 2, "The day of the month, from 1."),
    "getDayOfMonth": ("timestamp(event.at).getDayOfMonth()", 1, "The day of the month, from 0."),
    "getDayOfWeek": ("timestamp(event.at).getDayOfWeek()", 1, "The day of the week, from 0, which is Sunday."),
    "getDayOfYear": ("timestamp(event.at).getDayOfYear()", 60, "The day of the year, from 0."),
    "getHours": ('timestamp(event.at).getHours("Europe/Paris")', 10, "The hour."),
    "getMinutes": ("timestamp(event.at).getMinutes()", 30, "The minute."),
    "getSeconds": ("timestamp(event.at).getSeconds()", 15, "The second."),
    "getMilliseconds": ("timestamp(event.at).getMilliseconds()", 250, "The millisecond."),
}
"""Each function with an example, its value, and a sentence."""
