"""Faults of real processes: the engine as it is shipped, killed and frozen by its operating system.

The simulation beside it decides where a fault strikes, and so it can only strike where its processes and disks are
simulated. Here nothing is: the engine runs in processes of its own, on the runtime `local` or on Ray, over SQLite on a
disk, and sends by SMTP to a server in yet another process, whose ledger outlives all of them. Time is real, too, so the
journeys (project.py) wait for seconds.

A *storm* (storm.py) is one store and as many kills as asked for: a client (client.py) hands in events all the time, an
injector strikes, whatever has died is started again, and when it is over everything has to come to rest. A seed decides
kinds, order and victims (kinds.py); where exactly in the engine they strike, nobody does, so a storm is not replayed as
a simulated run is, and what it leaves behind can be kept to look at.

The judge is the checker of the simulation, with the same ledgers: the client's, the mail server's, and the store's own
journal. What each record was made of the shards write down before they commit it (ledger.py), each owner of a shard
into a file of its own; the journal then says which of these commits there have been, and the twin follows them.

A new kind of fault is a name in kinds.py and a method of `Injector` (injector.py).
"""
