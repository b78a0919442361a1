"""Transactions that wait for a block: bounded in every way, best fee first.

A transaction comes in through three phases, cheap ones first:

    1  size, chain id and fee for its size, read in place; decoding;
       conflicts with what is pending                                       no state
    2  stateless rules, fee for its proofs, the proofs                      no state, no lock
    3  on the last state alone, and on that state after all that is pending

Phase 3 keeps a speculative block of everything that was admitted, in that order. So a sender may
queue several transactions, and nobody fills the pool with payments out of one balance. What only
succeeds after others is *queued*: it is offered after all that stands alone.

That block is not undone where a transaction is replaced or dropped: it is made again when it
matters, within an allowance that newcomers bring with them.

Orders of the guardians and messages of validators or committees pay nothing: they have places of
their own, and go first (EX-35); committees share theirs (EX-44).

Everything here is this node's policy; other nodes may have another. Rules EX-18 … EX-24, EX-35,
EX-44.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from node.core.block import Block, Receipt
from node.core.errors import InvalidTransaction, Missing, Outdated
from node.core.ids import EnvironmentId, Height, tagged_hash
from node.core.interfaces import Admission, ProofClaim, StateReader
from node.execution.bounded import BoundedCache
from node.execution.errors import MempoolRefused, fresh
from node.execution.executor import Executor
from node.execution.run import MACHINE_FAULTS, BlockRun, Decoded
from zk.errors import (
    ChiaroError,
    DecodeError,
    InvalidProof,
    ShapeMismatch,
    UnknownKey,
)

BYTES_PER_FEE: Final = 4096
"""One fee floor pays for one proof, or for this many bytes, whichever is more."""
MOST_ORDERS: Final = 16
"""Pending orders of the guardians; one per sequence number."""
MESSAGES_PER_VALIDATOR: Final = 4
"""Pending messages of validators about keys, beside that many, on average."""
MOST_PRIVATE: Final = 128
"""Pending messages of members of committees, beside that many (PV-120)."""
_RATE_UNIT: Final = 1 << 32
_PROOFS_AT_ONCE: Final = 4
"""Of one newcomer: garbage costs a few verifications, not one for each of its 64 actions."""
_WORK_PER_NEWCOMER: Final = 4
"""Pending transactions that may be applied again for each verified newcomer, on average (EX-24).

Applying takes some 40 µs and verifying the simplest newcomer several times that, so making the
speculative block again never costs more than what its causes were worth."""
_PERMANENT: Final = (DecodeError, InvalidTransaction, InvalidProof, ShapeMismatch, UnknownKey)
"""What is wrong for good if it was wrong before any state was looked at (unless Outdated)."""

Latest = Callable[[], tuple[Height, StateReader]]
"""Height of the last committed block, and the state after it."""


@dataclass(frozen=True, slots=True)
class MempoolLimits:
    """Bounds of a mempool.

    Attributes:
        most: pending transactions.
        most_bytes: their size in sum.
        fee_floor: base units per proof or started `BYTES_PER_FEE`; None: that of the chain.
        replacement_percent: how much more fee a transaction must pay that takes another's place.
        most_checks: transactions that are being verified at one time.
        most_rejections: refused transactions that are remembered.
    """

    most: int = 4096
    most_bytes: int = 16 * 1024 * 1024
    fee_floor: int | None = None
    replacement_percent: int = 10
    most_checks: int = 64
    most_rejections: int = 8192


@dataclass(frozen=True, slots=True)
class MempoolStatus:
    """How full it is; `least_rate` is the fee per byte (floored) that the cheapest one pays."""

    transactions: int
    bytes: int
    fee_floor: int
    least_rate: int


@dataclass(slots=True)
class _Entry:
    """A pending transaction; `order` is its place in the speculative block, `whose` says EX-44."""

    item: Decoded
    order: int
    rate: int
    queued: bool
    whose: bytes = b""

    @property
    def unpaid(self) -> bool:
        return self.item.unpaid


def fee_rate(item: Decoded) -> int:
    """Fee per byte, in units small enough to compare."""
    return item.fee * _RATE_UNIT // len(item.data)


def least_fee(size: int, proofs: int, fee_floor: int) -> int:
    """EX-19: what a transaction must pay to be relayed: by its proofs or its bytes (incident 29).

    Args:
        size: full bytes, envelope included.
        proofs: how many it carries.
        fee_floor: the chain's, or this node's, base units of the native kind.
    """
    return fee_floor * max(proofs, -(-size // BYTES_PER_FEE), 1)


class Mempool:
    """`node.core.interfaces.TransactionSource`, and the admission to it. Safe between threads.

    Args:
        executor: of the chain.
        latest: the last committed height and its state; called when a block is committed.
        limits: bounds.
        relay: told of what came in here and not by `take`: to carry it to other nodes.
    """

    def __init__(
        self,
        executor: Executor,
        latest: Latest,
        limits: MempoolLimits | None = None,
        relay: Callable[[bytes], None] | None = None,
    ) -> None:
        self._relay = relay
        self._executor = executor
        self._latest = latest
        self.limits: Final = limits or MempoolLimits()
        floor = self.limits.fee_floor
        self.fee_floor: Final = executor.chain.parameters.fee_floor if floor is None else floor
        self._lock = threading.RLock()
        self._checking = 0
        self._entries: dict[bytes, _Entry] = {}
        self._holders: dict[bytes, bytes] = {}
        self._ids: dict[bytes, bytes] = {}
        self._bytes = 0
        self._next_order = 0
        self._rejections: BoundedCache[bytes, Admission] = BoundedCache(self.limits.most_rejections)
        self._tip: tuple[Height, StateReader] | None = None
        self._run: BlockRun | None = None
        self._stale = False
        self._allowance = self._most_allowance

    # --- admission -------------------------------------------------------------------------------

    async def admit(self, data: bytes) -> Admission:
        """`add`, off the event loop; refused at once while too many others are in it (EX-18)."""
        with self._lock:
            busy = self._checking >= self.limits.most_checks
            self._checking += not busy
        if busy:
            refusal = MempoolRefused("EX-18", f"{self._checking} others are being verified")
            return Admission(tagged_hash("wire", data), refusal)
        try:
            return await asyncio.to_thread(self.add, data)
        finally:
            with self._lock:
                self._checking -= 1

    def add(self, data: bytes) -> Admission:
        """Take a transaction in, or say why not; again is no error. Blocks while proofs verify.

        Raises:
            NodeError, BackendError: this node cannot tell.
        """
        admission = self._admit(data)
        if admission.error is None and self._relay is not None:
            self._relay(data)
        return admission

    def take(self, txs: Sequence[bytes]) -> list[Admission]:
        """`add` of what others' mempools hold: in order, with the proofs of all verified at once.

        Raises:
            NodeError, BackendError: this node cannot tell.
        """
        if len(txs) > 1:
            self._executor.intake.verify([claim for data in txs for claim in self._ahead(data)])
        return [self._admit(data) for data in txs]

    def _ahead(self, data: bytes) -> tuple[ProofClaim, ...]:
        """What `_admit` will ask the verifier about first."""
        if self._rejections.get(tagged_hash("wire", data)) is not None:
            return ()
        try:
            item = self._decode(data)
            if self._unfit(item) is not None:
                return ()
            return self._checked(item)[:_PROOFS_AT_ONCE]
        except Missing:
            return ()
        except MACHINE_FAULTS:
            raise
        except ChiaroError:
            return ()  # said by `_admit`

    def has_pending(self, tx: bytes) -> bool:
        """Whether it waits, by its full bytes."""
        with self._lock:
            return tagged_hash("wire", tx) in self._entries

    def _admit(self, data: bytes) -> Admission:
        wire_id = tagged_hash("wire", data)
        known = self._rejections.get(wire_id)
        if known is not None:
            return replace(known, error=fresh(known.error) if known.error else None)
        tx_id: bytes = wire_id
        try:
            item = self._decode(data)
            tx_id = item.tx_id
            if (refusal := self._unfit(item)) is not None:
                return Admission(tx_id, refusal)
            self._verify(item)
        except Missing as error:
            return Admission(tx_id, error)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            if isinstance(error, _PERMANENT) and not isinstance(error, Outdated):
                self._reject(wire_id, Admission(tx_id, error))
            return Admission(tx_id, error)
        try:
            self._look(item)
            with self._lock:
                self._insert(item)
        except Missing as error:  # LN-37: it may come again when its bytes are here
            return Admission(tx_id, error)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            return Admission(tx_id, error)
        return Admission(tx_id)

    def _decode(self, data: bytes) -> Decoded:
        """Phase 1: EX-18 and EX-19, nothing is decoded that no block holds or pays for."""
        most = min(self._executor.chain.parameters.max_tx_bytes, self.limits.most_bytes)
        if len(data) > most:
            raise MempoolRefused("EX-18", f"{len(data)} bytes, at most {most} fit")
        fee = self._executor.intake.preview(data)
        self._check_fee(fee, data, 0, unpaid=self._executor.intake.is_unpaid(data))
        return self._executor.intake.decode(data)

    def _verify(self, item: Decoded) -> None:
        """Phase 2, outside the lock."""
        claims = self._checked(item)
        for start in range(0, len(claims), _PROOFS_AT_ONCE):
            for verdict in self._executor.intake.verify(claims[start : start + _PROOFS_AT_ONCE]):
                if verdict is not None:
                    raise verdict

    def _checked(self, item: Decoded) -> tuple[ProofClaim, ...]:
        """What is to be verified of it: nothing, of what is here already."""
        with self._lock:
            if item.wire_id in self._entries:
                return ()
            height, _ = self._next()
        checked = self._executor.intake.check_stateless(item, self._executor.intake.context(height))
        self._check_fee(item.fee, item.data, len(checked.claims), unpaid=item.unpaid)
        return checked.claims

    def _look(self, item: Decoded) -> None:
        """Phase 3 begins outside the lock, where it is dear: proofs of ciphertexts need the state.

        What passed is remembered, so that it costs nothing under the lock.
        """
        if item.environment is EnvironmentId.INTENTS:
            with self._lock:
                height, reader = self._next()
            self._executor.intake.check_historical(item, reader, height)

    def _check_fee(self, fee: int, data: bytes, proofs: int, *, unpaid: bool) -> None:
        """EX-19; what guardians or validators sign pays with their signatures (EX-35)."""
        least = 0 if unpaid else least_fee(len(data), proofs, self.fee_floor)
        if fee < least:
            raise MempoolRefused(
                "EX-19",
                f"fee {fee} is below {least} for {len(data)} bytes, {proofs} proofs",
                fix=f"pay at least {least} base units",
            )

    def _unfit(self, item: Decoded) -> ChiaroError | None:
        """Phase 1 ends: why it is not looked at any further, by state and pool, and not for good.

        What pays nothing may be signed by nobody, and has the same bytes whoever sends it: who sent
        it too early would else have it refused for ever (EX-21).
        """
        try:
            if item.unpaid:
                self._check_places(item)
            with self._lock:
                if item.tx_id not in self._ids:
                    rivals = self._rivals(item)
                    if not item.unpaid:
                        self._victims(item, rivals)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            return error
        return None

    def _check_places(self, item: Decoded) -> None:
        """EX-35: places are few; what is over already costs no look at a signature."""
        with self._lock:
            height, reader = self._next()
            if item.tx_id not in self._ids:
                self._yielding(item)
        self._executor.intake.check_historical(item, reader, height)

    def _yielding(self, item: Decoded) -> list[_Entry]:
        """EX-35, EX-44: what pays nothing and leaves its place to more of that; else it is refused.

        Raises:
            MempoolRefused: EX-35.
            ChiaroError: it is about nothing that the state has.
        """
        height, reader = self._next()
        mine, whose = item.environment, self._executor.intake.whose(item, reader)
        places = MOST_ORDERS
        if mine is EnvironmentId.INTENTS:
            places += MESSAGES_PER_VALIDATOR * self._executor.signers(reader, height)
        if mine is EnvironmentId.PRIVATE:
            places += MOST_PRIVATE
        pending = [e for e in self._entries.values() if e.unpaid and e.item.environment is mine]
        if len(pending) < places:
            return []
        counts = Counter(entry.whose for entry in pending)
        most = max(counts.values(), default=0)
        if counts[whose] + 1 < most:
            crowd = (entry for entry in pending if counts[entry.whose] == most)
            return [max(crowd, key=lambda entry: entry.order)]
        raise MempoolRefused(
            "EX-35", f"{len(pending)} orders or messages wait for a block",
            fix="send it again after the next block",
        )  # fmt: skip

    def _reject(self, wire_id: bytes, answer: Admission) -> None:
        """EX-21: by full bytes, and only what no other state, height or pool could change."""
        kept = fresh(answer.error) if answer.error else None  # the caller may raise the other
        self._rejections.put(wire_id, replace(answer, error=kept))

    def _insert(self, item: Decoded) -> None:
        """Phase 3, under the lock: all of it or nothing."""
        if item.tx_id in self._ids:
            return  # perhaps under other proofs or signatures: one of them is enough
        self._allowance = min(self._allowance + _WORK_PER_NEWCOMER, self._most_allowance)
        height, reader = self._next()
        if item.expiry < height:
            raise Outdated("EX-22", f"expired at {item.expiry}, the next block is {height}")
        rivals = self._rivals(item)
        victims = self._yielding(item) if item.unpaid else self._victims(item, rivals)
        alone = _refusal(self._executor.begin(reader, height), item)
        if rivals:
            if alone is not None:
                raise alone
            order = min(rival.order for rival in rivals)
        else:
            refused = _refusal(self._speculation(), item)
            if refused is not None and alone is None and self._stale:
                self._pay_for_rebuild()
                refused = _refusal(self._rebuild(), item)
            if refused is not None:
                raise refused
            order = self._next_order
            self._next_order += 1
        for gone in (*rivals, *victims):
            self._remove(gone.item.wire_id)
            self._stale = True
        whose = self._executor.intake.whose(item, reader) if item.unpaid else b""
        self._put(_Entry(item, order, fee_rate(item), alone is not None, whose))

    def _rivals(self, item: Decoded) -> list[_Entry]:
        """EX-20: pending entries that hold one of its keys; raises unless it may replace them."""
        wires = dict.fromkeys(self._holders[key] for key in item.conflicts if key in self._holders)
        rivals = [self._entries[wire] for wire in wires]
        if not rivals:
            return rivals
        if item.unpaid:
            raise MempoolRefused(
                "EX-20", "another order of this number waits for a block",
                fix="make the order again after the next block",
            )  # fmt: skip
        if any(rival.queued for rival in rivals):
            raise MempoolRefused("EX-20", "conflicts with one that waits for others")
        paid = sum(rival.item.fee for rival in rivals)
        least = paid + max(1, -(-paid * self.limits.replacement_percent // 100))
        if item.fee < least or any(fee_rate(item) <= rival.rate for rival in rivals):
            raise MempoolRefused(
                "EX-20",
                f"conflicts with a pending transaction that pays {paid}",
                fix=f"pay at least {least} base units, and more per byte, to replace it",
            )
        return rivals

    def _victims(self, item: Decoded, rivals: Sequence[_Entry]) -> list[_Entry]:
        """EX-18: who must go to make room: those that pay least, each less than the newcomer.

        EX-35: orders neither need that room nor make it.
        """
        orders = [entry for entry in self._entries.values() if entry.unpaid]
        count = len(self._entries) - len(orders) - len(rivals) + 1
        size = self._bytes - sum(len(r.item.data) for r in (*orders, *rivals)) + len(item.data)
        if count <= self.limits.most and size <= self.limits.most_bytes:
            return []
        replaced = {entry.item.wire_id for entry in (*orders, *rivals)}
        others = (entry for wire, entry in self._entries.items() if wire not in replaced)
        victims = []
        for entry in sorted(others, key=lambda entry: (entry.rate, -entry.order)):
            if entry.rate >= fee_rate(item):
                break
            victims.append(entry)
            count, size = count - 1, size - len(entry.item.data)
            if count <= self.limits.most and size <= self.limits.most_bytes:
                return victims
        raise MempoolRefused("EX-18", "the pool is full of transactions that pay as much per byte")

    # --- TransactionSource -----------------------------------------------------------------------

    def pending(self, max_bytes: int) -> Sequence[bytes]:
        """EX-23: orders, then best fee per byte, then the queued ones in the order they came."""

        def rank(entry: _Entry) -> tuple[bool, bool, int, int]:
            rate = 0 if entry.queued else -entry.rate
            return not entry.unpaid, entry.queued, rate, entry.order

        with self._lock:
            ranked = sorted(self._entries.values(), key=rank)
        chosen, room = [], max_bytes
        for entry in ranked:
            if len(entry.item.data) <= room:
                chosen.append(entry.item.data)
                room -= len(entry.item.data)
        return chosen

    def committed(self, block: Block, receipts: Sequence[Receipt]) -> None:  # noqa: ARG002
        """EX-22: forget the block's transactions, whatever became of them; check the rest again."""
        with self._lock:
            self._tip = self._latest()
            height, _ = self._next()
            for tx in block.txs:
                self._remove(tagged_hash("wire", tx))
            for entry in list(self._entries.values()):
                if entry.item.expiry < height:
                    self._remove(entry.item.wire_id)
            self._rebuild()

    def discard(self, txs: Sequence[bytes], error: ChiaroError) -> None:
        """Never offer or take these again."""
        with self._lock:
            for tx in txs:
                wire_id = tagged_hash("wire", tx)
                entry = self._entries.get(wire_id)
                tx_id = entry.item.tx_id if entry else wire_id
                self._remove(wire_id)
                self._reject(wire_id, Admission(tx_id, error))
            self._stale = True

    # --- looking in ------------------------------------------------------------------------------

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, tx_id: bytes) -> bytes | None:
        """Full bytes of a pending transaction."""
        with self._lock:
            wire_id = self._ids.get(tx_id)
            return None if wire_id is None else self._entries[wire_id].item.data

    def status(self) -> MempoolStatus:
        with self._lock:
            rates = [entry.rate for entry in self._entries.values() if not entry.unpaid]
            return MempoolStatus(
                len(self._entries), self._bytes, self.fee_floor, min(rates, default=0) // _RATE_UNIT
            )

    def by_environment(self) -> dict[EnvironmentId, int]:
        """How many wait, of each environment that any are of."""
        with self._lock:
            return Counter(entry.item.environment for entry in self._entries.values())

    # --- bookkeeping, under the lock -------------------------------------------------------------

    def _next(self) -> tuple[Height, StateReader]:
        """Height of the next block, and the state that it starts from."""
        if self._tip is None:
            self._tip = self._latest()
        height, reader = self._tip
        return Height(height + 1), reader

    def _speculation(self) -> BlockRun:
        return self._rebuild() if self._run is None else self._run

    @property
    def _most_allowance(self) -> int:
        """Two applications of each that may be pending: one full rebuild, whatever is queued."""
        return 2 * self.limits.most

    def _pay_for_rebuild(self) -> None:
        """EX-24: what a rebuild costs must have been earned by newcomers since the last ones."""
        cost = sum(1 + entry.queued for entry in self._entries.values())
        if cost > self._allowance:
            raise MempoolRefused(
                "EX-24",
                "conflicts with what was pending; too much has been replaced to look again now",
                fix="send it again after the next block",
            )
        self._allowance -= cost

    def _rebuild(self) -> BlockRun:
        """Apply everything pending again, in order; what fails now leaves."""
        height, reader = self._next()
        self._run = run = self._executor.begin(reader, height)
        self._stale = False
        for entry in sorted(self._entries.values(), key=lambda entry: entry.order):
            if _refusal(run, entry.item) is not None:
                self._remove(entry.item.wire_id)
            elif entry.queued:
                entry.queued = (
                    _refusal(self._executor.begin(reader, height), entry.item) is not None
                )
        return run

    def _put(self, entry: _Entry) -> None:
        item = entry.item
        self._entries[item.wire_id] = entry
        self._ids[item.tx_id] = item.wire_id
        self._bytes += len(item.data)
        for key in item.conflicts:
            self._holders[key] = item.wire_id

    def _remove(self, wire_id: bytes) -> None:
        entry = self._entries.pop(wire_id, None)
        if entry is None:
            return
        del self._ids[entry.item.tx_id]
        self._bytes -= len(entry.item.data)
        for key in entry.item.conflicts:
            self._holders.pop(key, None)


def _refusal(run: BlockRun, item: Decoded) -> ChiaroError | None:
    """Apply, or say why not.

    Raises:
        NodeError, BackendError: this node cannot tell.
    """
    try:
        run.apply(item)
    except Missing as error:
        return error
    except MACHINE_FAULTS:
        raise
    except ChiaroError as error:
        return error
    return None
