"""What `chiaro verify` and `tx show --export` take out of a private transaction, of every kind."""

from __future__ import annotations

import pytest

from node.cli import exported, identify, verify_linked
from node.cli.session import open_session
from node.core.errors import NotFound
from node.core.ids import tagged_hash
from node.private.gifts import Carrying
from node.private.payload import wire
from node.testing.ledger import FAUCET, transfer
from node.testing.private import PrivateChain, assert_ok
from shielded.private_owner import PrivateOwner


@pytest.fixture(scope="module")
def carriers() -> dict[str, Carrying]:
    """A donation, a claim and a deposit; their proofs prove nothing."""
    chain = PrivateChain()
    chain.start(notes=4)
    h = chain.height
    identity = chain.open_round(0, 10**9, close=h + 20, accept=h + 30, open=h + 40)
    owner = PrivateOwner(tagged_hash("owner"), chain.declaration.id)
    given = chain.donate(identity, 0, 100, 0)
    stored, held = chain.stored(50_000, owner)
    assert_ok(chain.run(stored))
    return {"donate": given.tx, "deposit": stored, "claim": chain.reclaim(held)}


@pytest.mark.parametrize("kind", ["donate", "deposit", "claim"])
def test_the_proofs_of_whatever_carries_notes_are_found(carriers, kind, tmp_path) -> None:
    session = open_session({"home": str(tmp_path)}, {})
    tx = carriers[kind]
    data = wire(tx)
    assert identify.carried_of(data) == tx.carried
    parts = exported.documents_of(session, data, tx.id)
    assert len(parts) == len(tx.carried.actions)
    checks = {c.id: c for c in verify_linked.linked_checks(session, data, history=False).checks}
    assert checks["carried"].ok
    assert not checks["linked"].ok
    assert checks["linked"].code


def test_what_carries_none_has_none(tmp_path) -> None:
    session = open_session({"home": str(tmp_path)}, {})
    chain = PrivateChain()
    for data in (wire(chain.declare()), transfer(chain.ledger, FAUCET.account, 1, sequence=0)):
        assert identify.carried_of(data) is None
        assert verify_linked.linked_checks(session, data, history=False) is None
        with pytest.raises(NotFound, match="no proofs"):
            exported.documents_of(session, data, bytes(32))
