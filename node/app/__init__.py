"""The composition root: a node made of its parts, and the process it lives in."""
