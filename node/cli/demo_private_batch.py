"""The dark pool of the demonstration: a batch of orders on the chain, cleared at one price."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from node.cli import wallet_batch, wallet_private, wallet_sync
from node.cli.demo_facts import units
from node.cli.demo_private_facts import OrderFacts, PoolFacts, TakenFacts
from node.cli.demo_private_people import UNIT, Donor
from node.cli.demo_private_session import result_of, session_facts
from node.cli.demo_private_traces import Trace
from node.cli.demo_private_world import STEP, PrivateWorld
from node.cli.demo_run import DemoFailed
from node.cli.demo_steps import Say
from node.cli.wallet_batch import Asked, Returning

if TYPE_CHECKING:
    from node.cli.wallet_private import Provers
    from node.private.sale_payload import ResultTx
    from node.private.sale_terms import Side
    from node.rpc.batch_schema import BatchView, OrderView
    from transparent.signature import SigningKey

BASE: Final = "gold"
SIZES: Final = (4, 8)
"""Orders and prices."""
LOT: Final = UNIT // 100
LOW: Final = UNIT // 100
RISE: Final = UNIT // 1000
WANTS: Final = (("Ada", True, 2, 50), ("Ben", False, 1, 30), ("Cleo", False, 2, 40),
                ("Dan", True, 0, 20))  # fmt: skip
"""Who buys (or sells) at which tick, or better, how many lots."""
ORDER_FOR: Final = 8


@dataclass
class BatchRun:
    """One batch.

    Args:
        world: where.
        people: traders first, in the order of `WANTS`; who sells has gold in notes.
        payer, fee: who has the orders collected, and what it pays for that.
        prove: proofs of actions and of hidden amounts.
        step: begins a step of the story.
    """

    world: PrivateWorld
    people: Sequence[Donor]
    payer: SigningKey
    fee: int
    prove: Provers
    step: Callable[[str, str], AbstractContextManager[Say]]
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

    @property
    def traders(self) -> Sequence[Donor]:
        return self.people[: len(WANTS)]

    def _order(self) -> None:
        with self.step("order", "Four order in the dark") as say:
            for person, (_, buys, tick, quantity) in zip(self.traders, WANTS, strict=True):
                self._place(person, _side(buys=buys), tick, quantity)
            self._ordered = self._orders()[-1].height
            say("sides are seen, limits and quantities are not", self._ordered)

    def _place(self, person: Donor, side: Side, tick: int, quantity: int) -> None:
        client, terms = self.world.client, self.terms
        wallet_sync.sync(person.wallet, client)
        bare = Asked(self.batch, terms, side, tick, quantity, 0)
        links = wallet_batch.LINKS
        fee = wallet_private.fee_of(
            person.wallet, client.status(), terms.locks(side), bare.locked, links
        )
        asked = replace(bare, fee=fee)
        person.settled(
            client, wallet_batch.order(person.wallet, client, asked, person.keys, self.prove)
        )

    def _clear(self) -> None:
        """Members accept, call, compute, prove; and open the price, and fills under pads."""
        with self.step("clear", "The members find one price") as say:
            self.world.to(self.terms.close + STEP // 2)
            accepted = ["accepted"] * len(WANTS)
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
        client = self.world.client
        with self.step("fills", "Fills and rests go to wallets") as say:
            for person in self.traders:
                wallet_sync.sync(person.wallet, client)
                for item in wallet_batch.returning(
                    person.wallet, client, self.batch, self.terms, person.keys
                ):
                    self._claim(person, item)
            say("what each of them traded, its owner alone knows", self.taken[-1].height)

    def _claim(self, person: Donor, item: Returning) -> None:
        from node.core.ids import NATIVE

        client, wallet, native = self.world.client, person.wallet, item.kind == NATIVE
        before = wallet.state.balance(item.kind).spendable
        done = person.settled(
            client, wallet_batch.claim(wallet, client, self.batch, item, person.keys, self.prove)
        )
        gained = wallet.state.balance(item.kind).spendable - before + (done.fee if native else 0)
        if gained != item.opening.value or done.height is None:
            raise DemoFailed(f"{person.name} got {gained} for {item.opening.value}")
        asset = "native" if native else BASE
        self.taken.append(TakenFacts(person.name, item.what, asset, gained, done.height))

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
                name,
                buys,
                tick,
                quantity,
                self._fill(name, buys=buys),
                quantity * self.terms.unit(_side(buys=buys)),
            )
            for name, buys, tick, quantity in WANTS
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

    def _fill(self, name: str, *, buys: bool) -> int:
        """Lots, from what its owner took out."""
        traded = (t.amount for t in self.taken if (t.name, t.what) == (name, "traded"))
        return sum(traded) // (LOT if buys else int(self.view.price or 1))

    def _view(self) -> BatchView:
        return self.world.client.private_batch(self.batch)

    def _orders(self) -> list[OrderView]:
        return self.world.client.private_orders(self.batch).orders


def _side(*, buys: bool) -> Side:
    from node.private.sale_terms import Side

    return Side.BUY if buys else Side.SELL
