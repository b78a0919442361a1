"""Plan → witness → proof → transaction. Pure: the same plan gives the same bytes.

prepare    lay out slots, derive every secret, compute public inputs and witnesses
prove      one proof per action, by the callable given
sign       each action under its rk, over what the party agreed to
compose    join parties, check that everything balances, sign for the balance
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from circuits.keys import KeyStore
from circuits.native import lone_path
from circuits.records import (
    ActionPublic,
    ActionWitness,
    Children,
    ConsumedWitness,
    CreatedWitness,
    KindWitness,
    Pair,
)
from node.core.ids import Kind
from shielded import digests, schnorr, spec
from shielded.action import Action, public_inputs
from shielded.compose import Authorize, PartyPart, authorized, compose
from shielded.encryption import NoteCiphertext, encrypt_dummy, encrypt_note
from shielded.errors import PlanRefused
from shielded.keys import SpendingKey
from shielded.notes import Note
from shielded.plan import Payment, Plan, Randomness, Spend
from shielded.slots import Slots, pack
from shielded.transaction import Mode, Party, ShieldedTx
from shielded.tree import DEPTH
from zk.curve.babyjub import ORDER
from zk.groth16.keys import Blinding, Proof
from zk.interfaces import Backend, Progress

Prove = Callable[[ActionPublic, ActionWitness, Blinding], Proof]
"""Makes a proof; `statement_prover` gives the real one."""


@dataclass(frozen=True, slots=True, repr=False)
class Prepared:
    """One action, ready to be proved.

    Attributes:
        public: public inputs.
        witness: what the prover knows.
        blinding: of the proof.
        ciphertexts: of the created notes.
        notes: the created notes, None for dummies.
    """

    public: ActionPublic
    witness: ActionWitness
    blinding: Blinding
    ciphertexts: tuple[NoteCiphertext, NoteCiphertext]
    notes: tuple[Note | None, Note | None]

    def __repr__(self) -> str:
        return "<Prepared: secret>"


def build(
    plan: Plan,
    key: SpendingKey,
    prove: Prove,
    *,
    authorize: Authorize | None = None,
    others: Sequence[PartyPart] = (),
) -> ShieldedTx:
    """The transaction of a plan, complete.

    Args:
        plan: what shall happen; its public and hidden values and its fee are the transaction's.
        key: owner of all notes spent.
        prove: makes the proofs.
        authorize: signs, for an account that is debited, over the transaction's id.
        others: parts of other parties, to which this one adds the last and signs for the balance.

    Raises:
        PlanRefused: SH-39 the sums are not zero; SH-33 parts that do not fit.
        MalformedTransaction: more than a transaction may hold.
    """
    if not others:
        plan.check_balanced()
    part = build_part(plan, key, prove, others=others)
    tx = compose(
        (*others, part), plan.public_values, plan.fee, seed=plan.seed, dark=plan.hidden_values
    )
    return authorized(tx, authorize) if authorize is not None else tx


def build_part(
    plan: Plan, key: SpendingKey, prove: Prove, *, others: Sequence[PartyPart] = ()
) -> PartyPart:
    """One party's signed actions and the sum of their blindings.

    In mode PARTY the part may go with any others. In mode TRANSACTION the signatures bind the whole
    transaction: `others` are its other parties, in order, and this one comes last.

    Raises:
        PlanRefused: as `prepare`.
    """
    prepared = prepare(plan, key)
    unsigned = tuple(
        Action(item.public, item.ciphertexts, prove(*_claim(item)).to_bytes()) for item in prepared
    )
    party = Party(unsigned, plan.expiry, plan.mode, plan.scope)
    if plan.mode is Mode.PARTY:
        message = digests.party_digest(plan.chain_id, party)
    else:
        parties = (*(part.party for part in others), party)
        frame = ShieldedTx(
            plan.chain_id,
            parties,
            plan.public_values,
            plan.fee,
            hidden_values=tuple(opening.value for opening in plan.hidden_values),
        )
        message = digests.auth_digest(frame, len(others))
    signed = tuple(
        replace(
            action,
            auth=schnorr.sign(key.ask + item.witness.alpha, message, seed=plan.randomness.root),
        )
        for action, item in zip(unsigned, prepared, strict=True)
    )
    total = sum(item.witness.rcv for item in prepared) % ORDER
    return PartyPart(plan.chain_id, replace(party, actions=signed), total)


def prepare(plan: Plan, key: SpendingKey) -> tuple[Prepared, ...]:
    """Everything but proofs and signatures, in the order of the actions.

    Raises:
        PlanRefused: SH-32 a note that the key does not own or the plan cannot hold; SH-5 too many.
    """
    return tuple(_prepare(plan, key, slots, index) for index, slots in enumerate(pack(plan)))


def statement_prover(
    *,
    profile: str,
    keys: KeyStore | None = None,
    backend: Backend | None = None,
    progress: Progress | None = None,
) -> Prove:
    """The real prover, its keys loaded once; arguments as of `circuits.prover.prove_statement`."""
    from circuits.action import Action as ActionStatement
    from circuits.prover import prove_statement

    statement, store = ActionStatement(), keys or KeyStore()

    def prove(public: ActionPublic, witness: ActionWitness, blinding: Blinding) -> Proof:
        return prove_statement(
            statement,
            public,
            witness,
            blinding,
            profile=profile,
            keys=store,
            backend=backend,
            progress=progress,
        )

    return prove


def _claim(item: Prepared) -> tuple[ActionPublic, ActionWitness, Blinding]:
    return item.public, item.witness, item.blinding


def _prepare(plan: Plan, key: SpendingKey, slots: Slots, index: int) -> Prepared:
    randomness = plan.randomness
    consumed = tuple(
        (spend.note if spend else _dummy(key, slots, randomness, index, slot))
        for slot, spend in enumerate(slots.consumed)
    )
    nullifiers = _nullifiers(key, consumed)
    # From here on everything is bound to the nullifier pair, which never comes again (S-13).
    created = [
        _created(payment, slots, nullifiers, randomness, slot)
        for slot, payment in enumerate(slots.created)
    ]
    notes = [note for note, _ in created]
    first, second = (
        encrypt_note(note, payment.address, payment.memo, None if payment.change else key.ovk)
        if payment
        else encrypt_dummy(randomness.seed("dummy/ciphertext", *nullifiers, slot))
        for slot, (note, payment) in enumerate(created)
    )
    commitments = (notes[0].commitment, notes[1].commitment)
    alpha = spec.spend_randomizer(key.alpha_key, nullifiers, commitments)
    rcv = randomness.scalar("rcv", *nullifiers, index)
    witness = _witness(plan, key, slots, consumed, notes, alpha, rcv)
    public = _public(plan, key, slots, nullifiers, commitments, consumed, notes, alpha, rcv)
    return Prepared(
        public,
        witness,
        _blinding(randomness, public, witness),
        (first, second),
        (notes[0] if slots.created[0] else None, notes[1] if slots.created[1] else None),
    )


def _dummy(key: SpendingKey, slots: Slots, randomness: Randomness, index: int, slot: int) -> Note:
    """A consumed resource of quantity 0: its nullifier enters the set like any other (S-1)."""
    mpk = key.full_viewing_key.mpk
    d = randomness.seed("dummy/diversifier", index, slot)[: spec.DIVERSIFIER_BYTES]
    return Note(
        slots.kinds[0],
        0,
        0,
        d,
        spec.owner(mpk, d),
        randomness.element("dummy/nonce", index, slot),
        randomness.seed("dummy/consumed-seed", index, slot),
    )


def _nullifiers(key: SpendingKey, consumed: Sequence[Note]) -> Pair:
    mpk = key.full_viewing_key.mpk
    for note in consumed:
        if note.ephemeral or note.kind.logic:
            raise PlanRefused("SH-32", "a note with a logic cannot be spent yet", where="spends")
        if note.owner != spec.owner(mpk, note.diversifier):
            raise PlanRefused("SH-32", "a note is not owned by this key", where="spends")
    first, second = (note.nullifier(key.nk) for note in consumed)
    if first == second:
        raise PlanRefused("SH-7", "one note is spent twice", where="spends")
    return first, second


def _created(
    payment: Payment | None, slots: Slots, nullifiers: Pair, randomness: Randomness, slot: int
) -> tuple[Note, Payment | None]:
    nonce = spec.created_nonce(slot, *nullifiers)
    rseed = randomness.seed("rseed", *nullifiers, slot)
    if payment is None:
        owner = randomness.element("dummy/owner", *nullifiers, slot)
        d = bytes(spec.DIVERSIFIER_BYTES)
        return Note(slots.kinds[0], 0, 0, d, owner, nonce, rseed), None
    if payment.kind.logic:
        raise PlanRefused("SH-32", "a kind with a logic cannot be created yet", where="payments")
    address = payment.address
    return (
        Note(
            payment.kind,
            payment.quantity,
            payment.data,
            address.diversifier,
            address.owner,
            nonce,
            rseed,
        ),
        payment,
    )


def _public(
    plan: Plan,
    key: SpendingKey,
    slots: Slots,
    nullifiers: Pair,
    commitments: Pair,
    consumed: Sequence[Note],
    created: Sequence[Note],
    alpha: int,
    rcv: int,
) -> ActionPublic:
    nets = [
        (spec.kind_point(kind).point, _sum(consumed, kind) - _sum(created, kind))
        for kind in slots.kinds
    ]
    return ActionPublic(
        anchor=plan.anchor,
        nullifiers=nullifiers,
        commitments=commitments,
        consumed_logic=(0, 0),
        created_logic=(0, 0),
        rk=spec.randomized_key(key.ak, alpha),
        delta=spec.delta_point(nets, rcv),
    )


def _witness(
    plan: Plan,
    key: SpendingKey,
    slots: Slots,
    consumed: Sequence[Note],
    created: Sequence[Note],
    alpha: int,
    rcv: int,
) -> ActionWitness:
    first, second = (
        _consumed_witness(note, slots.kinds.index(note.kind), spend)
        for note, spend in zip(consumed, slots.consumed, strict=True)
    )
    third, fourth = (
        CreatedWitness(slots.kinds.index(note.kind), note.quantity, note.data, note.owner, note.rcm)
        for note in created
    )
    return ActionWitness(
        ak=key.ak,
        nk=key.nk,
        kinds=(_kind_witness(slots.kinds[0]), _kind_witness(slots.kinds[1])),
        consumed=(first, second),
        created=(third, fourth),
        top=_children(plan.anchor_children),
        alpha=alpha,
        rcv=rcv,
    )


def _consumed_witness(note: Note, which: int, spend: Spend | None) -> ConsumedWitness:
    if spend is None:
        path = lone_path(note.commitment, DEPTH)
    else:
        path = tuple(_children(level) for level in spend.path.levels)
    return ConsumedWitness(
        which,
        note.quantity,
        note.data,
        note.nonce,
        note.rcm,
        spec.diversifier_value(note.diversifier),
        path,
    )


def _kind_witness(kind: Kind) -> KindWitness:
    found = spec.kind_point(kind)
    return KindWitness(kind.logic, kind.label, found.ctr, 0, found.y)


def _blinding(randomness: Randomness, public: ActionPublic, witness: ActionWitness) -> Blinding:
    """Groth16's r and s: a hash of the plan, the whole statement and witness (S-13)."""
    values = (*public_inputs(public), *_flatten(dataclasses.astuple(witness)))
    return Blinding(
        randomness.element("groth16/r", *values), randomness.element("groth16/s", *values)
    )


def _flatten(value: object) -> Iterable[int]:
    if isinstance(value, int):
        yield value
    elif isinstance(value, tuple):
        for part in value:
            yield from _flatten(part)


def _children(values: Sequence[int]) -> Children:
    a, b, c, d, e, f, g, h = values
    return a, b, c, d, e, f, g, h


def _sum(notes: Iterable[Note], kind: Kind) -> int:
    return sum(note.quantity for note in notes if note.kind == kind)
