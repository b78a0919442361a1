"""Stateless rules of a shielded transaction, cheap ones first. Each raises, naming its rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache

from node.core.effects import BatchScope, HiddenValue
from node.core.errors import InvalidTransaction
from node.core.ids import NATIVE, ChainId, Height, Kind
from shielded import digests, hidden, schnorr, spec
from shielded.errors import BadSignature, Expired, MalformedTransaction, Unbalanced
from shielded.schnorr import SignatureRefused, SignedMessage
from shielded.transaction import ShieldedTx
from zk.curve import babyjub
from zk.curve.babyjub import IDENTITY, RCV_BASE, Point
from zk.errors import DecodeError


def check_chain(found: ChainId, chain_id: ChainId) -> None:
    """SH-14: made for this chain (incident 35)."""
    if found != chain_id:
        raise InvalidTransaction("SH-14", "made for another chain", where="chain_id")


def check_expiry(tx: ShieldedTx, height: Height, max_expiry: int) -> None:
    """SH-10: no party has expired. SH-11: none expires too far ahead (S-24)."""
    for index, party in enumerate(tx.parties):
        if party.expiry < height:
            raise Expired(
                "SH-10", f"expired at {party.expiry}, block {height}", where=f"party {index}"
            )
        if party.expiry > height + max_expiry:
            raise Expired(
                "SH-11",
                f"expires at {party.expiry}, more than {max_expiry} after block {height}",
                where=f"party {index}",
            )


def check_scope(tx: ShieldedTx, scope: BatchScope | None) -> None:
    """SH-17 (S-19): what is scoped to batches of a domain and epoch settles in these only.

    Args:
        tx: the transaction.
        scope: of the batch whose settlement it is a part of; None for one that stands alone.
    """
    for index, party in enumerate(tx.parties):
        wanted = party.scope
        if wanted is None:
            continue
        if scope is None or (wanted.domain, wanted.epoch) != (scope.domain, scope.epoch):
            raise InvalidTransaction(
                "SH-17",
                f"settles in a batch of domain {wanted.domain}, epoch {wanted.epoch}, only",
                where=f"party {index}",
            )


def check_hidden(tx: ShieldedTx, named: tuple[HiddenValue, ...]) -> None:
    """SH-69: its hidden values are those that the private transaction around it has verified.

    Args:
        tx: the transaction.
        named: by what carries it; none, where it stands alone.
    """
    if tx.hidden_values != named:
        raise InvalidTransaction(
            "SH-69",
            "has other hidden values than the private transaction around it names, or none is",
            where="hidden values",
        )


def check_logic(tx: ShieldedTx) -> None:
    """SH-26 (S-22): no logic is registered. SH-25, SH-68: only persistent plain kinds cross."""
    for index, action in enumerate(tx.actions):
        if any(action.logics):
            raise InvalidTransaction(
                "SH-26", "a resource has a logic that is not registered", where=f"action {index}"
            )
    for value in tx.public_values:
        if value.kind.logic:
            raise InvalidTransaction(
                "SH-25", "a kind with a logic may not leave or enter", where="public values"
            )
    for dark in tx.hidden_values:
        if dark.kind.logic:
            raise InvalidTransaction(
                "SH-68", "a kind with a logic may not leave or enter", where="hidden values"
            )


def check_authorizations(tx: ShieldedTx) -> None:
    """SH-23 (S-20): each debit carries something for its account's environment to verify."""
    for value in tx.public_values:
        if value.amount < 0 and not value.authorization:
            raise InvalidTransaction(
                "SH-23", "a debit carries no authorization", where="public values"
            )


def check_nullifiers(tx: ShieldedTx) -> None:
    """SH-7: the two of an action differ. SH-8: all of the transaction do (S-4, incident 36)."""
    seen = set[int]()
    for index, action in enumerate(tx.actions):
        first, second = action.public.nullifiers
        if first == second:
            raise InvalidTransaction(
                "SH-7", "an action has one nullifier twice", where=f"action {index}"
            )
        if first in seen or second in seen:
            raise InvalidTransaction(
                "SH-8", "two actions have the same nullifier", where=f"action {index}"
            )
        seen |= {first, second}


def check_points(tx: ShieldedTx) -> None:
    """SH-3: rk in the subgroup, not the identity. SH-4: Δ in the subgroup (S-4)."""
    for index, action in enumerate(tx.actions):
        for rule, name, point in (("SH-3", "rk", action.rk), ("SH-4", "delta", action.delta)):
            try:
                schnorr.check_point(point, name, rule == "SH-4")
            except DecodeError as error:
                raise MalformedTransaction(rule, error.message, where=f"action {index}") from error


@dataclass(frozen=True, slots=True)
class _Duty:
    """A signature and what to raise where it is missing."""

    signed: SignedMessage
    refusal: InvalidTransaction


@lru_cache(maxsize=64)
def check_signatures(tx: ShieldedTx) -> None:
    """SH-15, SH-16: each action is signed under its rk. SH-19: the balance is signed.

    Remembered for a few transactions that passed, by all that they are (S-23): what a private one
    carries is looked at in it, and as its part.
    """
    duties = [duty for at in range(len(tx.parties)) for duty in _auth_duties(tx, at)]
    duties.append(
        _Duty(
            SignedMessage(
                balance_key(tx),
                digests.delta_digest(tx),
                tx.delta_signature,
                base=RCV_BASE,
                allow_identity=True,
            ),
            Unbalanced("SH-19", "the delta signature does not prove balance", where="delta"),
        )
    )
    try:
        schnorr.verify_batch([duty.signed for duty in duties])
    except SignatureRefused as error:
        raise duties[error.culprits[0]].refusal from error


def _auth_duties(tx: ShieldedTx, position: int) -> list[_Duty]:
    party = tx.parties[position]
    rule = "SH-16" if party.mode else "SH-15"
    message = digests.auth_digest(tx, position)
    return [
        _Duty(
            SignedMessage(action.rk, message, action.auth),
            BadSignature(
                rule,
                "not signed by this key over what the party agreed to",
                where=f"party {position}, action {index}",
            ),
        )
        for index, action in enumerate(party.actions)
    ]


def balance_key(tx: ShieldedTx) -> Point:
    """The point Σ Δ − Σ [public value]K − [fee]K_native ∓ Σ cv.  Rules SH-19, SH-20 (S-2, S-5).

    It is [Σ rcv]R exactly when every kind's sum is zero, over the integers: all terms of a kind
    are added up before they meet the group. K is computed here from (logic, label). A cv is taken
    off where its amount leaves, added where it enters; its own rcv then is a term of the sum.
    """
    total = IDENTITY
    for action in tx.actions:
        total = babyjub.add(total, action.delta)
    for kind, amount in outflow(tx).items():
        point = spec.kind_point(kind).point
        total = babyjub.add(total, babyjub.negate(babyjub.multiply(amount, point)))
    for value in tx.hidden_values:
        cv = hidden.point(value)
        total = babyjub.add(total, cv if value.enters else babyjub.negate(cv))
    return total


def outflow(tx: ShieldedTx) -> Counter[Kind]:
    """Base units per kind that leave the pool, fee included; negative: enter."""
    amounts = Counter[Kind]()
    for value in tx.public_values:
        amounts[value.kind] += value.amount
    amounts[NATIVE] += tx.fee
    return amounts
