"""A light client: it trusts genesis, and checks what nodes say without executing blocks."""
