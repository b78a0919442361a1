"""One block in execution: transactions applied one after another, each wholly or not at all."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from node.core.amounts import MAX_AMOUNT
from node.core.block import OK
from node.core.codec import Writer
from node.core.effects import (
    CARRIED,
    PART,
    BatchScope,
    Crossing,
    Effects,
    Event,
    HiddenValue,
    Part,
    nullifier_key,
    reservation_key,
)
from node.core.errors import ConsensusFault, InvalidTransaction, NodeError
from node.core.ids import (
    FEE_ACCOUNT,
    ID_BYTES,
    NATIVE,
    AccountId,
    EnvironmentId,
    Height,
    Kind,
    TxId,
)
from node.core.interfaces import ExecutionEnvironment, ProofClaim, StateReader, TxContext
from node.execution import turnstile
from node.execution.overlay import Overlay
from node.execution.pools import Gate
from node.execution.turnstile import HiddenMovement, Movement
from transparent.accounts import Ledger, is_balance
from zk.errors import BackendError, ChiaroError

_log = logging.getLogger(__name__)

MACHINE_FAULTS: Final = (NodeError, BackendError)
"""Errors that say nothing of a transaction: never a reason to refuse one (EX-16)."""

Environments = Mapping[EnvironmentId, ExecutionEnvironment[Any]]
Result = TypeVar("Result")
Prepare = Callable[[bytes, TxContext], "Decoded"]
"""Decode, check and verify a transaction that is a part of another; raises what refuses it."""
_PAYERS: Final = (EnvironmentId.INTENTS, EnvironmentId.PRIVATE)
"""Environments whose fee an account may pay that signed for it (EX-37)."""
PARTS: Final = frozenset({EnvironmentId.TRANSPARENT, EnvironmentId.SHIELDED, EnvironmentId.PRIVATE})
"""Environments whose transactions a settlement may have as parts. Outside of batches, where a part
has no scope, the sealed lane's own may be, too: entries of a blob (EX-38)."""

STATE_PREFIX: Final = {
    EnvironmentId.TRANSPARENT: b"t/",
    EnvironmentId.SHIELDED: b"s/",
    EnvironmentId.PRIVATE: b"p/",
    EnvironmentId.CHAIN: b"o/",
    EnvironmentId.INTENTS: b"i/",
    EnvironmentId.STAKE: b"b/",
}
"""Where each environment may write (EX-8)."""
_CRASHES: Final = (
    ArithmeticError, AssertionError, AttributeError, LookupError, TypeError, ValueError
)  # fmt: skip
"""What a bug in an environment raises on every node alike. Anything else (memory, disk, stack) is
this machine's and must stop the node rather than let it refuse what others accept."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """A transaction that its environment could read.

    Attributes:
        data: the full bytes, envelope included.
        wire_id: their hash; what S-23 keys by.
        environment: whose it is.
        tx: as that environment decodes it; opaque here.
        tx_id: its identity, which covers neither proofs nor signatures.
        fee: base units of the native kind that it declares.
        expiry: last height that may include it.
        conflicts: keys that one pending transaction each may hold, the environment's tag first.
        unpaid: it pays by being signed by few.
    """

    data: bytes
    wire_id: bytes
    environment: EnvironmentId
    tx: Any
    tx_id: TxId
    fee: int
    expiry: Height
    conflicts: tuple[bytes, ...]
    unpaid: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """A decoded transaction that passed its stateless rules, and the proofs it rests on."""

    decoded: Decoded
    claims: tuple[ProofClaim, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What an applied transaction leaves in its receipt."""

    fee: int
    events: tuple[Event, ...]


@dataclass(slots=True)
class _Draft:
    """Everything that one transaction does, before it is decided that it may."""

    state: Overlay
    nullifiers: set[tuple[EnvironmentId, bytes]] = field(default_factory=set)
    commitments: list[tuple[EnvironmentId, int]] = field(default_factory=list)
    movements: list[Movement] = field(default_factory=list)
    hidden: list[HiddenMovement] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    carried_fees: int = 0


def guarded(call: Callable[[], Result]) -> Result:
    """EX-16: an environment that crashes on a transaction refuses it; it does not stop the chain.

    Raises:
        InvalidTransaction: EX-16, in place of an exception that no environment should raise.
    """
    try:
        return call()
    except _CRASHES as error:
        _log.exception("an environment failed on a transaction")
        raise InvalidTransaction(
            "EX-16", f"its environment failed: {type(error).__name__}"
        ) from error


class BlockRun:
    """State of a block that grows by applied transactions. Not safe between threads.

    Args:
        environments: by id; TRANSPARENT among them, since fees gather there.
        reader: the state before the block; never written.
        context: chain and height of the block; with a scope, everything is a part of a settlement.
        prepare: for what a settlement has as parts.
    """

    def __init__(
        self,
        environments: Environments,
        reader: StateReader,
        context: TxContext,
        prepare: Prepare,
    ) -> None:
        self._environments = environments
        self._before = reader
        self._context = context
        self._prepare = prepare
        self._state = Overlay(reader)
        self._gate = Gate(reader, context.height)
        self._commitments: dict[EnvironmentId, list[int]] = {}

    def apply(self, item: Decoded) -> Applied:
        """EX-4: apply one transaction, wholly; if it raises, nothing of it remains.

        The stateless rules and the proofs were checked before.

        Raises:
            ChiaroError: of the rule that refuses it.
        """
        draft = _Draft(Overlay(self._state))
        guarded(lambda: self._draft(item, draft, self._context))
        self._state.update(draft.state.writes.items())
        for environment, commitment in draft.commitments:
            self._commitments.setdefault(environment, []).append(commitment)
        return Applied(item.fee, tuple(draft.events))

    @property
    def state(self) -> StateReader:
        """As it is now, after what was applied."""
        return self._state

    @property
    def writes(self) -> Mapping[bytes, bytes | None]:
        """What was applied so far, the block's end not included."""
        return dict(self._state.writes)

    def close(self) -> Mapping[bytes, bytes | None]:
        """EX-13: end the block in every environment, in the order of tags, and give its net effect.

        Raises:
            ConsensusFault: an environment cannot close the block. No transaction is to blame, so
                the node stops.
        """
        for tag in sorted(self._environments):
            environment = self._environments[tag]
            commitments = tuple(self._commitments.pop(tag, ()))
            try:
                effects = environment.end_block(commitments, self._state, self._context)
                self._check_own(tag, effects)
            except (ChiaroError, *_CRASHES) as error:
                raise ConsensusFault(
                    f"the {tag.label} environment cannot close block {self._context.height}: "
                    f"{error}",
                    why="without its closing the block has no state",
                    fix="this is a bug, or the environment is full; stop and report it",
                ) from error
            if effects != Effects(writes=effects.writes):
                raise ConsensusFault(f"EX-13: the {tag.label} environment does more than write")
            self._state.update(effects.writes)
        return dict(self._state.writes)

    # --- one transaction -------------------------------------------------------------------------

    def _draft(
        self, item: Decoded, draft: _Draft, context: TxContext, *, whole: bool = True
    ) -> None:
        """Into the draft; `whole` unless it is a part itself, and so has none."""
        tag = item.environment
        environment = self._environments[tag]
        self._gate.check(tag)
        environment.check_historical(item.tx, self._before, context)
        effects = environment.execute(item.tx, draft.state, context)
        declared = effects.fee + effects.carried_fee
        least = min(effects.fee, effects.carried_fee)
        if declared != item.fee or least < 0 or declared > MAX_AMOUNT:
            raise InvalidTransaction(
                "EX-12", f"pays a fee of {declared}, declares {item.fee}", where="fee"
            )
        if effects.hidden != context.hidden:
            raise InvalidTransaction(
                "EX-40", "moves other hidden values than were verified around it", where="hidden"
            )
        self._gate.check_hidden(tag, effects.hidden)
        self._gate.check_crossings(tag, effects.crossings, releases=effects.releases)
        if effects.payer and tag not in _PAYERS:
            raise InvalidTransaction("EX-38", f"the {tag.label} environment has no payer")
        if effects.parts and not whole:
            raise InvalidTransaction("EX-38", "a part has parts itself")
        check_parts(tag, effects)
        self._take(tag, effects, draft, context)
        self._cross(item, effects, draft, context)
        draft.hidden.extend(_hidden_movement(tag, value) for value in effects.hidden)
        self._pay_fee(tag, effects.fee, effects.payer, draft)
        self._settle(draft)
        for part in effects.parts:
            self._try_part(part, draft, context)
        if tag is EnvironmentId.PRIVATE and draft.carried_fees != effects.carried_fee:
            raise InvalidTransaction(
                "EX-43",
                f"its parts pay {draft.carried_fees}, it declares {effects.carried_fee} of them",
                where="fee",
            )

    def _settle(self, draft: _Draft) -> None:
        """What was moved between environments passes the turnstile, and is told."""
        turnstile.move(draft.state, draft.movements, draft.hidden)
        draft.events.extend(movement.event() for movement in draft.movements)
        draft.events.extend(movement.event() for movement in draft.hidden)
        draft.movements.clear()
        draft.hidden.clear()

    def _try_part(self, part: Part, draft: _Draft, context: TxContext) -> None:
        """EX-38: a part happens wholly or not at all, and the receipt says which.

        Raises:
            ChiaroError: a required part was refused.
        """
        inner = _Draft(Overlay(draft.state), set(draft.nullifiers))
        code = OK
        try:
            inside = replace(context, scope=part.scope, hidden=part.hidden)
            guarded(lambda: self._run_part(part, inner, inside))
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            if part.required:
                raise
            code = error.id
        else:
            draft.state.update(inner.state.writes.items())
            draft.nullifiers = inner.nullifiers
            draft.commitments.extend(inner.commitments)
            draft.carried_fees += inner.carried_fees
        draft.events.append(Event(PART, (("name", part.name), ("code", code))))
        if code == OK:
            draft.events.extend(inner.events)

    def _run_part(self, part: Part, draft: _Draft, context: TxContext) -> None:
        for wire in part.wires:
            item = self._prepare(wire, context)
            entry = item.environment is EnvironmentId.INTENTS and part.scope is None
            if item.environment not in PARTS and not entry:
                raise InvalidTransaction(
                    "EX-38", f"a part is no transaction of the {item.environment.label} environment"
                )
            draft.events.append(_carried(item, told=part.told))
            self._draft(item, draft, context, whole=False)
            draft.carried_fees += item.fee
        self._move(part, draft)
        for tag, effects in part.effects:
            self._gate.check(tag)
            if effects != Effects(writes=effects.writes, events=effects.events):
                raise InvalidTransaction("EX-38", "done in another's name: more than writes")
            if any(is_balance(key) for key, _ in effects.writes):
                raise InvalidTransaction("EX-38", "a balance is written, not changed")
            for key, _ in effects.writes:  # of an order, say, that somebody fills elsewhere
                self._check_reservation(key, context.scope, "part")
            self._take(tag, effects, draft, context)

    def _move(self, part: Part, draft: _Draft) -> None:
        """EX-38: changes of balances make nothing and lose nothing; of each the sum counts."""
        sums, net = Counter[Kind](), Counter[tuple[AccountId, Kind]]()
        for account, kind, amount in part.balances:
            sums[kind] += amount
            net[account, kind] += amount
        if any(sums.values()):
            raise InvalidTransaction("EX-38", "changes of balances do not sum to zero")
        if part.balances:
            self._gate.check(EnvironmentId.TRANSPARENT)
        ledger = Ledger(draft.state)
        for (account, kind), amount in sorted(net.items()):
            if amount < 0:
                ledger.debit(account, kind, -amount)
            else:
                ledger.credit(account, kind, amount)
        draft.state.update(ledger.writes())

    def _take(
        self, tag: EnvironmentId, effects: Effects, draft: _Draft, context: TxContext
    ) -> None:
        """Writes, nullifiers and commitments of one environment, into the draft."""
        self._check_own(tag, effects)
        for nullifier in effects.nullifiers:
            self._spend(tag, nullifier, draft, context)
        draft.state.update(effects.writes)
        draft.commitments.extend((tag, commitment) for commitment in effects.commitments)
        draft.events.extend(effects.events)

    def _check_own(self, tag: EnvironmentId, effects: Effects) -> None:
        """EX-8: environments do not write into each other's state, nor into the executor's."""
        prefix = STATE_PREFIX[tag]
        for key, _ in effects.writes:
            if not key.startswith(prefix):
                raise InvalidTransaction(
                    "EX-8", f"the {tag.label} environment writes outside {prefix.decode()}"
                )
        if any(len(nullifier) != ID_BYTES for nullifier in effects.nullifiers):
            raise InvalidTransaction("EX-8", "a nullifier is not 32 bytes", where="nullifiers")

    def _spend(
        self, tag: EnvironmentId, nullifier: bytes, draft: _Draft, context: TxContext
    ) -> None:
        """EX-5, EX-6, EX-7: what is spent is spent once, in the transaction, the block, the chain.

        The set is read below this transaction's own writes, so the three cannot be confused.
        """
        where = f"nullifier {nullifier.hex()[:16]}"
        if (tag, nullifier) in draft.nullifiers:
            raise InvalidTransaction("EX-5", "spends the same resource twice", where=where)
        key = nullifier_key(tag, nullifier)
        self._check_reservation(key, context.scope, where)
        spent = self._state.get(key)
        if spent is not None:
            height = int.from_bytes(spent, "little")
            if height == self._context.height:
                raise InvalidTransaction(
                    "EX-6", "spent by an earlier transaction of this block", where=where
                )
            raise InvalidTransaction("EX-7", f"spent in block {height}", where=where)
        draft.nullifiers.add((tag, nullifier))
        draft.state.put(key, Writer().u64(self._context.height).done())

    def _check_reservation(self, key: bytes, scope: BatchScope | None, where: str) -> None:
        """EX-36 (S-19): what an opened intent spends is its batch's until the batch ends."""
        held = self._state.get(reservation_key(key))
        if held is not None and (scope is None or held != scope.ref):
            raise InvalidTransaction(
                "EX-36", "reserved to a batch of intents that is being solved", where=where
            )

    def _cross(self, item: Decoded, effects: Effects, draft: _Draft, context: TxContext) -> None:
        """EX-9, EX-10: value enters and leaves where the other side agrees, entry by entry."""
        seen: set[tuple[EnvironmentId, bytes, bytes]] = set()
        for index, crossing in enumerate(effects.crossings):
            where = f"crossing {index}"
            self._check_crossing(item.environment, crossing, where)
            entry = crossing.target, bytes(crossing.account), crossing.kind.to_bytes()
            if entry in seen:
                raise InvalidTransaction(
                    "EX-9", "one account and kind twice: one signature would pay twice", where=where
                )
            seen.add(entry)
            if crossing.amount < 0 and not effects.nullifiers:
                raise InvalidTransaction(
                    "EX-10", "debits an account and spends nothing: it could be repeated",
                    where=where,
                )  # fmt: skip
            target = self._environments[crossing.target]
            answer = target.cross(crossing, item.tx_id, draft.state)
            if answer.crossings or answer.fee:
                raise InvalidTransaction("EX-9", "is answered by another crossing", where=where)
            self._take(crossing.target, answer, draft, context)
            ends = (item.environment, crossing.target)
            source, sink = ends if crossing.amount > 0 else ends[::-1]
            draft.movements.append(Movement(source, sink, crossing.kind, abs(crossing.amount)))

    def _check_crossing(self, tag: EnvironmentId, crossing: Crossing, where: str) -> None:
        """The values on the wire, before anything is added up (incident 23)."""
        if crossing.target == tag:
            raise InvalidTransaction("EX-9", "crosses into its own environment", where=where)
        if crossing.target not in self._environments:
            raise InvalidTransaction("EX-9", "crosses into an environment not here", where=where)
        if not 0 < abs(crossing.amount) <= MAX_AMOUNT:
            raise InvalidTransaction("EX-9", "moves nothing, or 2^64 or more", where=where)

    def _pay_fee(
        self, tag: EnvironmentId, fee: int, payer: AccountId | None, draft: _Draft
    ) -> None:
        """EX-12: fees gather in one account; from elsewhere they pass the turnstile.

        EX-37: where an account pays that agreed to it, it must have the fee.
        """
        if fee == 0:
            return
        ledger = Ledger(draft.state)
        if payer is not None:
            try:
                ledger.debit(payer, NATIVE, fee)
            except InvalidTransaction as error:
                raise InvalidTransaction("EX-37", error.message, where="payer") from error
        ledger.credit(FEE_ACCOUNT, NATIVE, fee)
        draft.state.update(ledger.writes())
        if tag is not EnvironmentId.TRANSPARENT and payer is None:
            draft.movements.append(Movement(tag, EnvironmentId.TRANSPARENT, NATIVE, fee))


def check_parts(tag: EnvironmentId, effects: Effects) -> None:
    """Whose transactions have parts: the sealed lane's (EX-38), and private ones (EX-43).

    Only these declare fees that their parts pay: of any other nobody would have paid them.

    Raises:
        InvalidTransaction: EX-38, EX-40 or EX-43.
    """
    if effects.carried_fee and tag is not EnvironmentId.PRIVATE:
        raise InvalidTransaction("EX-43", "declares fees that nothing inside it pays", where="fee")
    match tag:
        case EnvironmentId.INTENTS:
            if any(part.hidden for part in effects.parts):
                raise InvalidTransaction("EX-40", "only private transactions name hidden values")
        case EnvironmentId.PRIVATE:
            if not all(_is_plain(part) for part in effects.parts):
                raise InvalidTransaction(
                    "EX-43", "a part is more than one transaction that must take effect and is told"
                )
        case _:
            if effects.parts:
                raise InvalidTransaction("EX-38", f"the {tag.label} environment has no parts")


def _hidden_movement(tag: EnvironmentId, value: HiddenValue) -> HiddenMovement:
    source, sink = (value.target, tag) if value.enters else (tag, value.target)
    return HiddenMovement(source, sink, value.kind, value.reference)


def _is_plain(part: Part) -> bool:
    """One transaction, which must take effect and is told, under no batch, nothing beside it."""
    alone = len(part.wires) == 1 and not part.balances and not part.effects
    return alone and part.required and part.told and part.scope is None


def _carried(item: Decoded, *, told: bool) -> Event:
    """What a receipt says of a transaction inside another: enough to find it by its id."""
    wire = (("wire", item.data.hex()),) if told else ()
    names = ("environment", item.environment.label), ("tx_id", item.tx_id.hex())
    return Event(CARRIED, (*names, ("fee", str(item.fee)), *wire))
