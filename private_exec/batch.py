"""An ordered batch: the sealed intents of one block under one key, all of them checked.

A `Batch` comes from `order` only, which verifies every proof and signature. Shares are made of
batches, so none is ever made of a ciphertext whose sender did not prove to know r: that would be a
decryption oracle. Sub-batch u is ciphertexts u·ℓ … u·ℓ + ℓ − 1 of this order, for ever (PX-8).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, NoReturn

from node.core.codec import Writer
from node.core.ids import tagged_hash
from private_exec import cipher, weights
from private_exec import envelope as envelopes
from private_exec.envelope import Envelope, EpochWindow
from private_exec.errors import SealRefused
from private_exec.keys import EpochKey
from private_exec.parameters import MAX_BATCH
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import g1_to_bytes

_MADE: Final = object()


class Batch:
    """Sealed intents in order. Use `order`.

    Attributes:
        height: of the block that orders them.
        key: under which all are sealed.
        envelopes: in order.
        labels: one each.
        ids: one each.
        root: hash over everything above; what validators' shares are bound to.
    """

    __slots__ = ("envelopes", "height", "ids", "key", "labels", "root")
    envelopes: tuple[Envelope, ...]
    height: int
    ids: tuple[bytes, ...]
    key: EpochKey
    labels: tuple[bytes, ...]
    root: bytes

    def __init__(
        self, made: object, height: int, key: EpochKey, items: tuple[Envelope, ...]
    ) -> None:
        if made is not _MADE:
            raise TypeError("a Batch is made by private_exec.batch.order, which checks it")
        ids = tuple(item.id(key) for item in items)
        for name, value in (
            ("height", height),
            ("key", key),
            ("envelopes", items),
            ("labels", tuple(item.label(key) for item in items)),
            ("ids", ids),
            ("root", root_of(key, height, ids)),
        ):
            object.__setattr__(self, name, value)

    def __init_subclass__(cls) -> None:
        raise TypeError("Batch has no subclasses")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise TypeError("a Batch does not change: its root is what shares are bound to")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Batch is not copied or pickled; order it again")

    def __len__(self) -> int:
        return len(self.envelopes)

    @property
    def bases(self) -> tuple[G1Affine, ...]:
        """The U of every ciphertext."""
        return tuple(item.seal.u for item in self.envelopes)

    @property
    def sub_batches(self) -> int:
        """How many points a share of this batch has."""
        return self.key.parameters.sub_batches(len(self))

    def members(self, number: int) -> range:
        """Positions of the ciphertexts of a sub-batch."""
        packing = self.key.parameters.packing
        return range(number * packing, min(len(self), (number + 1) * packing))


def order(
    key: EpochKey,
    window: EpochWindow,
    height: int,
    items: Sequence[Envelope],
    *,
    seen: Iterable[bytes] = (),
    most: int = MAX_BATCH,
) -> Batch:
    """Check envelopes as a block's batch; what proposing and accepting nodes both call.

    Args:
        key: of the epoch.
        window: of the epoch.
        height: of the block.
        items: in the block's order; empty is a batch, too.
        seen: `duplicate_key`s that the chain has ordered before.
        most: a lower cap than that of the key's roster (`weights.largest_batch`).

    Raises:
        SealRefused: PX-24 too many; PX-12 a U or id twice; PX-7 epoch or expiry; PX-4 a payer's
            signature; `where` names the position.
        BadSeals: PX-14, names every position.
        UnsafeWeights: PX-24, one member's shares of a single intent already exceed a message.
    """
    holders = [member.shares for member in key.roster.members]
    limit = min(most, weights.largest_batch(holders, key.parameters))
    if len(items) > limit:
        raise SealRefused(
            "PX-24", f"{len(items)} sealed intents, a block takes {limit}", where="batch"
        )
    taken = set(seen)
    for position, item in enumerate(items):
        if (mark := duplicate_key(item.seal.u)) in taken:
            raise SealRefused("PX-12", "its U was ordered before", where=f"seal {position}")
        taken.add(mark)
        try:
            envelopes.check(item, key, window, height)
        except SealRefused as error:
            raise SealRefused(
                error.rule, error.message, where=f"seal {position}, {error.where}"
            ) from None
    cipher.verify_batch(key, [(item.label(key), item.seal) for item in items])
    return Batch(_MADE, height, key, tuple(items))


def root_of(key: EpochKey, height: int, ids: Sequence[bytes]) -> bytes:
    """What shares are bound to: a hash over the key, the height, and the ids in their order."""
    header = Writer().u64(height).u64(key.epoch).u32(len(ids)).done()
    return tagged_hash("private/batch", header, key.digest, *ids)


def duplicate_key(u: G1Affine) -> bytes:
    """PX-12: under which the chain remembers a U, across blocks."""
    return tagged_hash("private/base", g1_to_bytes(u))
