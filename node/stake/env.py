"""StakeEnvironment: the pool of bonded balance, and what its owners may do.  Rules ST-6 … ST-15.

Stake enters by a debit that its owner signed and leaves by a credit to the same owner, both of them
crossings, so the turnstile counts it (S-7). What faults cost stays in the pool and never leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from node.core.amounts import MAX_AMOUNT
from node.core.ed25519 import is_proper, is_signed
from node.core.effects import Crossing, Effects, Event
from node.core.errors import ConsensusFault, InvalidTransaction
from node.core.genesis import Genesis
from node.core.ids import NATIVE, ChainId, EnvironmentId, Height, TxId
from node.core.interfaces import ProofClaim, StateReader, TxContext
from node.stake import epochs, punishment, transaction
from node.stake import state as entries
from node.stake.errors import StakeOutdated, StakeRefused
from node.stake.faults import Judges
from node.stake.state import Validator
from node.stake.transaction import BondTx, EvidenceTx, StakeTx, Tag
from transparent.signature import check_signature

_NEVER: Final = Height(2**63 - 1)
"""Expiry of evidence: what was punished, or is too old, is refused for that."""


class StakeEnvironment:
    """Implements `node.core.interfaces.ExecutionEnvironment` for StakeTx.

    Args:
        genesis: of the chain; it has stake.
        judges: of evidence.

    Raises:
        ConsensusFault: the chain has no stake.
    """

    id = EnvironmentId.STAKE

    def __init__(self, genesis: Genesis, judges: Judges) -> None:
        if genesis.stake is None:
            raise ConsensusFault("the chain has no stake")
        self._genesis: Final = genesis
        self._stake: Final = genesis.stake
        self._max_expiry: Final = genesis.parameters.max_expiry
        self._judges: Final = judges

    # DECODE

    def preview(self, payload: bytes, chain_id: ChainId) -> int:
        """ST-6, and the fee."""
        found, fee = transaction.preview(payload)
        _check_chain(found, chain_id)
        return fee

    def is_unpaid(self, payload: bytes) -> bool:
        """EX-35: evidence pays by being true; of the few that is, each can be used once."""
        return transaction.is_evidence(payload)

    def whose(self, tx: StakeTx, state: StateReader) -> bytes:  # noqa: ARG002
        """EX-44: who finds evidence may be anybody."""
        return b""

    def decode(self, payload: bytes) -> StakeTx:
        """ST-7."""
        return transaction.decode(payload)

    def tx_id(self, tx: StakeTx) -> TxId:
        return tx.id

    def expiry(self, tx: StakeTx) -> Height:
        return _NEVER if isinstance(tx, EvidenceTx) else tx.expiry

    def fee(self, tx: StakeTx) -> int:
        return 0 if isinstance(tx, EvidenceTx) else tx.fee

    def conflicts(self, tx: StakeTx) -> tuple[bytes, ...]:
        return (b"b/t/" + tx.id,)

    # CHECK

    def check_stateless(self, tx: StakeTx, context: TxContext) -> None:
        """ST-6, ST-8, ST-9. Of evidence nothing else: what it takes to judge it is in the state."""
        _check_chain(tx.chain_id, context.chain_id)
        if isinstance(tx, EvidenceTx):
            return
        last = context.height + self._max_expiry
        if not context.height <= tx.expiry <= last:
            raise StakeOutdated(
                "ST-8", f"expires at {tx.expiry}; block {context.height} takes up to {last}",
                where="expiry",
            )  # fmt: skip
        if not is_proper(tx.key):
            raise StakeRefused("ST-8", "the validator is no proper Ed25519 key", where="validator")
        if (tx.amount == 0) != (tx.tag is Tag.WITHDRAW) or tx.amount + tx.fee > MAX_AMOUNT:
            raise StakeRefused("ST-8", f"an amount of {tx.amount}", where="amount")
        check_signature(tx.owner, tx.consent, tx.signature, rule="ST-9")
        if tx.proof and not is_signed(tx.key, tx.possession, tx.proof):
            raise StakeRefused(
                "ST-9", "the proof is not this consensus key's over this bond", where="proof"
            )

    def claims(self, tx: StakeTx) -> tuple[ProofClaim, ...]:  # noqa: ARG002
        """No proofs: everything is in the clear."""
        return ()

    def check_historical(self, tx: StakeTx, state: StateReader, context: TxContext) -> None:
        """Evidence: before it takes a place anywhere it is judged."""
        if isinstance(tx, EvidenceTx):
            found = punishment.offence(tx, state, self._judges)
            punishment.check(found, state, context.height, self._stake)

    # EFFECT

    def execute(self, tx: StakeTx, state: StateReader, context: TxContext) -> Effects:
        if isinstance(tx, EvidenceTx):
            found = punishment.offence(tx, state, self._judges)
            return punishment.punish(found, state, context.height, self._stake)
        before = entries.validator(state, tx.key)
        if before is not None and before.owner != tx.owner:
            raise StakeRefused("ST-10", "its stake is another account's", where="owner")
        match tx.tag:
            case Tag.BOND:
                return self._bond(tx, before)
            case Tag.UNBOND:
                return self._unbond(tx, before, state, self._stake.epoch_of(context.height))
            case _:
                return self._withdraw(tx, before, state, self._stake.epoch_of(context.height))

    def _bond(self, tx: BondTx, before: Validator | None) -> Effects:
        """ST-11, ST-12: a validator begins whole and in its own name; later it may get more."""
        if (before is None) != bool(tx.proof):
            raise StakeRefused(
                "ST-11", "the first bond of a key, and no other, carries its proof", where="proof"
            )
        if before is not None and before.fault:
            raise StakeRefused(
                "ST-12", f"its fault was proved in block {before.fault}", where="validator",
                why="whose fault was proved never votes again", fix="bond another consensus key",
            )  # fmt: skip
        bonded = tx.amount + (0 if before is None else before.bonded)
        if bonded < self._stake.min_bond:
            raise StakeRefused(
                "ST-12", f"{bonded} base units at stake, at least {self._stake.min_bond} are due",
                where="amount",
            )  # fmt: skip
        after = Validator(tx.owner, bonded)
        return self._paid(tx, ((entries.validator_key(tx.key), after.to_bytes()),))

    def _unbond(
        self, tx: BondTx, before: Validator | None, state: StateReader, epoch: int
    ) -> Effects:
        """ST-13: of what is there; what stays is enough to vote, or nothing."""
        bonded = 0 if before is None else before.bonded
        left = bonded - tx.amount
        if before is None or left < 0:
            raise StakeRefused("ST-13", f"gives notice of {tx.amount} of {bonded}", where="amount")
        if 0 < left < self._stake.min_bond:
            raise StakeRefused(
                "ST-13", f"{left} base units would stay, less than {self._stake.min_bond}",
                where="amount", fix="give notice of less, or of all",
            )  # fmt: skip
        after = Validator(before.owner, left, before.fault)
        waiting = dict(entries.notices(state, tx.key)).get(epoch, 0)
        return self._paid(
            tx,
            (
                (entries.validator_key(tx.key), after.to_bytes()),
                (entries.notice_key(tx.key, epoch), entries.amount(waiting + tx.amount)),
            ),
        )

    def _withdraw(
        self, tx: BondTx, before: Validator | None, state: StateReader, epoch: int
    ) -> Effects:
        """ST-14: what is due goes to its owner, once; who has nothing left is forgotten."""
        waiting = entries.notices(state, tx.key)
        due = [(since, n) for since, n in waiting if epoch > since + self._stake.unbonding_epochs]
        total = sum(n for _, n in due)
        if before is None or total == 0 or total < tx.fee:
            raise StakeOutdated(
                "ST-14", f"{total} base units are due, the fee is {tx.fee}", where="amount",
                fix="notice ends behind the last block of its last epoch",
            )  # fmt: skip
        writes = [(entries.notice_key(tx.key, since), None) for since, _ in due]
        if not before.bonded and not before.fault and len(due) == len(waiting):
            writes.append((entries.validator_key(tx.key), None))
        return self._paid(tx, tuple(writes), total - tx.fee)

    def _paid(
        self, tx: BondTx, writes: tuple[tuple[bytes, bytes | None], ...], credit: int = 0
    ) -> Effects:
        """ST-15: the transaction spends its own id, so that nobody can send it again."""
        signed = tx.signature if tx.debit else b""
        amount = -tx.debit if tx.debit else credit
        target = EnvironmentId.TRANSPARENT
        event = Event(
            tx.tag.label,
            (
                ("validator", tx.key.hex()),
                ("owner", tx.owner.hex()),
                ("amount", str(tx.amount or credit)),
            ),
        )
        return Effects(
            writes=writes,
            nullifiers=(tx.id,),
            crossings=(Crossing(target, tx.owner, NATIVE, amount, signed),) if amount else (),
            fee=tx.fee,
            events=(event,),
        )

    def cross(self, crossing: Crossing, digest: bytes, state: StateReader) -> Effects:  # noqa: ARG002
        """EX-9: stake is bonded by its owner's transaction, not by another environment's."""
        raise InvalidTransaction("EX-9", "nothing crosses into stake", where="crossing")

    def end_block(
        self,
        commitments: Sequence[int],  # noqa: ARG002 - EX-8: stake makes none
        state: StateReader,
        context: TxContext,
    ) -> Effects:
        """Genesis for block 0; else the epoch's end, and who votes."""
        if context.height == 0:
            writes = epochs.begin(self._genesis, self._stake)
        else:
            writes = epochs.close(state, context.height, self._genesis, self._stake)
        return Effects(writes=tuple(writes.items()))


def _check_chain(found: ChainId, chain_id: ChainId) -> None:
    """ST-6."""
    if found != chain_id:
        raise StakeRefused("ST-6", "made for another chain", where="chain_id")
