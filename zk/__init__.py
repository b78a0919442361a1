"""Mathematics and proofs: fields, curves, hashes, constraint systems, Groth16. Knows no ledger."""
