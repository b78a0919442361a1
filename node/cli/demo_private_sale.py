"""The auction of the demonstration, on the chain: members compute and prove it over their links."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from node.cli import wallet_auction, wallet_private
from node.cli.demo_facts import units
from node.cli.demo_private_facts import AuctionFacts, BackFacts
from node.cli.demo_private_people import PROFILE, UNIT, Donor
from node.cli.demo_private_session import result_of, session_facts
from node.cli.demo_private_traces import Trace
from node.cli.demo_private_world import STEP, PrivateWorld
from node.cli.demo_run import DemoFailed
from node.cli.demo_steps import Say

if TYPE_CHECKING:
    from node.cli.wallet_private import Provers
    from node.private.sale_payload import ResultTx
    from node.private.sale_terms import SaleTerms
    from node.rpc.sale_schema import SaleView

ITEM: Final = b"the old bell"
RESERVE: Final = UNIT // 5
BIDS: Final = {
    "Ada": 9 * UNIT // 10,
    "Ben": 7 * UNIT // 10,
    "Cleo": 45 * UNIT // 100,
    "Dan": 62 * UNIT // 100,
}
BID_FOR: Final = 8


@dataclass
class SaleRun:
    """One sale: the last of the people sells, the others bid.

    Args:
        world: where.
        people: wallets with notes, the seller last.
        prove: proofs of actions and of hidden amounts.
        step: begins a step of the story.
    """

    world: PrivateWorld
    people: Sequence[Donor]
    prove: Provers
    step: Callable[[str, str], AbstractContextManager[Say]]
    back: list[BackFacts] = field(default_factory=list)

    def __call__(self) -> None:
        """From the offer to the last claim.

        Raises:
            DemoFailed: something is not as it must be.
        """
        self._offer()
        self._bid()
        self._compute()
        self._settle()
        self._claim()

    @property
    def seller(self) -> Donor:
        return self.people[-1]

    @property
    def bidders(self) -> Sequence[Donor]:
        return self.people[:-1]

    # --- scenes ------------------------------------------------------------------------------

    def _offer(self) -> None:
        """A thing, and a least price that nobody learns."""
        from node.core.ids import NATIVE, AccountId, Height
        from node.private.bidder import item_of
        from node.private.paid import Head
        from node.private.payload import wire
        from node.private.sale_terms import SaleTerms

        seller, status = self.seller, self.world.client.status()
        with self.step("offer", f"{seller.name} sells {ITEM.decode()}") as say:
            account = AccountId(seller.wallet.account)
            close = status.height + 1 + BID_FOR
            accept = close + 2 * STEP
            self.terms = SaleTerms(
                self.world.committee, 0, NATIVE, item_of(ITEM), account, len(BIDS),
                close, accept, accept + 8 * STEP,
            )  # fmt: skip
            fee = wallet_auction.offer_fee(status)
            head = Head(self.world.genesis.chain_id, fee, Height(status.height + 20), account)
            linked = wallet_private.linked_proofs(PROFILE)
            tx = wallet_auction.offer(
                self.world.client, head, self.terms, RESERVE, seller.keys, linked
            )
            self._offered = self.world.send(wire(tx))
            self.sale = bytes(tx.sale)
            say("with a reserve that nobody learns", self._offered)

    def _bid(self) -> None:
        """Each bid locks what it offers."""
        with self.step("bid", "Four bid under seal") as say:
            for person in self.bidders:
                self._place(person, self.terms, BIDS[person.name])
            bids = self.world.client.private_bids(self.sale).bids
            self._heights = [bid.height for bid in bids]
            say("hidden amounts, locked until it is over", self._heights[-1])

    def _place(self, person: Donor, terms: SaleTerms, amount: int) -> None:
        from node.cli import wallet_sync

        client = self.world.client
        wallet_sync.sync(person.wallet, client)
        links = wallet_auction.LINKS
        fee = wallet_private.fee_of(person.wallet, client.status(), terms.kind, amount, links)
        asked = wallet_auction.Asked(self.sale, terms, amount, fee)
        made = wallet_auction.bid(person.wallet, client, asked, person.keys, self.prove)
        person.settled(client, made)

    def _compute(self) -> None:
        """Members accept, call, compute, prove; and open two numbers when that is final."""
        with self.step("compute", "The members find the price") as say:
            self.world.to(self.terms.close + STEP // 2)
            self.world.until(self._all_accepted, "bids that are accepted")
            self.world.to(self.terms.accept)
            self.reads = self._view().reads
            began = time.perf_counter()
            self.world.until(lambda: len(self._view().made) > 0, "a result")
            self._seconds = time.perf_counter() - began
            self.world.until(lambda: self._view().status == "opened", "winner and price")
            self._opened = self.world.height
            self.view = self._view()
            if self.view.winner is None or self.view.price is None:
                raise DemoFailed("nothing was sold")
            winner, price = self.bidders[self.view.winner].name, int(self.view.price)
            say(f"on shares, with a proof: {winner} pays {units(price)}", self._opened)

    def _settle(self) -> None:
        """The price, to the seller."""
        from node.core.ids import NATIVE
        from node.private.messages import SettleTx
        from node.private.payload import wire

        with self.step("sold", "The auction is settled") as say:
            account = self.seller.wallet.account
            before = self.world.client.account(account).balance(NATIVE)
            self._settled = self.world.send(wire(SettleTx(self.sale)))
            self._paid = self.world.client.account(account).balance(NATIVE) - before
            say(f"{self.seller.name} has {units(self._paid)} more", self._settled)

    def _claim(self) -> None:
        """What is left of each bid goes back, and no amount is shown."""
        from node.cli import wallet_sync

        client = self.world.client
        with self.step("back", "Bids go back to their wallets") as say:
            for person in self.bidders:
                wallet_sync.sync(person.wallet, client)
                before = person.spendable
                item, *_ = wallet_auction.returning(
                    person.wallet, client, self.sale, self.terms, person.keys
                )
                made = wallet_auction.claim(
                    person.wallet, client, self.sale, self.terms, item, person.keys, self.prove
                )
                done = person.settled(client, made)
                amount = person.spendable - before + done.fee
                self.back.append(BackFacts(person.name, amount, done.fee, done.height or 0))
            say("the winner’s less the price; the chain shows none of it", self.back[-1].height)

    # --- what is read back -------------------------------------------------------------------

    def result(self) -> tuple[int, ResultTx]:
        """Its height, and what it is."""
        return result_of(self.world, self.sale, self.terms.accept)

    def facts(
        self, traces: Mapping[int, Trace], shares: Mapping[int, Sequence[int]]
    ) -> AuctionFacts:
        """What was seen of it.

        Args:
            traces: of members, by number.
            shares: what each holds of the bids and the reserve, in the session's order.
        """
        height, result = self.result()
        if self.view.winner is None:
            raise DemoFailed("nothing was sold")
        return AuctionFacts(
            id=self.sale.hex(),
            item=ITEM.decode(),
            seller=self.seller.name,
            bids=tuple((person.name, BIDS[person.name]) for person in self.bidders),
            reserve=RESERVE,
            winner=self.bidders[self.view.winner].name,
            price=int(self.view.price or 0),
            paid=self._paid,
            offered=self._offered,
            bid=self._heights[-1],
            proved=height,
            opened=self._opened,
            settled=self._settled,
            back=tuple(self.back),
            session=session_facts(result, traces, shares, self._seconds),
        )

    def _view(self) -> SaleView:
        return self.world.client.private_sale(self.sale)

    def _all_accepted(self) -> bool:
        bids = self.world.client.private_bids(self.sale).bids
        return {bid.status for bid in bids} | {self._view().reserve_status} == {"accepted"}
