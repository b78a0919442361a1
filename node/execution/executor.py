"""The executor: decoded, checked, proved, applied; the one place where effects become writes.

Order for one transaction: decode → stateless rules → proofs → historical rules → execute →
nullifiers → crossings → fee → turnstile. The first three are in `intake`, the rest in `run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from node.core.block import OK, Receipt
from node.core.effects import BatchScope
from node.core.errors import ConsensusFault, InvalidTransaction, Missing
from node.core.genesis import Genesis
from node.core.ids import EnvironmentId, Height
from node.core.interfaces import (
    Admission,
    BlockResult,
    LaneRules,
    ProofVerifier,
    StateReader,
)
from node.execution import turnstile
from node.execution.intake import Intake, Prepared
from node.execution.orders import OrderEnvironment
from node.execution.overlay import EmptyState
from node.execution.run import MACHINE_FAULTS, Applied, BlockRun, Environments
from transparent import accounts
from zk.errors import ChiaroError

_MOST_PASSES: Final = 8
"""How often `select` returns to what failed: a payment may wait for one that was offered later."""


class Executor:
    """`node.core.interfaces.BlockExecutor` over any environments.

    Args:
        genesis: of the chain.
        environments: by id. TRANSPARENT must be there, since issuance and fees are; transactions of
            one that is not are refused by EX-2. That of the guardians' orders is added here.
        verifier: of proofs.
        lane: of sealed intents, if the chain has one; its environment is among the others.

    Raises:
        ConsensusFault: the environments are not what they are named.
    """

    def __init__(
        self,
        genesis: Genesis,
        environments: Environments,
        verifier: ProofVerifier,
        lane: LaneRules | None = None,
    ) -> None:
        if EnvironmentId.TRANSPARENT not in environments:
            raise ConsensusFault("without the transparent environment fees have no home")
        for tag, environment in environments.items():
            if environment.id != tag:
                raise ConsensusFault(f"the {environment.id.label} environment stands for {tag}")
        self.chain: Final = genesis
        orders = OrderEnvironment(genesis, environments)
        self.pools: Final = orders.pools
        self._environments: Final[Environments] = {**environments, orders.id: orders}
        self.lane: Final = lane
        self.intake: Final = Intake(genesis.chain_id, self._environments, verifier)

    def begin(
        self, reader: StateReader, height: Height, scope: BatchScope | None = None
    ) -> BlockRun:
        """A block to apply transactions to, one after another; writes to nothing but itself."""
        context = self.intake.context(height, scope)
        return BlockRun(self._environments, reader, context, self.intake.part)

    # --- BlockExecutor ---------------------------------------------------------------------------

    def genesis(self) -> Mapping[bytes, bytes | None]:
        """EX-14: allocations, the turnstile's issuance, and each environment's empty block 0."""
        allocations = ((a.account, a.kind, a.amount) for a in self.chain.allocations)
        return {
            **accounts.genesis_writes(allocations),
            **turnstile.genesis_writes(self.chain),
            **self.begin(EmptyState(), Height(0)).close(),
        }

    def check(
        self,
        txs: Sequence[bytes],
        reader: StateReader,
        height: Height,
        scope: BatchScope | None = None,
    ) -> list[Admission]:
        """Each transaction alone, on the state of `reader`, as if first in block `height`.

        With a scope: as if it were a part of that batch's settlement.
        """
        answers = []
        for item in self.intake.prepare(txs, self.intake.context(height, scope)):
            outcome = _outcome(self.begin(reader, height, scope), item)
            error = outcome if isinstance(outcome, ChiaroError) else None
            answers.append(Admission(item.tx_id, error))
        return answers

    def select(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, max_bytes: int
    ) -> tuple[bytes, ...]:
        """Greedy in the given order; what fails is tried again after the others succeeded."""
        prepared = self.intake.prepare(txs, self.intake.context(height))
        waiting = [item for item in prepared if item.error is None]
        run = self.begin(reader, height)
        chosen: list[bytes] = []
        room, places = max_bytes, self.chain.parameters.max_block_txs
        for _ in range(_MOST_PASSES):
            failed: list[Prepared] = []
            before = len(chosen)
            for item in waiting:
                data = item.passed().data
                if len(data) > room or len(chosen) == places:
                    continue
                try:
                    outcome = _outcome(run, item)
                except Missing:  # LN-37: others may propose it
                    continue
                if isinstance(outcome, ChiaroError):
                    failed.append(item)
                else:
                    chosen.append(data)
                    room -= len(data)
            if not failed or len(chosen) == before:
                break
            waiting = failed
        return tuple(chosen)

    def check_block(self, txs: Sequence[bytes], height: Height) -> None:
        """EX-3: decoding, stateless rules, proofs. Raises the first refusal, naming its index."""
        prepared = self.intake.prepare(txs, self.intake.context(height))
        for index, item in enumerate(prepared):
            if item.error is not None:
                place, inside = f"transaction {index}", item.error.where
                item.error.where = f"{place}, {inside}" if inside else place
                raise item.error

    def execute(
        self,
        txs: Sequence[bytes],
        reader: StateReader,
        height: Height,
        time_ms: int,  # noqa: ARG002 - no environment reads the time
    ) -> BlockResult:
        """EX-3, EX-4: run a decided block. Nothing is taken on trust, not even its proofs.

        EX-39 (P1-1): while a batch of sealed intents is final, and neither opened nor over, whoever
        gathered its shares could read it; so nothing else changes the state meanwhile.

        Raises:
            NodeError, BackendError: this machine cannot go on; no transaction is to blame.
        """
        run = self.begin(reader, height)
        prepared = self.intake.prepare(txs, self.intake.context(height))
        self._foresee(prepared, reader, height)
        receipts = []
        for index, item in enumerate(prepared):
            why = self._waits(txs[index], run.state, height)
            outcome = InvalidTransaction("EX-39", why) if why else _outcome(run, item)
            receipts.append(_receipt(item, height, index, outcome))
        return BlockResult(run.close(), tuple(receipts))

    def rehearse(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, scope: BatchScope | None
    ) -> BlockResult:
        """What transactions would do as a part of a settlement.

        The block goes on behind the part, so nothing is closed: an anchor that only its end would
        make is not there for what follows, here as little as in the block (EX-38).

        Raises:
            NodeError, BackendError: this machine cannot go on.
        """
        run = self.begin(reader, height, scope)
        receipts = tuple(
            _receipt(item, height, index, _outcome(run, item))
            for index, item in enumerate(
                self.intake.prepare(txs, self.intake.context(height, scope))
            )
        )
        return BlockResult(run.writes, receipts)

    def _foresee(self, prepared: Sequence[Prepared], reader: StateReader, height: Height) -> None:
        if self.lane is not None:
            passed = (item.decoded for item in prepared if item.error is None)
            own = [p.tx for p in passed if p and p.environment is EnvironmentId.INTENTS]
            self.lane.foresee(own, reader, height)

    def signers(self, reader: StateReader, height: Height) -> int:
        """How many validators may sign what pays nothing in a block of this height (EX-35)."""
        if self.lane is None:
            return len(self.chain.validators)
        return self.lane.signers(reader, height)

    def _waits(self, data: bytes, state: StateReader, height: Height) -> str:
        if self.lane is None or self.lane.passes(data):
            return ""
        return self.lane.waits(state, height)


def _outcome(run: BlockRun, item: Prepared) -> Applied | ChiaroError:
    """Apply a transaction, or say why not.

    Raises:
        NodeError, BackendError: this machine cannot go on; to refuse would fork it from the others.
    """
    try:
        return run.apply(item.passed())
    except MACHINE_FAULTS:
        raise
    except ChiaroError as error:
        return error


def _receipt(item: Prepared, height: Height, index: int, outcome: Applied | ChiaroError) -> Receipt:
    place = (item.wire_id, item.tx_id, height, index, item.environment)
    if isinstance(outcome, ChiaroError):
        return Receipt(*place, code=outcome.id, message=outcome.message, fee=0)
    return Receipt(*place, code=OK, message="", fee=outcome.fee, events=outcome.events)
