"""Several validators in one process, on simulated time: a test bed for the application and P1-1.

`simulation.Cluster` runs real `LedgerApplication`s, each over its own store, by a small protocol of
rounds in Tendermint's shape, through a network that loses, doubles, delays and reorders; validators
crash and lie by schedule. The same seed gives the same run. It is a TEST BED AND NO ENGINE: no
sockets, no evidence of lies, no changes of committee, secrets that everyone can derive.

    keys          a committee, its signing keys, and one generated decryption key
    ledger        the executor: counters and sealed intents
    messages      what validators send each other
    rounds        one height: propose, prevote, precommit, locks
    validator     one process: calls of the application, what its disk keeps, shares
    liars         what Byzantine validators do instead
    faults        schedules, and random ones from a seed
    simulation    clock, network, crashes
    invariants    what is checked in every run
"""
