"""Prime fields and their towers."""
