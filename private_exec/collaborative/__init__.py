"""Groth16 proofs of an assignment that no member knows: made by a committee from shares of it.

`task` says what is proved, `exponent` corrects shares of points, `member` is one member's part of
it in three rounds. What comes out verifies as any linked proof (`private_exec.linking`).
"""
