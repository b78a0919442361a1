"""What became of a transaction, read off the state: LC-18."""

from __future__ import annotations

from dataclasses import replace

import pytest
from fuzzing.ledger import shielded

from node.core.block import Block, Header, Transaction, tx_root
from node.core.effects import nullifier_key
from node.core.errors import NotFound
from node.core.ids import NATIVE, ChainId, EnvironmentId, Height, StateRoot
from node.lane import payload
from node.lane.payload import Ending, EndTx
from node.light import accounts
from node.light.errors import LightRefused
from node.private import payload as private
from node.private.gifts import DepositTx, LinkedProof
from node.testing.nodes import development_genesis
from private_exec.linking import link_bytes
from shielded.env import nullifier_bytes
from shielded.transaction import ShieldedTx
from transparent.accounts import balance_key, sequence_key
from transparent.signature import SigningKey
from transparent.transaction import Transfer, sign
from zk.groth16.keys import PROOF_BYTES

CHAIN = ChainId(b"\x01" * 32)
PERSON, OTHER = SigningKey(b"\x02" * 32), SigningKey(b"\x03" * 32)
HEIGHT = 9


class Ledger:
    """Proved entries by height."""

    def __init__(self, *states, keeps: int = 0) -> None:
        self.states, self.keeps = states, keeps

    def entry(self, key: bytes, height: int | None = None) -> bytes | None:
        last = HEIGHT + 1
        at = last if height is None else height
        if at < self.keeps:
            raise NotFound("forgotten")
        return self.states[at - last - 1].get(key)


def u64(value: int) -> bytes:
    return value.to_bytes(8, "little")


def transfer(who: SigningKey, number: int, fee: int = 1000) -> bytes:
    tx = sign(who, CHAIN, number, 50, fee, (Transfer(OTHER.account, NATIVE, 5),))
    return Transaction(EnvironmentId.TRANSPARENT, tx.to_bytes()).to_bytes()


def block(*txs: bytes) -> Block:
    root = StateRoot(bytes(32))
    return Block(Header(CHAIN, Height(HEIGHT), 1, bytes(32), root, tx_root(txs)), txs)


def used(before: int, after: int, now: int, **options) -> Ledger:
    key = sequence_key(PERSON.account)
    return Ledger(*({key: u64(n)} if n else {} for n in (before, after, now)), **options)


@pytest.mark.parametrize(
    ("states", "effect"),
    [((0, 1, 1), True), ((0, 0, 0), False), ((0, 0, 1), False), ((1, 1, 2), False)],
)
def test_a_payment_took_effect_if_its_number_was_used_in_its_block(states, effect) -> None:
    assert accounts.took_effect(used(*states), block(transfer(PERSON, 0)), 0) is effect


def test_the_state_does_not_always_tell() -> None:
    rivals = block(transfer(PERSON, 0), transfer(PERSON, 0, fee=1001))
    assert accounts.took_effect(used(0, 1, 1), rivals, 0) is None
    end = payload.wire(EndTx(1, 5, Ending.UNSOLVED))
    assert accounts.took_effect(used(0, 1, 1), block(end, transfer(PERSON, 0)), 1) is None
    assert accounts.took_effect(used(0, 1, 1), block(end), 0) is None
    old = used(0, 1, 1, keeps=HEIGHT)
    assert accounts.took_effect(old, block(transfer(PERSON, 0)), 0) is None
    others = block(transfer(OTHER, 0), transfer(PERSON, 0), transfer(PERSON, 1))
    assert accounts.took_effect(used(0, 1, 1), others, 1) is True
    assert accounts.took_effect(used(0, 1, 1), others, 2) is False


def test_a_shielded_one_took_effect_if_its_nullifiers_were_spent_in_its_block() -> None:
    data = shielded()[0]
    wire = Transaction(EnvironmentId.SHIELDED, data).to_bytes()
    actions = ShieldedTx.from_bytes(data).actions
    spent = [nullifier_bytes(v) for a in actions for v in a.public.nullifiers]
    keys = [nullifier_key(EnvironmentId.SHIELDED, item) for item in spent]
    here = dict.fromkeys(keys, u64(HEIGHT))
    assert accounts.took_effect(Ledger({}, {}, here), block(wire), 0) is True
    assert accounts.took_effect(Ledger({}, {}, {}), block(wire), 0) is False
    assert accounts.took_effect(Ledger({}, {}, {**here, keys[0]: u64(8)}), block(wire), 0) is False
    assert accounts.took_effect(Ledger({}, {}, here), block(wire, wire), 0) is None
    assert accounts.took_effect(Ledger({}, {}, here), block(wire, transfer(PERSON, 0)), 0) is True


def depositing(carried: ShieldedTx) -> bytes:
    linked = LinkedProof(bytes(PROOF_BYTES), bytes(32), bytes(link_bytes(1)))
    return private.wire(DepositTx(CHAIN, bytes(32), b"", linked, carried))


def test_a_private_transaction_may_have_spent_them_with_what_it_carries() -> None:
    tx = ShieldedTx.from_bytes(shielded()[0])
    (action,) = tx.actions
    public = replace(action.public, nullifiers=(7, 8))
    other = replace(
        tx, parties=(replace(tx.parties[0], actions=(replace(action, public=public),)),)
    )
    wire = Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()
    keys = [nullifier_key(EnvironmentId.SHIELDED, nullifier_bytes(v)) for v in tx.nullifiers]
    ledger = Ledger({}, {}, dict.fromkeys(keys, u64(HEIGHT)))
    assert accounts.took_effect(ledger, block(depositing(tx), wire), 1) is None
    assert accounts.took_effect(ledger, block(depositing(other), wire), 1) is True
    odd = Transaction(EnvironmentId.PRIVATE, b"?").to_bytes()
    assert accounts.took_effect(ledger, block(odd, wire), 1) is True


def test_every_kind_of_genesis_is_asked_for() -> None:
    genesis = development_genesis()
    kinds = accounts.kinds_of(genesis)
    assert kinds[0] == NATIVE
    assert set(kinds) == set(genesis.supply()) | {NATIVE}
    state = {balance_key(PERSON.account, kind): u64(7) for kind in kinds}
    state[sequence_key(PERSON.account)] = u64(3)
    found = accounts.account(Ledger({}, {}, state), genesis, PERSON.account)
    assert (found.sequence, dict(found.balances)) == (3, dict.fromkeys(kinds, 7))


def test_lc18_a_number_that_is_none() -> None:
    state = {sequence_key(PERSON.account): b"\x01"}
    with pytest.raises(LightRefused) as caught:
        accounts.account(Ledger({}, {}, state), development_genesis(), PERSON.account)
    assert caught.value.rule == "LC-18"
