"""Stake: who votes with which weight, how that changes, what a proved fault costs. See SPEC.md."""
