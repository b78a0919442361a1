"""Faults of the sealed lane on a chain with stake: found by a keeper, sent, judged, punished."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.app.accusations import Accusations
from node.core.ids import TxId
from node.core.interfaces import Admission
from node.core.stake import MILLION
from node.execution.errors import MempoolRefused
from node.execution.mempool import Mempool
from node.lane import evidence, generation, payload
from node.lane.payload import KeyMessage, KeyTx
from node.stake import state as entries
from node.stake.errors import StakeOutdated
from node.stake.faults import FaultKind
from node.stake.rosters import consensus_set
from node.stake.transaction import EvidenceTx, wire
from node.testing.lane import LaneChain, lane_genesis
from private_exec import group
from private_exec.keygen import dealing
from private_exec.keygen.protocol import make_commit

FAST = 1
UNITS = (5, 4, 3, 3)


@pytest.fixture(scope="module")
def made() -> LaneChain:
    chain = LaneChain(4, genesis=lane_genesis(4, stakes=UNITS))
    chain.make_key(FAST)
    return chain


@pytest.fixture
def sealed(made) -> LaneChain:
    chain = made.copy()
    chain.step(chain.seal(b"one", domain=FAST), chain.seal(b"two", domain=FAST))
    return chain


def two_roots(chain: LaneChain, member: int) -> bytes:
    """Evidence that a member signed shares of two batches of one height."""
    item = chain.closed(FAST)
    key = chain.batch(item).key
    (good,) = chain.messages(item, [member])
    bad = replace(good, root=bytes(32))
    signer = next(v for v in chain.validators if v.account == key.roster.members[member].key)
    bad = replace(bad, signature=signer.sign(bad.digest(key)))
    return evidence.two_roots(FAST, good, bad)


def wrong_share(chain: LaneChain, member: int) -> bytes:
    item = chain.closed(FAST)
    batch = chain.batch(item)
    (good,) = chain.messages(item, [member])
    points = [group.multiple_g1(2, good.points[0]), *good.points[1:]]
    bad = replace(good, points=tuple(points))
    signer = next(v for v in chain.validators if v.account == batch.key.roster.members[member].key)
    bad = replace(bad, signature=signer.sign(bad.digest(batch.key)))
    return evidence.wrong_share(FAST, batch, bad)


def accused(chain: LaneChain, *found: tuple[FaultKind, bytes]) -> Mempool:
    """A node's mempool after it was told of these."""
    store = chain.store
    pool = Mempool(chain.executor, lambda: (store.height, store.reader()))
    accusations = Accusations(chain.genesis, pool.add)
    accusations.send(found)
    accusations.send(found)
    return pool


@pytest.mark.parametrize(
    ("kind", "make"), [(FaultKind.TWO_ROOTS, two_roots), (FaultKind.WRONG_SHARE, wrong_share)]
)
def test_st21_what_a_keeper_heard_is_punished_on_the_chain(sealed, kind, make) -> None:
    data = make(sealed, 1)
    sealed.run_to(sealed.height + 4)  # opened, and over
    pool = accused(sealed, (kind, data), (kind, data[:-1]))
    tx = wire(EvidenceTx(sealed.genesis.chain_id, kind, data))
    assert tuple(pool.pending(1 << 20)) == (tx,)
    who = sealed.genesis.validators[1]
    before = entries.validator(sealed.state, who)
    sealed.step(tx)
    after = entries.validator(sealed.state, who)
    fraction = kind.fraction(sealed.genesis.stake)
    assert after.bonded == before.bonded - before.bonded * fraction // MILLION
    assert after.fault == sealed.height
    assert who not in [m.key for m in consensus_set(sealed.state, sealed.genesis).members]
    assert not accused(sealed, (kind, data)).pending(1 << 20)


def test_st21_what_the_chain_found_about_the_making_of_a_key_is_punished(made) -> None:
    """Member 2 commits to two dealings."""
    chain = LaneChain(4, genesis=made.genesis)
    chain.step(*(chain.key_message(m, KeyMessage.NOTICE) for m in range(4)))
    commits = [chain.key_message(m, KeyMessage.COMMIT) for m in range(4)]
    keygen = generation.replay(chain.state, chain.genesis, 0, 0, 0)
    other = dealing.make(keygen.context, keygen.keys, 2, bytes(32))
    again = make_commit(keygen.session, other, chain.validators[2]).to_bytes()
    chain.step(*commits, payload.wire(KeyTx(0, 0, 0, KeyMessage.COMMIT, again)))
    chain.step(*(chain.key_message(m, KeyMessage.DEALING) for m in range(4)))
    chain.step()
    found = [
        (FaultKind.KEY_GENERATION, data)
        for data in evidence.of_keys(chain.state, chain.genesis, range(1))
    ]
    (tx,) = accused(chain, *found).pending(1 << 20)
    who = chain.genesis.validators[2]
    chain.step(tx)
    assert entries.validator(chain.state, who).fault == chain.height
    assert chain.step(tx)[-1].code == "ST-19"


def test_a_chain_without_stake_is_sent_no_evidence(sealed) -> None:
    sent: list[bytes] = []
    Accusations(lane_genesis(4), sent.append).send([(FaultKind.TWO_ROOTS, b"x")])
    assert sent == []


def test_evidence_is_sent_until_it_is_done_with(sealed) -> None:
    """Of a fault ahead, or where a pool is full, it is good later; what was punished is not."""
    answers = [
        StakeOutdated("ST-16", "ahead"),
        MempoolRefused("EX-35", "full"),
        None,
        None,
        StakeOutdated("ST-19", "punished"),
    ]
    sent: list[bytes] = []

    def add(data: bytes) -> Admission:
        sent.append(data)
        return Admission(TxId(bytes(32)), answers[len(sent) - 1])

    accusations = Accusations(sealed.genesis, add)
    for _ in range(8):
        accusations.send([(FaultKind.TWO_ROOTS, b"x")])
    assert len(sent) == len(answers)
