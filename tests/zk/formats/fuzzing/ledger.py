"""Readers of what nodes send each other and store."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

from circuits.records import ActionPublic
from fuzzing.target import Target
from node.consensus.cometbft.duplicate import DuplicateVote
from node.consensus.cometbft.votes import NO_BLOCK, BlockId, Vote, VoteType
from node.core.block import Block, Header, Receipt, Transaction
from node.core.effects import Crossing, Event, HiddenValue
from node.core.genesis import Genesis
from node.core.ids import NATIVE, AccountId, ChainId, EnvironmentId, Height, StateRoot
from node.execution.order import Order, PoolState
from node.execution.pools import PoolRecord
from node.stake.faults import FaultKind
from node.stake.transaction import BondTx, EvidenceTx, StakeTx, Tag, decode
from node.store.proof import EMPTY_ROOT, StateProof
from node.testing.nodes import development_genesis
from shielded.action import Action
from shielded.authority import SenderAuthority
from shielded.disclosure import Disclosure
from shielded.encryption import MEMO_BYTES, NOTE_CIPHERTEXT_BYTES, NoteCiphertext
from shielded.keys import SpendingKey
from shielded.transaction import Mode, Party, Scope, ShieldedTx
from shielded.tree import NoteTree
from transparent.signature import SigningKey
from transparent.transaction import Transfer, TransparentTx, sign
from zk import jsontext
from zk.curve import babyjub
from zk.errors import DecodeError

CHAIN = ChainId(b"\1" * 32)
ACCOUNT = AccountId(b"\2" * 32)


def _action(logic: int) -> Action:
    """One that no rule but those of its form would let pass."""
    base = babyjub.hash_to_point(b"fuzzing")
    public = ActionPublic(1, (2, 3), (4, 5), (logic, 0), (0, logic), base, base)
    ciphertext = NoteCiphertext.from_bytes(
        bytes(range(256)) * 3 + bytes(NOTE_CIPHERTEXT_BYTES - 768)
    )
    proofs = (b"\5" * 128,) * (2 if logic else 0)
    return Action(public, (ciphertext, ciphertext), b"\6" * 128, proofs, b"\7" * 64)


@cache
def shielded() -> list[bytes]:
    debit = Crossing(EnvironmentId.TRANSPARENT, ACCOUNT, NATIVE, -5, b"signature")
    plain = Party((_action(0),), Height(9))
    scoped = Party((_action(8),), Height(9), Mode.PARTY, Scope(1, 2))
    return [
        ShieldedTx(CHAIN, (plain,), fee=3).to_bytes(),
        ShieldedTx(CHAIN, (scoped,), (debit,), 3).to_bytes(),
        ShieldedTx(CHAIN, (plain,), hidden_values=_hidden()).to_bytes(),
    ]


def _hidden() -> tuple[HiddenValue, ...]:
    cv = babyjub.encode(babyjub.hash_to_point(b"fuzzing"))
    return tuple(
        HiddenValue(EnvironmentId.PRIVATE, bytes([index]) * 32, NATIVE, cv, index == 2)
        for index in (1, 2)
    )


@cache
def transparent() -> bytes:
    key = SigningKey(b"\3" * 32)
    return sign(key, CHAIN, 1, Height(9), 2, (Transfer(ACCOUNT, NATIVE, 7),)).to_bytes()


def envelope() -> bytes:
    return Transaction(EnvironmentId.TRANSPARENT, transparent()).to_bytes()


def _header() -> Header:
    return Header(CHAIN, Height(3), 1_000, b"\4" * 32, StateRoot(b"\5" * 32), b"\6" * 32)


def _receipt() -> bytes:
    events = (Event("paid", (("to", "é"), ("amount", "1"))), Event("none", ()))
    receipt = Receipt(
        b"\1" * 32, b"\2" * 32, Height(3), 1, EnvironmentId.SHIELDED, "ok", "done", 5, events
    )
    return receipt.to_bytes()


def _state_proofs() -> list[bytes]:
    siblings = (b"\1" * 32, EMPTY_ROOT, b"\2" * 32)
    return [
        StateProof(siblings, b"value", None).to_bytes(),
        StateProof(siblings, None, (b"\3" * 32, b"\4" * 32)).to_bytes(),
        StateProof((), None, None).to_bytes(),
    ]


@cache
def _disclosures() -> list[bytes]:
    address = SpendingKey.from_seed(bytes(64)).full_viewing_key.address(0)
    memo = b"rent".ljust(MEMO_BYTES, b"\0")
    plain = Disclosure(CHAIN, b"\2" * 32, 1, 0, NATIVE, 5, 0, address, memo, b"\3" * 32, version=1)
    sender = SenderAuthority("é", "42", b"\4" * 64)
    return [_disclosure(found) for found in (plain, replace(plain, version=2, sender=sender))]


def _disclosure(found: Disclosure) -> bytes:
    return json.dumps(found.to_json()).encode()


def _read_disclosure(data: bytes) -> Disclosure:
    """As a command reads it."""
    try:
        document = jsontext.loads(data)
    except ValueError:
        raise DecodeError("not a JSON document") from None
    return Disclosure.from_json(document)


def _tree() -> list[bytes]:
    return [NoteTree().to_bytes(), NoteTree().append(range(1, 12)).to_bytes()]


def _orders() -> list[bytes]:
    plain = Order(
        CHAIN, 1, EnvironmentId.SHIELDED, PoolState.FROZEN, "action/1", Height(2), Height(9),
        Height(0), "a wire is free",
    )  # fmt: skip
    return [plain.to_bytes(), plain.signed(SigningKey(b"\3" * 32)).to_bytes()]


def _pool_records() -> list[bytes]:
    closed = PoolRecord(PoolState.FROZEN, 5, 9, ("action/1", "swap/1"), "a wire is free")
    return [PoolRecord().to_bytes(), closed.to_bytes()]


def _votes() -> DuplicateVote:
    block = BlockId(b"\1" * 32, 1, b"\2" * 32)
    votes = (Vote(VoteType.PRECOMMIT, 9, 1, b, 5, b"\3" * 64) for b in (block, NO_BLOCK))
    return DuplicateVote.of(ACCOUNT, *votes)


def _stake() -> list[bytes]:
    bond = BondTx(Tag.BOND, CHAIN, ACCOUNT, ACCOUNT, 5, 3, Height(9), b"\4" * 64)
    others = (
        replace(bond, tag=Tag.UNBOND, proof=b""),
        replace(bond, tag=Tag.WITHDRAW, amount=0, proof=b""),
        EvidenceTx(CHAIN, FaultKind.DUPLICATE_VOTE, _votes().to_bytes()),
    )
    return [tx.to_bytes() for tx in (bond, replace(bond, proof=b""), *others)]


def _write_stake(tx: StakeTx) -> bytes:
    return tx.to_bytes()


TARGETS = (
    Target("stake_tx", decode, _write_stake, _stake, memory=8, exact=True),
    Target(
        "duplicate_vote",
        DuplicateVote.from_bytes,
        DuplicateVote.to_bytes,
        lambda: [_votes().to_bytes()],
        memory=8,
        exact=True,
    ),
    Target("order", Order.from_bytes, Order.to_bytes, _orders, memory=8, exact=True),
    Target(
        "pool_record", PoolRecord.from_bytes, PoolRecord.to_bytes, _pool_records, 16, exact=True
    ),
    Target(
        "disclosure",
        _read_disclosure,
        _disclosure,
        _disclosures,
        memory=48,
        text=True,
    ),
    Target("note_tree", NoteTree.from_bytes, NoteTree.to_bytes, _tree, memory=16, exact=True),
    Target("shielded_tx", ShieldedTx.from_bytes, ShieldedTx.to_bytes, shielded, 8, exact=True),
    Target(
        "transparent_tx",
        TransparentTx.from_bytes,
        TransparentTx.to_bytes,
        lambda: [transparent()],
        memory=8,
        exact=True,
    ),
    Target(
        "transaction",
        Transaction.from_bytes,
        Transaction.to_bytes,
        lambda: [envelope()],
        memory=8,
        exact=True,
    ),
    Target(
        "block",
        Block.from_bytes,
        Block.to_bytes,
        lambda: [Block(_header(), txs).to_bytes() for txs in ((), (envelope(), b""))],
        memory=16,
        exact=True,
    ),
    Target("receipt", Receipt.from_bytes, Receipt.to_bytes, lambda: [_receipt()], 16, exact=True),
    Target(
        "genesis",
        Genesis.from_bytes,
        Genesis.to_bytes,
        lambda: [development_genesis().to_bytes()],
        memory=16,
        exact=True,
    ),
    Target(
        "state_proof",
        StateProof.from_bytes,
        StateProof.to_bytes,
        _state_proofs,
        memory=32,
        exact=True,
    ),
)
