"""Sales on a chain made by hand: sellers, bidders, and members that really compute."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, TypeVar

from node.core.genesis import Allocation, Genesis, StatementKey, development_genesis
from node.core.ids import NATIVE, tagged_hash
from node.core.interfaces import ProofClaim
from node.execution.verifier import GrothVerifier
from node.private import bidding, committees, markets, results
from node.private import build as building
from node.private import sale_state as entries
from node.private.bidding import Bidding
from node.private.gifts import BidTx, LinkedProof
from node.private.messages import AcceptTx, OpenTx
from node.private.paid import WithdrawTx, sign_withdraw
from node.private.rounds import read_input
from node.private.sale_entries import Bid
from node.private.sale_payload import (
    BlameTx,
    CallTx,
    OfferTx,
    ResultTx,
    SilenceTx,
    mask_of,
    members_of,
    sign_offer,
)
from node.private.sale_program import Market, SaleProgram
from node.private.sale_state import Sale
from node.private.sale_terms import SaleTerms
from node.testing.ledger import FAUCET, FEE
from node.testing.private import PARAMETERS, PrivateChain, assert_ok, signer
from private_exec.committee.epoch import EpochRecord
from private_exec.committee.inputs import Input
from private_exec.committee.opening import OpenStatement
from private_exec.mpc import simulate
from private_exec.mpc.context import Context, Journal
from private_exec.mpc.errors import BatchBlamed
from private_exec.mpc.faults import Fault
from private_exec.mpc.message import Session
from private_exec.mpc.rounds import Rounds
from private_exec.mpc.simulate import Committee, Outcome
from private_exec.pedersen import Opening
from private_exec.provable import session as sessions
from private_exec.provable.session import Landing, Read
from private_exec.provable.transition import Provable
from shielded.private_owner import PrivateOwner
from transparent.signature import SigningKey
from zk import backends
from zk.curve.encoding import g1_to_bytes
from zk.errors import ChiaroError

T = TypeVar("T")
SELLER: Final = SigningKey(tagged_hash("testing/seller"))


@lru_cache(maxsize=8)
def provable(program: SaleProgram) -> Provable:
    """UNSAFE: a program with a key that everybody can forge under."""
    return Provable.unsafe(program.traced, backends.get())


def auction_of(bidders: int) -> SaleProgram:
    """The auction with so many places."""
    return SaleProgram(Market.AUCTION, (bidders,))


def provable_of(bidders: int) -> Provable:
    """UNSAFE: the same with a key."""
    return provable(auction_of(bidders))


def sale_genesis(*programs: SaleProgram, **options: Any) -> Genesis:
    """Of a chain that names statements of these."""
    keys = [
        StatementKey(one.statement, bytes(32), bytes.fromhex(provable(one).verifying_key.id))
        for one in programs
    ]
    return development_genesis(name="sales", private=PARAMETERS, statements=tuple(keys), **options)


class Sceptic:
    """A verifier that verifies what committees prove, and believes all else."""

    def __init__(self, *programs: SaleProgram) -> None:
        keys = {one.statement: provable(one).verifying_key for one in programs}
        self._known: Final = frozenset(keys)
        self._real: Final = GrothVerifier(keys, workers=1)

    def verify(self, claims: Sequence[ProofClaim]) -> list[ChiaroError | None]:
        """As asked; nothing to refuse of other statements."""
        return [
            self._real.verify([claim])[0] if claim.key_id in self._known else None
            for claim in claims
        ]


@dataclass(frozen=True, slots=True, repr=False)
class Placed:
    """A bid as its bidder knows it."""

    tx: BidTx
    input: Input
    opening: Opening
    owner: PrivateOwner


class SaleChain(PrivateChain):
    """With sales.

    Args:
        bidders: places of each auction.
        programs: of others.
        epoch_blocks: how long a committee's keys serve.
        allocations: in genesis, beside the faucet's.
        options: of every chain made by hand.
    """

    def __init__(
        self,
        *programs: SaleProgram,
        bidders: int = 2,
        epoch_blocks: int = 500,
        allocations: tuple[Allocation, ...] = (),
        **options: Any,
    ) -> None:
        self.bidders: Final = bidders
        programs = (auction_of(bidders), *programs)
        options.setdefault("verifier", Sceptic(*programs))
        options.setdefault("genesis", sale_genesis(*programs, allocations=allocations))
        super().__init__(**options)
        self.declaration = dataclasses.replace(self.declaration, epoch_blocks=epoch_blocks)

    def sale(self, identity: bytes) -> Sale:
        return entries.sale_of(self.state, identity)

    def bid_entry(self, placed: Placed) -> Bid:
        return entries.bid_of(self.state, placed.input.id)

    def reads(self, identity: bytes) -> list[Read]:
        """What a session of a sale reads now."""
        found = self.sale(identity)
        return markets.of(found).reads(self.state, identity, found)

    def sale_record(self, identity: bytes) -> EpochRecord:
        terms = self.sale(identity).terms
        return committees.epoch_of(self.state, terms.committee, terms.epoch).record

    # --- offers and bids ---------------------------------------------------------------------

    def sale_terms(self, **changes: Any) -> SaleTerms:
        h, step = self.height, self.parameters.step_heights
        bare = SaleTerms(
            self.declaration.id, 0, NATIVE, tagged_hash("testing/item"), SELLER.account,
            self.bidders, h + 1 + 4 * step, h + 1 + 6 * step, h + 1 + 20 * step,
        )  # fmt: skip
        return dataclasses.replace(bare, **changes)

    def offer(self, reserve: int, terms: SaleTerms | None = None) -> OfferTx:
        """Not sent yet."""
        terms, head = terms or self.sale_terms(), self.head(fee=2 * FEE)
        owner = PrivateOwner(tagged_hash("testing/seller"), terms.item)
        made = bidding.offering(head, self.record, terms, reserve, owner, self.linked)
        return sign_offer(made, FAUCET)

    def sell(self, reserve: int, **changes: Any) -> bytes:
        """An offer in a block of its own; the sale's id."""
        tx = self.offer(reserve, self.sale_terms(**changes))
        assert_ok(self.run(tx))
        return tx.sale

    def bidding(self, identity: bytes, amount: int, bidder: int) -> tuple[Bidding, PrivateOwner]:
        owner = PrivateOwner(tagged_hash("testing/bidder", bytes([bidder])), identity)
        terms, record = self.sale(identity).terms, self.sale_record(identity)
        if not isinstance(terms, SaleTerms):
            raise TypeError("bids are for auctions")
        made = bidding.bidding(self.genesis.chain_id, record, terms, identity, amount, owner)
        return made, owner

    def place(self, identity: bytes, amount: int, bidder: int) -> Placed:
        """A bid, not sent yet."""
        made, owner = self.bidding(identity, amount, bidder)
        tx = made.complete(self.purse.pledge(made.value), self.linked)
        return Placed(tx, read_input(tx.input), made.sealed.opening, owner)

    def bid(self, identity: bytes, amount: int, bidder: int) -> Placed:
        """A bid in a block of its own."""
        placed = self.place(identity, amount, bidder)
        assert_ok(self.run(placed.tx))
        return placed

    def admit(
        self, identity: bytes, inputs: Sequence[Input], signers: Sequence[int] = (1, 2, 3)
    ) -> AcceptTx:
        """What members accept of a sale."""
        return self.certified(identity, self.rows(inputs), signers)

    def reserve_input(self, offer: OfferTx) -> Input:
        return read_input(offer.input)

    def ready(self, reserve: int, *amounts: int, **changes: Any) -> tuple[bytes, list[Placed]]:
        """A sale whose bids are accepted, in its last block before a call."""
        tx = self.offer(reserve, self.sale_terms(**changes))
        assert_ok(self.run(tx))
        placed = [self.bid(tx.sale, amount, n) for n, amount in enumerate(amounts)]
        given = [self.reserve_input(tx), *(one.input for one in placed)]
        assert_ok(self.run(self.admit(tx.sale, given)))
        self.to(tx.terms.accept)
        return tx.sale, placed

    def call(self, identity: bytes) -> bytes:
        """The next attempt, in a block of its own; its session."""
        assert_ok(self.run(CallTx(identity, self.sale(identity).attempt.number)))
        return self.sale(identity).attempt.session

    # --- members -----------------------------------------------------------------------------

    def members(self, session: Session) -> Committee:
        keys = {member: secrets.prss for member, secrets in self.secrets.items()}
        return Committee(session, keys, {member: signer(member) for member in keys})

    def compute(
        self,
        identity: bytes,
        *faults: Fault,
        journals: Mapping[int, Journal] | None = None,
        daemons: bool = False,
    ) -> Outcome[Landing | BlameTx]:
        """The session that is under way, as all members run it; with journals, once more.

        Members' processes (`daemons`) pass on what others say, and close no round.
        """
        found, record = self.sale(identity), self.sale_record(identity)
        reads = self.reads(identity)
        sid, made = found.attempt.session, provable(found.terms.program)

        def member(context: Context) -> Rounds[Landing | BlameTx]:
            try:
                return (yield from sessions.proving(context, record, made, reads))
            except BatchBlamed as error:
                certificate = yield from sessions.blaming(context, record, error)
                blamed, liars = error.certificate.to_bytes(), mask_of(error.liars)
                return BlameTx(identity, sid, blamed, liars, certificate)

        here = self.members(sessions.session_of(record, sid))
        absent = frozenset(members_of(found.attempt.absent))
        here = dataclasses.replace(here, absent=absent)
        return simulate.run(
            here, member, faults=faults, journals=journals, relay=daemons, closes=not daemons
        )

    def simulate(
        self,
        session: Session,
        member: Callable[[Context], Rounds[T]],
        faults: Iterable[Fault] = (),
    ) -> Outcome[T]:
        """Members run something together."""
        return simulate.run(self.members(session), member, faults=faults)

    def result(self, identity: bytes, landing: Landing) -> ResultTx:
        """As any member sends it."""
        found = self.sale(identity)
        reads = tuple(one.com for one in self.reads(identity))
        hidden, link = landing.linked.hidden, landing.linked.link
        proof = LinkedProof(hidden.proof.to_bytes(), g1_to_bytes(hidden.d), link.to_bytes())
        sid = found.attempt.session
        program = found.terms.program
        digest, signed = program.traced.digest, landing.certificate
        return ResultTx(identity, sid, program, digest, reads, landing.made, proof, signed)

    def prove(self, identity: bytes, *faults: Fault) -> ResultTx:
        """What the first honest member of the present attempt sends."""
        outcome = self.compute(identity, *faults)
        landing = next(one for one in outcome.results.values() if isinstance(one, Landing))
        return self.result(identity, landing)

    def outputs(self, identity: bytes, *faults: Fault) -> OpenTx:
        """The declared outputs, opened by the members from the cells on the chain."""
        found, record = self.sale(identity), self.sale_record(identity)
        sid, held = found.attempt.session, results.due_outputs(self.state, identity, found)
        outcome: Outcome[OpenStatement] = self.simulate(
            sessions.opening_session(record, sid),
            lambda context: sessions.opening(context, sid, held),
            faults,
        )
        return OpenTx(next(iter(outcome.results.values())))

    def silence(self, identity: bytes, member: int, unheard: Iterable[int] = ()) -> SilenceTx:
        """A member says whom it did not hear."""
        session = self.sale(identity).attempt.session
        bare = SilenceTx(identity, session, member, mask_of(unheard))
        return dataclasses.replace(bare, signature=signer(member).sign(bare.digest))

    # --- what goes back ----------------------------------------------------------------------

    def back(self, placed: Placed, price: int = 0, person: int = 0) -> Any:
        """A claim of a bid, less the price, into notes."""
        left = Opening(placed.opening.value - price, placed.opening.blinding)
        made = building.refund(self.genesis.chain_id, NATIVE, placed.input.id, left, placed.owner)
        return made.complete(self.purse.take(made.value, person), self.linked)

    def leave(self, placed: Placed, account: Any, price: int = 0) -> WithdrawTx:
        """The same into an account, in the clear."""
        left = Opening(placed.opening.value - price, placed.opening.blinding)
        bare = WithdrawTx(self.head(), placed.input.id, account, left)
        return sign_withdraw(bare, FAUCET, placed.owner)


def plaintext(reserve: int, amounts: Mapping[int, int] | Sequence[int]) -> tuple[int | None, int]:
    """Winner and price of the same auction where everybody sees; None: nothing is sold."""
    bids = list(amounts.values() if isinstance(amounts, Mapping) else amounts)
    if not bids or max(bids) < reserve:
        return None, 0
    winner = bids.index(max(bids))
    others = bids[:winner] + bids[winner + 1 :]
    return winner, max([reserve, *others])
