"""The application's rules, call by call."""

from __future__ import annotations

import dataclasses

import pytest

from node.consensus.errors import InvalidBlock
from node.core.block import Receipt
from node.core.effects import Event
from node.core.errors import ConsensusFault, NotFound, StoreError
from node.core.genesis import Parameters
from node.core.head import CHAIN_KEY, HEAD_KEY, Head
from node.core.ids import Height
from node.core.interfaces import BlockResult
from node.store.proof import EMPTY_ROOT, proved_value
from zk.errors import BackendError

GOOD = b"add k 5 ok"


def refused(ledger, block) -> str:
    with pytest.raises(InvalidBlock) as caught:
        ledger.app.process_proposal(block)
    assert caught.value.id == caught.value.rule
    before = ledger.app.info()
    if caught.value.rule not in {"CH-7", "CH-8"}:
        with pytest.raises(ConsensusFault, match=caught.value.rule):
            ledger.app.finalize_block(block)
    assert ledger.app.info() == before
    return caught.value.rule


def test_an_honest_proposal_passes(ledger):
    ledger.decide(GOOD)
    ledger.app.process_proposal(ledger.block(GOOD))
    ledger.app.process_proposal(ledger.block())


def test_ch1_another_chain(ledger):
    assert refused(ledger, ledger.block(GOOD, chain_id=b"\x01" * 32)) == "CH-1"


def test_ch2_wrong_height(ledger):
    ledger.decide(GOOD)
    for height in (0, 1, 3, 2**64 - 1):
        assert refused(ledger, ledger.block(GOOD, height=height)) == "CH-2"


def test_ch3_wrong_previous_hash(ledger):
    assert refused(ledger, ledger.block(previous=b"\x01" * 32)) == "CH-3"
    ledger.decide(GOOD)
    assert refused(ledger, ledger.block(previous=bytes(32))) == "CH-3"


def test_ch4_wrong_state_root(ledger):
    genesis_root = ledger.store.root
    ledger.decide(GOOD)
    assert refused(ledger, ledger.block(state_root=genesis_root)) == "CH-4"
    assert refused(ledger, ledger.block(state_root=EMPTY_ROOT)) == "CH-4"


def test_ch5_time_goes_backwards(ledger):
    assert refused(ledger, ledger.block(time_ms=ledger.genesis.time_ms - 1)) == "CH-5"
    block, _ = ledger.decide(GOOD)
    assert refused(ledger, ledger.block(time_ms=block.header.time_ms - 1)) == "CH-5"
    ledger.app.process_proposal(ledger.block(time_ms=block.header.time_ms))


def test_ch6_other_transactions_than_the_headers(ledger):
    block = ledger.block(GOOD, b"add k 6 ok")
    for txs in ((), (GOOD,), (b"add k 6 ok", GOOD), (*block.txs, GOOD)):
        assert refused(ledger, dataclasses.replace(block, txs=txs)) == "CH-6"


def test_ch7_caps(kv, make_ledger):
    caps = Parameters(max_tx_bytes=20, max_block_bytes=60, max_block_txs=4)
    ledger = make_ledger(genesis=dataclasses.replace(kv.GENESIS, parameters=caps)).start()
    ledger.app.process_proposal(ledger.block(*[GOOD] * 4))
    assert refused(ledger, ledger.block(*[GOOD] * 5)) == "CH-7"
    assert refused(ledger, ledger.block(b"add %s 5 ok" % (b"k" * 20))) == "CH-7"
    assert refused(ledger, ledger.block(*[b"add kkkkkkkkk 5 ok"] * 4)) == "CH-7"


def test_ch8_undecodable_or_wrongly_proved(ledger):
    for bad in (b"", b"noise", b"add k 5 bad"):
        block = ledger.block(GOOD, bad)
        with pytest.raises(InvalidBlock) as caught:
            ledger.app.process_proposal(block)
        assert (caught.value.rule, caught.value.where) == ("CH-8", "transaction 1")
        assert refused(ledger, block) == "CH-8"


@pytest.mark.parametrize("failure", [StoreError("the disk is gone"), BackendError("no kernel")])
def test_ch8_a_machine_that_cannot_tell_refuses_no_block(make_ledger, kv, failure):
    """The engine would drop honest transactions for good: they are refused, it believes."""

    class Broken(kv.KvExecutor):
        def check_block(self, txs, height):
            raise failure

    ledger = make_ledger(executor=Broken()).start()
    with pytest.raises(type(failure)):
        ledger.app.process_proposal(ledger.block(GOOD))


def test_a_failing_transaction_has_a_receipt_and_no_effect(ledger):
    ledger.decide(b"add k 5 ok")
    before = ledger.store.reader().get(b"t/k")
    block = ledger.block(b"add k -9 ok", b"add j 1 ok")
    ledger.app.process_proposal(block)
    ledger.app.finalize_block(block)
    ledger.app.commit()
    codes = [receipt.code for receipt in ledger.app.chain.receipts(Height(2))]
    assert codes == ["POL-001", "ok"]
    assert ledger.store.reader().get(b"t/k") == before
    assert ledger.store.reader().get(b"t/j") == b"1"


def test_even_a_decided_block_with_garbage_is_executed(ledger):
    """More than two thirds decided it: this node gives receipts, not exceptions."""
    ledger.decide(b"garbage", GOOD)
    assert [r.code for r in ledger.app.chain.receipts(Height(1))] == ["ENC-002", "ok"]


def test_ch15_the_index_keeps_the_place_where_a_transaction_took_effect(ledger, kv):
    spend = b"add k -3 ok"
    other_proof = b"add k -3 ko"  # the same id: proofs are not part of it
    assert kv.tx_id(spend) == kv.tx_id(other_proof)
    locate = lambda: ledger.app.chain.locate(kv.tx_id(spend))  # noqa: E731
    with pytest.raises(NotFound):
        locate()
    ledger.decide(spend)
    assert (locate().height, locate().ok) == (1, False)
    ledger.decide(spend)
    assert (locate().height, locate().ok) == (2, False)
    ledger.decide(b"add k 3 ok", spend, other_proof)
    assert (locate().height, locate().index, locate().ok) == (3, 1, True)
    ledger.decide(other_proof)
    assert (locate().height, locate().index, locate().ok) == (3, 1, True)
    assert ledger.app.chain.receipt(kv.tx_id(spend)).ok
    assert ledger.app.chain.transaction(kv.tx_id(spend)) == spend


def test_ch20_genesis_is_committed_once(make_ledger):
    ledger = make_ledger()
    assert ledger.app.info().state_root == EMPTY_ROOT
    with pytest.raises(ConsensusFault, match="no genesis"):
        ledger.app.head()
    root = ledger.app.init_chain()
    assert ledger.app.info().state_root == root != EMPTY_ROOT
    for _ in range(2):
        with pytest.raises(ConsensusFault, match="CH-20"):
            ledger.app.init_chain()
        ledger.restart()
    ledger.decide(GOOD)
    with pytest.raises(ConsensusFault, match="CH-20"):
        ledger.app.init_chain()
    assert ledger.app.chain.genesis() == ledger.genesis.to_bytes()


def test_ch21_vote_extensions(ledger):
    assert ledger.app.extend_vote(Height(1)) == b""
    ledger.app.verify_vote_extension(Height(1), b"")
    with pytest.raises(InvalidBlock, match="CH-21"):
        ledger.app.verify_vote_extension(Height(1), b"\x00")


def test_ch22_nothing_is_persisted_before_commit(ledger):
    before = ledger.app.info()
    block = ledger.block(GOOD)
    root = ledger.app.finalize_block(block)
    assert ledger.app.info() == before
    ledger.restart()
    assert ledger.app.info() == before
    with pytest.raises(ConsensusFault, match="commit without finalize_block"):
        ledger.app.commit()
    other = ledger.app.finalize_block(ledger.block(b"add k 6 ok"))
    assert other != root
    assert ledger.app.finalize_block(block) == root  # a later round replaces an earlier one
    assert ledger.app.commit() == 1
    assert ledger.app.info().state_root == root
    with pytest.raises(ConsensusFault, match="commit without finalize_block"):
        ledger.app.commit()


def test_ch23_one_receipt_per_transaction(kv, make_ledger):
    class Sloppy(kv.KvExecutor):
        change = staticmethod(lambda receipts: receipts)

        def execute(self, *arguments):
            result = super().execute(*arguments)
            return BlockResult(result.writes, self.change(result.receipts))

    executor = Sloppy()
    ledger = make_ledger(executor=executor).start()

    def moved(receipts: tuple[Receipt, ...]):
        return tuple(dataclasses.replace(r, height=Height(r.height + 1)) for r in receipts)

    for change in (lambda r: r[1:], lambda r: r + r[:1], lambda r: r[::-1], moved):
        executor.change = change
        with pytest.raises(ConsensusFault, match="CH-23"):
            ledger.app.finalize_block(ledger.block(GOOD, b"add j 1 ok"))
        with pytest.raises(ConsensusFault, match="commit without"):
            ledger.app.commit()


def test_ch24_the_last_block_is_executed_again_at_start(kv, make_ledger):
    ledger = make_ledger().start()
    ledger.decide(b"add k 5 ok", b"add j -1 ok")
    ledger.restart().app.check_head()
    ledger.executor = kv.KvExecutor(writes_too={b"t/bug": b"1"})
    with pytest.raises(ConsensusFault, match="CH-24"):
        ledger.restart().start()

    class Renamed(kv.KvExecutor):
        def execute(self, *arguments):
            result = super().execute(*arguments)
            wrong = tuple(dataclasses.replace(r, code="EX-9") for r in result.receipts)
            return BlockResult(result.writes, wrong)

    ledger.executor = Renamed()
    with pytest.raises(ConsensusFault, match="CH-24"):
        ledger.restart().start()
    ledger.executor = kv.KvExecutor()
    assert ledger.restart().start().app.info().height == 1


def test_ch25_only_the_application_writes_under_c(kv, make_ledger):
    for key in (HEAD_KEY, CHAIN_KEY, b"c/other"):
        ledger = make_ledger().start()
        ledger.executor.writes_too = {key: b"forged"}
        with pytest.raises(ConsensusFault, match="CH-25"):
            ledger.app.finalize_block(ledger.block(GOOD))

    class Greedy(kv.KvExecutor):
        def genesis(self):
            return {b"c/chain": b"mine"}

    with pytest.raises(ConsensusFault, match="CH-25"):
        make_ledger(executor=Greedy()).start()


def test_the_state_names_its_chain_and_its_last_block(ledger):
    block, root = ledger.decide(GOOD)
    proof = ledger.store.prove(HEAD_KEY)
    head = Head.from_bytes(proved_value(root, HEAD_KEY, proof))
    assert head == Head(Height(1), block.header.time_ms, block.header.hash) == ledger.app.head()
    assert proved_value(root, CHAIN_KEY, ledger.store.prove(CHAIN_KEY)) == ledger.genesis.chain_id
    assert ledger.app.chain.root_after(Height(1)) == root
    ledger.decide()
    assert ledger.app.chain.root_after(Height(1)) == root
    assert ledger.app.chain.root_after(Height(2)) == ledger.store.root


def test_check_and_prepare(ledger):
    answers = ledger.app.check_tx([GOOD, b"noise", b"add k -1 ok", b"add k 1 bad"])
    assert [a.error.id if a.error else "" for a in answers] == ["", "ENC-002", "POL-001", "KV-1"]
    offered = [b"add k -1 ok", GOOD, b"add k -1 ok", b"noise"]
    chosen = ledger.app.prepare_proposal(Height(1), offered, 1000)
    assert chosen == (GOOD, b"add k -1 ok")
    assert ledger.app.prepare_proposal(Height(1), offered, 12) == (GOOD,)
    many = [GOOD] * 100
    assert len(ledger.app.prepare_proposal(Height(1), many, 10**6)) == 64
    with pytest.raises(ConsensusFault, match="asked for a proposal at 2"):
        ledger.app.prepare_proposal(Height(2), offered, 1000)


def test_receipts_and_blocks_read_back(ledger):
    block, _ = ledger.decide(GOOD, b"add k -99 ok")
    chain = ledger.app.chain
    assert chain.block(Height(1)) == block
    assert chain.height_of(block.header.hash) == 1
    assert list(chain.blocks(Height(1), Height(9))) == [block]
    for receipt in chain.receipts(Height(1)):
        assert Receipt.from_bytes(receipt.to_bytes()) == receipt
    for missing in (lambda: chain.block(Height(2)), lambda: chain.height_of(bytes(32))):
        with pytest.raises(NotFound):
            missing()


def test_no_message_makes_receipts_unreadable(kv, make_ledger):
    """What a transaction makes a rule say is stored and read back, however long or odd."""

    class Talkative(kv.KvExecutor):
        said = "x" * 300_000 + "\udc80"

        def execute(self, *arguments):
            result = super().execute(*arguments)
            events = (Event(self.said, ((self.said, self.said),)),)
            told = [
                dataclasses.replace(r, message=self.said, events=events) for r in result.receipts
            ]
            return BlockResult(result.writes, tuple(told))

    ledger = make_ledger(executor=Talkative()).start()
    ledger.decide(GOOD)
    ledger.restart().start()
    (receipt,) = ledger.app.chain.receipts(Height(1))
    assert receipt.message == receipt.events[0].name == "x" * 300_000 + "?"
