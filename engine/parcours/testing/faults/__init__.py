"""The fault harness: is anything lost, doubled or out of order, whatever goes wrong on the way?

Theory of operation. The engine's own shards, routers, dispatchers and stores run on one event loop with simulated time
(loop.py), each in a simulated process that can die at any `await` and at any operation of its store, or freeze and
wake up later. Everything that is left to chance follows from one seed. A seed is a *plan* (plan.py): what clients hand
in, and which faults strike where. A run carries the plan out (simulate.py) on a simulated cluster (cluster.py): disks
that outlive processes (disk.py), a wire that loses, delays and doubles calls (wire.py), providers that refuse, hang
and crash (provider.py), a clock that jumps. When the work is over nothing strikes any more, and the engine has to come
to rest.

Then a checker (checker.py) judges by three ledgers. The client's says what was acknowledged, the providers' what
arrived, the disks' which records became durable and from which inputs. From the last one the *undisturbed twin*
(twin.py) lives the same life in the core alone, and has to end with the same facts, profiles and delivery keys.

In the life of every fourth seed people log in, from one shard to the other (visitors.py). Shards speak to each other
over the same wire then. Such a life has no twin, for a twin lives in one shard, and nothing is published in it: what
counts is taken from the records of all shards in the order in which they became durable (identity_rules.py).

What holds however often it is run: the same seed gives the same run; a batch (batch.py) in which a kind of fault never
happened is invalid; a seed that fails is shrunk (shrink.py) and kept as a plan, which is replayed for ever.

A new kind of fault is a name in plan.py, with the place where it strikes. A new promise is a function in `RULES` of
checker.py, and a mutant of the engine that breaks it, for a check that cannot fail proves nothing.
"""
