"""Hashes of this package: challenges modulo r, and coefficients of random combinations.

Everything is length-prefixed under a tag (as `node.core.ids.tagged_hash`), so no two lists of parts
collide. Coefficients come from a seed that covers *everything they weigh* (PX-9): fixed for given
data, so that nodes agree, and unknown before the data is complete, so that errors cannot be chosen
to cancel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from zk.field.params import FR
from zk.hash import domains

COEFFICIENT_BYTES: Final = 16


def scalar_hash(tag: str, *parts: bytes) -> int:
    """BLAKE2b-512 of the parts under a tag, modulo r: bias below 2⁻²⁵⁷."""
    hasher = hashlib.blake2b(digest_size=64)
    for part in (domains.PREFIX + tag.encode(), *parts):
        hasher.update(len(part).to_bytes(8, "little"))
        hasher.update(part)
    return int.from_bytes(hasher.digest(), "little") % FR.modulus


def secret_scalar(tag: str, *parts: bytes) -> int:
    """The same, never 0: for secrets derived from a seed and all that they are used for."""
    return scalar_hash(tag, *parts) or 1


def coefficients(seed: bytes, purpose: str, count: int) -> list[int]:
    """PX-9: `count` numbers in [1, 2¹²⁸), a function of seed, purpose and position."""
    return [next(_nonzero(seed, purpose, index)) for index in range(count)]


def _nonzero(seed: bytes, purpose: str, index: int) -> Iterator[int]:
    """The stream of position `index`, without zeros: 0 would leave an equation unchecked."""
    attempt = 0
    while True:
        value = word(seed, purpose, index, attempt)
        if value:
            yield value
        attempt += 1


def word(seed: bytes, purpose: str, index: int, attempt: int) -> int:
    """128 bits of the stream: BLAKE2b keyed with the seed."""
    data = index.to_bytes(8, "little") + attempt.to_bytes(4, "little") + purpose.encode()
    digest = hashlib.blake2b(data, digest_size=COEFFICIENT_BYTES, key=seed).digest()
    return int.from_bytes(digest, "little")
