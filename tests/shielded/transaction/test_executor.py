"""The environment under the executor: the pool's way in and out, and what may not happen twice.

Proofs are judged by a verifier that accepts every claim; `test_end_to_end.py` has real ones.
"""

from __future__ import annotations

from dataclasses import replace

from node.core.ids import NATIVE, EnvironmentId
from node.core.interfaces import BlockResult
from node.execution.turnstile import totals
from shielded.build import build
from transparent.accounts import Ledger


def codes(result: BlockResult) -> list[str]:
    return [receipt.code for receipt in result.receipts]


def test_shield_send_unshield(chain, kit) -> None:
    assert codes(chain.block(chain.shield(500))) == ["ok"]
    assert Ledger(chain.state).balance(chain.account.account, NATIVE) == 500
    assert chain.wallet.balance(NATIVE).total == 499
    sent = chain.spend((kit.pay(kit.bob, 300), kit.change(kit.alice, 198)), fee=1)
    assert codes(chain.block(sent)) == ["ok"]
    assert chain.wallet.balance(NATIVE).total == 198
    back = kit.crossing(100, account=chain.account.account)
    out = chain.spend((kit.change(kit.alice, 97),), public_values=(back,), fee=1)
    assert codes(chain.block(out)) == ["ok"]
    assert Ledger(chain.state).balance(chain.account.account, NATIVE) == 600
    pool = totals(chain.state, EnvironmentId.SHIELDED, NATIVE)
    assert pool.held == 300 + 97


def test_duplicate_nullifiers_in_block_and_chain(chain, kit) -> None:
    """Incident 36. In the transaction itself: SH-7, SH-8."""
    chain.block(chain.shield(500))
    first = chain.spend((kit.pay(kit.bob, 499),))
    second = chain.spend((kit.pay(kit.bob, 490), kit.change(kit.alice, 9)))
    assert codes(chain.block(first, second)) == ["ok", "EX-6"]
    assert codes(chain.block(second)) == ["EX-7"]
    assert codes(chain.block(first)) == ["EX-7"]


def test_a_shield_cannot_be_replayed(chain, kit) -> None:
    """Its dummies' nullifiers are in the set (S-1), so the debit's signature serves once."""
    tx = chain.shield(300)
    assert codes(chain.block(tx, tx)) == ["ok", "EX-6"]
    assert codes(chain.block(kit.with_action(tx, proof=bytes(128)))) == ["EX-7"]
    assert Ledger(chain.state).balance(chain.account.account, NATIVE) == 700


def test_a_debit_needs_the_accounts_signature_over_this_transaction(chain, kit) -> None:
    """S-20: without it, with another transaction's, or with one for another amount."""
    tx, other = chain.shield(300), chain.shield(301)
    stolen = replace(tx.public_values[0], authorization=other.public_values[0].authorization)
    forged = replace(tx.public_values[0], authorization=bytes(64))
    for value in (stolen, forged):
        bad = replace(tx, public_values=(value,))
        assert bad.id == tx.id
        assert codes(chain.block(bad)) == ["TR-10"]
    assert codes(chain.block(tx)) == ["ok"]


def test_refused_transactions_leave_nothing(chain, kit) -> None:
    before = dict(chain.state.entries)
    tx = chain.shield(300)
    bad = [
        replace(tx, fee=2),
        replace(tx, chain_id=bytes(32)),
        kit.with_public(tx, anchor=5),
        chain.shield(5000),
    ]
    assert codes(chain.block(*bad)) == ["SH-16", "SH-14", "SH-16", "TR-7"]
    changed = {key for key in chain.state.entries if chain.state.entries[key] != before.get(key)}
    assert all(key.startswith((b"s/anchor/", b"s/root/")) for key in changed)


def test_an_anchor_from_before_the_window_is_stale(chain, kit) -> None:
    chain.block(chain.shield(300))
    children = chain.wallet.tree.tree().top
    chain.block(chain.shield(5))
    for _ in range(128 - 2):
        chain.block()
    for expected in ("ok", "SH-12"):
        plan = chain.plan(anchor_children=children, payments=(kit.pay(kit.alice, 0),))
        assert codes(chain.block(build(plan, kit.alice, kit.prove))) == [expected]
