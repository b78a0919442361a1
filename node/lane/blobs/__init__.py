"""Sealed intents in blobs that a committee keeps: their encoding, order, and a node's part."""
