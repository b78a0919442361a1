"""Load on real nodes: what they take, how long it waits, what it costs, where it stops."""
