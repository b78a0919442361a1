"""One block in execution: transactions applied one after another, each wholly or not at all."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from node.core.amounts import MAX_AMOUNT
from node.core.codec import Writer
from node.core.effects import Crossing, Effects, Event
from node.core.errors import ConsensusFault, InvalidTransaction, NodeError
from node.core.ids import FEE_ACCOUNT, ID_BYTES, NATIVE, EnvironmentId, Height, TxId
from node.core.interfaces import ExecutionEnvironment, ProofClaim, StateReader, TxContext
from node.execution import turnstile
from node.execution.overlay import Overlay
from node.execution.pools import Gate
from node.execution.turnstile import Movement
from transparent.accounts import Ledger
from zk.errors import BackendError, ChiaroError

_log = logging.getLogger(__name__)

MACHINE_FAULTS: Final = (NodeError, BackendError)
"""Errors that say nothing of a transaction: never a reason to refuse one (EX-16)."""

Environments = Mapping[EnvironmentId, ExecutionEnvironment[Any]]
Result = TypeVar("Result")

STATE_PREFIX: Final = {
    EnvironmentId.TRANSPARENT: b"t/",
    EnvironmentId.SHIELDED: b"s/",
    EnvironmentId.PRIVATE: b"p/",
    EnvironmentId.CHAIN: b"o/",
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
    """

    data: bytes
    wire_id: bytes
    environment: EnvironmentId
    tx: Any
    tx_id: TxId
    fee: int
    expiry: Height
    conflicts: tuple[bytes, ...]


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
    events: list[Event] = field(default_factory=list)


def nullifier_key(environment: EnvironmentId, nullifier: bytes) -> bytes:
    """State key under which the executor records the height that spent `nullifier`."""
    return b"n/%d/" % environment + nullifier


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
        context: chain and height of the block.
    """

    def __init__(self, environments: Environments, reader: StateReader, context: TxContext) -> None:
        self._environments = environments
        self._before = reader
        self._context = context
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
        guarded(lambda: self._draft(item, draft))
        self._state.update(draft.state.writes.items())
        for environment, commitment in draft.commitments:
            self._commitments.setdefault(environment, []).append(commitment)
        return Applied(item.fee, tuple(draft.events))

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
            if effects.nullifiers or effects.commitments or effects.crossings or effects.fee:
                raise ConsensusFault(f"EX-13: the {tag.label} environment does more than write")
            self._state.update(effects.writes)
        return dict(self._state.writes)

    # --- one transaction -------------------------------------------------------------------------

    def _draft(self, item: Decoded, draft: _Draft) -> None:
        tag = item.environment
        environment = self._environments[tag]
        self._gate.check(tag)
        environment.check_historical(item.tx, self._before, self._context)
        effects = environment.execute(item.tx, draft.state, self._context)
        if effects.fee != item.fee or not 0 <= effects.fee <= MAX_AMOUNT:
            raise InvalidTransaction(
                "EX-12", f"pays a fee of {effects.fee}, declares {item.fee}", where="fee"
            )
        self._gate.check_crossings(tag, effects.crossings)
        self._take(tag, effects, draft)
        self._cross(item, effects, draft)
        self._pay_fee(tag, effects.fee, draft)
        turnstile.move(draft.state, draft.movements)
        draft.events.extend(movement.event() for movement in draft.movements)

    def _take(self, tag: EnvironmentId, effects: Effects, draft: _Draft) -> None:
        """Writes, nullifiers and commitments of one environment, into the draft."""
        self._check_own(tag, effects)
        for nullifier in effects.nullifiers:
            self._spend(tag, nullifier, draft)
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

    def _spend(self, tag: EnvironmentId, nullifier: bytes, draft: _Draft) -> None:
        """EX-5, EX-6, EX-7: what is spent is spent once, in the transaction, the block, the chain.

        The set is read below this transaction's own writes, so the three cannot be confused.
        """
        where = f"nullifier {nullifier.hex()[:16]}"
        if (tag, nullifier) in draft.nullifiers:
            raise InvalidTransaction("EX-5", "spends the same resource twice", where=where)
        key = nullifier_key(tag, nullifier)
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

    def _cross(self, item: Decoded, effects: Effects, draft: _Draft) -> None:
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
            self._take(crossing.target, answer, draft)
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

    def _pay_fee(self, tag: EnvironmentId, fee: int, draft: _Draft) -> None:
        """EX-12: fees gather in one account; from elsewhere they pass the turnstile."""
        if fee == 0:
            return
        ledger = Ledger(draft.state)
        ledger.credit(FEE_ACCOUNT, NATIVE, fee)
        draft.state.update(ledger.writes())
        if tag is not EnvironmentId.TRANSPARENT:
            draft.movements.append(Movement(tag, EnvironmentId.TRANSPARENT, NATIVE, fee))
