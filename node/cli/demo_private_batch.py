"""The dark pool of the demonstration: a batch of orders on the chain, cleared at one price."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from node.cli import wallet_private, wallet_sync
from node.cli.demo_facts import units
from node.cli.demo_private_facts import OrderFacts, PoolFacts, TakenFacts
from node.cli.demo_private_people import UNIT, Donor
from node.cli.demo_private_session import result_of, session_facts
from node.cli.demo_private_traces import Trace
from node.cli.demo_private_world import STEP, PrivateWorld
from node.cli.demo_run import DemoFailed
from node.cli.demo_steps import Say

if TYPE_CHECKING:
    from node.cli.wallet_private import Provers
    from node.core.ids import Kind
    from node.private.ordering import Ordering
    from node.private.sale_payload import ResultTx
    from node.rpc.batch_schema import BatchView, OrderView
    from private_exec.pedersen import Opening
    from shielded.private_owner import PrivateOwner
    from transparent.signature import SigningKey

BASE: Final = "gold"
ORDER: Final = "order"
LINKS: Final = 4
"""Linked proofs of an order (PV-202)."""
SIZES: Final = (4, 8)
"""Orders and prices."""
LOT: Final = UNIT // 100
LOW: Final = UNIT // 100
RISE: Final = UNIT // 1000
WANTS: Final = (("Ada", True, 2, 50), ("Ben", False, 1, 30), ("Cleo", False, 2, 40),
                ("Dan", True, 0, 20))  # fmt: skip
"""Who buys (or sells) at which tick, or better, how many lots."""
ORDER_FOR: Final = 8


@dataclass(repr=False)
class _Placed:
    """An order as its trader knows it."""

    person: Donor
    buys: bool
    limit: int
    quantity: int
    owner: PrivateOwner
    making: Ordering

    def __repr__(self) -> str:
        return f"<Order of {self.person.name}: hidden>"


@dataclass
class BatchRun:
    """One batch.

    Args:
        world: where.
        people: traders first, in the order of `WANTS`; who sells has gold in notes.
        payer: who has the orders collected, and its fee.
        prove: proofs of actions and of hidden amounts.
        step: begins a step of the story.
    """

    world: PrivateWorld
    people: Sequence[Donor]
    payer: SigningKey
    fee: int
    prove: Provers
    step: Callable[[str, str], AbstractContextManager[Say]]
    placed: list[_Placed] = field(default_factory=list)
    taken: list[TakenFacts] = field(default_factory=list)

    def __call__(self) -> None:
        """From the call for orders to the last claim.

        Raises:
            DemoFailed: something is not as it must be.
        """
        self._collect()
        self._order()
        self._clear()
        self._settle()
        self._take()

    # --- scenes ------------------------------------------------------------------------------

    def _collect(self) -> None:
        from node.app.development import asset
        from node.core.ids import NATIVE, Height
        from node.private.batch_terms import BatchTerms
        from node.private.paid import Head
        from node.private.payload import wire
        from node.private.sale_payload import BatchTx, sign_batch

        with self.step("collect", "Orders in gold are collected") as say:
            close = self.world.height + 1 + ORDER_FOR
            accept = close + 2 * STEP
            self.terms = BatchTerms(
                self.world.committee, 0, asset(BASE), NATIVE, LOT, LOW, RISE, *SIZES,
                close, accept, accept + 8 * STEP,
            )  # fmt: skip
            expiry = Height(self.world.height + 20)
            head = Head(self.world.genesis.chain_id, self.fee, expiry, self.payer.account)
            tx = sign_batch(BatchTx(head, self.terms), self.payer)
            self._collected = self.world.send(wire(tx))
            self.batch = bytes(tx.sale)
            lowest, highest = units(LOW), units(self.terms.top)
            say(f"in lots of {units(LOT, BASE)}, at {lowest} to {highest}", self._collected)

    def _order(self) -> None:
        with self.step("order", "Four order in the dark") as say:
            for person, (_, buys, limit, quantity) in zip(self.people, WANTS, strict=False):
                self._place(person, buys=buys, limit=limit, quantity=quantity)
            self._ordered = self._orders()[-1].height
            say("sides are seen, limits and quantities are not", self._ordered)

    def _place(self, person: Donor, *, buys: bool, limit: int, quantity: int) -> None:
        from node.cli import private_trust
        from node.private.ordering import ordering
        from node.private.sale_terms import Side
        from shielded import private_plan
        from shielded.private_owner import PrivateOwner

        client, wallet = self.world.client, person.wallet
        wallet_sync.sync(wallet, client)
        status, owner = client.status(), PrivateOwner.of(person.keys.spending, self.batch)
        record = private_trust.trusted_keys(client, self.terms.committee, self.terms.epoch)
        making = ordering(
            self.world.genesis.chain_id, record, self.terms, self.batch,
            Side.BUY if buys else Side.SELL, limit, quantity, owner,
        )  # fmt: skip
        value = making.value
        fee = wallet_private.fee_of(wallet, status, value.kind, value.amount, LINKS)
        around = wallet_private.surroundings(status, fee)
        own = wallet_private.own_address(wallet)
        plan, notes = private_plan.pledge(wallet.state, own, value, around)
        drafted = wallet_private.draft(wallet, status, ORDER, self.batch, value, plan, notes, "")
        sent = wallet_private.send(wallet, client, drafted, plan, person.keys, self.prove, making)
        person.settled(client, sent)
        self.placed.append(_Placed(person, buys, limit, quantity, owner, making))

    def _clear(self) -> None:
        """Members accept, call, compute, prove; and open the price, and fills under pads."""
        with self.step("clear", "The members find one price") as say:
            self.world.to(self.terms.close + STEP // 2)
            accepted = ["accepted"] * len(self.placed)
            self.world.until(lambda: [o.status for o in self._orders()] == accepted, "orders")
            self.world.to(self.terms.accept)
            self.reads = [read for read in self._view().reads if read.c is not None]
            began = time.perf_counter()
            self.world.until(lambda: len(self._view().made) > 0, "a result")
            self._seconds = time.perf_counter() - began
            self.world.until(lambda: self._view().status == "opened", "a price")
            self._opened = self.world.height
            self.view = self._view()
            if self.view.price is None:
                raise DemoFailed("nothing was traded")
            say(f"{units(int(self.view.price))} a lot; fills are told to their owners",
                self._opened)  # fmt: skip

    def _settle(self) -> None:
        from node.private.messages import SettleTx
        from node.private.payload import wire

        with self.step("traded", "The batch is settled") as say:
            self._settled = self.world.send(wire(SettleTx(self.batch)))
            say("commitments are added and subtracted; no amount is seen", self._settled)

    def _take(self) -> None:
        """What each order traded, and what is left of it, into notes."""
        from node.private.batch_terms import Clearing
        from node.private.sale_terms import Side
        from node.rpc.text import bytes_of
        from private_exec.pedersen import Opening

        with self.step("fills", "Fills and rests go to wallets") as say:
            for one, order in zip(self.placed, self._orders(), strict=True):
                if order.told is None or order.fill is None or self.view.tick is None:
                    raise DemoFailed(f"{one.person.name}’s order was told nothing")
                told = Opening(int(order.told.value), int(order.told.blinding))
                side, outcome = Side.BUY if one.buys else Side.SELL, Clearing(self.view.tick)
                left, got = one.making.openings.settled(self.terms, side, outcome, told)
                for key, kind, opening, what in (
                    (order.id, self.terms.locks(side), left, "left"),
                    (order.fill.id, self.terms.gets(side), got, "got"),
                ):
                    if opening.value:
                        self._claim(one, bytes_of(key, 32), kind, opening, what)
            say("what each of them traded, its owner alone knows", self.taken[-1].height)

    def _claim(self, one: _Placed, key: bytes, kind: Kind, opening: Opening, what: str) -> None:
        from node.core.ids import NATIVE
        from node.private.build import refund
        from shielded import private_plan

        client, wallet = self.world.client, one.person.wallet
        wallet_sync.sync(wallet, client)
        status = client.status()
        before = wallet.state.balance(kind).spendable
        made = refund(self.world.genesis.chain_id, kind, key, opening, one.owner)
        actions = 1 if kind == NATIVE else 2
        fee = wallet_private.least_fee(status, actions)
        around = wallet_private.surroundings(status, fee)
        own = wallet_private.own_address(wallet)
        plan, notes = private_plan.claim(wallet.state, own, made.value, around)
        drafted = wallet_private.draft(
            wallet, status, wallet_private.CLAIM, self.batch, made.value, plan, notes, what
        )
        sent = wallet_private.send(wallet, client, drafted, plan, one.person.keys, self.prove, made)
        done = one.person.settled(client, sent)
        gained = wallet.state.balance(kind).spendable - before + (fee if kind == NATIVE else 0)
        if gained != opening.value or done.height is None:
            raise DemoFailed(f"{one.person.name} got {gained} for {opening.value}")
        name = "native" if kind == NATIVE else BASE
        self.taken.append(TakenFacts(one.person.name, what, name, gained, done.height))

    # --- what is read back -------------------------------------------------------------------

    def result(self) -> tuple[int, ResultTx]:
        """Its height, and what it is."""
        return result_of(self.world, self.batch, self.terms.accept)

    def facts(self, traces: Mapping[int, Trace], shares: Mapping[int, Sequence[int]]) -> PoolFacts:
        """What was seen of it.

        Args:
            traces: of members, by number.
            shares: what each holds of limits and quantities, in the session's order.
        """
        height, result = self.result()
        orders = tuple(
            OrderFacts(
                one.person.name,
                one.buys,
                one.limit,
                one.quantity,
                self._fill(one),
                one.making.value.amount,
            )
            for one in self.placed
        )
        return PoolFacts(
            id=self.batch.hex(),
            base=BASE,
            lot=LOT,
            orders=orders,
            ticks=self.terms.ticks,
            tick=self.view.tick or 0,
            price=int(self.view.price or 0),
            collected=self._collected,
            ordered=self._ordered,
            proved=height,
            opened=self._opened,
            settled=self._settled,
            taken=tuple(self.taken),
            session=session_facts(result, traces, shares, self._seconds),
        )

    def _fill(self, one: _Placed) -> int:
        """Lots, from what its owner took out."""
        got = sum(
            item.amount for item in self.taken if (item.name, item.what) == (one.person.name, "got")
        )
        return got // (LOT if one.buys else int(self.view.price or 1))

    def _view(self) -> BatchView:
        return self.world.client.private_batch(self.batch)

    def _orders(self) -> list[OrderView]:
        return self.world.client.private_orders(self.batch).orders
