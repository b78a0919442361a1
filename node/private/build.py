"""What an owner makes: donations, deposits, claims; from secrets that its words give back.

    weight w, owner          →  input, cv, reference  →  hidden value for the wallet's plan
    + carried transaction    →  proof, link           →  DonateTx

All that is secret is derived from the owner and from what is given (`shielded.private_owner`): who
has the words, and the chain, finds openings and blindings again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from circuits.crossing import (
    MAX_WEIGHT,
    DonationWitness,
    TransitWitness,
    donation_public,
    transit_public,
)
from circuits.membership import MemberTree, member_nullifier, round_element
from node.core.ids import ChainId, Kind
from node.core.private import DONATION, TRANSIT
from node.private.deposits import reference_of
from node.private.errors import PrivateRefused
from node.private.gifts import (
    ClaimTx,
    DepositTx,
    DonateTx,
    Gift,
    LinkedProof,
    Wanted,
    deposit_reference,
)
from node.private.terms import Terms
from private_exec.committee import inputs
from private_exec.committee.epoch import EpochRecord
from private_exec.pedersen import Opening
from private_exec.transcript import secret_scalar
from shielded import spec
from shielded.hidden import HiddenOpening, commitment
from shielded.private_owner import PrivateOwner
from shielded.transaction import ShieldedTx
from zk.curve import babyjub
from zk.curve.encoding import g1_to_bytes


@dataclass(frozen=True, slots=True, repr=False)
class Proving:
    """What a linked proof is made from; prints nothing.

    Attributes:
        statement: its id.
        public: all public inputs, the hidden ones among them; ν is 0 and drawn by who proves.
        witness: of the statement.
        openings: of the commitments that it is linked to.
        context: what it is made for.
    """

    statement: str
    public: Any
    witness: Any
    openings: tuple[Opening, ...]
    context: bytes

    def __repr__(self) -> str:
        return f"<Proving {self.statement}: secret>"


ProveLinked = Callable[[Proving], LinkedProof]


@dataclass(frozen=True, slots=True, repr=False)
class Openings:
    """Of the two commitments of a donation; prints nothing."""

    weight: Opening
    amount: Opening

    def __repr__(self) -> str:
        return "<Openings: secret>"


def openings_of(owner: PrivateOwner, weight: int, about: bytes) -> Openings:
    """w, c = w² and their blindings: derived, so that who has the words can claim.

    Args:
        owner: of the input.
        weight: w, a u32.
        about: what else the input is bound to (`about_of`).

    Raises:
        PrivateRefused: PV-109, a weight that no donation has.
    """
    if not 0 <= weight <= MAX_WEIGHT:
        raise PrivateRefused("PV-109", "a donation is the square of a u32", where="amount")
    entropy = owner.entropy((weight, weight * weight), about)
    blindings = (secret_scalar(f"private/blinding/{name}", entropy) for name in ("w", "c"))
    return Openings(*(Opening(v, b) for v, b in zip((weight, weight**2), blindings, strict=True)))


def about_of(record: EpochRecord, identity: bytes, project: int) -> bytes:
    """What an input is bound to beside its values."""
    return record.digest + identity + bytes([project])


@dataclass(frozen=True, slots=True, repr=False)
class Pledge:
    """A donation that waits for its carried transaction and its proof; prints no secret.

    Attributes:
        gift: what the donor says.
        value: what the carried transaction must move; goes into the wallet's plan.
        proving: what the proof is made from.
    """

    gift: Gift
    value: HiddenOpening = field(repr=False)
    proving: Proving = field(repr=False)

    def __repr__(self) -> str:
        return f"<Pledge {self.gift.reference.hex()[:16]}: secret>"

    def complete(self, carried: ShieldedTx, prove: ProveLinked) -> DonateTx:
        """The transaction, as it is sent."""
        return DonateTx(self.gift, prove(self.proving), carried)


def pledge(
    chain_id: ChainId,
    record: EpochRecord,
    terms: Terms,
    identity: bytes,
    project: int,
    weight: int,
    owner: PrivateOwner,
    secret: int,
    members: MemberTree,
) -> Pledge:
    """A donation of w² to a project.

    Args:
        chain_id: of the chain.
        record: of the epoch that the round's terms name.
        terms: of the round.
        identity: the round's id.
        project: index.
        weight: w, a u32.
        owner: of the input; its context is the round's id.
        secret: of the donor's membership.
        members: the round's tree.

    Raises:
        PrivateRefused: PV-109, another tree than the round's, or a weight that no donation has.
        ParamsError: the secret is no member's.
    """
    if members.root != terms.members:
        raise PrivateRefused("PV-109", "this is not the round's list of members", where="members")
    about = about_of(record, identity, project)
    found = openings_of(owner, weight, about)
    values = (found.weight, found.amount)
    entropy = owner.entropy((weight, weight * weight), about)
    shared = inputs.make(record, identity, owner.public, values, entropy)
    amount = weight * weight
    commitments = b"".join(map(g1_to_bytes, shared.commitments))
    rcv = owner.rcv(terms.kind, amount, commitments)
    cv = babyjub.encode(commitment(terms.kind, amount, rcv))
    number = round_element(identity)
    gift = Gift(
        chain_id, identity, project, terms.members, member_nullifier(secret, number), cv,
        shared.to_bytes(),
    )  # fmt: skip
    witness = DonationWitness(rcv, secret, members.path(secret))
    public = donation_public(_point(terms.kind), weight, witness, number, 0)
    return Pledge(
        gift,
        HiddenOpening(gift.reference, terms.kind, amount, rcv),
        Proving(DONATION, public, witness, values, gift.reference),
    )


@dataclass(frozen=True, slots=True, repr=False)
class Stored:
    """A deposit that waits for its carried transaction and its proof; prints no secret.

    Attributes:
        reference: what link and carried transaction are bound to.
        chain_id, cv, input: of the transaction.
        opening: of its commitment.
        value: what the carried transaction must move; goes into the wallet's plan.
        proving: what the proof is made from.
    """

    reference: bytes
    chain_id: ChainId
    cv: bytes
    input: bytes
    opening: Opening = field(repr=False)
    value: HiddenOpening = field(repr=False)
    proving: Proving = field(repr=False)

    def __repr__(self) -> str:
        return f"<Stored {self.reference.hex()[:16]}: secret>"

    def complete(self, carried: ShieldedTx, prove: ProveLinked) -> DepositTx:
        """The transaction, as it is sent."""
        return DepositTx(self.chain_id, self.cv, self.input, prove(self.proving), carried)


def opening_of(owner: PrivateOwner, amount: int, record: EpochRecord) -> Opening:
    """An amount and the blinding of its commitment, derived as a donation's are."""
    entropy = owner.entropy((amount,), record.digest)
    return Opening(amount, secret_scalar("private/blinding/deposit", entropy))


def deposit(
    chain_id: ChainId, record: EpochRecord, kind: Kind, amount: int, owner: PrivateOwner
) -> Stored:
    """A hidden amount into a cell of a committee.

    Args:
        chain_id: of the chain.
        record: of the committee's epoch.
        kind: of the amount.
        amount: what goes in.
        owner: of the input.
    """
    opening = opening_of(owner, amount, record)
    entropy = owner.entropy((amount,), record.digest)
    reference = reference_of(record.declaration.id, kind)
    shared = inputs.make(record, reference, owner.public, (opening,), entropy)
    rcv = owner.rcv(kind, amount, g1_to_bytes(shared.commitments[0]))
    cv = babyjub.encode(commitment(kind, amount, rcv))
    data = shared.to_bytes()
    context = deposit_reference(chain_id, cv, data)
    witness = TransitWitness(rcv)
    public = transit_public(_point(kind), amount, witness, 0)
    return Stored(
        context, chain_id, cv, data, opening,
        HiddenOpening(context, kind, amount, rcv),
        Proving(TRANSIT, public, witness, (opening,), context),
    )  # fmt: skip


def shown_input(
    record: EpochRecord, kind: Kind, amount: int, owner: PrivateOwner, entropy: bytes
) -> bytes:
    """The input of an amount that everybody sees, for a `PlaceTx`; its commitment has no blinding.

    Args:
        record: of the committee's epoch.
        kind: of the amount.
        amount: what goes in.
        owner: of the input.
        entropy: 32 fresh bytes: of two inputs of one amount, each is its own.
    """
    reference = reference_of(record.declaration.id, kind)
    values = (Opening(amount, 0),)
    return inputs.make(record, reference, owner.public, values, entropy).to_bytes()


@dataclass(frozen=True, slots=True, repr=False)
class Refund:
    """A claim that waits for its carried transaction, its proof and its signature."""

    wanted: Wanted
    value: HiddenOpening = field(repr=False)
    proving: Proving = field(repr=False)
    owner: PrivateOwner = field(repr=False)

    def __repr__(self) -> str:
        return f"<Refund {self.wanted.reference.hex()[:16]}: secret>"

    def complete(self, carried: ShieldedTx, prove: ProveLinked) -> ClaimTx:
        """The transaction, as it is sent."""
        bare = ClaimTx(self.wanted, prove(self.proving), carried)
        return replace(bare, signature=self.owner.sign(bare.digest))


def refund(
    chain_id: ChainId, kind: Kind, identity: bytes, opening: Opening, owner: PrivateOwner
) -> Refund:
    """A claim of what a donation or deposit holds.

    Args:
        chain_id: of the chain.
        kind: of the amount.
        identity: the input's id.
        opening: of its commitment to the amount (`openings_of`, `opening_of`).
        owner: of the input.
    """
    amount = opening.value
    rcv = owner.rcv(kind, amount, identity, enters=True)
    cv = babyjub.encode(commitment(kind, amount, rcv))
    wanted = Wanted(chain_id, identity, opening.commitment, cv)
    witness = TransitWitness(rcv)
    public = transit_public(_point(kind), amount, witness, 0)
    return Refund(
        wanted,
        HiddenOpening(wanted.reference, kind, amount, rcv, enters=True),
        Proving(TRANSIT, public, witness, (opening,), wanted.reference),
        owner,
    )


def _point(kind: Kind) -> tuple[int, int]:
    point = spec.kind_point(kind).point
    return point.x, point.y
