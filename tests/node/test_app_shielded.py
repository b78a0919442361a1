"""Shield, transfer, unshield through a whole node on disk: real proofs, wallets that only scan."""

from __future__ import annotations

import pytest

from circuits.key_registry import DEV
from circuits.keys import KeyStore, recorded_shape
from node.app import founding
from node.app.node import Node
from node.app.options import Options
from node.core.block import Transaction
from node.core.effects import Crossing
from node.core.errors import InvalidTransaction, PolicyRefused
from node.core.genesis import Allocation, Parameters
from node.core.ids import NATIVE, EnvironmentId, Height
from node.rpc.text import bytes_of
from node.testing.ceremonies import ceremony_parameters
from node.testing.clock import EPOCH_MS
from node.testing.nodes import development_genesis, serving
from shielded.build import build, statement_prover
from shielded.encryption import memo_from_text
from shielded.env import nullifier_bytes
from shielded.keys import SpendingKey
from shielded.plan import Payment, Plan, Spend
from shielded.tree import NoteTree
from shielded.wallet import WalletState
from transparent.signature import SigningKey
from transparent.spec import crossing_digest
from zk import params
from zk.errors import InvalidProof

FEE = 1000
UNIT = 10**6


class Wallet:
    """A seed, what it opens, and what it has seen."""

    def __init__(self, client, name: bytes):
        self.client = client
        self.seed = name.ljust(64, b".")
        self.key = SpendingKey.from_seed(self.seed, 0)
        self.transparent = SigningKey.from_seed(self.seed)
        self.state = WalletState(self.key.full_viewing_key)
        self.plans = 0

    @property
    def address(self):
        return self.key.full_viewing_key.address(0)

    def sync(self) -> int:
        self.state.scan_all(self.client.actions(self.state.height + 1))
        return self.state.balance(NATIVE).total

    def plan(self, chain_id, top, **parts) -> Plan:
        self.plans += 1
        seed = self.seed[:31] + bytes([self.plans])
        return Plan(seed, chain_id, top, Height(self.client.status().height + 32), fee=FEE, **parts)

    def shield(self, chain_id, amount: int) -> Plan:
        tree = NoteTree.from_bytes(bytes_of(self.client.anchor().tree))
        entering = Crossing(
            EnvironmentId.TRANSPARENT, self.transparent.account, NATIVE, -amount - FEE
        )
        payment = Payment(self.address, amount)
        return self.plan(chain_id, tree.top, payments=(payment,), public_values=(entering,))

    def spend(self, chain_id, amount: int, **parts) -> Plan:
        notes = self.state.select(NATIVE, amount + FEE)
        context = self.state.spend_context(notes)
        spends = tuple(Spend(n.note, p) for n, p in zip(notes, context.paths, strict=True))
        change = sum(n.note.quantity for n in notes) - amount - FEE
        back = self.key.full_viewing_key.address(0, internal=True)
        payments = (*parts.pop("payments", ()), Payment(back, change, change=True))
        top = context.paths[0].top
        return self.plan(chain_id, top, spends=spends, payments=payments, **parts)

    def authorize(self, value: Crossing, identity: bytes) -> bytes:
        digest = crossing_digest(value.account, value.kind, -value.amount, identity)
        return self.transparent.sign(digest)


def envelope(tx) -> bytes:
    return Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()


def test_shield_transfer_unshield(tmp_path) -> None:
    journey(tmp_path, statement_prover(profile=DEV))


@pytest.mark.slow
def test_shield_transfer_unshield_with_a_key_built_now(tmp_path) -> None:
    journey(tmp_path, statement_prover(profile=DEV, keys=KeyStore(cache=tmp_path / "keys")))


@pytest.mark.slow
def test_s12_shield_transfer_unshield_under_a_ceremonys_key(tmp_path, monkeypatch) -> None:
    """A chain of profile `local`, founded on installed parameters: no development key anywhere."""
    ceremony_parameters(tmp_path / "params", recorded_shape("action/1"))
    monkeypatch.setenv(params.ENV_PARAMS, str(tmp_path / "params"))
    keys = KeyStore(cache=tmp_path / "cache")
    owner = Allocation(SigningKey.from_seed(b"alice".ljust(64, b".")).account, NATIVE, 20 * UNIT)
    genesis = founding.genesis(
        "net",
        "local",
        keys,
        time_ms=EPOCH_MS,
        parameters=Parameters(block_time_ms=0),
        allocations=(owner,),
    )
    assert genesis.ceremony is not None
    journey(tmp_path, statement_prover(profile="local", keys=keys), genesis)
    assert not (tmp_path / "cache").exists()


def journey(tmp_path, prover, genesis=None) -> None:
    home = tmp_path / "home"
    funded, genesis = genesis is not None, genesis or development_genesis()
    Node.create(home, genesis)
    options = Options(port=0, delay_ms=1)
    with serving(Node.open(home, options=options)) as client:
        alice, bob = Wallet(client, b"alice"), Wallet(client, b"bob")
        if not funded:
            client.faucet(alice.transparent.account, 20 * UNIT)

        def send(wallet, plan):
            tx = build(plan, wallet.key, prover, authorize=wallet.authorize)
            assert bytes_of(client.submit(envelope(tx)).tx_id) == tx.id
            done = client.wait_for_tx(tx.id, timeout=60)
            assert done.status == "included", done
            return tx

        shielded = send(alice, alice.shield(genesis.chain_id, 10 * UNIT))
        assert alice.sync() == 10 * UNIT
        assert client.account(alice.transparent.account).balance(NATIVE) == 10 * UNIT - FEE

        memo = memo_from_text("rent")
        payment = Payment(bob.address, 4 * UNIT, memo=memo)
        plan = alice.spend(genesis.chain_id, 4 * UNIT, payments=(payment,))
        private = send(alice, plan)
        assert (alice.sync(), bob.sync()) == (6 * UNIT - FEE, 4 * UNIT)
        assert bob.state.notes[0].memo == memo
        assert client.transaction(private.id).receipt.fee == str(FEE)

        leaving = Crossing(EnvironmentId.TRANSPARENT, bob.transparent.account, NATIVE, UNIT)
        public = send(bob, bob.spend(genesis.chain_id, UNIT, public_values=(leaving,)))
        assert bob.sync() == 3 * UNIT - FEE
        assert client.account(bob.transparent.account).balance(NATIVE) == UNIT

        report = client.supply()
        native = next(item for item in report.kinds if item.kind.name == "native")
        assert report.balanced
        assert int(native.shielded) == 9 * UNIT - 2 * FEE == alice.sync() + bob.sync()
        spent = client.nullifier(nullifier_bytes(private.nullifiers[0]))
        assert (spent.spent, spent.height) == (
            True,
            client.transaction(private.id).receipt.height,
        )

        with pytest.raises((InvalidTransaction, PolicyRefused)) as refused:
            client.submit(envelope(private))
        assert refused.value.id == "EX-7"
        broken = envelope(public)
        at = broken.index(public.actions[0].proof)
        other = broken[:at] + shielded.actions[0].proof + broken[at + 128 :]
        with pytest.raises(InvalidProof) as refused:
            client.submit(other)
        assert refused.value.id == "PRF-001"
        assert client.transaction(public.id).status == "included"

        page = client.action_page(1)
        assert [block.position for block in page.blocks] == [0, 2, 4]
        assert page.anchor == client.anchor().anchor
        assert client.anchor().notes == 6
        before = client.status()

    with serving(Node.open(home, options=options)) as again:
        after = again.status()
        assert (after.height, after.state_root) == (before.height, before.state_root)
        assert after.block_hash == before.block_hash
        late = Wallet(again, b"bob")
        assert late.sync() == 3 * UNIT - FEE
        assert [block.position for block in again.action_page(1).blocks] == [0, 2, 4]
        assert again.transaction(private.id).status == "included"
        assert again.supply().balanced
