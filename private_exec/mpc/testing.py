"""What those have who play all members: a committee's keys from a seed, and shares of values."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterable

from private_exec.mpc import shamir, vectors
from private_exec.mpc.prf import KEY_BYTES
from private_exec.mpc.prss import PrssKeys, subsets, subsets_of
from private_exec.mpc.shamir import Size
from zk.field.arrays import U64Array


def keys_of_all(size: Size, seed: bytes) -> tuple[PrssKeys, ...]:
    """What a ceremony would leave with members 1 … n; whoever has the seed has everything."""
    made = {
        a: hashlib.blake2b(a.to_bytes(4, "little"), key=seed, digest_size=KEY_BYTES).digest()
        for a in subsets(size)
    }
    return tuple(PrssKeys(size, i, {a: made[a] for a in subsets_of(size, i)}) for i in size.members)


def seeded(seed: int) -> Callable[[int], U64Array]:
    """What `shamir.deal` takes for random: uniform values, the same every time."""
    drawn = random.Random(seed)
    return lambda count: vectors.vec(drawn.randrange(vectors.R) for _ in range(count))


def shared(values: Iterable[int], size: Size, degree: int, seed: int = 1) -> dict[int, U64Array]:
    """Shares of values, by member, that no dishonest dealer made."""
    dealt = shamir.deal(vectors.vec(values), size, degree, seeded(seed))
    return dict(zip(size.members, dealt, strict=True))
