"""Several validators in one process, on simulated time: a test bed for the application and P1-1.

`simulation.Cluster` runs real `LedgerApplication`s, each over its own store, by a small protocol of
rounds in Tendermint's shape, through a network that loses, doubles, delays and reorders; validators
crash and lie by schedule. The same seed gives the same run. It is a TEST BED AND NO ENGINE: no
sockets, no evidence of lies, no changes of committee, secrets that everyone can derive.

    keys          a committee, its signing keys, and one generated decryption key
    host          what a cluster runs: the ledger, and what a validator does besides
    ledger        a small executor, of counters and sealed intents
    sealed_host   it as a host: the fast one, for many schedules
    messages      what validators send each other
    rounds        one height: propose, prevote, precommit, locks
    validator     one process: calls of the application, what its disk keeps
    liars         what Byzantine validators do instead
    faults        schedules, and random ones from a seed
    simulation    clock, network, crashes
    invariants    what is checked in every run

`Cluster(kit=LaneKit.of(n))` runs nodes as they are, with every environment and the sealed lane:

    lane_host     executor, mempool and keeper of a real node as a host
    lane_liars    hosts that lie: in making keys, with shares, as proposers
    lane_checks   no last look, nothing opened early: read from blocks and states alone
    market        accounts that seal orders, and a solver
"""
