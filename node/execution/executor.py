"""The executor: decoded, checked, proved, applied; the one place where effects become writes.

Order for one transaction: decode → stateless rules → proofs → historical rules → execute →
nullifiers → crossings → fee → turnstile. The first three are in `intake`, the rest in `run`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from node.core.block import OK, Receipt
from node.core.errors import ConsensusFault
from node.core.genesis import Genesis
from node.core.ids import EnvironmentId, Height
from node.core.interfaces import Admission, BlockResult, ProofVerifier, StateReader
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

    Raises:
        ConsensusFault: the environments are not what they are named.
    """

    def __init__(
        self, genesis: Genesis, environments: Environments, verifier: ProofVerifier
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
        self.intake: Final = Intake(genesis.chain_id, self._environments, verifier)

    def begin(self, reader: StateReader, height: Height) -> BlockRun:
        """A block to apply transactions to, one after another; writes to nothing but itself."""
        return BlockRun(self._environments, reader, self.intake.context(height))

    # --- BlockExecutor ---------------------------------------------------------------------------

    def genesis(self) -> Mapping[bytes, bytes | None]:
        """EX-14: allocations, the turnstile's issuance, and each environment's empty block 0."""
        allocations = ((a.account, a.kind, a.amount) for a in self.chain.allocations)
        return {
            **accounts.genesis_writes(allocations),
            **turnstile.genesis_writes(self.chain),
            **self.begin(EmptyState(), Height(0)).close(),
        }

    def check(self, txs: Sequence[bytes], reader: StateReader, height: Height) -> list[Admission]:
        """Each transaction alone, on the state of `reader`, as if first in block `height`."""
        answers = []
        for item in self.intake.prepare(txs, height):
            outcome = _outcome(self.begin(reader, height), item)
            error = outcome if isinstance(outcome, ChiaroError) else None
            answers.append(Admission(item.tx_id, error))
        return answers

    def select(
        self, txs: Sequence[bytes], reader: StateReader, height: Height, max_bytes: int
    ) -> tuple[bytes, ...]:
        """Greedy in the given order; what fails is tried again after the others succeeded."""
        waiting = [item for item in self.intake.prepare(txs, height) if item.error is None]
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
                if isinstance(_outcome(run, item), ChiaroError):
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
        for index, item in enumerate(self.intake.prepare(txs, height)):
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

        Raises:
            NodeError, BackendError: this machine cannot go on; no transaction is to blame.
        """
        run = self.begin(reader, height)
        receipts = []
        for index, item in enumerate(self.intake.prepare(txs, height)):
            receipts.append(_receipt(item, height, index, _outcome(run, item)))
        return BlockResult(run.close(), tuple(receipts))


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
