"""Pseudo-random sharing: shares of random values from common keys, without a message (PV-6 … PV-8).

For each set A of n − t members there is a key k_A that its members hold, and nobody else. With

    f_A of degree t          f_A(0) = 1, f_A(j) = 0 for j ∉ A
    x = Σ_A PRF(k_A, label)  member i's share: Σ_{A∋i} f_A(i)·PRF(k_A, label)

every member computes its share for itself (Cramer, Damgård and Ishai, TCC 2005). A coalition of t
lacks the key of the set of all others, whose output is uniform for it: its t shares say nothing of
x. Sharings of zero of degree 2t take t outputs for each A, and X·f_A, …, X^t·f_A in place of f_A.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import combinations
from typing import Final

import numpy as np

from private_exec.mpc import prf, vectors
from private_exec.mpc.errors import MalformedVector, MpcRefused, UnfitKeys
from private_exec.mpc.labels import GateLabel, Label, MaskLabel, ValueLabel, ZeroLabel
from private_exec.mpc.prf import KEY_BYTES
from private_exec.mpc.shamir import Size
from private_exec.mpc.vectors import WIDE_BYTES
from zk.field.arrays import LIMBS, WIDE_LIMBS, U64Array

Subset = int
"""A set of members as bits: bit i − 1 says whether member i is in it."""

_BLOCK: Final = 256
"""At least so many values are drawn from all keys before the next ones …"""
_CACHED: Final = 1 << 19
"""… or more, while what the keys give takes no more bytes than stay in the cache."""


@lru_cache(maxsize=8)
def subsets(size: Size) -> tuple[Subset, ...]:
    """All sets of n − t members, ascending as numbers: C(n, t) of them."""
    sets = combinations(range(size.n), size.n - size.t)
    return tuple(sorted(sum(1 << i for i in chosen) for chosen in sets))


@lru_cache(maxsize=64)
def subsets_of(size: Size, member: int) -> tuple[Subset, ...]:
    """Those that a member is in."""
    size.check_member(member)
    return tuple(a for a in subsets(size) if holds(a, member))


def holds(subset: Subset, member: int) -> bool:
    """Whether a member is in a set."""
    return bool(subset >> (member - 1) & 1)


def members_of(size: Size, subset: Subset) -> tuple[int, ...]:
    """The members of a set."""
    return tuple(i for i in size.members if holds(subset, i))


@dataclass(frozen=True)
class PrssKeys:
    """PV-6: one member's keys, of one committee and epoch; prints none of them.

    Attributes:
        size: of the committee.
        member: whose they are.
        keys: 32 bytes for each of `subsets_of`.
    """

    size: Size
    member: int
    keys: Mapping[Subset, bytes] = field(repr=False)

    def __post_init__(self) -> None:
        needed = subsets_of(self.size, self.member)
        if set(self.keys) != set(needed):
            raise UnfitKeys(
                "PV-6", f"{len(needed)} keys of a member's own sets are needed, no others"
            )
        if any(len(key) != KEY_BYTES for key in self.keys.values()):
            raise UnfitKeys("PV-6", f"a key of pseudo-random sharing takes {KEY_BYTES} bytes")


def shares(keys: PrssKeys, label: ValueLabel, count: int) -> U64Array:
    """A member's shares, of degree t, of `count` values that nobody knows: `[count, 4]`."""
    _require(label, GateLabel, MaskLabel)
    return _drawn(keys, label, count, _value_weights(keys.size, keys.member))


def zeros(keys: PrssKeys, label: ZeroLabel, count: int) -> U64Array:
    """A member's shares, of degree 2t, of `count` zeros: what is added to hide all but a value."""
    _require(label, ZeroLabel)
    return _drawn(keys, label, count, _zero_weights(keys.size, keys.member))


def bounded(keys: PrssKeys, label: GateLabel, count: int, bits: int) -> U64Array:
    """A member's shares of `count` random integers: Σ_A of one below 2^bits from each key (PV-20).

    The one that a coalition of t does not know is uniform, so an integer below 2^k that such a one
    is added to is hidden up to 2^(k − bits). Their sum is below C(n, t)·2^bits.
    """
    _require(label, GateLabel)
    weights = _value_weights(keys.size, keys.member)
    return _drawn(keys, label, count, weights, vectors.lowest(bits, WIDE_LIMBS))


def masks(keys: PrssKeys, labels: Sequence[MaskLabel]) -> U64Array:
    """A member's shares of the masks of many cells, one each: `shares(keys, label, 1)` of all."""
    _require_all(labels)
    held = [keys.keys[a] for a in subsets_of(keys.size, keys.member)]
    data = b"".join(prf.mask(key, label) for key in held for label in labels)
    drawn = vectors.words(data).reshape(len(held), len(labels), 1, WIDE_LIMBS)
    return vectors.combine_wide(_value_weights(keys.size, keys.member), drawn)


def outputs(size: Size, label: Label) -> int:
    """How many outputs of each key one value takes, or one zero."""
    return size.t if isinstance(label, ZeroLabel) else 1


def share_of(
    size: Size, member: int, label: Label, contributions: Mapping[Subset, U64Array]
) -> U64Array:
    """PV-8: a member's shares, from what its sets' keys gave: anybody can tell if it sent others.

    Args:
        size: of the committee.
        member: whose shares.
        label: of values or zeros.
        contributions: of at least all sets that the member is in.

    Raises:
        UnfitKeys: PV-8, one of them is missing.
        MalformedVector: PV-8, their lengths are not those of one number of values.
    """
    needed = subsets_of(size, member)
    if any(a not in contributions for a in needed):
        raise UnfitKeys("PV-8", f"what {len(needed)} keys gave is needed for a member's share")
    each = outputs(size, label)
    lengths = {len(contributions[a]) for a in needed}
    if len(lengths) != 1 or lengths.pop() % each:
        raise MalformedVector("PV-8", "what keys gave differs in length")
    weights = (_zero_weights if isinstance(label, ZeroLabel) else _value_weights)(size, member)
    rows = [contributions[a][j::each] for a in needed for j in range(each)]
    return vectors.combine([w for line in weights for w in line], rows)


# -- how outputs are weighed ----------------------------------------------------------------------

Weights = tuple[tuple[int, ...], ...]
"""For each set of a member, in the order of `subsets_of`, the weight of each output of its key."""


def _at(size: Size, subset: Subset, member: int) -> int:
    """f_A(i)."""
    value = 1
    for j in size.members:
        if not holds(subset, j):
            value = value * (j - member) * pow(j, -1, vectors.R) % vectors.R
    return value


@lru_cache(maxsize=64)
def _value_weights(size: Size, member: int) -> Weights:
    return tuple((_at(size, a, member),) for a in subsets_of(size, member))


@lru_cache(maxsize=64)
def _zero_weights(size: Size, member: int) -> Weights:
    powers = [pow(member, k, vectors.R) for k in range(1, size.t + 1)]
    return tuple(
        tuple(_at(size, a, member) * power % vectors.R for power in powers)
        for a in subsets_of(size, member)
    )


def _drawn(
    keys: PrssKeys, label: Label, count: int, weights: Weights, kept: U64Array | None = None
) -> U64Array:
    """Outputs of all keys, weighed; of each output the bits in `kept`, all without it."""
    each = len(weights[0])
    sources = [prf.source(keys.keys[a], label) for a in subsets_of(keys.size, keys.member)]
    out = np.empty((count, LIMBS), dtype=np.uint64)
    for start, stop in _blocks(count, WIDE_BYTES * each * len(sources)):
        drawn = np.empty((len(sources), stop - start, each, WIDE_LIMBS), dtype="<u8")
        for source, row in zip(sources, drawn, strict=True):
            source.fill(row.data.cast("B"))
        values = drawn.astype(np.uint64, copy=False)
        if kept is not None:
            values &= kept
        out[start:stop] = vectors.combine_wide(weights, values)
    return out


def _require(label: object, *kinds: type) -> None:
    """PV-3: a label of a kind that a function is safe for, if nobody checked types."""
    if not isinstance(label, kinds):
        raise MpcRefused("PV-3", f"{type(label).__name__} is no label for this")


def _require_all(labels: Sequence[object]) -> None:
    for label in labels:
        _require(label, MaskLabel)


def _blocks(count: int, size: int) -> Iterator[tuple[int, int]]:
    """Ranges of values, of which each takes `size` bytes."""
    step = max(_BLOCK, _CACHED // size)
    for start in range(0, count, step):
        yield start, min(start + step, count)
