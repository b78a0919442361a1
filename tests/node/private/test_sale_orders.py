"""What stands in one block, in every order: one end of an attempt, no value twice."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from node.core.ids import Height
from node.execution.mempool import Mempool
from node.private import calls, committees, freezing
from node.private.messages import FreezeTx, SettleTx
from node.private.payload import wire
from node.private.sale_payload import CallTx
from node.testing.private import assert_ok, signer
from node.testing.sales import SaleChain
from private_exec.committee.certificate import Certificate

ALICE = signer(7)


@pytest.fixture(scope="module")
def chain() -> SaleChain:
    found = SaleChain(bidders=2, epoch_blocks=80)
    found.start(notes=16)
    return found


def test_a_result_a_later_attempt_and_a_word_in_one_block_in_every_order(chain):
    identity, (alice, _) = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    result = chain.prove(identity)
    chain.to(calls.over_at(chain.sale(identity).attempt, chain.parameters.step_heights) - 1)
    txs = {
        "result": result,
        "call": CallTx(identity, 1),
        "word": chain.silence(identity, 1, [4]),
        "claim": chain.back(alice),
    }
    for order in itertools.permutations(txs):
        open_, asked, expected = True, False, []
        for name in order:
            if name == "claim":
                expected.append("PV-182")
                continue
            good = open_ and not (name == "call" and asked)
            expected.append("ok" if good else "PV-175" if name == "call" else "PV-185")
            asked |= good and name == "word"
            open_ &= not good or name == "word"
        assert chain.next_codes(*(txs[name] for name in order)) == expected, order


def test_pv120_of_an_attempt_each_member_has_one_word_waiting_and_all_one_result(chain):
    identity, _ = chain.ready(2_000, 9_000)
    chain.call(identity)
    result, store = chain.prove(identity), chain.ledger.store
    few = Certificate(result.certificate.signatures[:3])
    others = Certificate(result.certificate.signatures[1:])
    pool = Mempool(chain.ledger.executor, lambda: (Height(store.height), store.reader()))
    waiting = (
        (chain.silence(identity, 1, [4]), None),
        (chain.silence(identity, 2, [4]), None),
        (chain.silence(identity, 1), "EX-20"),
        (dataclasses.replace(result, certificate=few), None),
        (dataclasses.replace(result, certificate=others), "EX-20"),
    )
    for tx, code in waiting:
        error = pool.add(wire(tx)).error
        assert (error and error.id) == code, type(tx).__name__
    assert pool.status().transactions == 3


def test_pv183_an_opening_in_the_block_of_the_freeze_counts_in_either_order(chain):
    identity, (alice, bob) = chain.ready(2_000, 9_000, 7_000)
    chain.call(identity)
    assert_ok(chain.run(chain.prove(identity)))
    right, freeze = chain.outputs(identity), FreezeTx(chain.declaration.id, 0)
    epoch = committees.epoch_of(chain.state, chain.declaration.id, 0)
    chain.to(epoch.until + freezing.GRACE_STEPS * chain.parameters.step_heights)
    assert chain.next_codes(right, freeze) == ["ok", "ok"]
    assert chain.codes(freeze, right) == ["ok", "ok"]
    assert chain.codes(chain.back(bob), chain.leave(alice, ALICE.account)) == ["PV-182"] * 2
    assert chain.codes(SettleTx(identity)) == ["ok"]
    ways = chain.back(alice, 7_000), chain.leave(alice, ALICE.account, 7_000), chain.back(alice)
    for order in itertools.permutations(ways):
        taken = ["PV-119" if tx is ways[2] else "ok" for tx in order]
        taken[len(taken) - 1 - taken[::-1].index("ok")] = "PV-182"
        assert chain.next_codes(*order) == taken
    assert chain.codes(ways[0], chain.back(bob)) == ["ok", "ok"]
