"""Ceremonies: keys that nobody knows the secrets of, made by many, in files that snarkjs shares."""
