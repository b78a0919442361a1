"""Schema `limit`: a limit order of a transparent account.  Rules IN-10, IN-19 … IN-21.

    account 32   sell 64   amount 8   buy 64   price 8 + 8   partial 1   signature 64

The price is exact: at least `numerator` units bought for `denominator` units sold. What is bought
is rounded down and compared after rounding, so no rounding breaks a limit. The account signs chain,
namespace, all fields and the envelope's expiry, fee and nonce; the digest of these is the order's
identity, so that a second signature makes no second order.

State, under `t/f/`:    expiry, 8 bytes big-endian ‖ digest → base units sold so far, u64

Records stay until the order has expired; `expired_records` names what may be dropped.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from node.core.codec import Reader, Writer
from node.core.ed25519 import SIGNATURE_BYTES
from node.core.ids import ID_BYTES, NATIVE, AccountId, ChainId, Height, Kind, tagged_hash
from node.core.intent import Intent
from node.core.interfaces import ProofClaim, StateReader
from node.intents.errors import IntentRefused
from node.intents.schema import Description, Evidence
from node.intents.view import View
from transparent.accounts import Ledger
from transparent.signature import SigningKey, check_signature

FILLED_PREFIX: Final = b"t/f/"
_NOTHING: Final[Mapping[tuple[AccountId, Kind], int]] = MappingProxyType({})
_NEVER: Final = Height(0)


@dataclass(frozen=True, slots=True, repr=False)
class LimitOrder:
    """What the account signed, and its signature.

    Attributes:
        account: pays `sell` and the fee, gets `buy`.
        sell, amount: at most so many base units of this kind.
        buy: another kind.
        numerator, denominator: bought · denominator ≥ sold · numerator; u64, positive, coprime.
        partial: less than `amount` may be sold, in any number of batches.
        signature: 64 bytes.
        digest: 32 bytes, the order's identity.
        expiry: last height.
    """

    account: AccountId
    sell: Kind
    amount: int
    buy: Kind
    numerator: int
    denominator: int
    partial: bool
    signature: bytes = bytes(SIGNATURE_BYTES)
    digest: bytes = bytes(ID_BYTES)
    expiry: Height = _NEVER

    def __repr__(self) -> str:
        return "<LimitOrder: hidden>"

    @property
    def record_key(self) -> bytes:
        """Where the state says how much was sold."""
        return FILLED_PREFIX + self.expiry.to_bytes(8, "big") + self.digest

    @property
    def uses(self) -> tuple[bytes, ...]:
        """IN-21: the order itself, whatever its signature."""
        return (self.record_key,)

    def least_bought(self, sold: int) -> int:
        """What the limit demands for `sold`, rounded up."""
        return -(-sold * self.numerator // self.denominator)

    def filled(self, state: StateReader) -> int:
        """Base units sold so far."""
        return int.from_bytes(state.get(self.record_key) or b"", "little")

    def due(self, state: StateReader, fee: int) -> int:
        """Fee that the next fill pays: all of it with the first."""
        return 0 if self.filled(state) else fee

    def available(
        self,
        state: StateReader,
        fee: int,
        reserved: Mapping[tuple[AccountId, Kind], int] = _NOTHING,
    ) -> int:
        """Base units that could be sold now: unfilled, and covered by the account.

        Args:
            state: where.
            fee: of the envelope.
            reserved: per account and kind, what other orders of the batch may take.
        """
        ledger = Ledger(state)

        def have(kind: Kind) -> int:
            return ledger.free(self.account, kind) - reserved.get((self.account, kind), 0)

        spare = have(NATIVE) - self.due(state, fee)
        if spare < 0:
            return 0
        balance = spare if self.sell == NATIVE else have(self.sell)
        rest = max(0, min(self.amount - self.filled(state), balance))
        return rest if self.partial or rest == self.amount else 0

    def body(self) -> bytes:
        writer = Writer().raw(self.account, ID_BYTES).raw(self.sell.to_bytes(), 64).u64(self.amount)
        writer.raw(self.buy.to_bytes(), 64).u64(self.numerator).u64(self.denominator)
        return writer.u8(self.partial).done()

    def to_bytes(self) -> bytes:
        """The payload."""
        return self.body() + self.signature

    def check(self) -> None:
        """IN-19.

        Raises:
            IntentRefused: IN-19.
        """
        if self.sell == self.buy:
            raise IntentRefused("IN-19", "sells and buys the same kind", where="buy")
        if not 0 < self.amount < 2**64:
            raise IntentRefused("IN-19", "the amount is zero or no u64", where="amount")
        price = self.numerator, self.denominator
        if not all(0 < part < 2**64 for part in price) or math.gcd(*price) != 1:
            raise IntentRefused(
                "IN-19", "a price is two positive u64 without a common divisor", where="price"
            )


def order_digest(chain_id: ChainId, intent: Intent, order: LimitOrder) -> bytes:
    """What the account signs: chain, namespace, order, expiry, fee, nonce.  Rule IN-20."""
    frame = Writer().u64(intent.expiry).u64(intent.fee).done()
    return tagged_hash("intents/limit", chain_id, intent.app, order.body(), frame, intent.nonce)


def sign_order(
    key: SigningKey,
    chain_id: ChainId,
    app: bytes,
    order: LimitOrder,
    *,
    expiry: Height,
    fee: int,
    nonce: bytes,
) -> Intent:
    """An intent of this account.

    Args:
        key: of `order.account`.
        chain_id: where.
        app: namespace, 29 bytes.
        order: its signature and identity are filled in.
        expiry: last height.
        fee: base units of the native kind, due with the first fill.
        nonce: 32 bytes, fresh.

    Raises:
        IntentRefused: IN-19.
    """
    order.check()
    unsigned = Intent(app, LimitSchema.name, order.to_bytes(), expiry, fee, nonce)
    signature = key.sign(order_digest(chain_id, unsigned, order))
    return replace(unsigned, payload=replace(order, signature=signature).to_bytes())


class LimitSchema:
    """Implements `node.intents.schema.Schema` for LimitOrder."""

    name = "limit"

    def parse(self, intent: Intent, chain_id: ChainId) -> LimitOrder:
        """Form only: strict decoding and IN-19.

        Raises:
            DecodeError, IntentRefused.
        """
        reader = Reader(intent.payload, "limit order")
        account, sell = AccountId(reader.take(ID_BYTES)), Kind.read(reader)
        amount, buy = reader.u64(), Kind.read(reader)
        numerator, denominator, flag = reader.u64(), reader.u64(), reader.u8()
        signature = reader.take(SIGNATURE_BYTES)
        reader.done()
        if flag > 1:
            raise IntentRefused("IN-5", f"{flag} is neither 0 nor 1", where="partial")
        order = LimitOrder(
            account, sell, amount, buy, numerator, denominator, flag == 1, signature,
            expiry=intent.expiry,
        )  # fmt: skip
        order.check()
        return replace(order, digest=order_digest(chain_id, intent, order))

    def decode(self, intent: Intent, chain_id: ChainId) -> LimitOrder:
        """IN-5, IN-19, IN-20, TR-3.

        Raises:
            DecodeError: not an encoding.
            InvalidTransaction: names the rule.
        """
        order = self.parse(intent, chain_id)
        check_signature(order.account, order.digest, order.signature, rule="IN-20")
        return order

    def claims(self, terms: LimitOrder, view: View) -> tuple[ProofClaim, ...]:  # noqa: ARG002
        """None: a signature."""
        return ()

    def covers(
        self, intent: Intent, terms: LimitOrder, view: View
    ) -> Mapping[tuple[AccountId, Kind], int]:
        """What is left to sell, and the fee."""
        sums = Counter({(terms.account, terms.sell): terms.amount - terms.filled(view.state)})
        sums[terms.account, NATIVE] += terms.due(view.state, intent.fee)
        return sums

    def validate(self, intent: Intent, terms: LimitOrder, view: View) -> None:
        """IN-10: something is left to sell, and the account has it.

        Raises:
            IntentRefused: IN-10.
        """
        if terms.available(view.state, intent.fee) == 0:
            raise IntentRefused(
                "IN-10", "nothing left to sell, or the account does not hold it", where="amount"
            )

    def describe(self, intent: Intent, terms: LimitOrder) -> Description:
        part = "any part of it" if terms.partial else "all or nothing"
        price = f"at least {terms.numerator} bought for {terms.denominator} sold, {part}"
        return Description(
            gives={terms.sell: terms.amount},
            wants={terms.buy: terms.least_bought(terms.amount)},
            fee=intent.fee,
            lines=(price,),
        )

    def check_satisfied(
        self,
        intent: Intent,  # noqa: ARG002
        terms: LimitOrder,
        evidence: Evidence,
        view: View,  # noqa: ARG002
    ) -> None:
        """IN-15: the record grew by what was sold, which is within limit, amount and flag.

        Balances are compared in `node.intents.check`, per account: it may have several orders.

        Raises:
            IntentRefused: IN-15.
        """
        before, after = terms.filled(evidence.prior), terms.filled(evidence.posterior)
        fill = evidence.fill
        if fill is None or after - before != fill.sold or fill.sold <= 0 or after > terms.amount:
            raise IntentRefused("IN-15", "the record does not show what was sold", where="sold")
        if not terms.partial and fill.sold != terms.amount:
            raise IntentRefused("IN-15", "a part of an order of all or nothing", where="sold")
        if fill.bought < terms.least_bought(fill.sold):
            raise IntentRefused("IN-15", "less bought than the limit demands", where="bought")


def expired_records(state: StateReader, height: Height) -> Iterator[bytes]:
    """Keys of orders that expired before `height`: nothing reads them any more."""
    for key, _ in state.iterate(FILLED_PREFIX):
        at = len(FILLED_PREFIX)
        if int.from_bytes(key[at : at + 8], "big") >= height:
            return
        yield key
