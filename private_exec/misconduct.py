"""Proof that a member signed wrong shares, for who has the epoch's key and nothing else.  PX-18.

A batch is gone from the state when it is over. Its root is what the member signed, and the root
covers the ids of its ciphertexts, as each id covers a U. So the ids, and the ciphertexts of the one
sub-batch whose share is wrong, show what the share should have been. A member that follows the
rules signs roots of batches that it checked, and right shares of them: of whatever else is made up,
it signed nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.core.ids import tagged_hash
from private_exec import batch as batches
from private_exec import group
from private_exec.batch import Batch
from private_exec.errors import SealRefused
from private_exec.keys import EpochKey
from private_exec.shares import ShareMessage
from private_exec.sharing import slot_weights
from zk.curve.bn254 import G2_GENERATOR, G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes

Ciphertext = tuple[bytes, bytes]
"""Label, 32 bytes, and `Seal` as bytes: what an id is the hash of."""
_WHERE: Final = "evidence"


def check_wrong_share(
    key: EpochKey,
    message: ShareMessage,
    ids: Sequence[bytes],
    place: int,
    ciphertexts: Sequence[Ciphertext],
) -> None:
    """PX-18: the member signed a wrong share; returns if so.

    Args:
        key: of the epoch.
        message: what it signed.
        ids: of the batch, in order.
        place: which of its points is wrong; 0 where their number is.
        ciphertexts: of that point's sub-batch, in order; none where their number is wrong.

    Raises:
        SealRefused: PX-18, nothing is proved.
        DecodeError: a U that is no point.
    """
    roster, parameters = key.roster, key.parameters
    known = message.epoch == key.epoch and message.member < len(roster.members)
    if not known or not roster.check_signature(
        message.member, message.digest(key), message.signature
    ):
        raise SealRefused("PX-18", "not signed by the member", where=_WHERE)
    if batches.root_of(key, message.height, ids) != message.root:
        raise SealRefused("PX-18", "these are not the ciphertexts that it signed for", where=_WHERE)
    numbers, width = roster.indices(message.member), parameters.sub_batches(len(ids))
    if len(message.points) != len(numbers) * width:
        if place or ciphertexts:
            raise SealRefused("PX-18", "more than one reason", where=_WHERE)
        return
    if place >= len(message.points):
        raise SealRefused("PX-18", f"there is no point {place}", where=_WHERE)
    number, sub = numbers[place // width], place % width
    positions = range(len(ids))[sub * parameters.packing : (sub + 1) * parameters.packing]
    if [tagged_hash("private/envelope", *item) for item in ciphertexts] != [
        ids[position] for position in positions
    ]:
        raise SealRefused("PX-18", "not the ciphertexts of that point", where=_WHERE)
    bases = [g1_from_bytes(data[:G1_BYTES], what="U") for _, data in ciphertexts]
    if _is_right(key, number, message.points[place], bases):
        raise SealRefused("PX-18", "the share is right", where=_WHERE)


def wrong_place(batch: Batch, message: ShareMessage) -> int:
    """The first wrong point of a signed message about this batch; 0 where their number is wrong.

    Raises:
        SealRefused: PX-18, all of them are right.
    """
    numbers, width = batch.key.roster.indices(message.member), batch.sub_batches
    if len(message.points) != len(numbers) * width:
        return 0
    for place, point in enumerate(message.points):
        bases = [batch.bases[j] for j in batch.members(place % width)]
        if not _is_right(batch.key, numbers[place // width], point, bases):
            return place
    raise SealRefused("PX-18", "all shares are right", where=_WHERE)


def _is_right(key: EpochKey, number: int, point: G1Affine, bases: Sequence[G1Affine]) -> bool:
    """Whether D = S(i)·Q, by e(D, G₂) = e(Q, vkᵢ)."""
    weights = slot_weights(key.parameters.packing, number)[: len(bases)]
    weighed = group.sum_g1(weights, bases)
    return group.pairing_product_is_one(
        [(group.negative(point), G2_GENERATOR), (weighed, key.vks[number - 1])]
    )
