"""The transparent environment: accounts in the clear, under Ed25519 keys."""
