"""The transparent environment: accounts and balances in the clear."""
