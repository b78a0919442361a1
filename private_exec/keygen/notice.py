"""A validator's encryption key for one attempt.  Rule PX-2.

EK is fresh for each attempt: a long-lived one would open the dealings of every past epoch once it
leaks. It comes with a proof of knowledge, so that nobody presents a function of another's key, and
with the signature of the consensus key.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec import group
from private_exec.errors import KeygenRefused
from private_exec.keygen.context import Context
from private_exec.proofs import Knowledge, knows, prove_knowledge
from private_exec.roster import SIGNATURE_BYTES, Signer
from private_exec.transcript import secret_scalar
from zk.curve.bn254 import G1Affine, check_g1
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes

_PROOF: Final = "private/keygen/notice"


@dataclass(frozen=True, slots=True)
class Notice:
    """EK of a member. Raises a DecodeError where EK is no point (PX-13)."""

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
        member = reader.u16()
        key = g1_from_bytes(reader.take(G1_BYTES), what="encryption key")
        proof, signature = Knowledge.read(reader), reader.take(SIGNATURE_BYTES)
        reader.done()
        return Notice(member, key, proof, signature)


@dataclass(frozen=True, slots=True)
class DecryptionKey:
    """Ek of one attempt; dropped with the attempt. Does not print itself."""

    secret: int = field(repr=False)


def _body(member: int, key: G1Affine, proof: Knowledge) -> bytes:
    return Writer().u16(member).done() + g1_to_bytes(key) + proof.to_bytes()


def _digest(context: Context, body: bytes) -> bytes:
    return tagged_hash("private/keygen/notice", context.digest, body)


def make(
    context: Context, member: int, signer: Signer, entropy: bytes
) -> tuple[Notice, DecryptionKey]:
    """A fresh key pair for this attempt.

    Args:
        context: of the attempt.
        member: whose.
        signer: its consensus key.
        entropy: 32 fresh bytes.
    """
    secret = secret_scalar(
        "private/keygen/ek", entropy, context.digest, bytes((member & 255, member >> 8))
    )
    public = group.base_g1([secret])[0]
    proof = prove_knowledge(secret, _PROOF, _binding(context, member), entropy)
    signature = signer.sign(_digest(context, _body(member, public, proof)))
    return Notice(member, public, proof, signature), DecryptionKey(secret)


def _binding(context: Context, member: int) -> bytes:
    return context.digest + Writer().u16(member).done()


def check(notice: Notice, context: Context) -> None:
    """PX-2: proved to be known, for this attempt, and signed by the member.

    Raises:
        KeygenRefused: PX-2.
    """
    where = f"notice of member {notice.member}"
    if notice.member >= len(context.roster.members):
        raise KeygenRefused("PX-2", f"there is no member {notice.member}", where=where)
    digest = _digest(context, _body(notice.member, notice.key, notice.proof))
    if not context.roster.check_signature(notice.member, digest, notice.signature):
        raise KeygenRefused("PX-2", "not signed by the member's consensus key", where=where)
    if not knows(notice.key, notice.proof, _PROOF, _binding(context, notice.member)):
        raise KeygenRefused("PX-2", "its proof of knowledge does not hold", where=where)
