"""The web explorer: pages of one node, rendered by it."""
