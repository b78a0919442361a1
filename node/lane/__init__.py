"""The sealed lane: order, decrypt, solve, settle, as one pipeline. See SPEC.md."""
