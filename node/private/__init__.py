"""The private environment on the chain."""
