"""What a node says of the private environment."""

from __future__ import annotations

import pytest

from node.app import development
from node.core.errors import NotFound
from node.private import state as entries
from node.private.messages import SettleTx
from node.rpc.batch_schema import BatchesView
from node.rpc.client import NodeClient
from node.rpc.errors import BadAnswer
from node.rpc.private import PrivateViews
from node.rpc.private_schema import RoundsView
from node.rpc.sale_schema import SalesView
from node.testing.clock import EPOCH_MS
from node.testing.nodes import VALIDATOR, memory_node, serving
from node.testing.private import PrivateChain, assert_ok
from private_exec.committee.cells import cell_id
from zk.curve.encoding import g1_to_bytes

NONE = b"\x01" * 32


def test_pv140_a_chain_without_it_has_no_document_of_it():
    with serving(memory_node()) as client:
        for call in (
            client.private_committees,
            client.private_rounds,
            lambda: client.private_round(NONE),
            lambda: client.private_cell(NONE),
            lambda: client.private_ceremony(NONE),
        ):
            with pytest.raises(NotFound, match="PV-140"):
                call()


def test_pv141_what_is_none_is_not_found():
    genesis = development.genesis(
        EPOCH_MS, validators=(VALIDATOR.public,), lane=None, private=development.PRIVATE
    )
    with serving(memory_node(genesis)) as client:
        assert client.private_committees().committees == []
        assert client.private_rounds().rounds == []
        for call in (
            client.private_committee,
            client.private_ceremony,
            client.private_round,
            client.private_inputs,
            client.private_input,
            client.private_cell,
            client.private_deposits,
            client.private_deposit,
        ):
            with pytest.raises(NotFound, match="PV-141"):
                call(NONE)
        names = tuple(item.id for item in client.status().statements)
        assert names == development.statements_of(genesis.private)


def test_pv141_committees_rounds_donations_and_cells_are_those_behind_the_last_block():
    chain = PrivateChain()
    views = PrivateViews(chain.genesis, chain.ledger.store, {})
    assert_ok(chain.run(chain.declare()))
    (committee,) = views.committees().committees
    assert (committee.made, committee.latest, committee.threshold) == (0, None, 1)
    assert len(committee.members) == 4
    chain.ceremony(silent=(4,))
    identity = bytes.fromhex(committee.id[2:])
    committee = views.committee(identity)
    assert committee.made == 1 and committee.latest is not None
    assert committee.latest.record == "0x" + chain.record.to_bytes().hex()
    assert [fault.member for fault in committee.latest.faults] == [4]
    ceremony = views.ceremony(identity)
    assert (ceremony.epoch, ceremony.attempt, ceremony.opened, ceremony.words) == (1, 0, 0, [])
    assert_ok(chain.run(chain.purse.shield(4, 10**7)))

    name = chain.open_round(0, 10**7)
    given = [chain.donate(name, project, 100 + project, project) for project in range(2)]
    shown = views.inputs(name, 0, 64).inputs
    assert [item.id for item in shown] == ["0x" + item.input.id.hex() for item in given]
    assert [item.id for item in views.inputs(name, 1, 64).inputs] == [shown[1].id]
    assert views.inputs(name, 0, 1).inputs == [shown[0]]
    first = views.input(given[0].input.id)
    assert first == shown[0]
    assert first.message == "0x" + given[0].input.to_bytes().hex()
    assert (first.status, first.claimable) == ("pending", False)
    assert first.amount == "0x" + g1_to_bytes(given[0].input.commitments[1]).hex()
    assert_ok(chain.run(chain.accept(name, given)))
    assert views.input(given[0].input.id).message is None
    cell = views.cell(cell_id(given[0].input.id, 1))
    assert cell.c == str(chain.cell(cell_id(given[0].input.id, 1)).c)
    terms = entries.round_of(chain.state, name).terms
    (before,) = views.rounds().rounds
    assert (before.status, before.phase, before.inputs) == ("running", "donating", 2)
    assert [project.donations for project in before.projects] == [1, 1]
    assert before.projects[0].roots is None and before.projects[0].funded is None
    chain.to(terms.accept)
    assert views.round(name).phase == "opening"
    assert_ok(chain.run(chain.sums(name)))
    opened = views.round(name)
    assert opened.status == "opened"
    assert [(p.roots, p.total) for p in opened.projects] == [("100", "10000"), ("101", "10201")]
    assert_ok(chain.run(SettleTx(name)))
    after = views.round(name)
    assert after.status == "settled" and after.height == chain.height
    assert [(p.funded, p.payout) for p in after.projects] == [(True, "0"), (False, None)]
    assert views.input(given[1].input.id).claimable
    others = sorted([name, *(chain.open_round() for _ in range(2))])
    pages = [views.rounds(limit=2), views.rounds(others[1], 2), views.rounds(others[2], 2)]
    assert [[item.id for item in page.rounds] for page in pages] == [
        ["0x" + key.hex() for key in others[:2]], ["0x" + others[2].hex()], [],
    ]  # fmt: skip
    assert [page.more for page in pages] == [True, False, False]
    assert not views.committees().more and views.committees(identity).committees == []
    tx, held = chain.stored(5000, given[0].owner)
    assert_ok(chain.run(tx))
    (waits,) = views.deposits(identity).deposits
    assert waits == views.deposit(held.input.id)
    assert (waits.status, waits.message) == ("pending", "0x" + held.input.to_bytes().hex())
    assert_ok(chain.run(chain.welcome([held])))
    assert views.deposits(identity).deposits == []
    found = views.deposit(held.input.id)
    assert (found.status, found.frozen) == ("accepted", None)
    assert (
        views.cell(bytes.fromhex(waits.cell[2:])).com
        == "0x" + g1_to_bytes(chain.cell(cell_id(held.input.id, 0)).com).hex()
    )


class Ahead:
    """A store that has another block by the time that a document is written."""

    def __init__(self, store) -> None:
        self._reader, self.height = store.reader(), store.height + 10**6

    def reader(self):
        return self._reader


def test_pv141_a_document_is_behind_one_block_while_others_come():
    chain = PrivateChain()
    chain.start(notes=1)
    name = chain.open_round()
    views = PrivateViews(chain.genesis, Ahead(chain.ledger.store), {})
    found = views.round(name)
    assert (found.height, found.phase, found.status) == (chain.height, "donating", "running")
    committee = chain.declaration.id
    for document in (
        views.committees(),
        views.ceremony(committee),
        views.rounds(),
        views.inputs(name, 0, 1),
        views.deposits(committee),
    ):
        assert document.height == chain.height
    given = chain.donate(name, 0, 100, 0)
    views = PrivateViews(chain.genesis, Ahead(chain.ledger.store), {})
    assert not views.input(given.input.id).claimable


def test_pv141_a_client_reads_rounds_page_by_page(monkeypatch):
    chain = PrivateChain()
    chain.start(notes=1)
    views = PrivateViews(chain.genesis, chain.ledger.store, {})
    for _ in range(3):
        chain.open_round()
    client = NodeClient("http://127.0.0.1:1")
    asked = []

    def get(path, kind, query=None):
        asked.append(query)
        return views.rounds(bytes.fromhex((query or {"after": "0x"})["after"][2:]), 2)

    monkeypatch.setattr(client, "get", get)
    every = views.rounds()
    assert client.private_rounds() == every and len(every.rounds) == 3
    assert asked == [None, {"after": every.rounds[1].id}]
    assert client.private_rounds(pages=1).more
    empty = RoundsView(height=1, rounds=[], more=True)
    monkeypatch.setattr(client, "get", lambda *_: empty)
    with pytest.raises(BadAnswer, match="PV-141"):
        client.private_rounds()
    for empty, read in (
        (SalesView(height=1, sales=[], more=True), client.private_sales),
        (BatchesView(height=1, batches=[], more=True), client.private_batches),
    ):
        monkeypatch.setattr(client, "get", lambda *_, found=empty: found)
        with pytest.raises(BadAnswer, match="PV-141"):
            read()
