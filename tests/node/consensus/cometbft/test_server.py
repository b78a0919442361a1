"""The socket's rules: what costs a connection, what ends the node, what is answered together."""

from __future__ import annotations

import asyncio

import pytest

from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import mapping, server
from node.consensus.cometbft.frames import MAX_FRAME, encode, length_prefix, read_frame, request_of
from node.consensus.cometbft.server import MAX_PATH, Server
from node.consensus.errors import EngineRefused, InvalidBlock
from node.core.errors import ConsensusFault, StoreError
from node.testing.abci import Connection, Refused, init_request

GOOD = b"add k 5 ok"
ACCEPT = abci.ResponseVerifyVoteExtension.VerifyStatus.ACCEPT


def finalize(host, *txs: bytes, height: int | None = None) -> abci.RequestFinalizeBlock:
    at = host.app.info().height + 1 if height is None else height
    request = abci.RequestFinalizeBlock(txs=txs, height=at)
    request.time.FromMilliseconds(5_000 + at)
    return request


async def frame_of(data: bytes) -> bytes | None:
    stream = asyncio.StreamReader()
    stream.feed_data(data)
    stream.feed_eof()
    return await read_frame(stream)


# --- frames ---


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16383, 16384, 70_000])
def test_frames_come_back(size: int) -> None:
    data = b"\x07" * size
    assert asyncio.run(frame_of(length_prefix(size) + data)) == data


@pytest.mark.parametrize(
    "data",
    [
        b"\x80",
        b"\xff\xff\xff\xff\x01",
        length_prefix(MAX_FRAME + 1),
        b"\x05abc",
    ],
    ids=["ends in a length", "long length", "too long", "ends in a message"],
)
def test_ch37_a_frame_that_is_none(data: bytes) -> None:
    with pytest.raises(EngineRefused) as caught:
        asyncio.run(frame_of(data))
    assert caught.value.rule == "CH-37"


@pytest.mark.parametrize(
    "data",
    [b"", b"\x99", b"\xba\x01\x00", b"\x1a\xff"],
    ids=["empty", "no protobuf", "InsertTx of a later line", "cut off"],
)
def test_ch37_a_request_that_is_none(data: bytes) -> None:
    with pytest.raises(EngineRefused) as caught:
        request_of(data)
    assert caught.value.rule == "CH-37"


@pytest.mark.parametrize(
    "data", [b"\x80\x80\x80\x80\x01", b"\x02\xba\x01", b"\x00", b"\x09GET / HTTP"]
)
def test_ch37_garbage_costs_its_connection_and_nothing_else(host, data: bytes) -> None:
    async def body() -> None:
        async with host.serving() as path:
            honest, broken = await Connection.open(path), await Connection.open(path)
            await honest.call("init_chain", init_request(host.genesis))
            broken.send("echo", abci.RequestEcho(message="first"))
            broken.send_raw(data)
            assert (await broken.receive("echo")).message == "first"
            with pytest.raises(Refused, match="CH-37"):
                await broken.receive("echo")
            with pytest.raises(Refused, match="hung up"):
                await broken.receive("echo")
            answer = await honest.call("finalize_block", finalize(host, GOOD))
            assert len(answer.app_hash) == 32
            await honest.close()
            await broken.close()

    asyncio.run(body())


# --- faults ---


def test_ch40_what_cannot_be_answered_ends_the_node(host, monkeypatch) -> None:
    def broken(*_):
        raise StoreError("the disk is gone")

    monkeypatch.setattr(host.app, "finalize_block", broken)

    async def body() -> None:
        async with host.serving() as path:
            connection = await Connection.open(path)
            with pytest.raises(Refused, match=r"NOD-004: the disk is gone"):
                await connection.call("finalize_block", finalize(host, GOOD))
            with pytest.raises((Refused, ConnectionError)):
                await connection.call("echo", abci.RequestEcho())
            await connection.close()

    with pytest.raises(StoreError, match="the disk is gone"):
        asyncio.run(body())


def test_ch40_a_bug_ends_the_node_and_says_nothing_of_itself(host, monkeypatch) -> None:
    def bug(*_):
        raise ValueError("a secret")

    monkeypatch.setattr(host.app, "process_proposal", bug)

    async def body() -> None:
        async with host.serving() as path:
            connection = await Connection.open(path)
            request = abci.RequestProcessProposal(height=1)
            request.time.FromMilliseconds(5_000)
            with pytest.raises(Refused) as caught:
                await connection.call("process_proposal", request)
            assert str(caught.value) == "ValueError"
            await connection.close()

    with pytest.raises(ValueError, match="a secret"):
        asyncio.run(body())


def test_ch40_a_mempool_that_cannot_tell_ends_the_node(host, monkeypatch) -> None:
    def broken(*_):
        raise StoreError("the disk is gone")

    monkeypatch.setattr(host.pool, "take", broken)

    async def body() -> None:
        async with host.serving() as path:
            connection = await Connection.open(path)
            with pytest.raises(Refused, match="NOD-004"):
                await connection.call("check_tx", abci.RequestCheckTx(tx=GOOD))
            await connection.close()

    with pytest.raises(StoreError):
        asyncio.run(body())


def test_ch41_a_second_engine_is_turned_away(host, monkeypatch) -> None:
    monkeypatch.setattr(server, "_TAKEOVER_S", 0.05)

    async def body() -> None:
        async with host.serving() as path:
            first, second = await Connection.open(path), await Connection.open(path)
            await first.call("init_chain", init_request(host.genesis))
            with pytest.raises(Refused, match="CH-41"):
                await second.call("finalize_block", finalize(host))
            answer = await first.call("finalize_block", finalize(host, GOOD))
            await first.call("commit", abci.RequestCommit())
            await first.close()
            third = await Connection.open(path)  # the first is gone: this one takes its place
            info = await third.call("info", abci.RequestInfo())
            assert (info.last_block_height, info.last_block_app_hash) == (1, answer.app_hash)
            await third.call("finalize_block", finalize(host, GOOD))
            for connection in (second, third):
                await connection.close()

    asyncio.run(body())


def test_the_socket_is_private_and_replaces_only_sockets(host) -> None:
    async def body() -> None:
        async with host.serving() as path:
            assert path.stat().st_mode & 0o777 == 0o600
        assert not path.exists()
        path.write_text("a file")
        with pytest.raises(ConsensusFault, match="something else"):
            async with host.serving():
                pass
        assert path.read_text() == "a file"
        path.unlink()

    asyncio.run(body())
    with pytest.raises(ConsensusFault, match="characters"):
        Server(host.folder / ("x" * MAX_PATH), host.bridge)


# --- the mempool ---


def test_what_has_arrived_of_check_tx_is_one_batch_answered_in_order(host) -> None:
    async def body() -> None:
        async with host.serving() as path:
            connection = await Connection.open(path)
            txs = [b"add k%d %d ok" % (n, n if n % 3 else -1) for n in range(20)]
            for tx in txs:
                connection.send("check_tx", abci.RequestCheckTx(tx=tx))
            connection.send("flush", abci.RequestFlush())
            codes = [(await connection.receive("check_tx")).code for _ in txs]
            await connection.receive("flush")
            assert codes == [0 if n % 3 else 1 for n in range(20)]
            assert host.pool.batches == [20]
            again = abci.RequestCheckTx(tx=txs[1], type=abci.RECHECK)
            assert (await connection.call("check_tx", again)).code == 0
            gone = abci.RequestCheckTx(tx=txs[0], type=abci.RECHECK)
            assert (await connection.call("check_tx", gone)).code == 1
            assert host.pool.batches == [20]
            await connection.close()

    asyncio.run(body())


# --- calls ---


def different(request: abci.RequestInitChain, field: str) -> abci.RequestInitChain:
    match field:
        case "chain_id":
            request.chain_id = "another"
        case "app_state":
            request.app_state_bytes = b'{"chain_id": "00"}'
        case "genesis_time":
            request.time.nanos += 1
        case "initial_height":
            request.initial_height = 2
        case "validators":
            request.validators[0].power = 2
        case "max_bytes":
            request.consensus_params.block.max_bytes += 1
        case "max_gas":
            request.consensus_params.block.max_gas = 1
        case "vote_extensions_enable_height":
            request.consensus_params.abci.vote_extensions_enable_height = 2
    return request


@pytest.mark.parametrize(
    "field",
    [
        "chain_id",
        "app_state",
        "genesis_time",
        "initial_height",
        "validators",
        "max_bytes",
        "max_gas",
        "vote_extensions_enable_height",
    ],
)
def test_ch38_an_engine_of_another_chain(host, field: str) -> None:
    host.bridge.init_chain(init_request(host.genesis))
    with pytest.raises(ConsensusFault, match=f"CH-38.*{field}"):
        host.bridge.init_chain(different(init_request(host.genesis), field))


def test_ch38_an_engine_that_begins_anew_on_an_old_ledger(host) -> None:
    root = host.app.info().state_root
    for _ in range(2):  # again, after a crash before block 1
        assert host.bridge.init_chain(init_request(host.genesis)).app_hash == root
    assert host.bridge.info(abci.RequestInfo()).last_block_app_hash == b""
    host.bridge.finalize_block(finalize(host, GOOD))
    host.bridge.commit(abci.RequestCommit())
    with pytest.raises(ConsensusFault, match="CH-38"):
        host.bridge.init_chain(init_request(host.genesis))


@pytest.mark.parametrize("height", [0, 2, 3])
def test_ch39_another_height_than_the_next(host, height: int) -> None:
    calls = {
        "prepare_proposal": abci.RequestPrepareProposal(height=height),
        "process_proposal": abci.RequestProcessProposal(height=height),
        "extend_vote": abci.RequestExtendVote(height=height),
        "verify_vote_extension": abci.RequestVerifyVoteExtension(height=height),
        "finalize_block": finalize(host, height=height),
    }
    before = host.app.info()
    for kind, request in calls.items():
        with pytest.raises(ConsensusFault, match=f"CH-39: {kind}"):
            host.bridge.answer(kind, abci.Request(**{kind: request}))
    assert host.app.info() == before
    assert host.app.finalized is None


def test_ch39_a_block_before_1970(host) -> None:
    request = finalize(host)
    request.time.seconds = -1
    with pytest.raises(ConsensusFault, match="CH-39"):
        host.bridge.finalize_block(request)


def test_the_ledgers_header_follows_from_the_engines_block(host) -> None:
    request = finalize(host, GOOD)
    request.time.nanos += 999_999  # of a nanosecond clock, rounded down
    root = host.app.info().state_root
    answer = host.bridge.finalize_block(request)
    host.bridge.commit(abci.RequestCommit())
    header = host.app.chain.header(1)
    assert header.time_ms == 5_001
    assert (header.previous, header.state_root) == (bytes(32), root)
    assert host.app.info().state_root == answer.app_hash
    host.bridge.finalize_block(finalize(host))
    host.bridge.commit(abci.RequestCommit())
    second = host.app.chain.header(2)
    assert (second.previous, second.state_root) == (header.hash, answer.app_hash)
    assert [made.block.header.height for made in host.decided] == [1, 2]


def test_ch42_an_extension_that_we_would_refuse_is_not_sent(host, monkeypatch) -> None:
    monkeypatch.setattr(host.app, "extend_vote", lambda _: b"shares that are wrong")
    request = abci.RequestExtendVote(height=1)
    assert host.bridge.extend_vote(request).vote_extension == b""
    seen = []

    def judge(height, extension, validator):
        seen.append((height, extension, validator))

    monkeypatch.setattr(host.app, "verify_vote_extension", judge)
    assert host.bridge.extend_vote(request).vote_extension == b"shares that are wrong"
    assert seen == [(1, b"shares that are wrong", host.genesis.validators[0])]


def test_votes_are_judged_by_the_key_behind_the_address(host, monkeypatch) -> None:
    voters = []

    def judge(height, extension, validator):
        voters.append(validator)
        if not validator:
            raise InvalidBlock("CH-21", "a stranger's")

    monkeypatch.setattr(host.app, "verify_vote_extension", judge)
    (key,) = host.genesis.validators
    statuses = [
        host.bridge.verify_vote_extension(
            abci.RequestVerifyVoteExtension(height=1, validator_address=a, vote_extension=b"x")
        ).status
        for a in (mapping.address_of(key), bytes(20))
    ]
    assert voters == [key, b""]
    assert [status == ACCEPT for status in statuses] == [True, False]


def test_refused_transactions_of_a_block_are_codes_and_logs(host) -> None:
    answer = host.bridge.finalize_block(finalize(host, GOOD, b"add debt -1 ok"))
    assert [(item.code, item.log) for item in answer.tx_results] == [(0, ""), (1, "POL-001")]
    again = host.bridge.finalize_block(finalize(host, GOOD, b"add debt -1 ok"))
    assert again == answer


def test_what_misbehaved_is_kept(host) -> None:
    request = finalize(host)
    (key,) = host.genesis.validators
    item = request.misbehavior.add(type=abci.DUPLICATE_VOTE, height=1)
    item.validator.address = mapping.address_of(key)
    host.bridge.finalize_block(request)
    (found,) = host.bridge.misbehaviour
    assert (found.validator, found.kind, found.at) == (key, "DUPLICATE_VOTE", 1)


def test_queries_answer_with_a_proof_or_not_at_all(host) -> None:
    from node.store.proof import proved_value

    host.bridge.finalize_block(finalize(host, GOOD))
    host.bridge.commit(abci.RequestCommit())
    key = b"t/k"
    answer = host.bridge.query(abci.RequestQuery(path="state", data=key, prove=True))
    assert (answer.code, answer.value, answer.height) == (0, b"5", 1)
    root = host.app.chain.root_after(1)
    assert proved_value(root, key, answer.proof_ops.ops[0].data) == b"5"
    for request in (
        abci.RequestQuery(path="elsewhere", data=key),
        abci.RequestQuery(path="state", data=key, height=7),
        abci.RequestQuery(path="state", data=key, height=-1),
    ):
        assert host.bridge.query(request).code == 2


def test_calls_on_snapshots_are_answered_where_there_are_none(host) -> None:
    for kind in ("list_snapshots", "offer_snapshot", "load_snapshot_chunk", "apply_snapshot_chunk"):
        request = abci.Request()
        getattr(request, kind).SetInParent()
        assert host.bridge.answer(kind, request).WhichOneof("value") == kind


def test_golden_frames() -> None:
    """The wire of Flush, of an accepted proposal and of a state root, byte for byte."""
    flush = abci.Response(flush=abci.ResponseFlush())
    assert encode(flush).hex() == "021a00"
    status = abci.ResponseProcessProposal.ProposalStatus.ACCEPT
    accepted = abci.Response(process_proposal=abci.ResponseProcessProposal(status=status))
    assert encode(accepted).hex() == "059201020801"
    root = abci.Response(finalize_block=abci.ResponseFinalizeBlock(app_hash=b"\x11\x22"))
    assert encode(root).hex() == "07aa01042a021122"
