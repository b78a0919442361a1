"""The state at one height in pieces: for nodes that join late, and trust nobody who serves it."""
