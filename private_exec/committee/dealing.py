"""A dealing: one member's parts of the keys of its sets.  Rules PV-32, PV-33.

    part_A            32 random bytes, for every set A that this member deals for (subsets.py)
    hash_A            on chain: the same part for everybody, or a complaint shows that it is not
    sealed            for each other member with an encryption key: its parts, by ascending A

A receiver's parts are sealed together: a complaint opens all that this dealer sealed to its
accuser. A guilty dealer's parts are dropped, every one; a false accuser discloses what it could
publish anyway.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec.committee import sealing
from private_exec.committee.epoch import EpochContext
from private_exec.committee.errors import CeremonyRefused
from private_exec.committee.sealing import Sealed
from private_exec.committee.subsets import dealt_by
from private_exec.mpc.prss import holds
from private_exec.mpc.shamir import Size
from private_exec.roster import SIGNATURE_BYTES, Signer
from private_exec.transcript import secret_scalar
from zk.curve.bn254 import G1Affine

PART_BYTES: Final = 32
MAX_SETS: Final = 715
"""C(13, 4)."""
_MAX_PARTS: Final = 12


@dataclass(frozen=True)
class Dealing:
    """What a dealer publishes.

    Attributes:
        dealer: a member.
        hashes: of its parts, by ascending set.
        sealed: one part for each other member that gave an encryption key, ascending.
        signature: of the dealer.
    """

    dealer: int
    hashes: tuple[bytes, ...]
    sealed: Sealed
    signature: bytes

    @functools.cached_property
    def body(self) -> bytes:
        """Everything but the signature."""
        return _head(self.dealer, self.hashes) + self.sealed.to_bytes()

    def to_bytes(self) -> bytes:
        return self.body + self.signature

    @staticmethod
    def from_bytes(data: bytes) -> Dealing:
        """Strict; points are checked."""
        reader = Reader(data, "dealing")
        dealer, count = reader.u8(), reader.count(2, MAX_SETS, "hashes")
        hashes = tuple(reader.take(32) for _ in range(count))
        most = MAX_SETS * PART_BYTES + sealing.TAG_BYTES
        sealed = Sealed.read(reader, _MAX_PARTS, most)
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        return Dealing(dealer, hashes, sealed, signature)

    def digest(self, session: bytes) -> bytes:
        """What the dealer signs, and a complaint names."""
        return tagged_hash("private/committee/dealing", session, self.body)


def _head(dealer: int, hashes: tuple[bytes, ...]) -> bytes:
    writer = Writer().u8(dealer).u16(len(hashes))
    for value in hashes:
        writer.raw(value, 32)
    return writer.done()


def _header(session: bytes, dealer: int, hashes: tuple[bytes, ...]) -> bytes:
    return tagged_hash("private/committee/dealing-header", session, _head(dealer, hashes))


def hash_of(session: bytes, dealer: int, mask: int, part: bytes) -> bytes:
    """What stands on chain for a part."""
    place = Writer().u8(dealer).u16(mask).done()
    return tagged_hash("private/committee/part", session, place, part)


def receivers(keys: Mapping[int, G1Affine], dealer: int) -> tuple[int, ...]:
    """To whom a dealer seals, ascending."""
    return tuple(member for member in sorted(keys) if member != dealer)


def sets_of(size: Size, dealer: int, receiver: int) -> tuple[int, ...]:
    """The sets whose parts a dealer seals to a receiver, ascending."""
    return tuple(mask for mask in dealt_by(size, dealer) if holds(mask, receiver))


def own_parts(
    context: EpochContext, keys: dict[int, G1Affine], dealer: int, entropy: bytes
) -> dict[int, bytes]:
    """A dealer's parts, by set: a function of the attempt and its entropy."""
    session = context.session(keys)
    return {
        mask: tagged_hash(
            "private/committee/part-secret",
            entropy,
            session,
            Writer().u8(dealer).u16(mask).done(),
        )
        for mask in dealt_by(context.declaration.size, dealer)
    }


def make(
    context: EpochContext, keys: dict[int, G1Affine], dealer: int, signer: Signer, entropy: bytes
) -> Dealing:
    """Deal fresh parts.

    Args:
        context: of the attempt.
        keys: encryption keys by member, the dealer's among them.
        dealer: the member who deals.
        signer: its key.
        entropy: 32 fresh bytes.
    """
    parts = own_parts(context, keys, dealer, entropy)
    size = context.declaration.size
    plain = {
        receiver: b"".join(parts[mask] for mask in sets_of(size, dealer, receiver))
        for receiver in receivers(keys, dealer)
    }
    return assemble(context, keys, dealer, parts, plain, signer, entropy)


def assemble(
    context: EpochContext,
    keys: dict[int, G1Affine],
    dealer: int,
    parts: Mapping[int, bytes],
    plain: Mapping[int, bytes],
    signer: Signer,
    entropy: bytes,
) -> Dealing:
    """Hash, seal, prove and sign; `plain` is what is sealed to each, right or not."""
    session = context.session(keys)
    hashes = tuple(hash_of(session, dealer, mask, parts[mask]) for mask in sorted(parts))
    header = _header(session, dealer, hashes)
    ephemeral = secret_scalar("private/committee/dealing-ephemeral", entropy, header)
    sealed = sealing.seal(header, ephemeral, keys, plain, entropy)
    return sign(Dealing(dealer, hashes, sealed, b""), session, signer)


def sign(dealing: Dealing, session: bytes, signer: Signer) -> Dealing:
    """The dealing with its dealer's signature."""
    signature = signer.sign(dealing.digest(session))
    return Dealing(dealing.dealer, dealing.hashes, dealing.sealed, signature)


def check_signature(dealing: Dealing, context: EpochContext, keys: dict[int, G1Affine]) -> None:
    """It is its dealer's, who takes part.

    Raises:
        CeremonyRefused: PV-32; says nothing about the dealer: anyone can send such a thing.
    """
    digest = dealing.digest(context.session(keys))
    if dealing.dealer not in keys or not context.declaration.is_signed(
        dealing.dealer, digest, dealing.signature
    ):
        raise CeremonyRefused(
            "PV-32", "not signed by a member that gave an encryption key", where="dealing"
        )


def check(dealing: Dealing, context: EpochContext, keys: dict[int, G1Affine]) -> None:
    """Everything about a signed dealing that everybody sees.

    Raises:
        CeremonyRefused: PV-32 counts and lengths; PV-33 the proof.
    """
    where = f"dealing of member {dealing.dealer}"
    size, dealer = context.declaration.size, dealing.dealer
    due = len(dealt_by(size, dealer))
    if len(dealing.hashes) != due:
        raise CeremonyRefused("PV-32", f"{len(dealing.hashes)} hashes, {due} are due", where=where)
    lengths = [
        len(sets_of(size, dealer, receiver)) * PART_BYTES + sealing.TAG_BYTES
        for receiver in receivers(keys, dealer)
    ]
    if [len(part) for part in dealing.sealed.parts] != lengths:
        raise CeremonyRefused("PV-32", "sealed parts of wrong number or length", where=where)
    header = _header(context.session(keys), dealer, dealing.hashes)
    if sealing.unproved([(header, dealing.sealed)]):
        raise CeremonyRefused("PV-33", "the proof for E does not hold", where=where)


def open_parts(
    dealing: Dealing,
    context: EpochContext,
    keys: dict[int, G1Affine],
    receiver: int,
    shared: G1Affine,
) -> dict[int, bytes] | None:
    """What a dealing that passed `check` gave a receiver, under K; None where it is wrong."""
    session = context.session(keys)
    header = _header(session, dealing.dealer, dealing.hashes)
    place = receivers(keys, dealing.dealer).index(receiver)
    data = sealing.open_part(dealing.sealed, header, place, receiver, shared)
    if data is None:
        return None
    size = context.declaration.size
    due = dict(zip(dealt_by(size, dealing.dealer), dealing.hashes, strict=True))
    found = {}
    for at, mask in enumerate(sets_of(size, dealing.dealer, receiver)):
        part = data[at * PART_BYTES : (at + 1) * PART_BYTES]
        if hash_of(session, dealing.dealer, mask, part) != due[mask]:
            return None
        found[mask] = part
    return found
