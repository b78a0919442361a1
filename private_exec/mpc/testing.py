"""Keys of a whole committee from a seed, for those who play all members: tests and simulations."""

from __future__ import annotations

import hashlib

from private_exec.mpc.prf import KEY_BYTES
from private_exec.mpc.prss import PrssKeys, subsets, subsets_of
from private_exec.mpc.shamir import Size


def keys_of_all(size: Size, seed: bytes) -> tuple[PrssKeys, ...]:
    """What a ceremony would leave with members 1 … n; whoever has the seed has everything."""
    made = {
        a: hashlib.blake2b(a.to_bytes(4, "little"), key=seed, digest_size=KEY_BYTES).digest()
        for a in subsets(size)
    }
    return tuple(PrssKeys(size, i, {a: made[a] for a in subsets_of(size, i)}) for i in size.members)
