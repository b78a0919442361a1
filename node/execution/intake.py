"""What needs no state: decoding, stateless rules, proofs; for mempool, proposals and blocks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from node.core.block import Transaction
from node.core.effects import BatchScope
from node.core.errors import InvalidTransaction
from node.core.ids import ChainId, EnvironmentId, Height, TxId, tagged_hash
from node.core.interfaces import (
    ExecutionEnvironment,
    ProofClaim,
    ProofVerifier,
    StateReader,
    TxContext,
)
from node.execution.bounded import BoundedCache
from node.execution.run import MACHINE_FAULTS, Checked, Decoded, Environments, guarded
from zk.errors import ChiaroError

_MOST_CHECKED: Final = 4096
_MOST_CHECKED_BYTES: Final = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Prepared:
    """Answer about one transaction, without a state; `decoded` may go on if `error` is None."""

    wire_id: bytes
    tx_id: TxId
    environment: EnvironmentId
    decoded: Decoded | None
    error: ChiaroError | None = None

    def passed(self) -> Decoded:
        """The transaction, or its refusal raised."""
        if self.error is not None:
            raise self.error
        if self.decoded is None:
            raise InvalidTransaction("EX-1", "does not decode")
        return self.decoded


class Intake:
    """The part of a transaction's way that is the same at every place in every block.

    Transactions that passed are remembered by their full bytes and the height (S-23), for the same
    ones come again: from the mempool, in a proposal, in the decided block. Proofs are not part of
    that memory; they are the verifier's.
    """

    def __init__(
        self, chain_id: ChainId, environments: Environments, verifier: ProofVerifier
    ) -> None:
        self._chain_id = chain_id
        self._environments = environments
        self._verifier = verifier
        self._checked: BoundedCache[tuple[bytes, TxContext], Checked] = BoundedCache(
            _MOST_CHECKED, _MOST_CHECKED_BYTES
        )

    def context(self, height: Height, scope: BatchScope | None = None) -> TxContext:
        return TxContext(self._chain_id, height, scope)

    def is_unpaid(self, data: bytes) -> bool:
        """Whether it pays by being signed by few (EX-35). Raises as `preview`."""
        envelope, environment = self._open(data)
        return environment.is_unpaid(envelope.payload)

    def whose(self, item: Decoded, reader: StateReader) -> bytes:
        """Of what pays nothing: whose places it takes (EX-44). Raises what refuses it."""
        environment = self._environments[item.environment]
        return guarded(lambda: environment.whose(item.tx, reader))

    def preview(self, data: bytes) -> int:
        """The declared fee, without decoding the payload. For admission only: it decides no block.

        Raises:
            DecodeError: EX-1, no envelope, or too short for its environment.
            InvalidTransaction: EX-2, or the environment's rule on the chain id.
        """
        envelope, environment = self._open(data)
        return guarded(lambda: environment.preview(envelope.payload, self._chain_id))

    def decode(self, data: bytes) -> Decoded:
        """EX-1, EX-2: the envelope, then the payload by its environment.

        Raises:
            DecodeError: EX-1, not exactly an encoding.
            InvalidTransaction: EX-2, no such environment here.
        """
        envelope, environment = self._open(data)

        def read() -> Decoded:
            tx = environment.decode(envelope.payload)
            tag = bytes([envelope.environment])
            return Decoded(
                data=data,
                wire_id=tagged_hash("wire", data),
                environment=envelope.environment,
                tx=tx,
                tx_id=environment.tx_id(tx),
                fee=environment.fee(tx),
                expiry=environment.expiry(tx),
                conflicts=tuple(tag + key for key in environment.conflicts(tx)),
                unpaid=environment.is_unpaid(envelope.payload),
            )

        return guarded(read)

    def _open(self, data: bytes) -> tuple[Transaction, ExecutionEnvironment[Any]]:
        """The envelope and whose it is: EX-1, EX-2."""
        envelope = Transaction.from_bytes(data)
        environment = self._environments.get(envelope.environment)
        if environment is None:
            raise InvalidTransaction(
                "EX-2", f"this chain has no {envelope.environment.label} environment"
            )
        return envelope, environment

    def check_stateless(self, item: Decoded, context: TxContext) -> Checked:
        """EX-3: the environment's stateless rules; then its claims, not yet verified."""
        environment = self._environments[item.environment]

        def check() -> Checked:
            environment.check_stateless(item.tx, context)
            return Checked(item, environment.claims(item.tx))

        return guarded(check)

    def check_historical(self, item: Decoded, reader: StateReader, height: Height) -> None:
        """The environment's rules against a committed state, ahead of what costs more."""
        environment = self._environments[item.environment]
        guarded(lambda: environment.check_historical(item.tx, reader, self.context(height)))

    def verify(self, claims: Sequence[ProofClaim]) -> list[ChiaroError | None]:
        """One verdict per claim."""
        return self._verifier.verify(claims) if claims else []

    def look_ahead(self, txs: Sequence[bytes], height: Height) -> list[ProofClaim]:
        """The claims that `prepare` will ask the verifier about: for many blocks in one batch."""
        context = self.context(height)
        return [claim for tx in txs for claim in self._prepare(tx, context)[1]]

    def claims(self, data: bytes) -> tuple[ProofClaim, ...]:
        """Claims of a transaction wherever it stands; none, where it has no readable ones."""

        def read() -> tuple[ProofClaim, ...]:
            item = self.decode(data)
            return self._environments[item.environment].claims(item.tx)

        try:
            return guarded(read)
        except MACHINE_FAULTS:
            raise
        except ChiaroError:
            return ()

    def part(self, data: bytes, context: TxContext) -> Decoded:
        """EX-38: a transaction that is a part of another: decoded, checked, proofs verified.

        Raises:
            ChiaroError: what refuses it.
        """
        return self.prepare([data], context)[0].passed()

    def prepare(self, txs: Sequence[bytes], context: TxContext) -> list[Prepared]:
        """EX-3: decode, check and verify many; all proofs in one batch. One answer each, in order.

        Raises:
            BackendError: this machine cannot compute; no transaction is to blame.
        """
        answers = [self._prepare(tx, context) for tx in txs]
        verdicts = iter(self.verify([claim for _, claims in answers for claim in claims]))
        results = []
        for prepared, claims in answers:
            refused = [v for v in [next(verdicts) for _ in claims] if v is not None]
            results.append(replace(prepared, error=refused[0]) if refused else prepared)
        return results

    def _prepare(self, tx: bytes, context: TxContext) -> tuple[Prepared, tuple[ProofClaim, ...]]:
        """All but the proofs, which are returned; a refused transaction has none to verify."""
        checked = self._checked.get((tx, context))
        if checked is not None:
            return _prepared(checked.decoded), checked.claims
        try:
            item = self.decode(tx)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            return _nameless(tx, error), ()
        try:
            checked = self.check_stateless(item, context)
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            return _prepared(item, error), ()
        self._checked.put((tx, context), checked, len(tx))
        return _prepared(item), checked.claims


def _prepared(item: Decoded, error: ChiaroError | None = None) -> Prepared:
    return Prepared(item.wire_id, item.tx_id, item.environment, item, error)


def _nameless(tx: bytes, error: ChiaroError) -> Prepared:
    """What does not decode has no id: the hash of its bytes stands for it.

    Nor has it an environment, unless its envelope was whole; receipts need one.
    """
    wire_id = tagged_hash("wire", tx)
    try:
        environment = Transaction.from_bytes(tx).environment
    except ChiaroError:
        environment = EnvironmentId.TRANSPARENT
    return Prepared(wire_id, TxId(wire_id), environment, None, error)
