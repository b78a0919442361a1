"""Groth16 over BN254: setup, prove, verify."""
