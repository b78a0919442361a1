"""Readers of the private environment: its transactions, and what its state keeps."""

from __future__ import annotations

from functools import cache

from fuzzing.committees import CERTIFICATE
from fuzzing.ledger import ACCOUNT, CHAIN, shielded
from fuzzing.target import Target
from node.core.genesis import Genesis, development_genesis
from node.core.ids import NATIVE, Height, Kind
from node.core.private import PrivateParameters
from node.private import payload
from node.private.batch_terms import BatchTerms, Clearing
from node.private.committees import Committee, Epoch, Word
from node.private.deposits import Deposit
from node.private.gifts import (
    BidTx,
    ClaimTx,
    DepositTx,
    DonateTx,
    Gift,
    LinkedProof,
    Ordered,
    OrderTx,
    Wanted,
)
from node.private.messages import (
    AcceptTx,
    CeremonyTx,
    ComplaintTx,
    FreezeTx,
    HandoverTx,
    OpenTx,
    RemaskTx,
    SettleTx,
    Step,
)
from node.private.paid import DeclareTx, Head, PlaceTx, RoundTx, WithdrawTx
from node.private.payload import PrivateTx
from node.private.sale_entries import Bid, Fill, Order
from node.private.sale_entries import read as read_entry
from node.private.sale_payload import BatchTx, BlameTx, CallTx, OfferTx, ResultTx, SilenceTx
from node.private.sale_program import Market, SaleProgram
from node.private.sale_state import Attempt, Outcome, Reserve, Sale
from node.private.sale_terms import SaleTerms, Side
from node.private.state import Donation, Round, Status, Sums, Tally
from node.private.succession import Going, Succession
from node.private.succession_payload import NameTx, opening
from node.private.terms import Project, Terms
from private_exec.committee.cells import Cell
from private_exec.committee.ceremony import Fault, FaultKind
from private_exec.committee.certificate import Certificate
from private_exec.committee.declaration import Declaration, Seat
from private_exec.committee.epoch import EpochContext, EpochRecord
from private_exec.committee.opening import OpenStatement
from private_exec.linking import link_bytes
from private_exec.mpc.labels import CellId, SessionId
from private_exec.pedersen import Opening
from private_exec.provable.session import Made
from shielded.transaction import ShieldedTx
from transparent.signature import SigningKey
from zk.curve.bn254 import G1_GENERATOR

ID = b"\x21" * 32
HEAD = Head(CHAIN, 5, Height(9), ACCOUNT)
TERMS = Terms(
    ID, 3, NATIVE, 1000, 7, (Project(ACCOUNT, 5), Project(ACCOUNT, 0)), 2, 10, 20, 30
)  # fmt: skip


def _linked(values: int) -> LinkedProof:
    return LinkedProof(b"\1" * 128, b"\2" * 32, b"\3" * link_bytes(values))


@cache
def _transactions() -> list[bytes]:
    carried = ShieldedTx.from_bytes(shielded()[2])
    sums = OpenStatement(ID, (Opening(5, 6), Opening(25, 7)))
    found: list[PrivateTx] = [
        DeclareTx(HEAD, b"declaration"),
        CeremonyTx(ID, 1, 2, Step.DEALING, b"dealing"),
        RoundTx(HEAD, TERMS),
        DonateTx(Gift(CHAIN, ID, 1, 7, 8, b"\4" * 32, b"input"), _linked(2), carried),
        ComplaintTx(ID, b"complaint"),
        AcceptTx(ID, b"acceptance"),
        OpenTx(sums),
        SettleTx(ID),
        ClaimTx(Wanted(CHAIN, ID, G1_GENERATOR, b"\4" * 32), _linked(1), carried),
        DepositTx(CHAIN, b"\4" * 32, b"input", _linked(1), carried),
        PlaceTx(HEAD, NATIVE, 5, b"input"),
        WithdrawTx(HEAD, ID, ACCOUNT, Opening(5, 6)),
        RemaskTx(ID, 1, b"remasking"),
        *_of_sales(carried),
        FreezeTx(ID, 1),
        HandoverTx(ID, 1, ID, 2, 0, CERTIFICATE, b"remasking"),
        NameTx(ID, ID, 1, 2),
        opening(ID, 0, 1),
    ]
    return [tx.to_bytes() for tx in found]


SALE_TERMS = SaleTerms(ID, 3, NATIVE, b"\5" * 32, ACCOUNT, 2, 10, 20, 40)
BATCH_TERMS = BatchTerms(ID, 3, NATIVE, Kind(0, 5), 2, 3, 4, 2, 3, 10, 20, 40)
ORDERED = Ordered(CHAIN, ID, 9, 3, b"\4" * 32, b"\5" * 32, b"input")
AUCTION, BATCH = SaleProgram(Market.AUCTION, (2,)), SaleProgram(Market.BATCH, (2, 3))
MADE = (Made(5, G1_GENERATOR), Made(6, G1_GENERATOR))


def _of_sales(carried: ShieldedTx) -> list[PrivateTx]:
    session, signed = SessionId(ID), Certificate(((1, b"\6" * 64), (3, b"\7" * 64)))
    reads = (G1_GENERATOR,) * 3
    return [
        OfferTx(HEAD, SALE_TERMS, b"\4" * 32, b"input", _linked(1), _linked(1)),
        BidTx(CHAIN, ID, b"\4" * 32, b"input", _linked(1), _linked(1), carried),
        CallTx(ID, 1),
        ResultTx(ID, session, AUCTION, ID, reads, MADE, _linked(5), signed),
        BlameTx(ID, session, b"certificate", 6, signed),
        SilenceTx(ID, session, 1, 6),
        BatchTx(HEAD, BATCH_TERMS),
        OrderTx(ORDERED, (_linked(1),) * 4, carried),
        ResultTx(ID, session, BATCH, ID, reads * 2, (*MADE, *MADE)[:3], _linked(9), signed),
    ]


def _sales() -> list[bytes]:
    bare = Sale(SALE_TERMS, Reserve(ID, G1_GENERATOR))
    attempt = Attempt(2, 25, SessionId(ID), 4, 27, spoiled=True)
    over = Sale(
        SALE_TERMS, Reserve(ID, G1_GENERATOR, Status.ACCEPTED), 2, 0, attempt, 30, MADE,
        Outcome(1, 9), settled=True,
    )  # fmt: skip
    batch = Sale(BATCH_TERMS, None, 2, 3, attempt, 30, (*MADE, *MADE)[:3], Clearing(1))
    return [bare.to_bytes(), over.to_bytes(), Sale(BATCH_TERMS).to_bytes(), batch.to_bytes()]


def _entries() -> list[bytes]:
    point, told = G1_GENERATOR, Opening(5, 6)
    order = (ID, 1, ACCOUNT, Status.PENDING, 9, Side.BUY, point, point, point, None)
    return [
        Bid(ID, 1, ACCOUNT, Status.PENDING, point, 9).to_bytes(),
        Bid(ID, 0, ACCOUNT, Status.ACCEPTED, None, 9).to_bytes(),
        Order(*order).to_bytes(),
        Order(*order, told).to_bytes(),
    ]


def _write_entry(entry: Bid | Order) -> bytes:
    return entry.to_bytes()


def _successions() -> list[bytes]:
    cell = Cell(CellId(ID), 1, 5, G1_GENERATOR)
    going = Going(1, ID, 2, 9, (cell,), (1, 3), (3,), (b"\0\1\3",), handed=True)
    words = ((ID, 2), (ID, 0), (bytes(32), 1), (ID, 1))
    return [Succession(words).to_bytes(), Succession(words, 4, 2, going).to_bytes()]


def _write(tx: PrivateTx) -> bytes:
    return tx.to_bytes()


def _rounds() -> list[bytes]:
    tallies = (Tally(2, G1_GENERATOR, G1_GENERATOR), Tally())
    open_ = Round(TERMS, ACCOUNT, 3, tallies)
    over = Round(TERMS, ACCOUNT, 3, tallies, (Sums(8, 34), Sums()), (30, None), settled=True)
    return [open_.to_bytes(), over.to_bytes()]


@cache
def _declaration() -> Declaration:
    keys = [SigningKey(bytes([m]) * 32).account for m in range(1, 5)]
    return Declaration(CHAIN, ID, 100, tuple(Seat(k, f"h:{i}") for i, k in enumerate(keys)))


def _epoch() -> bytes:
    keys = dict.fromkeys((1, 2, 3), G1_GENERATOR)
    record = EpochRecord(EpochContext(_declaration(), 1), keys, (1, 2, 3), (4,))
    return Epoch(record, 5, 105, (Fault(4, FaultKind.SILENT),)).to_bytes()


def _donation() -> bytes:
    point = G1_GENERATOR
    return Donation(ID, 1, ACCOUNT, Status.PENDING, point, point, 9).to_bytes()


TARGETS = (
    Target("private_tx", payload.decode, _write, _transactions, memory=16, exact=True),
    Target("private_round", Round.from_bytes, Round.to_bytes, _rounds, memory=32, exact=True),
    Target("private_sale", Sale.from_bytes, Sale.to_bytes, _sales, memory=32, exact=True),
    Target("private_entry", read_entry, _write_entry, _entries, memory=32, exact=True),
    Target(
        "private_fill",
        Fill.from_bytes,
        Fill.to_bytes,
        lambda: [Fill(ID, ACCOUNT, NATIVE, G1_GENERATOR, claimed=True).to_bytes()],
        memory=32,
        exact=True,
    ),
    Target(
        "private_donation",
        Donation.from_bytes,
        Donation.to_bytes,
        lambda: [_donation()],
        memory=32,
        exact=True,
    ),
    Target(
        "private_deposit",
        Deposit.from_bytes,
        Deposit.to_bytes,
        lambda: [Deposit(ID, 1, NATIVE, ACCOUNT, Status.ACCEPTED, G1_GENERATOR, 9).to_bytes()],
        memory=32,
        exact=True,
    ),
    Target(
        "private_committee",
        Committee.from_bytes,
        Committee.to_bytes,
        lambda: [Committee(_declaration(), 1, 2, 3, 4, 5, 6).to_bytes()],
        memory=32,
        exact=True,
    ),
    Target(
        "private_succession",
        Succession.from_bytes,
        Succession.to_bytes,
        _successions,
        memory=32,
        exact=True,
    ),
    Target("private_epoch", Epoch.from_bytes, Epoch.to_bytes, lambda: [_epoch()], 32, exact=True),
    Target(
        "private_word",
        Word.from_bytes,
        Word.to_bytes,
        lambda: [Word(9, Step.NOTICE, b"notice").to_bytes()],
        memory=32,
        exact=True,
    ),
    Target(
        "private_genesis",
        Genesis.from_bytes,
        Genesis.to_bytes,
        lambda: [development_genesis(private=PrivateParameters()).to_bytes()],
        memory=16,
        exact=True,
    ),
)
