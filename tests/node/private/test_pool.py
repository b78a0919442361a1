"""The mempool: what members send waits in places of its own, and no garbage does."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.ids import Height, tagged_hash
from node.execution.mempool import MOST_ORDERS, MOST_PRIVATE, Mempool, MempoolLimits
from node.private import places
from node.private import state as entries
from node.private.errors import PrivateRefused
from node.private.messages import AcceptTx, ComplaintTx, FreezeTx, OpenTx, SettleTx, Step
from node.private.payload import wire
from node.testing.private import PrivateChain, assert_ok
from private_exec.committee.opening import OpenStatement
from shielded.private_owner import PrivateOwner

CHEAP = MempoolLimits(fee_floor=100)


@pytest.fixture
def pool(chain: PrivateChain) -> Mempool:
    store = chain.ledger.store
    return Mempool(chain.ledger.executor, lambda: (Height(store.height), store.reader()), CHEAP)


def submit(pool: Mempool, tx) -> str:
    answer = pool.add(wire(tx))
    return "ok" if answer.error is None else answer.error.id


def told(pool: Mempool, chain: PrivateChain) -> None:
    """Of the last block."""
    pool.committed(chain.ledger.chain.block(Height(chain.height)), ())


def test_pv120_a_round_goes_through_the_mempool_and_pays_only_where_it_should(chain, pool):
    identity = chain.open_round()
    given = chain.give(identity, 0, 100, 0)
    assert submit(pool, given.tx) == "ok"
    again = chain.give(identity, 1, 100, 0)
    assert submit(pool, again.tx) == "EX-20"  # the same member
    assert list(pool.pending(1 << 20)) == [wire(given.tx)]
    assert_ok(chain.run(given.tx))
    told(pool, chain)
    accepted = chain.accept(identity, [given])
    assert submit(pool, accepted) == "ok"
    assert_ok(chain.run(accepted))
    assert submit(pool, SettleTx(identity)) == "PV-117"
    terms = entries.round_of(chain.state, identity).terms
    chain.to(terms.accept)
    told(pool, chain)
    opened = chain.sums(identity)
    assert submit(pool, opened) == "ok"
    assert_ok(chain.run(opened))
    told(pool, chain)
    assert submit(pool, SettleTx(identity)) == "ok"


def test_pv120_garbage_takes_no_place(chain, pool):
    identity = chain.open_round()
    given = chain.donate(identity, 0, 100, 0)
    right = chain.accept(identity, [given])
    forged = chain.certified(identity, chain.accepted([given]), signers=(1, 2))
    assert submit(pool, forged) == "PV-43"
    unknown = dataclasses.replace(chain.message(Step.NOTICE, b"\x01"), committee=b"\x05" * 32)
    assert submit(pool, unknown) == "PV-104"
    assert submit(pool, SettleTx(b"\x05" * 32)) == "PV-107"
    assert pool.status().transactions == 0
    assert submit(pool, right) == "ok"
    assert submit(pool, right) == "ok"
    assert pool.status().transactions == 1


def test_ex21_what_nobody_signs_is_not_refused_for_good_where_it_came_too_early(chain, pool):
    bare = chain.round(chain.terms())
    early = SettleTx(bare.id)
    assert submit(pool, early) == submit(pool, early) == "PV-107"
    assert_ok(chain.run(bare))
    told(pool, chain)
    assert submit(pool, early) == "PV-117"


def test_pv120_places_are_few(chain, pool, monkeypatch):
    assert MOST_PRIVATE == 128
    monkeypatch.setattr("node.execution.mempool.MOST_PRIVATE", 1 - MOST_ORDERS)
    identity = chain.open_round()
    given = [chain.donate(identity, 0, 100, donor) for donor in range(2)]
    first, second = (chain.accept(identity, [item]) for item in given)
    assert submit(pool, first) == "ok"
    assert submit(pool, second) == "EX-35"


def test_ex44_where_places_are_taken_the_committee_of_which_most_wait_yields(monkeypatch):
    monkeypatch.setattr("node.execution.mempool.MOST_PRIVATE", 3 - MOST_ORDERS)
    chain = PrivateChain()
    found = {}
    for name in (b"crowd", b"other"):
        purpose = tagged_hash("testing/purpose", name)
        chain.declaration = dataclasses.replace(chain.declaration, purpose=purpose)
        assert_ok(chain.run(chain.declare()))
        people = chain.participants().values()
        found[name] = [chain.message(Step.NOTICE, p.notice().to_bytes()) for p in people]
    store = chain.ledger.store
    pool = Mempool(chain.ledger.executor, lambda: (Height(store.height), store.reader()))
    crowd, other = found[b"crowd"], found[b"other"]
    assert [submit(pool, tx) for tx in crowd] == ["ok", "ok", "ok", "EX-35"]
    assert submit(pool, other[0]) == "ok"
    assert [tx in pool.pending(1 << 20) for tx in map(wire, crowd)] == [True, True, False, False]
    assert submit(pool, other[1]) == "EX-35"  # one less than of the crowd
    assert submit(pool, crowd[2]) == "EX-35"
    assert pool.status().transactions == 3


def test_ex44_messages_of_rounds_and_deposits_are_their_committees(chain):
    identity = chain.open_round()
    given = chain.donate(identity, 0, 100, 0)
    placed, held = chain.placed(7, PrivateOwner(b"\x01" * 32, b"\x02" * 32))
    assert_ok(chain.run(placed))
    committee = chain.declaration.id
    for tx in (
        ComplaintTx(given.input.id, b""),
        ComplaintTx(held.input.id, b""),
        AcceptTx(identity, b""),
        AcceptTx(committee, b""),
        OpenTx(OpenStatement(identity, ())),
        SettleTx(identity),
        FreezeTx(committee, 0),
    ):
        assert places.whose(tx, chain.state) == committee
    assert places.whose(placed, chain.state) == b""
    for unknown in (SettleTx(b"\x05" * 32), ComplaintTx(b"\x05" * 32, b"")):
        with pytest.raises(PrivateRefused):
            places.whose(unknown, chain.state)


def test_pv120_messages_of_a_ceremony_wait_one_a_member_and_step():
    chain = PrivateChain()
    assert_ok(chain.run(chain.declare()))
    store = chain.ledger.store
    pool = Mempool(chain.ledger.executor, lambda: (Height(store.height), store.reader()))
    people = chain.participants()
    notices = [chain.message(Step.NOTICE, p.notice().to_bytes()) for p in people.values()]
    assert [submit(pool, tx) for tx in notices] == ["ok"] * 4
    cut = dataclasses.replace(notices[0], message=notices[0].message[:-1] + b"\x00")
    assert submit(pool, cut) == "EX-20"
    taken = chain.ledger.executor.select(
        list(pool.pending(1 << 20)), chain.state, Height(chain.height + 1), 1 << 20
    )
    assert len(taken) == 4
