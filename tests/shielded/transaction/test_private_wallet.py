"""A wallet's way into the private pool and back, and what it finds again: SH-70 … SH-73.

The private environment here carries a shielded transaction and names what that moves; it knows no
cells. What verifies the amounts is in `node.private`.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.core import ed25519
from node.core.block import Transaction
from node.core.effects import Effects, Part
from node.core.ids import NATIVE, EnvironmentId, Height, tagged_hash
from node.execution import turnstile
from shielded.build import build, build_part
from shielded.compose import compose
from shielded.env import TREE_KEY
from shielded.errors import PlanRefused
from shielded.history import Direction
from shielded.keys import SpendingKey
from shielded.ledger import ledger
from shielded.private_owner import MOST_INPUTS, PrivateOwner, member_secret, next_owner, own
from shielded.private_plan import Terms, claim, pledge
from shielded.scan import ScannedBlock
from shielded.selection import InsufficientFunds
from shielded.transaction import Mode, ShieldedTx
from shielded.tree import NoteTree
from shielded.wallet import WalletState
from zk.curve.babyjub import ORDER
from zk.field.params import FR

ROUND, OTHER = b"\x51" * 32, b"\x52" * 32
REF, BACK = b"\x61" * 32, b"\x62" * 32


class Carrier:
    """Carries the shielded transaction that its payload is."""

    id = EnvironmentId.PRIVATE

    def decode(self, payload):
        return ShieldedTx.from_bytes(payload)

    def is_unpaid(self, payload) -> bool:
        return False

    def tx_id(self, tx):
        return tagged_hash("carrier", tx.id)

    def expiry(self, tx):
        return tx.expiry

    def fee(self, tx) -> int:
        return tx.fee

    def conflicts(self, tx):
        return ()

    def check_stateless(self, tx, context) -> None: ...

    def claims(self, tx):
        return ()

    def check_historical(self, tx, state, context) -> None: ...

    def execute(self, tx, state, context):
        wire = Transaction(EnvironmentId.SHIELDED, tx.to_bytes()).to_bytes()
        part = Part("carried", wires=(wire,), required=True, told=True, hidden=tx.hidden_values)
        return Effects(parts=(part,), carried_fee=tx.fee, nullifiers=(self.tx_id(tx),))

    def end_block(self, commitments, state, context):
        return Effects()


class Story:
    """Alice's wallet on a chain with a private pool."""

    def __init__(self, chain, kit) -> None:
        self.chain, self.kit = chain, kit
        chain.executor._environments[EnvironmentId.PRIVATE] = Carrier()
        self.blocks = []
        self.change = kit.alice.full_viewing_key.address(0, internal=True)

    def block(self, tx, environment=EnvironmentId.SHIELDED) -> None:
        chain = self.chain
        chain.height += 1
        wire = Transaction(environment, tx.to_bytes()).to_bytes()
        result = chain.executor.execute([wire], chain.state, Height(chain.height), 0)
        assert [receipt.code for receipt in result.receipts] == ["ok"]
        chain._apply(result.writes)
        root = NoteTree.from_bytes(chain.state.get(TREE_KEY)).root
        self.blocks.append(ScannedBlock(chain.height, (tx.scanned,), root))
        chain.wallet.scan(self.blocks[-1])

    def terms(self, fee=1) -> Terms:
        chain = self.chain
        seed = bytes([chain.height + 1]) * 32
        return Terms(chain.genesis.chain_id, Height(chain.height + 10), seed, fee)

    def move(self, made) -> ShieldedTx:
        plan, _ = made
        tx = build(plan, self.kit.alice, self.kit.prove)
        self.block(tx, EnvironmentId.PRIVATE)
        return tx


@pytest.fixture
def story(chain, kit) -> Story:
    return Story(chain, kit)


def test_into_the_private_pool_and_back(story, chain, kit) -> None:
    owner = PrivateOwner.of(kit.alice, ROUND)
    story.block(chain.shield(500))
    out = owner.opening(NATIVE, 225, b"commitments", REF)
    paid = story.move(pledge(chain.wallet, story.change, out, story.terms(3)))
    assert len(paid.actions) == 1
    assert chain.wallet.balance(NATIVE).total == 499 - 225 - 3
    assert turnstile.hidden(chain.state, NATIVE) == turnstile.Hidden(1, 0)
    back = owner.opening(NATIVE, 225, b"cell", BACK, enters=True)
    claimed = story.move(claim(chain.wallet, story.change, back, story.terms(2)))
    assert chain.wallet.balance(NATIVE).total == 499 - 3 - 2
    assert not [n for n in claimed.nullifiers if chain.wallet.owned(n)], "no note was needed"
    assert all(item.adds_up for item in turnstile.supply(chain.state))


def test_sh73_history_and_books_say_what_moved_in_the_dark(story, chain, kit) -> None:
    owner = PrivateOwner.of(kit.alice, ROUND)
    story.block(chain.shield(500))
    story.move(
        pledge(chain.wallet, story.change, owner.opening(NATIVE, 225, b"c", REF), story.terms(3))
    )
    back = owner.opening(NATIVE, 225, b"cell", BACK, enters=True)
    story.move(claim(chain.wallet, story.change, back, story.terms(2)))
    dark = [
        (entry.direction, entry.quantity, entry.account)
        for entry in chain.wallet.history
        if entry.direction in (Direction.PLEDGED, Direction.CLAIMED)
    ]
    assert dark == [(Direction.PLEDGED, 225, REF), (Direction.CLAIMED, 225, BACK)]
    books = ledger(chain.wallet)
    assert not [row for row in books.movements if row.direction == "other"]
    assert [(r.direction, r.effect) for r in books.movements if r.effect] == [
        ("deposited", 500),
        ("fee", -1),
        ("fee", -3),
        ("pledged", -225),
        ("fee", -2),
        ("claimed", 225),
    ]


def test_sh73_a_wallet_restored_from_its_words_knows_the_same(story, chain, kit) -> None:
    story.block(chain.shield(500))
    owner = PrivateOwner.of(kit.alice, ROUND)
    out = owner.opening(NATIVE, 225, b"c", REF)
    paid = story.move(pledge(chain.wallet, story.change, out, story.terms()))
    again = WalletState(SpendingKey(kit.alice.sk).full_viewing_key)
    again.scan_all(story.blocks)
    assert again.history == chain.wallet.history
    (found,) = [e for e in again.history if e.direction is Direction.PLEDGED]
    # The amount from the notes and the owner from the words open the cv that the chain has.
    (value,) = paid.hidden_values
    (mine,) = own(SpendingKey(kit.alice.sk), ROUND, [b"\1" * 32, owner.public])
    assert mine.opening(found.kind, found.quantity, b"c", found.account).value == value


def test_sh73_nothing_is_said_of_what_may_be_another_partys(story, chain, kit) -> None:
    """Alice gives five to a transaction in which Bob pledges them."""
    story.block(chain.shield(500))
    out = PrivateOwner.of(kit.bob, ROUND).opening(NATIVE, 5, b"c", REF)
    plan, _ = pledge(chain.wallet, story.change, out, story.terms())
    hers = plan.revised(b"\x77" * 32, hidden_values=(), mode=Mode.PARTY)
    his = hers.revised(b"\x78" * 32, spends=(), payments=(), fee=0)
    parts = (build_part(hers, kit.alice, kit.prove), build_part(his, kit.bob, kit.prove))
    story.block(compose(parts, (), plan.fee, seed=bytes(32), dark=(out,)), EnvironmentId.PRIVATE)
    assert Direction.PLEDGED not in {entry.direction for entry in chain.wallet.history}
    (row,) = [row for row in ledger(chain.wallet).movements if row.direction == "other"]
    assert row.effect == -5


def test_sh73_nothing_is_said_of_two_of_one_kind(story, chain, kit) -> None:
    """Books add up by a row `other`."""
    story.block(chain.shield(500))
    owner = PrivateOwner.of(kit.alice, ROUND)
    plan, _ = pledge(
        chain.wallet, story.change, owner.opening(NATIVE, 100, b"c", REF), story.terms()
    )
    two = (*plan.hidden_values, owner.opening(NATIVE, 50, b"d", BACK))
    change = replace(plan.payments[0], quantity=plan.payments[0].quantity - 50)
    both = plan.revised(b"\x77" * 32, hidden_values=two, payments=(change,))
    story.move((both, ()))
    assert Direction.PLEDGED not in {entry.direction for entry in chain.wallet.history}
    (row,) = [row for row in ledger(chain.wallet).movements if row.direction == "other"]
    assert row.effect == -150


def test_sh73_lesser_keys_say_nothing_of_it(story, chain, kit) -> None:
    story.block(chain.shield(500))
    out = PrivateOwner.of(kit.alice, ROUND).opening(NATIVE, 225, b"c", REF)
    story.move(pledge(chain.wallet, story.change, out, story.terms()))
    full = kit.alice.full_viewing_key
    for key in (full.incoming, full.outgoing):
        wallet = WalletState(key)
        wallet.scan_all(story.blocks)
        assert Direction.PLEDGED not in {entry.direction for entry in wallet.history}
        ledger(wallet)


def test_sh30_terms_do_not_print_the_seed(story) -> None:
    terms = story.terms()
    assert repr(terms.seed) not in repr(terms)
    assert "expiry" in repr(terms)


def test_sh70_directions_and_funds(story, chain, kit) -> None:
    owner = PrivateOwner.of(kit.alice, ROUND)
    out = owner.opening(NATIVE, 225, b"c", REF)
    for make, opening in ((pledge, replace(out, enters=True)), (claim, out)):
        with pytest.raises(PlanRefused) as caught:
            make(chain.wallet, story.change, opening, story.terms())
        assert caught.value.rule == "SH-70"
    with pytest.raises(InsufficientFunds):
        pledge(chain.wallet, story.change, out, story.terms())
    gold = owner.opening(kit.gold, 5, b"c", REF, enters=True)
    with pytest.raises(InsufficientFunds):
        claim(chain.wallet, story.change, gold, story.terms(1))
    plan, notes = claim(chain.wallet, story.change, gold, story.terms(0))
    assert (plan.imbalance(), notes) == ({}, ())


def test_sh71_owners_differ_and_come_again(kit) -> None:
    first = PrivateOwner.of(kit.alice, ROUND)
    others = [
        PrivateOwner.of(kit.alice, ROUND, 1),
        PrivateOwner.of(kit.alice, OTHER),
        PrivateOwner.of(kit.bob, ROUND),
    ]
    assert len({owner.public for owner in (first, *others)}) == 4
    assert PrivateOwner.of(SpendingKey(kit.alice.sk), ROUND).public == first.public
    digest = bytes(range(32))
    assert ed25519.is_signed(first.public, digest, first.sign(digest))
    assert not ed25519.is_signed(others[0].public, digest, first.sign(digest))
    assert repr(first) == "<PrivateOwner: secret>"


def test_sh71_entropy_is_bound_to_all_that_an_input_says(kit) -> None:
    owner = PrivateOwner.of(kit.alice, ROUND)
    found = {
        owner.entropy((5, 25), b"a"),
        owner.entropy((25, 5), b"a"),
        owner.entropy((5, 25), b"b"),
        owner.entropy((5,), b"a"),
        PrivateOwner.of(kit.alice, ROUND, 1).entropy((5, 25), b"a"),
        PrivateOwner.of(kit.alice, OTHER).entropy((5, 25), b"a"),
    }
    assert len(found) == 6
    assert owner.entropy((5, 25), b"a") in found


@pytest.mark.parametrize(("context", "index"), [(b"", 0), (ROUND, -1), (ROUND, 1 << 32)])
def test_sh71_contexts_and_numbers(kit, context, index) -> None:
    with pytest.raises(PlanRefused) as caught:
        PrivateOwner.of(kit.alice, context, index)
    assert caught.value.rule == "SH-71"


def test_sh71_no_more_inputs_than_are_found_again(kit) -> None:
    there: list[bytes] = [b"\1" * 32]
    for index in range(MOST_INPUTS):
        owner = next_owner(kit.alice, ROUND, there)
        assert owner.index == index
        there.append(owner.public)
    assert [owner.index for owner in own(kit.alice, ROUND, there)] == list(range(MOST_INPUTS))
    with pytest.raises(PlanRefused) as caught:
        next_owner(kit.alice, ROUND, there)
    assert caught.value.rule == "SH-71"


def test_sh71_a_members_secret_is_a_field_element_of_its_own(kit) -> None:
    secrets = {
        member_secret(kit.alice, b"group"),
        member_secret(kit.alice, b"grouq"),
        member_secret(kit.bob, b"group"),
    }
    assert len(secrets) == 3
    assert all(0 < secret < FR.modulus for secret in secrets)


def test_sh71_no_viewing_key_holds_the_private_key(kit) -> None:
    full = kit.alice.full_viewing_key
    for key in (full, full.incoming, full.outgoing):
        assert not hasattr(key, "private_key")
        assert kit.alice.private_key not in key.to_bytes()


def test_sh72_a_blinding_belongs_to_one_amount(kit) -> None:
    owner = PrivateOwner.of(kit.alice, ROUND)
    found = [
        owner.rcv(NATIVE, 5, b"c"),
        owner.rcv(NATIVE, 6, b"c"),
        owner.rcv(NATIVE, 5, b"d"),
        owner.rcv(kit.gold, 5, b"c"),
        owner.rcv(NATIVE, 5, b"c", enters=True),
        PrivateOwner.of(kit.alice, ROUND, 1).rcv(NATIVE, 5, b"c"),
        PrivateOwner.of(kit.alice, OTHER).rcv(NATIVE, 5, b"c"),
    ]
    assert len(set(found)) == len(found)
    assert all(0 < rcv < ORDER for rcv in found)
    refs = {owner.opening(NATIVE, 5, b"c", reference).rcv for reference in (REF, BACK)}
    assert refs == {found[0]}, "the reference contains cv"
