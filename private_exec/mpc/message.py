"""What members send each other, signed.  Rules PV-10, PV-12.

    sid 32 | round u32 | sender u8 | kind u8 | length u32 | body | signature 64

The signature covers a header with the body's hash in the body's place. So a header, 106 bytes with
its signature, is evidence by itself: two of one round and sender with different hashes prove that
the sender told two stories (PV-12), whatever the stories were.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import SIGNATURE_BYTES, is_proper, is_signed
from node.core.ids import ChainId, tagged_hash
from private_exec.mpc.errors import MessageRefused
from private_exec.mpc.labels import SessionId
from private_exec.mpc.shamir import Size
from private_exec.roster import Signer

DIGEST_BYTES: Final = 32
MAX_BODY: Final = 4 << 20
"""Bytes of a body: no protocol here sends more in a round."""
OVERHEAD: Final = DIGEST_BYTES + 4 + 1 + 1 + 4 + SIGNATURE_BYTES
"""Bytes of a message beside its body."""


class Kind(IntEnum):
    """What a round is for."""

    OPEN = 1
    PRODUCT = 2
    ECHO = 3
    FIX = 4
    VOTE = 5
    REVEAL = 6
    SHOW = 7
    SIGN = 8
    POINT = 9


@dataclass(frozen=True)
class Session:
    """Who computes what: the domain of every signature in it.

    Attributes:
        chain_id: 32 bytes.
        sid: 32 bytes; a function of everything that the computation depends on (P2-3).
        size: of the committee.
        keys: the members' Ed25519 keys, member 1 first.

    Raises:
        MessageRefused: PV-10, another number of keys, a key twice or an improper one.
    """

    chain_id: ChainId
    sid: SessionId
    size: Size
    keys: tuple[bytes, ...]

    def __post_init__(self) -> None:
        proper = all(is_proper(key) for key in self.keys)
        if len(self.keys) != self.size.n or len(set(self.keys)) != len(self.keys) or not proper:
            raise MessageRefused(
                "PV-10",
                f"{self.size.n} proper keys, all different, make a session",
                where="session",
            )

    @cached_property
    def digest(self) -> bytes:
        return tagged_hash("private/mpc/session", self.chain_id, self.sid, *self.keys)

    @property
    def members(self) -> range:
        """1 … n."""
        return self.size.members

    @property
    def quorum(self) -> int:
        """2t + 1: any two such sets share an honest member."""
        return self.size.quorum

    def has_signed(self, member: int, digest: bytes, signature: bytes) -> bool:
        """Whether this member signed; callers refuse by their own rule."""
        return member in self.members and is_signed(self.keys[member - 1], digest, signature)


@dataclass(frozen=True, slots=True)
class Header:
    """A message without its body, and the signature over it.

    Attributes:
        round: 0 for the first.
        sender: 1 … n.
        kind: of the round.
        length: of the body, bytes.
        digest: of the body.
        signature: Ed25519.
    """

    round: int
    sender: int
    kind: Kind
    length: int
    digest: bytes
    signature: bytes = field(repr=False)

    def tells_as(self, other: Header) -> bool:
        """Whether both stand for one body in rounds of one kind."""
        mine = self.kind, self.length, self.digest
        return mine == (other.kind, other.length, other.digest)

    def signed(self, session: Session) -> bytes:
        """What the signature is over."""
        return signing_digest(session, self.round, self.sender, self.kind, self.length, self.digest)

    def is_signed(self, session: Session) -> bool:
        """Whether the sender is a member of this session and signed it."""
        return session.has_signed(self.sender, self.signed(session), self.signature)

    def check(self, session: Session) -> None:
        """PV-10: the sender is a member of this session and signed it.

        Raises:
            MessageRefused: PV-10.
        """
        where = f"message of member {self.sender}, round {self.round}"
        if self.sender not in session.members:
            raise MessageRefused("PV-10", f"there is no member {self.sender}", where=where)
        if not self.is_signed(session):
            raise MessageRefused("PV-10", "not signed by its sender for this session", where=where)


def signing_digest(
    session: Session, number: int, sender: int, kind: Kind, length: int, digest: bytes
) -> bytes:
    """The hash that a header's signature is over."""
    header = Writer().u32(number).u8(sender).u8(kind).u32(length).raw(digest, DIGEST_BYTES).done()
    return tagged_hash("private/mpc/message", session.digest, header)


def body_digest(body: bytes) -> bytes:
    """The hash that stands for a body."""
    return tagged_hash("private/mpc/body", body)


@dataclass(frozen=True, slots=True)
class Message:
    """A header and the body that it is about.

    Attributes:
        sid: of the session.
        header: signed.
        body: whose hash and length the header has; shares, so it does not print.
    """

    sid: bytes
    header: Header
    body: bytes = field(repr=False)

    @property
    def sender(self) -> int:
        return self.header.sender

    def to_bytes(self) -> bytes:
        head = self.header
        writer = Writer().raw(self.sid, DIGEST_BYTES).u32(head.round).u8(head.sender).u8(head.kind)
        return writer.blob(self.body).raw(head.signature, SIGNATURE_BYTES).done()

    @staticmethod
    def from_bytes(data: bytes) -> Message:
        """Raises a DecodeError for what no member can have meant; nothing is verified."""
        reader = Reader(data, "message of a computation")
        sid, number, sender = reader.take(DIGEST_BYTES), reader.u32(), reader.u8()
        kind = _kind(reader.u8())
        body = reader.blob(MAX_BODY, "body")
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        header = Header(number, sender, kind, len(body), body_digest(body), signature)
        return Message(sid, header, body)

    def check(self, session: Session) -> None:
        """PV-10: of this session, and signed by a member.

        Raises:
            MessageRefused: PV-10.
        """
        if self.sid != session.sid:
            raise MessageRefused("PV-10", "of another session", where="message")
        self.header.check(session)


def _kind(value: int) -> Kind:
    try:
        return Kind(value)
    except ValueError:
        raise MessageRefused("PV-10", f"no round is of kind {value}", where="message") from None


def sign(
    session: Session, sender: int, signer: Signer, number: int, kind: Kind, body: bytes
) -> Message:
    """The message of a member for a round.

    Args:
        session: of the computation.
        sender: 1 … n.
        signer: the member's key.
        number: of the round.
        kind: of the round.
        body: at most MAX_BODY bytes.
    """
    digest = body_digest(body)
    signature = signer.sign(signing_digest(session, number, sender, kind, len(body), digest))
    return Message(session.sid, Header(number, sender, kind, len(body), digest, signature), body)


def check_equivocation(session: Session, first: Header, second: Header) -> int:
    """PV-12: who told two stories in one round; returns the member.

    Raises:
        MessageRefused: PV-12, nothing is proved; PV-10, one is not signed.
    """
    same_place = (first.round, first.sender) == (second.round, second.sender)
    if not same_place or first.tells_as(second):
        raise MessageRefused(
            "PV-12",
            "two different messages of one member and round prove something",
            where="evidence",
        )
    for header in (first, second):
        header.check(session)
    return first.sender
