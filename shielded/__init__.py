"""The shielded environment: notes, nullifiers, proofs. Values and owners stay hidden."""
