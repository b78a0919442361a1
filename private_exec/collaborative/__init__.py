"""Groth16 proofs of an assignment that no member knows: made by a committee from shares of it.

`task` says what is proved, `member` is one member's part of it in three rounds. Shares of points
are corrected by `private_exec.exponent`. What comes out verifies as any linked proof
(`private_exec.linking`).
"""
