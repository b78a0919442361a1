"""CometBFT's Merkle tree: RFC 6962 over SHA-256, cut at the largest power of two."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

EMPTY: Final = hashlib.sha256(b"").digest()
"""Root over nothing."""


def root(items: Sequence[bytes]) -> bytes:
    """Root over an ordered list, 32 bytes."""
    if not items:
        return EMPTY
    if len(items) == 1:
        return hashlib.sha256(b"\0" + items[0]).digest()
    cut = 1 << (len(items) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(items[:cut]) + root(items[cut:])).digest()
