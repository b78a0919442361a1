"""Decryption shares: made of a final block, verified by pairings, combined to K₁ … K_B.

    Qᵢᵤ = Σ_s L_s(i)·U_{u,s}           sub-batch u as holder i weighs it (ℓ = 1: just U)
    Dᵢᵤ = S(i)·Qᵢᵤ                     the share, one point for ℓ ciphertexts
    e(Σ ρᵢᵤDᵢᵤ, G₂) = Π e(Σ ρᵢᵤQᵢᵤ, vkᵢ)        all shares of all validators at once
    K_{u,s} = Σ λᵢ(slot s)·Dᵢᵤ         over exactly T holders (PX-5)

Dᵢᵤ is the value at i of S·R_u, of degree p + 2ℓ − 2 = T − 1, where R_u(slot s)·G = U_{u,s}. A share
may be the point at infinity: a sender can choose two U that cancel for one holder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.batch import Batch
from private_exec.errors import BadShares, SealRefused, TooFewShares
from private_exec.final import FinalBlock, RootLog, claim_root, require_final
from private_exec.halving import failing
from private_exec.keys import EpochKey, HeldShares
from private_exec.roster import SIGNATURE_BYTES, Signer
from private_exec.sharing import lagrange, slot, slot_weights
from private_exec.transcript import coefficients
from private_exec.weights import MAX_MESSAGE_BYTES
from zk.curve.bn254 import G2_GENERATOR, G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes, g2_to_bytes

_COUNT_BYTES: Final = 4


@dataclass(frozen=True, slots=True)
class ShareMessage:
    """One validator's shares of one batch, as gossiped.

    Attributes:
        height: of the block.
        epoch: of the key.
        root: of the batch.
        member: the validator's place in the roster.
        points: by share number ascending, within it by sub-batch.
        signature: of the validator's consensus key over all of it.
    """

    height: int
    epoch: int
    root: bytes
    member: int
    points: tuple[G1Affine, ...]
    signature: bytes

    def to_bytes(self) -> bytes:
        return self._unsigned() + self.signature

    def _unsigned(self) -> bytes:
        writer = Writer().u64(self.height).u64(self.epoch).raw(self.root, 32).u16(self.member)
        writer.uint(len(self.points), _COUNT_BYTES)
        for point in self.points:
            writer.raw(g1_to_bytes(point), G1_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> ShareMessage:
        """Strict; infinity is a point here.

        Raises:
            SealRefused: PX-24, longer than the shares of any batch; no point is read before.
            DecodeError: not an encoding, or a point that is none (PX-13).
        """
        if len(data) > MAX_MESSAGE_BYTES:
            raise SealRefused(
                "PX-24", f"{len(data)} bytes, at most {MAX_MESSAGE_BYTES}", where="shares"
            )
        reader = Reader(data, "shares")
        height, epoch, root, member = reader.u64(), reader.u64(), reader.take(32), reader.u16()
        count = reader.count(_COUNT_BYTES, MAX_MESSAGE_BYTES // G1_BYTES, "points")
        points = tuple(
            g1_from_bytes(reader.take(G1_BYTES), what=f"share {k}", allow_identity=True)
            for k in range(count)
        )
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        return ShareMessage(height, epoch, root, member, points, signature)

    def digest(self, key: EpochKey) -> bytes:
        """What the validator signs: the key's digest binds chain, instance and domain."""
        return tagged_hash("private/shares", key.digest, self._unsigned())

    @staticmethod
    def peek(data: bytes) -> tuple[int, int, int]:
        """Height, epoch and member of an encoding, the rest unread. Raises DecodeError."""
        reader = Reader(data, "shares")
        height, epoch, _ = reader.u64(), reader.u64(), reader.take(32)
        return height, epoch, reader.u16()


def make_shares(
    block: FinalBlock, held: HeldShares, roots: RootLog, signer: Signer
) -> ShareMessage | None:
    """This validator's shares of a final block.  Rules PX-1, PX-10, PX-19.

    Args:
        block: the token; anything else is refused, by the type checker and at run time.
        held: this validator's secret for the batch's key.
        roots: durable memory of what shares were made of.
        signer: its consensus key.

    Returns:
        The message, or None for an empty batch or a validator without shares: there is nothing to
        send.

    Raises:
        NotFinal: PX-1 no token, PX-19 a second batch at this height.
        OwnShareWrong: PX-10.
    """
    batch = require_final(block).batch
    held.check(batch.key)
    numbers = batch.key.roster.indices(held.member)
    if not len(batch) or not numbers:
        return None
    claim_root(roots, batch)
    points: list[G1Affine] = []
    for number in numbers:
        points += _share_points(batch, number, held.values[number])
    unsigned = ShareMessage(
        batch.height, batch.key.epoch, batch.root, held.member, tuple(points), b""
    )
    signature = signer.sign(unsigned.digest(batch.key))
    return ShareMessage(
        batch.height, batch.key.epoch, batch.root, held.member, tuple(points), signature
    )


def _share_points(batch: Batch, number: int, value: int) -> list[G1Affine]:
    """S(i)·Qᵢᵤ for every sub-batch u."""
    packing = batch.key.parameters.packing
    if packing == 1:
        return group.multiples_g1([value], batch.bases)
    weights = slot_weights(packing, number)
    rows = [
        [(j, value * weights[s]) for s, j in enumerate(batch.members(u))]
        for u in range(batch.sub_batches)
    ]
    return group.rows_times_g1(rows, batch.bases)


def check_form(message: ShareMessage, batch: Batch) -> None:
    """PX-8, PX-18: for this batch, all its sub-batches, and signed.

    Deterministic from the batch and the key, so a consensus engine may refuse by it.

    Raises:
        SealRefused: PX-8 another batch or another number of points, PX-18 sender or signature.
    """
    key = batch.key
    wanted = (batch.height, key.epoch, batch.root)
    if (message.height, message.epoch, message.root) != wanted:
        raise SealRefused(
            "PX-8", f"shares of another batch than that of height {batch.height}", where="shares"
        )
    if message.member >= len(key.roster.members):
        raise SealRefused("PX-18", f"there is no member {message.member}", where="shares")
    count = len(key.roster.indices(message.member)) * batch.sub_batches
    if not count or len(message.points) != count:
        raise SealRefused(
            "PX-8", f"{len(message.points)} points, this member owes {count}", where="shares"
        )
    if not key.roster.check_signature(message.member, message.digest(key), message.signature):
        raise SealRefused("PX-18", "not signed by its sender", where="signature")


def is_signed(key: EpochKey, data: bytes) -> bool:
    """Whether an encoding is signed by the member that it names; reads no point (PX-24)."""
    member = ShareMessage.peek(data)[2]
    digest = tagged_hash("private/shares", key.digest, data[:-SIGNATURE_BYTES])
    return member < len(key.roster.members) and key.roster.check_signature(
        member, digest, data[-SIGNATURE_BYTES:]
    )


def check_two_roots(key: EpochKey, first: ShareMessage, second: ShareMessage) -> None:
    """PX-19: two messages that prove their sender's fault; returns if they do.

    Raises:
        SealRefused: PX-19, they prove nothing.
    """
    same = (first.height, first.epoch, first.member) == (
        second.height,
        second.epoch,
        second.member,
    )
    if not same or first.root == second.root or first.epoch != key.epoch:
        raise SealRefused("PX-19", "not two batches of one height by one member", where="evidence")
    known = first.member < len(key.roster.members)
    if not known or not all(
        key.roster.check_signature(m.member, m.digest(key), m.signature) for m in (first, second)
    ):
        raise SealRefused("PX-19", "not signed by the member", where="evidence")


def verify_shares(batch: Batch, messages: Sequence[ShareMessage]) -> None:
    """All of them are right, or it says whose are not.  Rule PX-18.

    A message that `check_form` refuses is evidence against nobody: whose it is was not shown.

    Raises:
        BadShares: names the validators; `refusals` says why.
    """
    verdicts = judge(batch, messages)
    refusals = {
        message.member: verdict
        for message, verdict in zip(messages, verdicts, strict=True)
        if verdict is not None
    }
    if refusals:
        rule = next(iter(refusals.values())).rule
        raise BadShares(rule, f"shares of {len(refusals)} validators are refused", refusals)


def judge(batch: Batch, messages: Sequence[ShareMessage]) -> list[SealRefused | None]:
    """For each message why it is refused, or None; one pairing check when all are good."""
    verdicts: list[SealRefused | None] = [None] * len(messages)
    good: list[int] = []
    for k, message in enumerate(messages):
        try:
            check_form(message, batch)
            good.append(k)
        except SealRefused as error:
            verdicts[k] = error
    if not good:
        return verdicts
    check = _ShareCheck(batch, [messages[k] for k in good])
    for k in check.culprits():
        verdicts[good[k]] = SealRefused(
            "PX-18",
            "a share does not fit its public key",
            where=f"member {messages[good[k]].member}",
        )
    return verdicts


class _ShareCheck:
    """The combined equation over messages of good form, and over any part of them."""

    def __init__(self, batch: Batch, messages: Sequence[ShareMessage]) -> None:
        self.batch = batch
        self.messages = messages
        seed = share_seed(batch, messages)
        total = sum(len(message.points) for message in messages)
        rho = iter(coefficients(seed, "share", total))
        self.rho = [[next(rho) for _ in message.points] for message in messages]
        self.right = [self._weighed(k) for k in range(len(messages))]

    def _weighed(self, k: int) -> list[tuple[G1Affine, int]]:
        """(Σᵤ ρᵢᵤQᵢᵤ, i) for the share numbers i of message k."""
        batch, width = self.batch, self.batch.sub_batches
        numbers = batch.key.roster.indices(self.messages[k].member)
        out = []
        for place, number in enumerate(numbers):
            rho = self.rho[k][place * width : (place + 1) * width]
            weights = slot_weights(batch.key.parameters.packing, number)
            scalars = [
                r * weights[s] for u, r in enumerate(rho) for s, _ in enumerate(batch.members(u))
            ]
            out.append((group.sum_g1(scalars, batch.bases), number))
        return out

    def culprits(self) -> list[int]:
        """Messages that break the equation, by halving."""
        return failing(len(self.messages), self._holds)

    def _holds(self, part: Sequence[int]) -> bool:
        scalars = [r for k in part for r in self.rho[k]]
        points = [point for k in part for point in self.messages[k].points]
        left = group.negative(group.sum_g1(scalars, points))
        vks = self.batch.key.vks
        right = [(q, vks[number - 1]) for k in part for q, number in self.right[k]]
        return group.pairing_product_is_one([(left, G2_GENERATOR), *right])


def share_seed(batch: Batch, messages: Iterable[ShareMessage]) -> bytes:
    """PX-9: covers the batch, every number, vk, sub-batch and share."""
    key, width = batch.key, batch.sub_batches
    parts = []
    for message in messages:
        for k, point in enumerate(message.points):
            number = key.roster.indices(message.member)[k // width]
            head = Writer().u16(number).u32(k % width).done()
            parts.append(head + g2_to_bytes(key.vks[number - 1]) + g1_to_bytes(point))
    bases = b"".join(map(g1_to_bytes, batch.bases))
    header = Writer().u64(batch.height).u64(key.epoch).raw(batch.root, 32).done()
    return tagged_hash("private/share-check", key.digest, header, bases, *parts)


def combine(batch: Batch, messages: Sequence[ShareMessage]) -> tuple[G1Affine, ...]:
    """K₁ … K_B from exactly T shares, the lowest numbers at hand.  Rule PX-5.

    Shares are taken as they are: what comes out is checked as a reveal is.

    Raises:
        TooFewShares: PX-5.
    """
    key, width = batch.key, batch.sub_batches
    at_hand: dict[int, tuple[G1Affine, ...]] = {}
    for message in messages:
        for place, number in enumerate(key.roster.indices(message.member)):
            at_hand[number] = message.points[place * width : (place + 1) * width]
    numbers = sorted(at_hand)[: key.parameters.quorum]
    if len(numbers) < key.parameters.quorum:
        raise TooFewShares(
            "PX-5",
            f"{len(numbers)} shares, the quorum is {key.parameters.quorum}",
            where=f"height {batch.height}",
        )
    points = [point for number in numbers for point in at_hand[number]]
    weights = [lagrange(numbers, slot(s)) for s in range(key.parameters.packing)]
    rows = [
        [(i * width + u, weights[s][i]) for i in range(len(numbers))]
        for u in range(width)
        for s, _ in enumerate(batch.members(u))
    ]
    return tuple(group.rows_times_g1(rows, points))
