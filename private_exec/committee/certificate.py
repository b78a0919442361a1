"""What 2t + 1 members signed.  Rule PV-43.

Of 2t + 1 signers t + 1 are honest where at most t members are faulty, and an honest member signs
only what it checked itself. A certificate is a statement's digest and the signatures, ascending by
member; a list that holds one member twice is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec.committee.declaration import Declaration
from private_exec.committee.errors import CertificateRefused
from private_exec.mpc.shamir import SIZES
from private_exec.roster import SIGNATURE_BYTES, Signer


@dataclass(frozen=True, slots=True)
class Certificate:
    """Signatures by member, ascending."""

    signatures: tuple[tuple[int, bytes], ...]

    @staticmethod
    def of(signatures: Mapping[int, bytes]) -> Certificate:
        return Certificate(tuple(sorted(signatures.items())))

    def to_bytes(self) -> bytes:
        writer = Writer().u8(len(self.signatures))
        for member, signature in self.signatures:
            writer.u8(member).raw(signature, SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def read(reader: Reader) -> Certificate:
        count = reader.count(1, SIZES[-1], "signatures")
        return Certificate(tuple((reader.u8(), reader.take(SIGNATURE_BYTES)) for _ in range(count)))


def sign(declaration: Declaration, statement: bytes, signer: Signer) -> bytes:
    """A member's signature of a statement's digest; its place in the certificate is its number."""
    return signer.sign(_digest(declaration, statement))


def _digest(declaration: Declaration, statement: bytes) -> bytes:
    return tagged_hash("private/committee/certificate", declaration.id, statement)


def is_signed(declaration: Declaration, member: int, statement: bytes, signature: bytes) -> bool:
    """Whether this member signed; callers refuse by their own rule."""
    return declaration.is_signed(member, _digest(declaration, statement), signature)


def check(certificate: Certificate, declaration: Declaration, statement: bytes) -> None:
    """2t + 1 different members signed this.

    Raises:
        CertificateRefused: PV-43.
    """
    members = [member for member, _ in certificate.signatures]
    if members != sorted(set(members)):
        raise CertificateRefused("PV-43", "signers stand once, ascending", where="certificate")
    if len(members) < declaration.quorum:
        raise CertificateRefused(
            "PV-43", f"{len(members)} signatures, {declaration.quorum} are due", where="certificate"
        )
    for member, signature in certificate.signatures:
        if not is_signed(declaration, member, statement, signature):
            raise CertificateRefused(
                "PV-43", f"member {member} did not sign this", where="certificate"
            )
