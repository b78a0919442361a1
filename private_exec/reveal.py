"""What a batch opens to: K₁ … K_B, checked by two pairings, and the bodies under them.

    e(Σ ρⱼKⱼ, G₂) = e(Σ ρⱼUⱼ, pk₂)       ρⱼ hashed from everything, the Kⱼ included (PX-9)

Kⱼ = sk·Uⱼ is unique, so a reveal that passes is the only one, whoever made it. 32 bytes for each
ciphertext is all that the chain stores; no validator's share is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import envelope, group, shares
from private_exec.batch import Batch
from private_exec.errors import RevealRefused, SealRefused, Undecryptable
from private_exec.parameters import MAX_BATCH
from private_exec.shares import ShareMessage
from private_exec.transcript import coefficients
from zk.curve.bn254 import G2_GENERATOR, G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes, g2_to_bytes

EXPIRES_AFTER: Final = 10
"""PX-6: heights behind that of the batch in which its reveal may come."""


@dataclass(frozen=True, slots=True)
class Reveal:
    """The opened points of a batch, as a block carries them.

    Attributes:
        height: of the batch.
        epoch: of its key.
        root: of the batch.
        points: K₁ … K_B in order.
    """

    height: int
    epoch: int
    root: bytes
    points: tuple[G1Affine, ...]

    def to_bytes(self) -> bytes:
        writer = Writer().u64(self.height).u64(self.epoch).raw(self.root, 32)
        writer.u16(len(self.points))
        for point in self.points:
            writer.raw(g1_to_bytes(point), G1_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Reveal:
        """Strict; no Kⱼ is infinity."""
        reader = Reader(data, "reveal")
        height, epoch, root = reader.u64(), reader.u64(), reader.take(32)
        count = reader.count(2, MAX_BATCH, "points")
        points = tuple(
            g1_from_bytes(reader.take(G1_BYTES), what=f"point {j}") for j in range(count)
        )
        reader.done()
        return Reveal(height, epoch, root, points)


def check_height(batch_height: int, height: int) -> None:
    """PX-6: a reveal stands in one of the ten blocks behind its batch, else the batch has expired.

    Raises:
        RevealRefused: PX-6.
    """
    if not batch_height < height <= batch_height + EXPIRES_AFTER:
        raise RevealRefused(
            "PX-6",
            f"a batch of height {batch_height} is revealed from {batch_height + 1} to "
            f"{batch_height + EXPIRES_AFTER}, not at {height}",
            where=f"height {height}",
        )


def check_reveal(batch: Batch, reveal: Reveal) -> None:
    """PX-17: exactly the batch's points, all of them right.

    Raises:
        RevealRefused: PX-17.
    """
    wanted = (batch.height, batch.key.epoch, batch.root)
    if (reveal.height, reveal.epoch, reveal.root) != wanted or not len(batch):
        raise RevealRefused("PX-17", "there is no such batch to reveal", where="reveal")
    if len(reveal.points) != len(batch):
        raise RevealRefused(
            "PX-17", f"{len(reveal.points)} points for {len(batch)} sealed intents", where="reveal"
        )
    rho = coefficients(reveal_seed(batch, reveal.points), "reveal", len(batch))
    if None in reveal.points or not points_hold(batch, reveal.points, rho):
        raise RevealRefused("PX-17", "a point is not sk·U", where="reveal")


def points_hold(batch: Batch, points: Sequence[G1Affine], rho: Sequence[int]) -> bool:
    """Whether e(Σ ρⱼKⱼ, G₂) = e(Σ ρⱼUⱼ, pk₂)."""
    left, right = group.sum_g1(rho, points), group.sum_g1(rho, batch.bases)
    return group.pairing_product_is_one(
        [(group.negative(left), G2_GENERATOR), (right, batch.key.pk2)]
    )


def reveal_seed(batch: Batch, points: Sequence[G1Affine]) -> bytes:
    """PX-9: H(domain, height, epoch, root, pk₂, B, all U, all K)."""
    key = batch.key
    header = Writer().u64(batch.height).u64(key.epoch).raw(batch.root, 32).u32(len(batch)).done()
    return tagged_hash(
        "private/reveal",
        key.domain.to_bytes(),
        header,
        g2_to_bytes(key.pk2),
        b"".join(map(g1_to_bytes, batch.bases)),
        b"".join(map(g1_to_bytes, points)),
    )


def recover(
    batch: Batch, messages: Sequence[ShareMessage]
) -> tuple[Reveal, dict[int, SealRefused]]:
    """A reveal that passes, from messages of which some may be bad.

    Combines first and checks the result: two pairings when all is well. Otherwise every share is
    verified, bad messages are left out, and the rest is combined. What is refused is a message, not
    a member: anyone can write a member's number on one, and does not silence that member with it.

    Returns:
        The reveal, and why messages were refused, by member: those of whose messages none was
        taken, or that signed a bad share.

    Raises:
        TooFewShares: PX-5, fewer than T good shares; later ones may still come.
        RevealRefused: PX-17, the batch is empty.
    """
    if not len(batch):
        raise RevealRefused("PX-17", "an empty batch has nothing to reveal", where="reveal")
    refused: dict[int, SealRefused] = {}
    formed = []
    for message in messages:
        try:
            shares.check_form(message, batch)
            formed.append(message)
        except SealRefused as error:
            refused.setdefault(message.member, error)
    for message in formed:
        refused.pop(message.member, None)
    reveal = _combined(batch, formed)
    try:
        check_reveal(batch, reveal)
    except RevealRefused:
        verdicts = list(zip(formed, shares.judge(batch, formed), strict=True))
        refused |= {message.member: error for message, error in verdicts if error is not None}
        reveal = _combined(batch, [message for message, error in verdicts if error is None])
        check_reveal(batch, reveal)
    return reveal, refused


def _combined(batch: Batch, messages: Sequence[ShareMessage]) -> Reveal:
    points = shares.combine(batch, messages)
    return Reveal(batch.height, batch.key.epoch, batch.root, points)


def open_batch(batch: Batch, reveal: Reveal) -> tuple[bytes | None, ...]:
    """The intents of a reveal that was checked; None where the body is undecryptable (PX-16)."""
    opened: list[bytes | None] = []
    for item, point in zip(batch.envelopes, reveal.points, strict=True):
        try:
            opened.append(envelope.open_envelope(item, batch.key, point))
        except Undecryptable:
            opened.append(None)
    return tuple(opened)
