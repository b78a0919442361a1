"""Real localnets, disturbed on purpose; what must hold afterwards; results that are kept.

net         a localnet that is started, disturbed and asked
node        the process of a node that ends itself at a named point, or lies
work        payments and sealed intents while it runs, and what was acknowledged of them
checks      agreement, acknowledged transactions, supply, rounds
away, lies  what is done to nodes, and what nodes do
points      nodes that end themselves at named points, also while they restore a snapshot
epochs      what waits while an epoch ends, and its roster with it
scenarios   all of it, by the row of the reliability table that it belongs to
grammar     the row that needs no CometBFT
replay      blocks executed again elsewhere
record      results, once per scenario and seed
"""
