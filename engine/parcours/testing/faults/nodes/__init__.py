"""Faults of machines: an engine that stays in a cluster, whose machines, keeper, server and wire are hurt.

The harness of processes (testing/faults/processes/) has one driver, and all dies with it. Here the engine stays in a
Ray cluster of three machines (machines.py), which are trees of processes on this one, with its store in PostgreSQL
(server.py), whose lines to the stores are cut in the middle of commits (wire.py). Several *doors* are attached to it
(doors.py): drivers that take lines side by side, each killed and started again without the others.

Client, mail server, ledger and judge are those of the harness of processes. The actors of shards write down besides
for which keeper they were opened and for which they worked (observed.py), and the judge of keepers (keepers.py) reads
it: no shard does anything for a keeper that has been succeeded, and no epoch is given out twice.

A *storm* (storm.py) is one store, blow after blow; a season (season.py) as many storms as it takes to reach what was
asked for, and its tally (tally.py) lets it go on another day. A new kind of fault is a name in kinds.py and a method of
`Injector` (injector.py).
"""
