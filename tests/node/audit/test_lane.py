"""Audits of chains with sealed intents: batches that hold, and who is named where one does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from circuits.key_registry import Registry
from node.audit import keys, work
from node.audit.engine import Audit
from node.audit.errors import AuditError
from node.audit.export import export
from node.audit.sources import FolderSource, bundle_in
from node.consensus import application
from node.core.block import Transaction
from node.core.ids import Height
from node.intents.settlement import Settlement
from node.lane import payload
from node.lane.blobs import blob as blobs
from node.lane.blobs.blob import NoBytes
from node.lane.payload import EndTx, RevealTx, Tag
from node.store.chain import decode_receipts, encode_receipts
from node.testing.dispersal import Network, certified, coded, sealed
from node.testing.lane import LaneChain, lane_genesis
from node.testing.ledger import real_prover
from node.testing.market import METALS, Market, unproved
from node.testing.nodes import development_genesis


def traded(prove, swapping=None) -> Market:
    """Three swaps in a ring, two orders and a payment, settled; a batch that nobody solves."""
    market = Market(statements=development_genesis().statements, prove=prove)
    market.fund()
    market._prove = swapping or prove
    assert market.story().ok
    gold, silver, _ = METALS
    market.end(market.opened(market.order(0, gold, 10, silver, nonce=2)))
    market.block()
    return market


@pytest.fixture(scope="session")
def market() -> Market:
    return traded(real_prover())


@pytest.fixture(scope="session")
def written(market, tmp_path_factory):
    path = tmp_path_factory.mktemp("lane") / "lane.tar"
    source = FolderSource(market.chain.store, market.chain.genesis, "memory", None)
    export(source, path, Registry.load())
    return path


def audit_of(market: Market):
    chosen, _ = keys.choose(market.chain.genesis, {}, Registry.load())
    source = FolderSource(market.chain.store, market.chain.genesis, "memory", None)
    with work.in_memory(market.chain.genesis) as journal:
        return Audit(source, chosen, journal).run()


def places(market: Market, tag: Tag) -> list[tuple[int, int]]:
    """Height and index of the lane's transactions of a kind."""
    found = []
    for height in range(1, market.chain.height + 1):
        txs = market.chain.chain.block(Height(height)).txs
        found += [(height, i) for i, tx in enumerate(txs) if payload.tag_of_wire(tx) is tag]
    return found


def decided_again(market: Market, height: int, change) -> Market:
    """The chain up to a height, and then a block whose transactions somebody changed."""
    chain = market.chain
    other = Market(
        prove=real_prover(), statements=development_genesis().statements
    )  # the same genesis, and the same keys
    again = other.chain
    for at in range(again.height + 1, height):
        again.block(*chain.chain.block(Height(at)).txs)
    assert again.chain.root_after(Height(height - 1)) == chain.chain.root_after(Height(height - 1))
    again.block(*change(chain.chain.block(Height(height)).txs))
    return other


def only(report):
    (culprit,) = report.culprits
    assert not report.valid
    return culprit


def test_a_chain_with_batches_holds(market, audit, written) -> None:
    report = audit(written)
    assert report.valid, report.culprits
    assert report.counts.shielded == 4
    assert report.counts.private_transfers == 1
    assert (report.counts.proofs, report.run_proofs) == (6, 6)
    assert report.executed == market.chain.height


def test_aud020_a_tampered_reveal_is_named(market) -> None:
    height, index = places(market, Tag.REVEAL)[0]

    def change(txs):
        tx = payload.decode(Transaction.from_bytes(txs[index]).payload)
        assert isinstance(tx, RevealTx)
        points = tx.reveal.points
        wrong = replace(tx.reveal, points=(points[1], points[0], *points[2:]))
        return (*txs[:index], payload.wire(replace(tx, reveal=wrong)), *txs[index + 1 :])

    culprit = only(audit_of(decided_again(market, height, change)))
    assert (culprit.height, culprit.rule, culprit.by) == (height, "PX-17", "AUD-020")


def test_aud020_an_end_that_was_left_out_is_named(market) -> None:
    height, index = places(market, Tag.END)[0]
    other = decided_again(market, height, lambda txs: txs[:index] + txs[index + 1 :])
    culprit = only(audit_of(other))
    assert (culprit.height, culprit.rule, culprit.by) == (height, "LN-12", "AUD-020")


def test_aud020_a_settlement_of_somebody_elses_choice_is_named(market) -> None:
    height, index = places(market, Tag.END)[0]

    def change(txs):
        tx = payload.decode(Transaction.from_bytes(txs[index]).payload)
        assert isinstance(tx, EndTx)
        found = Settlement.from_bytes(tx.settlement)
        less = replace(found, components=found.components[1:])
        return (payload.wire(replace(tx, settlement=less.to_bytes())), *txs[1:])

    culprit = only(audit_of(decided_again(market, height, change)))
    assert (culprit.height, culprit.index, culprit.rule) == (height, 0, "LN-12")
    assert culprit.by == "AUD-020"


def test_aud020_who_acts_before_the_reveal_is_named(market) -> None:
    height, index = places(market, Tag.REVEAL)[0]

    def change(txs):
        return (market.payment(3, 0, 5), *txs[index:])

    culprit = only(audit_of(decided_again(market, height, change)))
    assert (culprit.height, culprit.rule, culprit.by) == (height, "LN-10", "AUD-020")


def test_aud013_a_settlement_that_was_said_to_do_less_is_named(market, written, tmp_path) -> None:
    height, index = places(market, Tag.END)[0]
    receipts = market.chain.chain.receipts(Height(height))
    assert any(event.name == "carried" for event in receipts[index].events)
    events = tuple(event for event in receipts[index].events if event.name != "carried")
    changed = [*receipts]
    changed[index] = replace(receipts[index], events=events)
    source = FolderSource(market.chain.store, market.chain.genesis, "memory", None)
    raws = [
        raw._replace(receipts=encode_receipts(changed)) if raw.height == height else raw
        for raw in source.blocks(1)
    ]
    source.blocks = lambda first: iter(raws[first - 1 :])
    chosen, _ = keys.choose(market.chain.genesis, {}, Registry.load())
    with work.in_memory(market.chain.genesis) as journal:
        culprit = only(Audit(source, chosen, journal).run())
    assert (culprit.height, culprit.index, culprit.by) == (height, index, "AUD-013")


def test_aud021_a_false_proof_in_a_swap_is_found() -> None:
    """Validators that believe every proof settle it; the auditor does not."""
    market = traded(real_prover(), unproved)
    assert audit_of(market).executed < market.chain.height
    culprit = only(audit_of(market))
    (height, index), *_ = places(market, Tag.REVEAL)
    assert (culprit.height, culprit.index, culprit.by) == (height, index, "AUD-013")


def test_aud021_proofs_inside_settlements_are_judged_with_their_window(market) -> None:
    chosen, _ = keys.choose(market.chain.genesis, {}, Registry.load())
    source = FolderSource(market.chain.store, market.chain.genesis, "memory", None)

    class Watched(Audit):
        def _execute(self, item, supply):
            before = self._verifier.judged
            super()._execute(item, supply)
            assert self._verifier.judged == before, item.raw.height

    with work.in_memory(market.chain.genesis) as journal:
        report = Watched(source, chosen, journal).run()
    assert report.valid
    assert report.run_proofs == 6


# BLOBS


@pytest.fixture
def dispersed(tmp_path):
    """A chain with a blob and one that is ⊥, and its source."""
    chain = LaneChain(1, genesis=lane_genesis(1, statements=development_genesis().statements))
    network = Network(chain)
    chain = chain.copy(network)
    chain.make_key()
    good = coded(chain, blobs.encode(sealed(chain)))
    torn = coded(chain, blobs.encode(sealed(chain)), torn=True)
    chain.step(certified(chain, network, good))
    chain.step(certified(chain, network, torn))
    chain.run_to(chain.height + 8)
    return chain, FolderSource(chain.store, chain.genesis, "memory", None, network)


def audited(source):
    with work.in_memory(source.genesis) as journal:
        return Audit(source, {}, journal).run()


def with_blobs(source, height: int, data: bytes):
    """The same history with something else beside a block."""
    raws = [r._replace(blobs=data) if r.height == height else r for r in source.blocks(1)]
    source.blocks = lambda first: iter(raws[first - 1 :])
    return source


def test_aud019_blocks_come_with_the_blobs_that_they_ordered(dispersed) -> None:
    chain, source = dispersed
    raws = list(source.blocks(1))
    assert [raw.height for raw in raws if raw.blobs] == [5, 6]
    assert raws[4].blobs[2] == 1 and raws[5].blobs[2] == 2
    report = audited(source)
    assert report.valid and report.executed == chain.height


def test_aud019_other_bytes_than_the_blobs_are_refused(dispersed) -> None:
    _, source = dispersed
    good, torn = (raw.blobs for raw in source.blocks(1) if raw.blobs)
    cases = {
        b"": "ENC",
        good[:-1] + b"?": "DA-5",
        good + b"\0": "ENC",
        b"\0\0": "ENC",
        torn: "DA-6",
        good[:2] + b"\7" + good[3:]: "ENC",
    }
    for data, rule in cases.items():
        _, source = dispersed
        kept = source.blocks
        with pytest.raises(AuditError) as caught:
            audited(with_blobs(source, 5, data))
        source.blocks = kept
        assert caught.value.rule == "AUD-019"
        assert rule in caught.value.message
        assert "block 5" in caught.value.where


def test_aud019_what_did_not_come_is_not_made_up(dispersed, monkeypatch) -> None:
    """A source that hides that a blob was ordered does not have its bytes either."""
    monkeypatch.setattr(application, "MISSING_WAITS_S", ())
    _, source = dispersed
    raws = list(source.blocks(1))
    receipts = decode_receipts(raws[4].receipts)
    lie = encode_receipts([replace(receipts[0], code="LN-34", events=())])
    raws[4] = raws[4]._replace(receipts=lie, blobs=b"")
    source.blocks = lambda first: iter(raws[first - 1 :])
    with pytest.raises(AuditError) as caught:
        audited(source)
    assert caught.value.rule == "AUD-019"


def test_aud019_a_bundle_is_not_written_without_them(dispersed, tmp_path) -> None:
    chain, source = dispersed
    with pytest.raises(AuditError) as caught:
        export(with_blobs(source, 5, b""), tmp_path / "b.tar", Registry.load())
    assert caught.value.rule == "AUD-019"
    assert not (tmp_path / "b.tar").exists()
    without = FolderSource(chain.store, chain.genesis, "memory", None)
    with pytest.raises(NoBytes):
        list(without.blocks(1))


def test_aud019_a_bundle_brings_them_back(dispersed, tmp_path) -> None:
    chain, source = dispersed
    export(source, tmp_path / "b.tar", Registry.load())
    with bundle_in(tmp_path / "b.tar") as found:
        report = audited(found)
    assert report.valid and report.executed == chain.height
