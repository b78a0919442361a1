"""A chain of shielded transactions without proofs: what a wallet sees, made from keys and seeds."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from node.core.ids import NATIVE, Kind
from shielded import encryption, spec
from shielded.address import Address
from shielded.encryption import Output
from shielded.history import OwnedNote
from shielded.keys import FullViewingKey, SpendingKey
from shielded.notes import Note
from shielded.scan import ScannedAction, ScannedBlock, ScannedTransaction
from shielded.tree import NoteTree
from zk.field.params import FR


def seeded(*parts: object) -> bytes:
    return hashlib.blake2b(repr(parts).encode(), digest_size=32).digest()


@dataclass(frozen=True)
class Pay:
    """An output to be made: amount to an address, with a memo, under an ovk."""

    address: Address
    quantity: int
    memo: str = ""
    ovk: bytes | None = None
    kind: Kind = NATIVE
    data: int = 0


def make_output(pay: Pay, nullifiers: tuple[int, int], slot: int, seed: bytes) -> Output:
    note = Note(
        pay.kind,
        pay.quantity,
        pay.data,
        pay.address.diversifier,
        pay.address.owner,
        spec.created_nonce(slot, *nullifiers),
        seed,
    )
    ciphertext = encryption.encrypt_note(
        note, pay.address, encryption.memo_from_text(pay.memo), pay.ovk
    )
    return Output(nullifiers, slot, note.commitment, ciphertext)


@dataclass
class Chain:
    """Blocks in order, with their anchors; every random value follows from `name`."""

    name: str = "chain"
    tree: NoteTree = field(default_factory=NoteTree)
    blocks: list[ScannedBlock] = field(default_factory=list)
    count: int = 0

    def fresh(self) -> bytes:
        self.count += 1
        return seeded(self.name, self.count)

    def fresh_fr(self) -> int:
        return int.from_bytes(self.fresh(), "little") % FR.modulus

    def action(self, pays: Sequence[Pay] = (), spend: Sequence[OwnedNote] = ()) -> ScannedAction:
        """Up to two payments and two spent notes; the rest is dummies."""
        used = [note.nullifier for note in spend if note.nullifier is not None]
        nf = (*used, *(self.fresh_fr() for _ in range(2 - len(used))))
        nullifiers = (nf[0], nf[1])
        outputs = [
            make_output(pay, nullifiers, slot, self.fresh()) for slot, pay in enumerate(pays)
        ]
        cms = [output.commitment for output in outputs]
        cts = [output.ciphertext for output in outputs]
        while len(cms) < 2:
            cms.append(self.fresh_fr())
            cts.append(encryption.encrypt_dummy(self.fresh()))
        return ScannedAction(nullifiers, (cms[0], cms[1]), (cts[0], cts[1]))

    def transaction(self, *actions: ScannedAction, **rest: object) -> ScannedTransaction:
        return ScannedTransaction(self.fresh(), actions, **rest)  # type: ignore[arg-type]

    def block(self, *transactions: ScannedTransaction) -> ScannedBlock:
        block = ScannedBlock(len(self.blocks) + 1, transactions)
        self.tree = self.tree.append(block.commitments)
        block = ScannedBlock(block.height, transactions, self.tree.root)
        self.blocks.append(block)
        return block

    def pay(self, *pays: Pay, spend: Sequence[OwnedNote] = (), fee: int = 0) -> ScannedBlock:
        """A block with one transaction of one action."""
        return self.block(self.transaction(self.action(pays, spend), fee=fee))


@pytest.fixture(scope="session")
def keys() -> Callable[[int], SpendingKey]:
    return lambda number: SpendingKey.from_seed(bytes([number]) * 64)


@pytest.fixture(scope="session")
def alice(keys: Callable[[int], SpendingKey]) -> FullViewingKey:
    return keys(1).full_viewing_key


@pytest.fixture(scope="session")
def bob(keys: Callable[[int], SpendingKey]) -> FullViewingKey:
    return keys(2).full_viewing_key


@pytest.fixture
def chain(request: pytest.FixtureRequest) -> Chain:
    return Chain(request.node.name)


@pytest.fixture(scope="session")
def pay() -> type[Pay]:
    return Pay


@pytest.fixture(scope="session")
def new_chain() -> type[Chain]:
    return Chain


@pytest.fixture(scope="session")
def output() -> Callable[[Pay, tuple[int, int], int, bytes], Output]:
    return make_output
