"""Real localnets, disturbed on purpose; what must hold afterwards; results that are kept.

net         a localnet that is started, disturbed and asked
node        the process of a node that ends itself at a named point, or lies
work        payments and sealed intents while it runs, and what was acknowledged of them
checks      agreement, acknowledged transactions, supply, rounds
scenarios   what is done, by the row of the reliability table that it belongs to
offline     rows that need no CometBFT
record      results, once per scenario and seed
"""
