"""A validator's side of the sealed lane: its keys, secrets and shares, and how far they are."""
