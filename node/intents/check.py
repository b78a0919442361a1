"""Whether a settlement may take effect, and what it is worth. Nothing in it is believed.

Faults of the whole (another batch, a foreign intent, one intent twice, two prices of a kind) refuse
the settlement. Faults of a component refuse that component (IN-31, S-19); the others go on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from node.core.block import Receipt, Transaction
from node.core.effects import Effects
from node.core.errors import InvalidTransaction
from node.core.ids import FEE_ACCOUNT, NATIVE, AccountId, EnvironmentId, Kind
from node.core.interfaces import StateReader
from node.intents.batch import Batch
from node.intents.complete import CompleteTerms
from node.intents.errors import SettlementRefused
from node.intents.fills import fill_effects
from node.intents.limit import LimitOrder
from node.intents.schema import MACHINE_FAULTS, Decoded, Evidence, Fill, Registry, guarded
from node.intents.settlement import Complete, Component, Composed, Fills, Settlement
from node.intents.swap import SwapTerms
from node.intents.view import View
from shielded.transaction import ShieldedTx
from transparent.accounts import Change, balances, changes
from zk.errors import ChiaroError

Read = Mapping[bytes, Decoded | ChiaroError]


@dataclass(frozen=True, slots=True)
class Accepted:
    """A component that may take effect.

    Attributes:
        component: as proposed.
        wire: full bytes of its transaction; None for fills.
        effects: of fills, without balances; for a transaction, the executor finds them again.
        points: per intent id, what it adds to the score.
        balances: what fills change, as differences.
        paid: per intent id, the part of its fee that reaches FEE_ACCOUNT with this.
    """

    component: Component
    wire: bytes | None
    effects: Effects
    points: Mapping[bytes, Fraction]
    balances: tuple[Change, ...] = ()
    paid: Mapping[bytes, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a settlement comes to on one state.

    Attributes:
        settlement_id: 32 bytes.
        accepted: in order.
        refused: index of the component, and why.
        posterior: the state after it, as a view; with what the view's judge adds at a block's end.
    """

    settlement_id: bytes
    accepted: tuple[Accepted, ...]
    refused: tuple[tuple[int, ChiaroError], ...]
    posterior: StateReader

    @property
    def places(self) -> tuple[int, ...]:
        """Per accepted component, its index in the settlement."""
        out = {index for index, _ in self.refused}
        return tuple(i for i in range(len(self.accepted) + len(out)) if i not in out)

    @property
    def score(self) -> Fraction:
        """Sum over satisfied intents; exact.  Rule IN-26."""
        parts = [points for item in self.accepted for points in item.points.values()]
        while len(parts) > 1:  # in pairs: one by one the denominators of all meet in every step
            parts = [sum(parts[i : i + 2], Fraction(0)) for i in range(0, len(parts), 2)]
        return parts[0] if parts else Fraction(0)


def check_settlement(
    batch: Batch,
    settlement: Settlement,
    view: View,
    registry: Registry,
    *,
    read: Read | None = None,
) -> Outcome:
    """Check a settlement against its batch and a state.

    Args:
        batch: closed and decrypted.
        settlement: of whatever origin.
        view: where it would settle.
        registry: schemas of this chain.
        read: `batch.decode(registry)`, where it is at hand.

    Raises:
        SettlementRefused: IN-12, IN-13, IN-14, IN-17, IN-22: nothing of it can be taken.
        NodeError, BackendError: this machine cannot go on (IN-32); nothing is to blame.
    """
    found = batch.decode(registry) if read is None else read
    _check_whole(batch, settlement, found)
    accepted: list[Accepted] = []
    refused: list[tuple[int, ChiaroError]] = []
    for index, component in enumerate(settlement.components):
        try:
            item, view = guarded(lambda: _component(component, found, view))  # noqa: B023
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            refused.append((index, error))
        else:
            accepted.append(item)
    return Outcome(settlement.id, tuple(accepted), tuple(refused), view.state)


def _check_whole(batch: Batch, settlement: Settlement, found: Read) -> None:
    """What makes the whole settlement worthless."""
    if guarded(lambda: Settlement.from_bytes(settlement.to_bytes())) != settlement:
        raise SettlementRefused("IN-22", "not the one form of this settlement", where="settlement")
    if settlement.batch_id != batch.id:
        raise SettlementRefused("IN-12", "made for another batch", where="batch id")
    seen = set[bytes]()
    used = dict[bytes, bytes]()
    for intent_id in settlement.intents:
        where = intent_id.hex()
        item = found.get(intent_id)
        if item is None:
            raise SettlementRefused(
                "IN-13", "covers an intent that is not in the batch", where=where
            )
        if intent_id in seen:
            raise SettlementRefused("IN-14", "one intent is settled twice", where=where)
        seen.add(intent_id)
        for key in item.uses if isinstance(item, Decoded) else ():
            if used.setdefault(key, intent_id) != intent_id:
                raise SettlementRefused(
                    "IN-14", "two intents are the same order, or spend the same note", where=where
                )
    priced = Counter[Kind]()
    for component in settlement.components:
        if isinstance(component, Fills):
            priced.update(kind for kind, _ in component.prices)
    if any(count > 1 for count in priced.values()):
        raise SettlementRefused("IN-17", "a kind has two prices", where="prices")


_Step = tuple[Accepted, dict[bytes, bytes | None], Receipt | None]


def _component(component: Component, found: Read, view: View) -> tuple[Accepted, View]:
    items = [_readable(found[intent_id]) for intent_id in component.intents]
    for item in items:
        item.validate(view)
    if isinstance(component, Composed):
        accepted, writes, receipt = _composed(component, items, view)
    elif isinstance(component, Complete):
        accepted, writes, receipt = _complete(component, items[0], view)
    else:
        accepted, writes, receipt = _fills(component, items, view)
    after = view.after(writes)
    fills = {f.intent_id: f for f in component.fills} if isinstance(component, Fills) else {}
    for item in items:
        evidence = Evidence(view.state, after.state, receipt, fills.get(item.intent.id))
        item.check_satisfied(evidence, view)
    return accepted, after


def _readable(item: Decoded | ChiaroError) -> Decoded:
    if isinstance(item, ChiaroError):
        raise item
    return item


def _run(wire: bytes, view: View) -> tuple[dict[bytes, bytes | None], Receipt]:
    """One transaction, as the executor runs it in a block of its own."""
    result = view.executor.execute([wire], view.state, view.context.height, 0)
    (receipt,) = result.receipts
    if not receipt.ok:
        raise InvalidTransaction(receipt.code, receipt.message, where="transaction")
    return dict(result.writes), receipt


def _complete(component: Complete, item: Decoded, view: View) -> _Step:
    if not isinstance(item.terms, CompleteTerms):
        raise SettlementRefused("IN-18", "the intent brings no transaction", where="complete")
    wire = item.terms.wire
    writes, receipt = _run(wire, view)
    accepted = Accepted(
        component,
        wire,
        Effects(),
        {item.intent.id: Fraction(1)},
        paid={item.intent.id: item.intent.fee},
    )
    return accepted, writes, receipt


def _composed(component: Composed, items: list[Decoded], view: View) -> _Step:
    """IN-18: exactly the parties of its intents, nothing beside them, and the fees they offer."""
    tx = ShieldedTx.from_bytes(component.tx)
    terms = [item.terms for item in items]
    swaps = [item for item in terms if isinstance(item, SwapTerms)]
    if len(swaps) != len(terms) or tx.parties != tuple(item.part.party for item in swaps):
        raise SettlementRefused(
            "IN-18", "its parties are not exactly those of its intents, in order", where="parties"
        )
    if tx.public_values or tx.fee != sum(item.intent.fee for item in items):
        raise SettlementRefused(
            "IN-18", "value that no intent offers, or another fee", where="transaction"
        )
    sums = Counter[Kind]()
    for swap in swaps:
        for kind, amount in swap.nets:
            sums[kind] += amount
    sums[NATIVE] -= tx.fee
    if any(sums.values()):
        raise SettlementRefused("IN-24", "the nets do not sum to zero", where="nets")
    wire = Transaction(EnvironmentId.SHIELDED, component.tx).to_bytes()
    writes, receipt = _run(wire, view)
    points = {item.intent.id: Fraction(1) for item in items}
    paid = {item.intent.id: item.intent.fee for item in items}
    return Accepted(component, wire, Effects(), points, paid=paid), writes, receipt


def _fills(component: Fills, items: list[Decoded], view: View) -> _Step:
    orders = {item.intent.id: item.terms for item in items}
    if not all(isinstance(order, LimitOrder) for order in orders.values()):
        raise SettlementRefused("IN-18", "fills something that is no limit order", where="fills")
    fees = {item.intent.id: item.intent.fee for item in items}
    effects = fill_effects(component, orders, fees, view.state)
    writes = dict(effects.writes)
    _check_balances(component, orders, fees, view.state, view.after(writes).state)
    prices = dict(component.prices)
    points = {f.intent_id: fill_points(orders[f.intent_id], f, prices) for f in component.fills}
    moved, records = changes(view.state, effects.writes)
    paid = {key: order.due(view.state, fees[key]) for key, order in orders.items()}
    accepted = Accepted(component, None, replace(effects, writes=records), points, moved, paid)
    return accepted, writes, None


def fill_points(order: LimitOrder, fill: Fill, prices: Mapping[Kind, int]) -> Fraction:
    """Share of the order that was executed, times 1 plus how far the price is within its limit.

    In (0, 2): share · (2 − limit / price), price and limit in units bought per unit sold.
    """
    limit = Fraction(order.numerator, order.denominator)
    ratio = limit * Fraction(prices[order.buy], prices[order.sell])
    return Fraction(fill.sold, order.amount) * (2 - ratio)


def _check_balances(
    component: Fills,
    orders: Mapping[bytes, LimitOrder],
    fees: Mapping[bytes, int],
    prior: StateReader,
    posterior: StateReader,
) -> None:
    """IN-25: per account, the two states differ by its fills and fees; per kind they are equal.

    It reads balances only, and so does not depend on how the effects were made.
    """
    due: dict[AccountId, Counter[Kind]] = {FEE_ACCOUNT: Counter()}
    for fill in component.fills:
        order = orders[fill.intent_id]
        mine = due.setdefault(order.account, Counter())
        mine[order.buy] += fill.bought
        mine[order.sell] -= fill.sold
        if order.filled(prior) == 0:
            mine[NATIVE] -= fees[fill.intent_id]
    conserved = Counter[Kind]()
    for account, expected in due.items():
        change = Counter(dict(balances(posterior, account)))
        change.subtract(dict(balances(prior, account)))
        conserved.update(change)
        if account != FEE_ACCOUNT and _nonzero(change) != _nonzero(expected):
            raise SettlementRefused(
                "IN-25", "a balance changes by something else than its fills", where=account.hex()
            )
    if _nonzero(conserved):
        raise SettlementRefused("IN-25", "value is made or lost", where="fills")


def _nonzero(sums: Counter[Kind]) -> dict[Kind, int]:
    return {kind: amount for kind, amount in sums.items() if amount}


@dataclass(frozen=True, slots=True)
class Ranking:
    """All settlements proposed for a batch, those that lost included.

    Attributes:
        outcomes: best first; the first is applied. Empty: the batch ends unsettled.
        refused: id, and why.
    """

    outcomes: tuple[Outcome, ...]
    refused: tuple[tuple[bytes, ChiaroError], ...]


def best(
    batch: Batch,
    settlements: Iterable[Settlement],
    view: View,
    registry: Registry,
    *,
    read: Read | None = None,
) -> Ranking:
    """Rank settlements: highest score first, among equals the lowest hash.  Rule IN-27.

    Never raises for a settlement; one without an accepted component is refused.

    Raises:
        NodeError, BackendError: this machine cannot go on (IN-32).
    """
    found = batch.decode(registry) if read is None else read
    outcomes: dict[bytes, Outcome] = {}
    refused: dict[bytes, ChiaroError] = {}
    for settlement in settlements:
        name = b""  # of a value that has no encoding, and so no hash
        try:
            name = guarded(lambda: settlement.id)  # noqa: B023
            outcome = check_settlement(batch, settlement, view, registry, read=found)
            if not outcome.accepted:
                raise SettlementRefused("IN-27", "no component can take effect", where="settlement")
            outcomes[name] = outcome
        except MACHINE_FAULTS:
            raise
        except ChiaroError as error:
            refused[name] = error
    ranked = sorted(outcomes.values(), key=lambda item: (-item.score, item.settlement_id))
    return Ranking(tuple(ranked), tuple(sorted(refused.items())))
