"""A message: an envelope, its origin's statement, and the path that it took. Rules GO-1 … GO-8.

    origin   states digest = H("gossip/origin", envelope)
    hop i    states H("gossip/hop", id, all that stands before it, fee_taken, next)
    id       = H("gossip/id", digest, origin, seq, origin's signature)

Hops do not enter the id, so a message keeps it while its path grows and its fee is divided. Each
hop signs everything before it: nothing can be changed, left out or put in further up the path.

What a hop *can* do is leave its whole tail out and sign after an earlier statement, unless that
statement names who comes next. In a *bound* message every statement does, and the first is a
statement of the origin's own (`bind`), so that a path has one reading only.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import KEY_BYTES
from node.core.ids import ChainId, tagged_hash
from node.gossip.envelope import MAX_ENVELOPE, Envelope
from node.gossip.errors import InvalidMessage, decoding
from node.gossip.fees import check_cuts
from node.gossip.statement import SIGNATURE_BYTES, Signer, Statement

VERSION: Final = 1
MAX_MESSAGE: Final = 16 * 1024
MAX_HOPS: Final = 8


@dataclass(frozen=True, slots=True)
class Hop:
    """One node that passed the message on.

    Attributes:
        node: its key.
        seq: number of this statement among its own.
        fee_taken: base units that it claims of a settlement fee.
        next: the only node that may come after it; None: whoever.
        signature: over all before.
    """

    node: bytes
    seq: int
    fee_taken: int
    next: bytes | None
    signature: bytes

    def write(self, writer: Writer) -> None:
        writer.raw(self.node, KEY_BYTES).u64(self.seq).u64(self.fee_taken)
        writer.u8(self.next is not None)
        if self.next is not None:
            writer.raw(self.next, KEY_BYTES)
        writer.raw(self.signature, SIGNATURE_BYTES)

    @staticmethod
    def read(reader: Reader) -> Hop:
        node, seq, fee_taken = reader.take(KEY_BYTES), reader.u64(), reader.u64()
        named = reader.u8()
        if named > 1:
            raise InvalidMessage("GO-1", f"a presence byte of {named}", where="hop")
        successor = reader.take(KEY_BYTES) if named else None
        return Hop(node, seq, fee_taken, successor, reader.take(SIGNATURE_BYTES))


@dataclass(frozen=True, slots=True)
class Message:
    """What travels.

    Attributes:
        envelope: the origin's.
        origin: its key.
        seq: number of this statement among the origin's.
        signature: of the origin.
        hops: the path, first hop first.
        id: 32 bytes, the same whatever path it took (GO-4).
    """

    envelope: Envelope
    origin: bytes
    seq: int
    signature: bytes
    hops: tuple[Hop, ...] = ()
    id: bytes = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        said = (self.envelope.digest, self.origin, self.seq.to_bytes(8, "little"), self.signature)
        object.__setattr__(self, "id", tagged_hash("gossip/id", *said))

    def to_bytes(self) -> bytes:
        writer = Writer().u8(VERSION).blob(self.envelope.to_bytes())
        writer.raw(self.origin, KEY_BYTES).u64(self.seq).raw(self.signature, SIGNATURE_BYTES)
        writer.u8(len(self.hops))
        for hop in self.hops:
            hop.write(writer)
        return writer.done()

    @staticmethod
    def from_bytes(data: bytes) -> Message:
        """Strict: what is not refused encodes to the same bytes.

        Raises:
            InvalidMessage: GO-1 not an encoding, or longer than 16 KiB; GO-2 … GO-11 a value.
        """
        if len(data) > MAX_MESSAGE:
            raise InvalidMessage("GO-1", f"{len(data)} bytes, at most {MAX_MESSAGE}")
        with decoding("GO-1", "message"):
            reader = Reader(data, "message")
            if reader.u8() != VERSION:
                raise InvalidMessage("GO-1", "a message of another version", where="message")
            envelope = Envelope.from_bytes(reader.blob(MAX_ENVELOPE, "envelope"))
            origin, seq = reader.take(KEY_BYTES), reader.u64()
            signature = reader.take(SIGNATURE_BYTES)
            count = reader.u8()
            if count > MAX_HOPS:
                raise InvalidMessage("GO-7", f"{count} hops, at most {MAX_HOPS}", where="hops")
            hops = tuple(Hop.read(reader) for _ in range(count))
            reader.done()
        return Message(envelope, origin, seq, signature, hops)

    @property
    def cuts(self) -> tuple[int, ...]:
        return tuple(hop.fee_taken for hop in self.hops)

    @property
    def left(self) -> int:
        """Base units that hops may still take."""
        return self.envelope.fee.for_hops - sum(self.cuts)

    @property
    def named(self) -> bool:
        """Whether the last hop says who comes next."""
        return bool(self.hops) and self.hops[-1].next is not None

    @property
    def nodes(self) -> tuple[bytes, ...]:
        """Origin and hops, in order."""
        return (self.origin, *(hop.node for hop in self.hops))

    def statements(self) -> tuple[Statement, ...]:
        """Every signature in it, as statements; unverified."""
        said = [Statement(self.origin, self.seq, self.envelope.digest, self.signature)]
        for index, hop in enumerate(self.hops):
            content = _hop_content(self.id, self.hops[:index], hop.fee_taken, hop.next)
            said.append(Statement(hop.node, hop.seq, content, hop.signature))
        return tuple(said)

    def check(self, receiver: bytes | None = None) -> None:
        """Everything but the signatures: fees, cuts and the shape of the path.

        Args:
            receiver: key of the node that got it; None: the one for whom it was meant.

        Raises:
            InvalidMessage: GO-6, GO-7, GO-8.
        """
        check_cuts(self.envelope.fee, self.cuts)
        self._check_path(receiver)

    def verify(self, chain_id: ChainId, receiver: bytes | None = None) -> None:
        """All of it, back to the origin.

        Raises:
            InvalidMessage: GO-3 the origin's signature, GO-5 a hop's, and what `check` raises.
        """
        self.check(receiver)
        for index, statement in enumerate(self.statements()):
            rule, where = ("GO-5", f"hop {index}") if index else ("GO-3", "origin")
            statement.verify(chain_id, rule, where)

    def _check_path(self, receiver: bytes | None) -> None:
        if len(self.hops) > MAX_HOPS:
            raise InvalidMessage("GO-7", f"{len(self.hops)} hops, at most {MAX_HOPS}", where="hops")
        opened = self.envelope.bound
        path = [hop.node for hop in self.hops] if opened else list(self.nodes)
        if len(set(path)) != len(path):
            raise InvalidMessage("GO-7", "a node stands twice in the path", where="hops")
        if opened and (not self.hops or self.hops[0].node != self.origin):
            raise InvalidMessage("GO-6", "a bound message whose origin names no successor")
        if opened and self.hops[0].fee_taken:
            raise InvalidMessage("GO-8", "the origin takes a cut of its own fee", where="hop 1")
        followers = [*(hop.node for hop in self.hops[1:]), receiver]
        for index, (hop, follower) in enumerate(zip(self.hops, followers, strict=False), 1):
            if opened and hop.next is None:
                raise InvalidMessage("GO-6", "names no successor", where=f"hop {index}")
            if hop.next is not None and follower is not None and follower != hop.next:
                raise InvalidMessage(
                    "GO-6", "whoever comes next is not the one that it names", where=f"hop {index}"
                )


def originate(signer: Signer, seq: int, envelope: Envelope) -> Message:
    """A new message, without hops; of a bound one `bind` makes what is sent."""
    said = signer.state(seq, envelope.digest)
    return Message(envelope, signer.node, seq, said.signature)


def pass_on(
    message: Message, signer: Signer, seq: int, fee_taken: int = 0, successor: bytes | None = None
) -> Message:
    """The message with one more hop.

    Args:
        message: as it was received.
        signer: of the node that passes it on.
        seq: the next number of that node's.
        fee_taken: base units that it claims.
        successor: the only node that may pass it on after that.

    Raises:
        InvalidMessage: GO-6, GO-7, GO-8 what would not be accepted.
    """
    hop = Hop(signer.node, seq, fee_taken, successor, bytes(SIGNATURE_BYTES))
    replace(message, hops=(*message.hops, hop)).check()
    content = _hop_content(message.id, message.hops, fee_taken, successor)
    signed = replace(hop, signature=signer.state(seq, content).signature)
    return replace(message, hops=(*message.hops, signed))


def bind(message: Message, signer: Signer, seq: int, successor: bytes) -> Message:
    """The opening hop of a bound message, by its origin: it goes to `successor` and nobody else."""
    return pass_on(message, signer, seq, 0, successor)


def _hop_content(
    name: bytes, before: tuple[Hop, ...], fee_taken: int, successor: bytes | None
) -> bytes:
    writer = Writer()
    for hop in before:
        hop.write(writer)
    cut = fee_taken.to_bytes(8, "little")
    return tagged_hash("gossip/hop", name, writer.done(), cut, successor or b"")
