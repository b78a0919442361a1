"""The command `chiaro`."""
