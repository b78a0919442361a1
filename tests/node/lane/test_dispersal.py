"""Blobs of sealed intents: ordered by certificate, executed from their bytes.  LN-33 … LN-38."""

from __future__ import annotations

from dataclasses import replace

import pytest

from node.consensus import application as application_module
from node.consensus.application import LedgerApplication
from node.consensus.proposer import next_block
from node.core.block import Transaction
from node.core.ids import Height
from node.da.blob import encode
from node.da.codec import Coding
from node.da.errors import DataRefused
from node.execution.mempool import Mempool
from node.lane import layout, payload
from node.lane.blobs import attached, dispersal
from node.lane.blobs import blob as blobs
from node.lane.blobs.blob import NoBytes
from node.lane.errors import LaneRefused
from node.lane.layout import Stage
from node.lane.payload import SealTx
from node.store.chain import carried_ids
from node.testing.dispersal import Network, certified, coded, sealed
from node.testing.lane import envelope_of
from zk.errors import DecodeError


@pytest.fixture
def world(with_keys):
    """A chain with keys, and the rows of its blobs."""
    chain = with_keys(4)
    network = Network(chain)
    return chain.copy(network), network


def seals_of(chain, domain: int = 0) -> list[bytes]:
    (live,) = chain.live(domain)
    return list(layout.seals(chain.state, live.ref))


def codes(receipt) -> list[str]:
    return [dict(event.data)["code"] for event in receipt.events if event.name == "part"]


def about(receipt) -> dict[str, str]:
    (event,) = (event for event in receipt.events if event.name == dispersal.BLOB)
    return dict(event.data)


def test_entries_of_a_blob_are_ordered_as_if_each_had_come_alone(world) -> None:
    chain, network = world
    chain.run_to(10)
    other, items = chain.copy(), sealed(chain)
    (receipt,) = chain.step(certified(chain, network, coded(chain, blobs.encode(items))))
    assert receipt.ok and codes(receipt) == ["ok"] * 6
    assert about(receipt)["code"] == "ok" and about(receipt)["entries"] == "6"
    receipts = other.block(*(payload.wire(SealTx(0, item)) for item in items))
    assert all(receipt.ok for receipt in receipts)
    assert seals_of(chain) == seals_of(other) == [item.to_bytes() for item in items]
    for key in chain.payers:
        prefix = b"t/b/" + key.account
        assert dict(chain.state.iterate(prefix)) == dict(other.state.iterate(prefix))
    assert list(carried_ids(receipt)) == [found.tx_id for found in receipts]
    for found in receipts:
        assert chain.chain.locate(found.tx_id).index == receipt.index


def test_a_blob_is_opened_and_ends_like_any_other_batch(world) -> None:
    chain, network = world
    chain.run_to(10)
    chain.step(certified(chain, network, coded(chain, blobs.encode(sealed(chain)))))
    chain.run_to(17)
    (live,) = chain.live()
    assert live.stage is Stage.SOLVING
    assert layout.plaintexts(chain.state, live.ref)[5] == b"intent 5"


def tx_of(wire: bytes):
    return payload.decode(Transaction.from_bytes(wire).payload)


def said_otherwise(wire: bytes, **changes: object) -> bytes:
    tx = tx_of(wire)
    said = replace(tx.certificate.statement, **changes)
    return dispersal.wire(tx.domain, replace(tx.certificate, statement=said))


@pytest.mark.parametrize(
    ("signers", "changes", "rule"),
    [
        ((0, 1), {}, "DA-12"),
        (None, {"domain": b"\x07" * 32}, "DA-11"),
        (None, {"chain_id": b"\x09" * 32}, "DA-11"),
        (None, {"expiry": Height(1)}, "DA-11"),
        (None, {"expiry": Height(20)}, "DA-13"),
    ],
)
def test_ln33_a_certificate_that_the_domain_did_not_give(world, signers, changes, rule) -> None:
    chain, network = world
    chain.run_to(10)
    wire = certified(chain, network, coded(chain, blobs.encode(sealed(chain))), signers=signers)
    (receipt,) = chain.block(said_otherwise(wire, **changes))
    assert (receipt.code, rule in receipt.message) == ("LN-33", True)
    assert network.asked == 0
    assert chain.live() == ()


def test_ln33_a_signature_of_somebody_else(world) -> None:
    chain, network = world
    tx = tx_of(certified(chain, network, coded(chain, blobs.encode(sealed(chain)))))
    found = tx.certificate
    moved = replace(found, signatures=found.signatures[::-1])
    (receipt,) = chain.block(dispersal.wire(0, moved))
    assert receipt.code == "LN-33" and "DA-13" in receipt.message


def test_ln33_what_fits_a_block_needs_no_certificate(world) -> None:
    chain, network = world
    (receipt,) = chain.block(
        certified(chain, network, coded(chain, blobs.encode(sealed(chain, 2))))
    )
    assert receipt.code == "LN-33" and "DA-11" in receipt.message


def test_ln34_a_blob_is_ordered_once(world) -> None:
    chain, network = world
    chain.run_to(10)
    made = coded(chain, blobs.encode(sealed(chain)))
    first = certified(chain, network, made)
    second = certified(chain, network, made, signers=(0, 1, 2), expiry=20)
    one, two = chain.block(first, second)
    assert (one.code, two.code) == ("ok", "LN-34")
    (again,) = chain.block(first)
    assert again.code == "LN-34"
    assert len(seals_of(chain)) == 6


def test_ln35_an_entry_that_a_rule_refuses_keeps_nobody_out(world) -> None:
    chain, network = world
    chain.run_to(10)
    items = sealed(chain)
    poor = envelope_of(chain.seal(b"dear", payer=chain.payers[3], fee=10**13))
    cheap = envelope_of(chain.seal(b"cheap", payer=chain.payers[2], fee=1))
    forged = replace(items[3], auth=bytes(64))
    before = chain.chain.root_after(Height(chain.height))
    blob = blobs.encode([items[0], poor, items[1], cheap, forged, items[0], items[5]])
    (receipt,) = chain.step(certified(chain, network, coded(chain, blob)))
    assert receipt.ok and before != chain.store.root
    assert codes(receipt) == ["ok", "EX-37", "ok", "LN-4", "PX-4", "DA-24", "ok"]
    assert seals_of(chain) == [items[i].to_bytes() for i in (0, 1, 5)]
    assert sum(event.name == "carried" for event in receipt.events) == 3


def test_ln36_rows_that_are_no_encoding_order_nothing_for_anybody(world) -> None:
    chain, network = world
    chain.run_to(10)
    made = coded(chain, blobs.encode(sealed(chain)), torn=True)
    wire = certified(chain, network, made)
    few = Network(chain)  # a node that has other rows, and not the one that was changed
    tx = tx_of(wire)
    few.keep(tx.certificate.statement, [made.row(i) for i in range(100, 200)])
    other = chain.copy(few)
    (one,), (two,) = chain.step(wire), other.step(wire)
    assert one.ok and about(one)["code"] == "LN-36" and about(one)["why"] == "DA-5"
    assert one == two
    assert chain.store.root == other.store.root
    assert chain.live() == ()
    assert dispersal.ordered(chain.state, made.commitment.root).entries == 0
    (again,) = chain.step(certified(chain, network, made))
    assert again.code == "LN-34"


def test_ln37_a_node_without_the_bytes_stops_and_goes_on_when_it_has_them(
    world, monkeypatch
) -> None:
    monkeypatch.setattr(application_module, "MISSING_WAITS_S", ())
    chain, network = world
    chain.run_to(10)
    made = coded(chain, blobs.encode(sealed(chain)))
    wire = certified(chain, network, made)
    behind = chain.copy(network)
    network.gone.add(made.commitment.root)
    height, root = behind.height, behind.store.root
    with pytest.raises(NoBytes) as caught:
        behind.step(wire)
    assert caught.value.id == "LN-37"
    assert (behind.height, behind.store.root) == (height, root)
    network.gone.clear()
    (receipt,) = behind.step(wire)
    (expected,) = chain.step(wire)
    assert receipt == expected and receipt.ok
    assert behind.store.root == chain.store.root


def test_ln37_who_only_looks_ahead_leaves_out_what_cannot_be_read_now(world) -> None:
    """Not refused for good: it is taken when its bytes are here. And no node stops for it."""
    chain, network = world
    chain.run_to(10)
    made = coded(chain, blobs.encode(sealed(chain)))
    wire, other = certified(chain, network, made), chain.seal(b"alone", payer=chain.payers[0])
    pool = Mempool(chain.executor, lambda: (Height(chain.height), chain.state))
    network.gone.add(made.commitment.root)
    assert [answer.error.id for answer in pool.take([wire, wire])] == ["LN-37", "LN-37"]
    proposed = chain.executor.select([wire, other], chain.state, chain.next_height, 1 << 20)
    assert proposed == (other,)
    network.gone.clear()
    assert pool.add(wire).error is None
    network.gone.add(made.commitment.root)
    chain.step(other)
    pool.committed(chain.last_block(), ())
    assert not pool.pending(1 << 20)


def test_ln37_a_decided_block_is_asked_for_again_and_then_the_node_stops(
    world, monkeypatch
) -> None:
    chain, network = world
    chain.run_to(10)
    made = coded(chain, blobs.encode(sealed(chain)))
    wire = certified(chain, network, made)
    network.gone.add(made.commitment.root)
    application = LedgerApplication(chain.genesis, chain.executor, chain.store)
    block = next_block(application.info(), chain.chain, chain.last_block().header.time_ms, (wire,))
    waited = []
    monkeypatch.setattr(application_module.time, "sleep", waited.append)
    with pytest.raises(NoBytes):
        application.finalize_block(block)
    assert waited == list(application_module.MISSING_WAITS_S)
    monkeypatch.setattr(application_module.time, "sleep", lambda _: network.gone.clear())
    application.finalize_block(block)
    assert application.finalized.receipts[0].ok
    application.commit()
    network.gone.add(made.commitment.root)  # a start looks at the last block again (CH-24)
    monkeypatch.setattr(application_module.time, "sleep", lambda _: network.gone.clear())
    application.check_head()
    assert not network.gone


def test_ln37_too_few_rows_are_no_bytes(world) -> None:
    chain, network = world
    made = coded(chain, blobs.encode(sealed(chain)))
    wire = certified(chain, Network(chain), made)
    tx = tx_of(wire)
    network.keep(tx.certificate.statement, [made.row(i) for i in range(63)])
    with pytest.raises(NoBytes):
        network.blob(made.commitment)
    network.keep(tx.certificate.statement, [made.row(63)])
    assert network.blob(made.commitment) == blobs.encode(
        blobs.decode(network.blob(made.commitment))
    )


def test_ln38_a_blob_has_one_encoding(world) -> None:
    chain, _ = world
    items = sealed(chain, 2)
    data = blobs.encode(items)
    assert blobs.decode(data) == tuple(items)
    for bad in (
        b"",
        b"\x02" + data[1:],
        data + b"\0",
        data[:-1],
        b"\x01\0\0",
        data[:1] + b"\x01" + data[2:],
        data[:1] + b"\x03" + data[2:],
    ):
        with pytest.raises(LaneRefused) as caught:
            blobs.decode(bad)
        assert caught.value.rule == "LN-38"
    with pytest.raises(LaneRefused) as caught:
        blobs.encode([])
    assert caught.value.rule == "LN-38"


def test_ln38_bytes_that_are_no_list_order_nothing(world) -> None:
    chain, network = world
    made = coded(chain, bytes(range(256)) * 20)
    (receipt,) = chain.step(certified(chain, network, made))
    assert receipt.ok
    assert (about(receipt)["code"], about(receipt)["why"]) == ("LN-36", "LN-38")
    assert dispersal.Ordered.from_bytes(
        chain.state.get(dispersal.ordered_key(made.commitment.root))
    ) == dispersal.ordered(chain.state, made.commitment.root)


def test_a_blob_waits_in_places_that_cost_nothing(world) -> None:
    chain, network = world
    wire = certified(chain, network, coded(chain, blobs.encode(sealed(chain))))
    intake = chain.application._executor.intake
    item = intake.decode(wire)
    assert intake.is_unpaid(wire) and item.fee == 0
    assert item.conflicts
    others = certified(chain, network, coded(chain, blobs.encode(sealed(chain))), signers=(0, 1, 2))
    assert intake.decode(others).tx_id != item.tx_id


class Bytes:
    """What a node has of one blob."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    def blob(self, commitment):
        return self.data


def test_what_lies_beside_a_block_has_one_encoding() -> None:
    """The count, the kind, the bytes and their length are those of the blobs that were ordered."""
    coding = Coding(4, 16)
    made = encode(b"some bytes", coding)
    said = (made.commitment,)
    data = attached.collect(said, Bytes(b"some bytes"))
    assert attached.read(data, said) == {made.commitment.root: b"some bytes"}
    assert attached.collect((), Bytes(b"")) == b""
    assert attached.read(b"", ()) == {}
    for wrong in (
        b"\0\0" + data[2:], b"\2\0" + data[2:], data + b"\0", data[:-1], b"",
        data[:2] + b"\3" + data[3:], data[:2] + b"\2" + data[3:], data[:-1] + b"x",
    ):  # fmt: skip
        with pytest.raises((DecodeError, DataRefused)):
            attached.read(wrong, said)
    with pytest.raises(DecodeError):
        attached.read(data, ())
