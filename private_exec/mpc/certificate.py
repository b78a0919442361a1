"""One certificate for each batch: accepted, or blamed.  Rule PV-16 (P2-2).

    statement    session | batch | root of everything that was said | verdict
    certificate  2t + 1 members' signatures of one statement

Two sets of 2t + 1 members share an honest one, and an honest one signs one verdict for each batch,
recorded before it is sent. So a batch that anybody uses is never one whose randomness is revealed:
otherwise a member could see x − a opened and make others reveal a.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ids import tagged_hash
from private_exec.mpc.context import Context
from private_exec.mpc.errors import CertificateRefused, Undecided
from private_exec.mpc.message import DIGEST_BYTES, Kind, Session
from private_exec.mpc.rounds import WAIT, Form, Round, Rounds
from private_exec.roster import SIGNATURE_BYTES

VOTE_BYTES: Final = 1 + DIGEST_BYTES + SIGNATURE_BYTES


class Verdict(IntEnum):
    """What becomes of a batch."""

    ACCEPTED = 1
    BLAMED = 2


@dataclass(frozen=True, slots=True)
class Certificate:
    """2t + 1 members' word on a batch.

    Attributes:
        batch: its name, 32 bytes.
        root: hash of everything that was said about it, 32 bytes.
        verdict: which word.
        signatures: by member, ascending.
    """

    batch: bytes
    root: bytes
    verdict: Verdict
    signatures: Mapping[int, bytes] = field(repr=False)

    def check(self, session: Session) -> None:
        """PV-16: signed by 2t + 1 members of the session.

        Raises:
            CertificateRefused: PV-16.
        """
        statement = _statement(session, self.batch, self.root, self.verdict)
        signed = [m for m, s in self.signatures.items() if session.has_signed(m, statement, s)]
        if len(signed) < len(self.signatures) or len(signed) < session.quorum:
            raise CertificateRefused(
                "PV-16",
                f"{len(signed)} right signatures of {len(self.signatures)}: all are, and 2t + 1",
                where="certificate",
            )

    def to_bytes(self) -> bytes:
        writer = Writer().raw(self.batch, DIGEST_BYTES).raw(self.root, DIGEST_BYTES)
        writer.u8(self.verdict).u8(len(self.signatures))
        for member in sorted(self.signatures):
            writer.u8(member).raw(self.signatures[member], SIGNATURE_BYTES)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Certificate:
        """Nothing is verified.

        Raises:
            DecodeError: these bytes are no certificate.
            CertificateRefused: PV-16, an unknown verdict, or members out of order.
        """
        reader = Reader(data, "certificate of a batch")
        batch, root, value = reader.take(DIGEST_BYTES), reader.take(DIGEST_BYTES), reader.u8()
        if value not in (Verdict.ACCEPTED, Verdict.BLAMED):
            raise CertificateRefused("PV-16", f"{value} is no verdict", where=reader.where)
        pairs = [(reader.u8(), reader.take(SIGNATURE_BYTES)) for _ in range(reader.u8())]
        reader.done()
        members = [member for member, _ in pairs]
        if members != sorted(set(members)):
            raise CertificateRefused("PV-16", "members stand once, ascending", where=reader.where)
        return Certificate(batch, root, Verdict(value), dict(pairs))


def _statement(session: Session, batch: bytes, root: bytes, verdict: Verdict) -> bytes:
    return tagged_hash("private/mpc/verdict", session.digest, batch, root, bytes((verdict,)))


def certify(context: Context, batch: bytes, root: bytes, verdict: Verdict) -> Rounds[Certificate]:
    """Say one's verdict, and gather 2t + 1 that say the same of the same root. One round.

    Args:
        context: of the member.
        batch: name of the batch.
        root: hash of everything that was said about it.
        verdict: what follows from that, by a rule that every member applies.

    Raises:
        CertificateRefused: PV-16, this member said something else of this batch before.
        Undecided: PV-16, no 2t + 1 members say this.
    """
    session = context.session
    statement = _statement(session, batch, root, verdict)
    context.decide_once(b"verdict" + batch, statement)
    head = bytes((verdict,)) + root
    inbox = yield Round(Kind.VOTE, head + context.signer.sign(statement), Form.BYTES)
    while True:
        signatures = {
            member: vote[len(head) :]
            for member, vote in inbox.bodies.items()
            if vote.startswith(head) and session.has_signed(member, statement, vote[len(head) :])
        }
        if len(signatures) >= session.quorum:
            return Certificate(batch, root, verdict, signatures)
        if inbox.closed:
            raise Undecided("PV-16", "no 2t + 1 members say the same", where="verdict")
        inbox = yield WAIT
