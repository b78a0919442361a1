"""What the RPC says: only what is on disk, and nothing that a client cannot check."""

from __future__ import annotations

import dataclasses
import threading

import httpx
import msgspec
import pytest

from node.app.options import Options
from node.core.block import Block
from node.core.errors import InvalidTransaction, NotFound, PolicyRefused, Unreachable
from node.core.ids import NATIVE
from node.rpc import schema, service
from node.rpc.client import NodeClient
from node.rpc.errors import BadAnswer, NodeFault, RemoteError, StillPending, error_of, problem
from node.rpc.text import bytes_of, hex_of
from node.store.chain import decode_receipts
from node.store.proof import InvalidStateProof
from node.testing.nodes import memory_node, serving
from shielded.errors import MalformedTransaction, StaleAnchor
from zk.errors import DigestMismatch, InvalidProof, NonCanonical

STRANGER = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
"""The public key of RFC 8032's first test."""


def answering(**answers):
    """A client of a node that answers what it is told, by path."""

    def handle(request: httpx.Request) -> httpx.Response:
        found = answers[request.url.path.removeprefix("/v1/").replace("/", "_")]
        return httpx.Response(200, content=msgspec.json.encode(found))

    return NodeClient("http://node.test", transport=httpx.MockTransport(handle))


def test_a_transfer_from_submission_to_receipt(client, alice) -> None:
    before = client.account(STRANGER).balance(NATIVE)
    tx_id, data = alice.transfer(STRANGER, 5)
    sent = client.submit(data)
    assert bytes_of(sent.tx_id) == tx_id
    assert sent.admitted
    done = client.wait_for_tx(tx_id, timeout=30)
    assert (done.status, done.receipt.code, done.receipt.fee) == ("included", "ok", "1000")
    assert bytes_of(done.tx) == data
    assert client.account(STRANGER).balance(NATIVE) == before + 5
    block = client.block(done.receipt.height)
    assert block.txs[done.receipt.index] == hex_of(data)
    assert block.hash == done.block_hash
    with pytest.raises(InvalidTransaction, match="sequence"):
        client.submit(data)


def test_refusals_come_with_their_rule(client, alice) -> None:
    _, replay = alice.transfer(STRANGER, 1, sequence=0)
    with pytest.raises(InvalidTransaction) as refused:
        client.submit(replay[:-1] + bytes([replay[-1] ^ 1]))
    assert refused.value.id == "TR-4"
    with pytest.raises(PolicyRefused) as refused:
        client.submit(alice.transfer(STRANGER, 1, fee=1)[1])
    assert refused.value.id == "EX-19"
    assert "pay at least" in refused.value.fix
    with pytest.raises(NonCanonical):
        client.submit(b"\x63\x01")
    with pytest.raises(NotFound):
        client.block(10**9)


def test_rpc5_errors_are_the_same_on_both_sides() -> None:
    for error in (
        InvalidTransaction("SH-7", "twice", where="nullifiers"),
        StaleAnchor("SH-12", "old"),
        MalformedTransaction("SH-1", "bytes"),
        PolicyRefused("no"),
        NotFound("gone", fix="look elsewhere"),
        NonCanonical("again", where="here"),
        InvalidProof("false"),
        NodeFault("broken"),
    ):
        travelled = msgspec.json.decode(msgspec.json.encode(problem(error)), type=schema.Problem)
        again = error_of(travelled)
        assert (again.id, again.message, again.where) == (error.id, error.message, error.where)
        assert (again.why, again.fix) == (error.why, error.fix)
        kinds = (InvalidTransaction, PolicyRefused, NotFound, NonCanonical, InvalidProof, NodeFault)
        assert isinstance(again, next(kind for kind in kinds if isinstance(error, kind)))
    unknown = error_of(schema.Problem(code="NEW-001", base="NEW-001", message="from the future"))
    assert isinstance(unknown, RemoteError)
    assert unknown.id == "NEW-001"
    assert error_of(problem(DigestMismatch("other"))).id == "PAR-003"


def test_rpc8_a_refused_copy_says_nothing_of_the_id(client, alice) -> None:
    tx_id, data = alice.transfer(STRANGER, 7)
    with pytest.raises(InvalidTransaction, match="signature"):
        client.submit(data[:-1] + bytes([data[-1] ^ 1]))
    assert client.transaction(tx_id).status == "unknown"
    client.submit(data)
    assert client.wait_for_tx(tx_id, timeout=30).status == "included"
    with pytest.raises(InvalidTransaction):
        client.submit(data[:-1] + bytes([data[-1] ^ 2]))
    assert client.transaction(tx_id).status == "included"


def test_rpc8_what_has_expired_is_rejected(make_person) -> None:
    node = memory_node(options=Options(port=0, delay_ms=60_000))  # no block by itself
    with serving(node) as client:
        person = make_person(client, b"bob")
        client.faucet(person.account, 10**6)
        height = client.status().height
        tx_id, data = person.transfer(STRANGER, 1, expiry=height + 1)
        client.submit(data)
        assert client.transaction(tx_id).status == "pending"
        assert client.mempool().entries[0].tx_id == hex_of(tx_id)
        node.pool._remove(node.pool._ids[tx_id])
        client.make_block()
        view = client.wait_for_tx(tx_id, timeout=30)
        assert (view.status, view.error.code) == ("rejected", "EX-22")


def test_rpc9_what_a_block_holds_is_told_with_the_state_behind_it(monkeypatch, make_person) -> None:
    """Else whoever waits for a payment, and then asks for the next number, hears the last one."""
    node = memory_node()
    with serving(node) as client:
        person = make_person(client, b"carol")
        client.faucet(person.account, 10**6)
        tx_id, data = person.transfer(STRANGER, 1)
        client.submit(data)
        height = client.wait_for_tx(tx_id, timeout=30).receipt.height
        with monkeypatch.context() as between:
            between.setattr(node.store, "_head", (height - 1, node.store.root))
            assert client.transaction(tx_id).status == "unknown"
        assert client.transaction(tx_id).status == "included"


def test_rpc9_a_block_is_told_once_it_is_on_disk(monkeypatch) -> None:
    node = memory_node()
    with serving(node) as client:
        writing, go_on = threading.Event(), threading.Event()
        write = node.store._db.write

        def slow(batch):
            writing.set()
            assert go_on.wait(30)
            write(batch)

        monkeypatch.setattr(node.store._db, "write", slow)
        maker = threading.Thread(target=client.make_block)
        maker.start()
        assert writing.wait(30)
        assert client.events(0, timeout=0).blocks == []
        assert client.status().height == 0
        with pytest.raises(NotFound):
            client.block(1)
        go_on.set()
        assert [b.height for b in client.events(0, timeout=10).blocks] == [1]
        maker.join()


def test_rpc10_state_comes_with_a_proof(client) -> None:
    found = client.state(b"c/chain")
    assert bytes_of(found.value) == bytes_of(client.status().chain_id)
    assert client.state(b"nothing/here").value is None
    tip = client.block()
    assert client.state(b"c/head", tip.height).state_root == tip.root_after
    key = f"state_{b'c/chain'.hex()}"
    for lie in ({"value": "0x00"}, {"value": None}, {"state_root": "0x" + "00" * 32}):
        answer = {**msgspec.to_builtins(found), **lie}
        with pytest.raises(InvalidStateProof), answering(**{key: answer}) as liar:
            liar.state(b"c/chain")


def test_rpc11_the_chain_id_is_computed(client, genesis) -> None:
    assert client.genesis() == genesis
    other = dataclasses.replace(genesis, name="other")
    view = schema.GenesisView(
        chain_id=hex_of(genesis.chain_id), encoded=hex_of(other.to_bytes()), toml=""
    )
    with pytest.raises(BadAnswer, match="RPC-11"), answering(genesis=view) as liar:
        liar.genesis()


def test_rpc12_lists_say_where_to_go_on(client) -> None:
    while client.status().height < 5:
        client.make_block()
    first = client.blocks(1, limit=2)
    assert [b.height for b in first.blocks] == [1, 2]
    assert first.next == 3
    last = client.blocks(first.tip, limit=1000)
    assert last.next is None
    page = client.action_page(2, limit=2)
    assert (page.first, page.next) == (2, 4)
    tip = client.status().height
    assert [b.height for b in client.actions(1, page=2)] == list(range(1, tip + 1))
    assert [b.height for b in client.actions(2, 3)] == [2, 3]
    assert list(client.actions(tip + 1)) == []


def test_rpc12_raw_blocks_come_in_bounded_pages(client, monkeypatch) -> None:
    while client.status().height < 5:
        client.make_block()
    tip = client.status().height
    blocks = list(client.raw(1, tip))
    assert [height for height, *_ in blocks] == list(range(1, tip + 1))
    for height, block, receipts, _ in blocks:
        view, found = client.block(height), Block.from_bytes(block)
        assert hex_of(found.header.hash) == view.hash
        assert [hex_of(r.wire_id) for r in decode_receipts(receipts)] == [
            r.wire_id for r in view.receipts
        ]
    assert client.raw_page(tip, 1000).next is None
    assert client.raw_page(tip + 1).blocks == []
    monkeypatch.setattr(service, "MOST_RAW_BYTES", 1)
    page = client.raw_page(1, 1000)
    assert ([item.height for item in page.blocks], page.next) == ([1], 2)
    assert list(client.raw(2, tip)) == blocks[1:]


@pytest.mark.parametrize("heights", [[], [2], [1, 3], [1, 2, 3]])
def test_raw_blocks_for_other_heights_are_refused(heights) -> None:
    found = [schema.RawBlock(height=height, block="0x", receipts="0x") for height in heights]
    with pytest.raises(BadAnswer), answering(raw=schema.RawPage(tip=9, blocks=found)) as liar:
        list(liar.raw(1, 2))


def test_rpc13_a_node_that_verifies_goes_on_answering(make_person) -> None:
    node = memory_node()
    with serving(node) as client:
        person = make_person(client, b"carol")
        client.faucet(person.account, 10**6)
        tx_id, data = person.transfer(STRANGER, 1)
        verifying, go_on = threading.Event(), threading.Event()
        check = node.executor.intake.check_stateless

        def slow(item, height):
            node.executor.intake.check_stateless = check  # only this one is slow
            verifying.set()
            assert go_on.wait(30)
            return check(item, height)

        node.executor.intake.check_stateless = slow
        sender = threading.Thread(target=client.submit, args=(data,))
        sender.start()
        assert verifying.wait(30)
        assert client.status().ready
        assert client.make_block().height == client.status().height
        go_on.set()
        sender.join()
        assert client.wait_for_tx(tx_id, timeout=30).status == "included"


def test_waiting_ends_with_the_time(client) -> None:
    with pytest.raises(StillPending) as over:
        client.wait_for_tx(bytes(32), timeout=0.05)
    assert over.value.exit_code == 7


def test_nobody_there() -> None:
    for url in ("http://127.0.0.1:1", "http://[", "ftp://x"):
        with pytest.raises(Unreachable), NodeClient(url, timeout=2) as client:
            client.status()


NO_ANSWERS = [
    b"", b"<html>", b"{}", b'{"error":1}', b"\xff", b'{"error":{"code":"\xff"}}',
    b'{"x":' + b"[" * 100_000, b'{"error":' * 20_000,
]  # fmt: skip


@pytest.mark.parametrize("content", NO_ANSWERS, ids=range(len(NO_ANSWERS)))
@pytest.mark.parametrize("status", [200, 400])
def test_answers_of_another_form(content, status) -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(status, content=content))
    with pytest.raises(BadAnswer), NodeClient("http://x", transport=transport) as client:
        client.status()


def test_a_stream_that_skips_or_repeats_is_refused() -> None:
    empty = schema.ActionPage(first=2, next=3, tip=9, blocks=[])
    with pytest.raises(BadAnswer), answering(actions=empty) as liar:
        list(liar.actions(1))
    outside = schema.ActionPage(
        first=1, next=2, tip=9, blocks=[schema.ActionBlock(height=2, position=0, txs=[])]
    )
    with pytest.raises(BadAnswer), answering(actions=outside) as liar:
        list(liar.actions(1))


def test_supply_and_faucet(client) -> None:
    paid = client.faucet(STRANGER, 3, "gold")
    assert client.transaction(bytes_of(paid.tx_id)).receipt.height == paid.height
    report = client.supply()
    assert report.balanced
    assert {item.kind.name for item in report.kinds} == {"native", "gold", "silver"}
    assert all(item.issued == item.transparent for item in report.kinds)
    assert not client.nullifier(bytes(32)).spent


def test_an_address_holds_no_password() -> None:
    with pytest.raises(Unreachable, match="a name or a password") as refused:
        NodeClient("http://me:secret@127.0.0.1:1")
    assert "secret" not in f"{refused.value} {refused.value.where}"
