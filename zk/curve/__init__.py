"""Curves over BN254's fields, the pairing, canonical encodings."""
