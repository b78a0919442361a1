"""Data availability: erasure-coded batches, certificates, proofs of completeness, batch states."""
