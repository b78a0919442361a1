"""A member's encryption key for one attempt at an epoch.  Rule PV-31.

EK is fresh for each attempt: a long-lived one would open past epochs once it leaks. It comes with a
proof of knowledge, so that nobody presents a function of another's key, and signed by the member.
It serves for the epoch: inputs are sealed to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.committee.epoch import EpochContext
from private_exec.committee.errors import CeremonyRefused
from private_exec.keygen.notice import DecryptionKey
from private_exec.proofs import Knowledge, knows, prove_knowledge
from private_exec.roster import SIGNATURE_BYTES, Signer
from private_exec.transcript import secret_scalar
from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

_PROOF: Final = "private/committee/notice"


@dataclass(frozen=True, slots=True)
class Notice:
    """EK of a member. Raises a DecodeError where it is no point."""

    member: int
    key: G1Affine
    proof: Knowledge
    signature: bytes

    def __post_init__(self) -> None:
        check_g1(self.key, what="encryption key")

    def to_bytes(self) -> bytes:
        return _body(self.member, self.key, self.proof) + self.signature

    @staticmethod
    def from_bytes(data: bytes) -> Notice:
        reader = Reader(data, "notice")
        member = reader.u8()
        key = g1_from_bytes(reader.take(G1_BYTES), what="encryption key")
        proof, signature = Knowledge.read(reader), reader.take(SIGNATURE_BYTES)
        reader.done()
        return Notice(member, key, proof, signature)


def _body(member: int, key: G1Affine, proof: Knowledge) -> bytes:
    return Writer().u8(member).done() + g1_to_bytes(key) + proof.to_bytes()


def _digest(context: EpochContext, body: bytes) -> bytes:
    return tagged_hash("private/committee/notice", context.digest, body)


def _binding(context: EpochContext, member: int) -> bytes:
    return context.digest + Writer().u8(member).done()


def make(
    context: EpochContext, member: int, signer: Signer, entropy: bytes
) -> tuple[Notice, DecryptionKey]:
    """A fresh key pair for this attempt.

    Args:
        context: of the attempt.
        member: whose.
        signer: its key.
        entropy: 32 fresh bytes.
    """
    binding = _binding(context, member)
    secret = secret_scalar("private/committee/ek", entropy, binding)
    public = group.base_g1([secret])[0]
    proof = prove_knowledge(secret, _PROOF, binding, entropy)
    signature = signer.sign(_digest(context, _body(member, public, proof)))
    return Notice(member, public, proof, signature), DecryptionKey(secret)


def check(notice: Notice, context: EpochContext) -> None:
    """Proved to be known, for this attempt, and signed by the member.

    Raises:
        CeremonyRefused: PV-31.
    """
    where = f"notice of member {notice.member}"
    digest = _digest(context, _body(notice.member, notice.key, notice.proof))
    if not context.declaration.is_signed(notice.member, digest, notice.signature):
        raise CeremonyRefused("PV-31", "not signed by a member of this committee", where=where)
    if not knows(notice.key, notice.proof, _PROOF, _binding(context, notice.member)):
        raise CeremonyRefused("PV-31", "its proof of knowledge does not hold", where=where)
