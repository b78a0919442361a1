"""The auction of the demonstration, on the chain: members compute and prove it over their links."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from node.cli import wallet_auction, wallet_private
from node.cli.demo_facts import units
from node.cli.demo_private_facts import LIAR, MEMBERS, AuctionFacts, BackFacts, KindFacts
from node.cli.demo_private_facts import SessionFacts as Session
from node.cli.demo_private_people import PROFILE, UNIT, Donor
from node.cli.demo_private_sessions import altered
from node.cli.demo_private_world import READERS, STEP, PrivateWorld, Trace
from node.cli.demo_run import DemoFailed
from node.cli.demo_steps import Say

if TYPE_CHECKING:
    from node.cli.wallet_private import Provers
    from node.private.sale_payload import ResultTx
    from node.private.sale_terms import SaleTerms
    from node.rpc.sale_schema import SaleView

WHERE: Final = "on the chain"
PROOF: Final = "auction.json"
"""The result with its proof, for `chiaro private verify`."""
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
        folder: where the result's proof is written.
    """

    world: PrivateWorld
    people: Sequence[Donor]
    prove: Provers
    step: Callable[[str, str], AbstractContextManager[Say]]
    folder: Path
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

    def facts(
        self, traces: Mapping[int, Trace], shares: Mapping[int, Sequence[int]]
    ) -> AuctionFacts:
        """What was seen of it.

        Args:
            traces: of members, by number.
            shares: what each holds of the bids and the reserve, in the session's order.
        """
        from node.private.program_keys import key_store
        from node.private.results import transition_of
        from private_exec.provable.document import document
        from private_exec.sharing import interpolate
        from zk import backends

        height, result = self._result()
        transition = transition_of(result)
        text = json.dumps(document(transition), indent=1) + "\n"
        (self.folder / PROOF).write_text(text, encoding="utf-8")
        key = key_store().verifying_key(self.view.statement, PROFILE)
        transition.verify(key, backends.get())
        began = time.perf_counter()
        transition.verify(key, backends.get())
        seconds = time.perf_counter() - began
        rows = zip(*(shares[m] for m in READERS), strict=True)
        attempt = self.view.attempt
        if attempt is None or self.view.winner is None:
            raise DemoFailed("the result has no session")
        said = {m: dict(_said(traces[m], attempt.session)) for m in range(1, MEMBERS + 1)}
        faults = [
            fault
            for m in range(1, MEMBERS + 1)
            for fault in traces[m].faults
            if m != LIAR and fault["about"].endswith((f"of sale {self.sale.hex()[:16]}",
                                                      f"of session {attempt.session[2:18]}"))
        ]  # fmt: skip
        every = {number: {rounds[number] for rounds in said.values() if number in rounds}
                 for rounds in said.values() for number in rounds}  # fmt: skip
        session = Session(
            where=WHERE,
            liar=LIAR,
            named=tuple(sorted({fault["member"] for fault in faults})),
            rules=tuple(sorted({fault["rule"] for fault in faults})),
            rounds=len(every),
            kinds=_kinds(every),
            even=all(len(forms) == 1 for forms in every.values()),
            proof_bytes=len(result.linked.to_bytes()),
            seconds=self._seconds,
            verify_seconds=seconds,
            altered_refused_by=altered(transition, key),
            share=f"{shares[1][0]:064x}",
            read=tuple(interpolate(list(READERS), list(row), 0) for row in rows),
        )
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
            session=session,
        )

    def _view(self) -> SaleView:
        return self.world.client.private_sale(self.sale)

    def _all_accepted(self) -> bool:
        bids = self.world.client.private_bids(self.sale).bids
        return {bid.status for bid in bids} | {self._view().reserve_status} == {"accepted"}

    def _result(self) -> tuple[int, ResultTx]:
        """The result, from the block that has it.

        Raises:
            DemoFailed: none has.
        """
        from node.core.block import Block, Transaction
        from node.core.ids import EnvironmentId
        from node.private.payload import decode
        from node.private.sale_payload import ResultTx

        client = self.world.client
        for height, block, *_ in client.raw(self.terms.accept, self.world.height):
            for data in Block.from_bytes(block).txs:
                tx = Transaction.from_bytes(data)
                if tx.environment is EnvironmentId.PRIVATE:
                    found = decode(tx.payload)
                    if isinstance(found, ResultTx) and found.sale == self.sale:
                        return height, found
        raise DemoFailed("no block has the result")


def _said(trace: Trace, session: str) -> Iterator[tuple[int, tuple[str, int]]]:
    """Kind and bytes of what a member said in each round of a session."""
    for line in trace.said:
        if line["session"] == session:
            yield line["round"], (line["kind"], line["bytes"])


def _kinds(every: Mapping[int, set[tuple[str, int]]]) -> tuple[KindFacts, ...]:
    """Of all rounds, in the order in which kinds came first."""
    found: dict[str, list[int]] = {}
    for number in sorted(every):
        for kind, size in every[number]:
            found.setdefault(kind, []).append(size)
    return tuple(KindFacts(kind, len(sizes), sum(sizes)) for kind, sizes in found.items())
