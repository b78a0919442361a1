"""Donations, deposits, bids, orders, claims: proofs tie each to a shielded transaction in it.

The *reference* hashes what a message says: link and carried transaction are bound to it. The id
hashes the reference and the carried transaction's id; proofs and signatures are in neither.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from node.core.block import Transaction
from node.core.codec import Reader, Writer
from node.core.effects import HiddenValue, Part
from node.core.ids import ID_BYTES, ChainId, EnvironmentId, Kind, TxId, tagged_hash
from node.core.interfaces import LinkedClaim, ProofClaim
from node.private.messages import MAX_MESSAGE
from node.private.tags import Tag
from private_exec.linking import link_bytes
from private_exec.roster import SIGNATURE_BYTES
from shielded.transaction import ShieldedTx
from zk.curve.bn254 import G1Affine
from zk.curve.encoding import G1_BYTES, g1_from_bytes, g1_to_bytes
from zk.groth16.keys import PROOF_BYTES

CV_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class LinkedProof:
    """A proof whose amounts are hidden, and the link of its point to the commitments beside it.

    Points and scalars are decoded by who verifies it, as those of every proof are.

    Attributes:
        proof: A, B, C: 128 bytes.
        point: D, which stands for the hidden inputs: 32 bytes.
        link: as `private_exec.linking` reads it, of the statement's length.
    """

    proof: bytes
    point: bytes
    link: bytes

    def claim(
        self, key_id: str, public: Sequence[int], commitments: Sequence[G1Affine], context: bytes
    ) -> ProofClaim:
        """What must be verified of it."""
        points = tuple(map(g1_to_bytes, commitments))
        linked = LinkedClaim(points, self.point, self.link, context)
        return ProofClaim(key_id, tuple(public), self.proof, linked)

    def to_bytes(self) -> bytes:
        return self.proof + self.point + self.link

    @staticmethod
    def read(reader: Reader, values: int) -> LinkedProof:
        """With a link of so many values."""
        proof, point = reader.take(PROOF_BYTES), reader.take(G1_BYTES)
        return LinkedProof(proof, point, reader.take(link_bytes(values)))


@dataclass(frozen=True)
class Gift:
    """What a donor says: all of a donation but its proofs, and what carries it.

    Attributes:
        chain_id: the one chain on which it is valid.
        round: id, 32 bytes.
        project: index.
        members: root of the round's tree of members, which the proof is about.
        nullifier: of the donor's membership in this round, a field element.
        cv: commitment on Baby Jubjub to c, compressed; the carried transaction has the same.
        input: w and c shared among the members, as `private_exec.committee` encodes it.
    """

    chain_id: ChainId
    round: bytes
    project: int
    members: int
    nullifier: int
    cv: bytes
    input: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.DONATE).raw(self.chain_id, ID_BYTES).raw(self.round, ID_BYTES)
        writer.u8(self.project).fr(self.members).fr(self.nullifier).raw(self.cv, CV_BYTES)
        return writer.blob(self.input).done()

    @cached_property
    def reference(self) -> bytes:
        """32 bytes that stand for all of it."""
        return tagged_hash("private/donation", self.to_bytes())


@dataclass(frozen=True)
class DonateTx:
    """Gives a hidden amount to a project of a round.

    Attributes:
        given: what the donor says.
        linked: the proof that c = w² is what leaves the pool, and w, c what the input shares.
        carried: the shielded transaction out of which c comes, and that pays the fee.
    """

    given: Gift
    linked: LinkedProof
    carried: ShieldedTx

    def to_bytes(self) -> bytes:
        return self.given.to_bytes() + self.linked.to_bytes() + self.carried.to_bytes()

    @cached_property
    def reference(self) -> bytes:
        """What link and carried transaction are bound to."""
        return self.given.reference

    @cached_property
    def id(self) -> TxId:
        return TxId(tagged_hash("private/tx", self.reference, self.carried.id))

    def hidden(self, kind: Kind) -> HiddenValue:
        """What the carried transaction must move, and nothing else."""
        return HiddenValue(EnvironmentId.PRIVATE, self.reference, kind, self.given.cv, enters=False)


@dataclass(frozen=True)
class Wanted:
    """What an owner asks back: all of a claim but its proofs, and what carries it.

    Attributes:
        chain_id: the one chain on which it is valid.
        input: id of the input, or of what an order traded.
        commitment: its commitment to the amount, as its owner made it.
        cv: commitment on Baby Jubjub to the amount, compressed.
    """

    chain_id: ChainId
    input: bytes
    commitment: G1Affine
    cv: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.CLAIM).raw(self.chain_id, ID_BYTES).raw(self.input, ID_BYTES)
        return writer.raw(g1_to_bytes(self.commitment), G1_BYTES).raw(self.cv, CV_BYTES).done()

    @cached_property
    def reference(self) -> bytes:
        """32 bytes that stand for all of it."""
        return tagged_hash("private/claim", self.to_bytes())


@dataclass(frozen=True)
class ClaimTx:
    """Takes what goes back of an input, or what an order traded, into the shielded pool.

    Attributes:
        wanted: what its owner asks back.
        linked: the proof that cv holds what the commitment holds.
        carried: the shielded transaction that makes notes of it, and that pays the fee.
        signature: of the input's owner over `digest`.
    """

    wanted: Wanted
    linked: LinkedProof
    carried: ShieldedTx
    signature: bytes = bytes(SIGNATURE_BYTES)

    def to_bytes(self) -> bytes:
        proofs = self.linked.to_bytes() + self.signature
        return self.wanted.to_bytes() + proofs + self.carried.to_bytes()

    @cached_property
    def reference(self) -> bytes:
        """What link and carried transaction are bound to."""
        return self.wanted.reference

    @cached_property
    def id(self) -> TxId:
        return TxId(tagged_hash("private/tx", self.reference, self.carried.id))

    @property
    def digest(self) -> bytes:
        """What the owner signs."""
        return tagged_hash("private/consent", self.id)

    def hidden(self, kind: Kind) -> HiddenValue:
        """What the carried transaction must move, and nothing else."""
        return HiddenValue(EnvironmentId.PRIVATE, self.reference, kind, self.wanted.cv, enters=True)


def _deposit(chain_id: ChainId, cv: bytes, shared: bytes) -> bytes:
    head = Writer().u8(Tag.DEPOSIT).raw(chain_id, ID_BYTES).raw(cv, CV_BYTES)
    return head.blob(shared).done()


def deposit_reference(chain_id: ChainId, cv: bytes, shared: bytes) -> bytes:
    """32 bytes that stand for all that a deposit says."""
    return tagged_hash("private/deposit", _deposit(chain_id, cv, shared))


@dataclass(frozen=True)
class DepositTx:
    """Puts a hidden amount into a cell of one owner.

    Attributes:
        chain_id: the one chain on which it is valid.
        cv: commitment on Baby Jubjub to the amount, compressed.
        input: the amount shared among the members, as `private_exec.committee` encodes it.
        linked: the proof that cv holds what the input shares.
        carried: the shielded transaction out of which it comes, and that pays the fee.
    """

    chain_id: ChainId
    cv: bytes
    input: bytes
    linked: LinkedProof
    carried: ShieldedTx

    def to_bytes(self) -> bytes:
        said = _deposit(self.chain_id, self.cv, self.input)
        return said + self.linked.to_bytes() + self.carried.to_bytes()

    @cached_property
    def reference(self) -> bytes:
        """What link and carried transaction are bound to."""
        return deposit_reference(self.chain_id, self.cv, self.input)

    @cached_property
    def id(self) -> TxId:
        return TxId(tagged_hash("private/tx", self.reference, self.carried.id))

    def hidden(self, kind: Kind) -> HiddenValue:
        """What the carried transaction must move, and nothing else."""
        return HiddenValue(EnvironmentId.PRIVATE, self.reference, kind, self.cv, enters=False)


def _bid(chain_id: ChainId, sale: bytes, cv: bytes, shared: bytes) -> bytes:
    head = Writer().u8(Tag.BID).raw(chain_id, ID_BYTES).raw(sale, ID_BYTES).raw(cv, CV_BYTES)
    return head.blob(shared).done()


@dataclass(frozen=True)
class BidTx:
    """Bids a hidden amount in a sale, and locks it.

    Attributes:
        chain_id: the one chain on which it is valid.
        sale: id, 32 bytes.
        cv: commitment on Baby Jubjub to the amount, compressed.
        input: the amount shared among the members, as `private_exec.committee` encodes it.
        linked: the proof that cv holds what the input shares, 0 or more.
        bounded: the same of the rest to the highest bid that there is.
        carried: the shielded transaction out of which it comes, and that pays the fee.
    """

    chain_id: ChainId
    sale: bytes
    cv: bytes
    input: bytes
    linked: LinkedProof
    bounded: LinkedProof
    carried: ShieldedTx

    def _said(self) -> bytes:
        return _bid(self.chain_id, self.sale, self.cv, self.input)

    def to_bytes(self) -> bytes:
        proofs = self.linked.to_bytes() + self.bounded.to_bytes()
        return self._said() + proofs + self.carried.to_bytes()

    @cached_property
    def reference(self) -> bytes:
        """What links and carried transaction are bound to."""
        return bid_reference(self.chain_id, self.sale, self.cv, self.input)

    @cached_property
    def id(self) -> TxId:
        return TxId(tagged_hash("private/tx", self.reference, self.carried.id))

    def hidden(self, kind: Kind) -> HiddenValue:
        """What the carried transaction must move, and nothing else."""
        return HiddenValue(EnvironmentId.PRIVATE, self.reference, kind, self.cv, enters=False)


def bid_reference(chain_id: ChainId, sale: bytes, cv: bytes, shared: bytes) -> bytes:
    """32 bytes that stand for all that a bid says."""
    return tagged_hash("private/bid", _bid(chain_id, sale, cv, shared))


@dataclass(frozen=True)
class Ordered:
    """What a trader says: all of an order but its proofs, and what carries it.

    Attributes:
        chain_id: the one chain on which it is valid.
        sale: id of the batch, 32 bytes.
        unit: base units that a quantity of one locks, by the batch's terms.
        ticks: prices of the batch.
        limit_cv: commitment on Baby Jubjub to the limit, compressed; nothing moves.
        cv: commitment to what is locked, unit·quantity; the carried transaction has the same.
        input: limit, quantity and pad shared among the members, as `private_exec.committee`
            encodes it.
    """

    chain_id: ChainId
    sale: bytes
    unit: int
    ticks: int
    limit_cv: bytes
    cv: bytes
    input: bytes

    def to_bytes(self) -> bytes:
        writer = Writer().u8(Tag.ORDER).raw(self.chain_id, ID_BYTES).raw(self.sale, ID_BYTES)
        writer.u64(self.unit).u8(self.ticks).raw(self.limit_cv, CV_BYTES).raw(self.cv, CV_BYTES)
        return writer.blob(self.input).done()

    @cached_property
    def reference(self) -> bytes:
        """32 bytes that stand for all of it."""
        return tagged_hash("private/order", self.to_bytes())


ORDER_PROOFS: Final = 4
"""Of the limit, of what is left of it, of the quantity, of what is left of it."""


@dataclass(frozen=True)
class OrderTx:
    """Buys or sells in a batch, and locks what that can cost.

    Attributes:
        ordered: what the trader says.
        proofs: that the limit is a tick, and the quantity one that the program takes.
        carried: the shielded transaction out of which the locked amount comes, and that pays the
            fee; its kind says whether the order buys.
    """

    ordered: Ordered
    proofs: tuple[LinkedProof, ...]
    carried: ShieldedTx

    def to_bytes(self) -> bytes:
        proofs = b"".join(proof.to_bytes() for proof in self.proofs)
        return self.ordered.to_bytes() + proofs + self.carried.to_bytes()

    @cached_property
    def reference(self) -> bytes:
        """What links and carried transaction are bound to."""
        return self.ordered.reference

    @cached_property
    def id(self) -> TxId:
        return TxId(tagged_hash("private/tx", self.reference, self.carried.id))

    def hidden(self, kind: Kind) -> HiddenValue:
        """What the carried transaction must move, and nothing else."""
        return HiddenValue(
            EnvironmentId.PRIVATE, self.reference, kind, self.ordered.cv, enters=False
        )


Carrying = DonateTx | ClaimTx | DepositTx | BidTx | OrderTx


def chain_of(tx: Carrying) -> ChainId:
    """The one chain on which it is valid."""
    match tx:
        case DonateTx():
            return tx.given.chain_id
        case ClaimTx():
            return tx.wanted.chain_id
        case DepositTx() | BidTx():
            return tx.chain_id
        case OrderTx():
            return tx.ordered.chain_id


def carried_part(tx: Carrying, name: str, kind: Kind) -> Part:
    """The carried transaction in an envelope of its own, as the one part of this one."""
    wire = Transaction(EnvironmentId.SHIELDED, tx.carried.to_bytes()).to_bytes()
    return Part(name, wires=(wire,), required=True, told=True, hidden=(tx.hidden(kind),))


def read_deposit(reader: Reader) -> DepositTx:
    """Behind the tag. Raises DecodeError."""
    chain_id, cv = ChainId(reader.take(ID_BYTES)), reader.take(CV_BYTES)
    shared, linked = reader.blob(MAX_MESSAGE, "input"), LinkedProof.read(reader, 1)
    return DepositTx(chain_id, cv, shared, linked, _carried(reader))


def read_bid(reader: Reader) -> BidTx:
    """Behind the tag. Raises DecodeError."""
    chain_id, sale, cv = (
        ChainId(reader.take(ID_BYTES)),
        reader.take(ID_BYTES),
        reader.take(CV_BYTES),
    )
    shared = reader.blob(MAX_MESSAGE, "input")
    linked, bounded = LinkedProof.read(reader, 1), LinkedProof.read(reader, 1)
    return BidTx(chain_id, sale, cv, shared, linked, bounded, _carried(reader))


def read_order(reader: Reader) -> OrderTx:
    """Behind the tag. Raises DecodeError."""
    chain_id, sale = ChainId(reader.take(ID_BYTES)), reader.take(ID_BYTES)
    unit, ticks = reader.u64(), reader.u8()
    points = reader.take(CV_BYTES), reader.take(CV_BYTES)
    ordered = Ordered(chain_id, sale, unit, ticks, *points, reader.blob(MAX_MESSAGE, "input"))
    proofs = tuple(LinkedProof.read(reader, 1) for _ in range(ORDER_PROOFS))
    return OrderTx(ordered, proofs, _carried(reader))


def read_donate(reader: Reader) -> DonateTx:
    """Behind the tag. Raises DecodeError."""
    chain_id, identity = ChainId(reader.take(ID_BYTES)), reader.take(ID_BYTES)
    project, members, nullifier = reader.u8(), reader.fr(), reader.fr()
    cv, shared = reader.take(CV_BYTES), reader.blob(MAX_MESSAGE, "input")
    given = Gift(chain_id, identity, project, members, nullifier, cv, shared)
    return DonateTx(given, LinkedProof.read(reader, 2), _carried(reader))


def read_claim(reader: Reader) -> ClaimTx:
    """Behind the tag. Raises DecodeError."""
    chain_id, identity = ChainId(reader.take(ID_BYTES)), reader.take(ID_BYTES)
    commitment = g1_from_bytes(reader.take(G1_BYTES), what="commitment")
    wanted = Wanted(chain_id, identity, commitment, reader.take(CV_BYTES))
    linked, signature = LinkedProof.read(reader, 1), reader.take(SIGNATURE_BYTES)
    return ClaimTx(wanted, linked, _carried(reader), signature)


def _carried(reader: Reader) -> ShieldedTx:
    return ShieldedTx.from_bytes(reader.rest())
