"""The engine's side of ABCI's socket, for tests: one connection, and a walk over the grammar.

`Walk` makes the calls that CometBFT may make, in an order that its grammar allows and a seed picks:

    recovery  = info [init_chain] height*
    height    = round* finalize_block commit
    round     = {verify} [prepare process] {verify} | {verify} [process] {verify} [extend {verify}]

Between any two calls others come on the mempool's and the query's connection.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import mapping
from node.consensus.cometbft.frames import encode, read_frame
from node.core.genesis import Genesis

ACCEPT: Final = abci.ResponseProcessProposal.ProposalStatus.ACCEPT
REJECT: Final = abci.ResponseProcessProposal.ProposalStatus.REJECT


class Refused(Exception):
    """The application answered with an exception, or hung up."""


def _hold(condition: object, what: str) -> None:
    """What a test wants, wherever it runs."""
    if not condition:
        raise AssertionError(what)


class Connection:
    """One of the four. Requests may be sent ahead; answers come in order."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @staticmethod
    async def open(path: Path) -> Connection:
        return Connection(*await asyncio.open_unix_connection(path))

    def send(self, kind: str, request: Any) -> None:
        self.send_raw(encode(abci.Request(**{kind: request})))

    def send_raw(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self, kind: str) -> Any:
        """The next answer, which must be of this kind. Raises Refused."""
        await self._writer.drain()
        frame = await read_frame(self._reader)
        if frame is None:
            raise Refused("hung up")
        response = abci.Response.FromString(frame)
        found = response.WhichOneof("value")
        if found == "exception":
            raise Refused(response.exception.error)
        if found != kind:
            raise AssertionError(f"{found} in answer to {kind}")
        return getattr(response, kind)

    async def call(self, kind: str, request: Any) -> Any:
        """One call and its flush, as CometBFT sends them."""
        self.send(kind, request)
        self.send("flush", abci.RequestFlush())
        answer = await self.receive(kind)
        await self.receive("flush")
        return answer

    async def close(self) -> None:
        self._writer.close()
        await asyncio.gather(self._writer.wait_closed(), return_exceptions=True)


def init_request(genesis: Genesis) -> abci.RequestInitChain:
    """What CometBFT says of a chain that it was told of rightly."""
    request = abci.RequestInitChain(
        chain_id=mapping.engine_chain_id(genesis),
        initial_height=1,
        app_state_bytes=json.dumps(mapping.app_state(genesis)).encode(),
    )
    request.time.FromMilliseconds(genesis.time_ms)
    for key, power in mapping.powers(genesis).items():
        request.validators.add(pub_key=abci.PublicKey(ed25519=key), power=power)
    request.consensus_params.block.max_bytes = mapping.block_bytes(genesis)
    request.consensus_params.block.max_gas = -1
    request.consensus_params.abci.vote_extensions_enable_height = 1
    return request


class Walk:
    """One engine at one application.

    Args:
        genesis: of the chain.
        draw: what decides.
        candidates: transactions for a height, of which the mempool's connection sends some.
        spoil: makes a proposal that must be refused out of a good one.
    """

    def __init__(
        self,
        genesis: Genesis,
        draw: random.Random,
        candidates: Callable[[int], Sequence[bytes]],
        spoil: Callable[[Sequence[bytes]], Sequence[bytes]],
    ) -> None:
        self._genesis = genesis
        self._draw = draw
        self._candidates = candidates
        self._spoil = spoil
        self.height = 0
        self.app_hash = b""
        self.calls = 0
        self.decided: list[tuple[int, tuple[bytes, ...]]] = []
        self._time_ms = genesis.time_ms

    async def connect(self, path: Path) -> None:
        """Four connections, and the handshake."""
        self._path = path
        self.consensus, self.mempool, self.queries, self.snapshots = [
            await Connection.open(path) for _ in range(4)
        ]
        echo = await self.queries.call("echo", abci.RequestEcho(message="hello"))
        _hold(echo.message == "hello", "echo.message == 'hello'")
        info = await self._call(self.queries, "info", abci.RequestInfo(version="0.38.25"))
        _hold(info.last_block_height == self.height, "a committed height is never lost")
        if self.height == 0:
            started = await self._call(self.consensus, "init_chain", init_request(self._genesis))
            self.app_hash = started.app_hash
        else:
            _hold(
                info.last_block_app_hash == self.app_hash,
                "info.last_block_app_hash == self.app_hash",
            )
        listed = await self._call(self.snapshots, "list_snapshots", abci.RequestListSnapshots())
        _hold(not listed.snapshots, "not listed.snapshots")

    async def disconnect(self) -> None:
        for connection in (self.consensus, self.mempool, self.queries, self.snapshots):
            await connection.close()

    async def _call(self, connection: Connection, kind: str, request: Any) -> Any:
        self.calls += 1
        return await connection.call(kind, request)

    async def decide(self) -> None:
        """Rounds until a block is decided; it is `decided[-1]`, and not yet finalized."""
        self._time_ms += self._draw.randrange(3)
        for _ in range(self._draw.choice((0, 0, 0, 1, 2))):
            await self._round(lost=True)
        txs = await self._round(lost=False)
        self.decided.append((self._time_ms, txs))

    async def finalize(self) -> abci.ResponseFinalizeBlock:
        """Of what was decided last; may come again."""
        time_ms, txs = self.decided[-1]
        request = abci.RequestFinalizeBlock(txs=txs, height=self.height + 1, hash=self._hash())
        request.time.FromMilliseconds(time_ms)
        answer: abci.ResponseFinalizeBlock = await self._call(
            self.consensus, "finalize_block", request
        )
        _hold(len(answer.tx_results) == len(txs), "len(answer.tx_results) == len(txs)")
        return answer

    async def commit(self, app_hash: bytes) -> None:
        await self._call(self.consensus, "commit", abci.RequestCommit())
        self.height, self.app_hash = self.height + 1, app_hash

    async def _round(self, *, lost: bool) -> tuple[bytes, ...]:
        await self._around()
        own = self._draw.random() < 0.5
        if own or not lost:
            txs = await self._prepare()
            _hold(await self._process(txs) == ACCEPT, "await self._process(txs) == ACCEPT")
        else:
            txs = tuple(self._spoil(self._candidates(self.height + 1)))
            _hold(await self._process(txs) == REJECT, "await self._process(txs) == REJECT")
            return txs
        await self._verify(b"")
        if self._draw.random() < 0.8:
            request = abci.RequestExtendVote(height=self.height + 1, txs=txs, hash=self._hash())
            request.time.FromMilliseconds(self._time_ms)
            extended = await self._call(self.consensus, "extend_vote", request)
            await self._verify(extended.vote_extension)
        await self._around()
        return txs

    async def _prepare(self) -> tuple[bytes, ...]:
        request = abci.RequestPrepareProposal(
            max_tx_bytes=1 << 20,
            txs=self._candidates(self.height + 1),
            height=self.height + 1,
        )
        request.time.FromMilliseconds(self._time_ms)
        votes = request.local_last_commit.votes
        votes.add(vote_extension=b"of a late vote, which nobody verified")
        answer = await self._call(self.consensus, "prepare_proposal", request)
        return tuple(answer.txs)

    async def _process(self, txs: Sequence[bytes]) -> int:
        request = abci.RequestProcessProposal(txs=txs, height=self.height + 1, hash=self._hash())
        request.time.FromMilliseconds(self._time_ms)
        answer = await self._call(self.consensus, "process_proposal", request)
        status: int = answer.status
        return status

    async def _verify(self, extension: bytes) -> None:
        """Others' votes, none of which carries anything but ours and garbage."""
        voter = mapping.address_of(self._genesis.validators[0])
        for data, wanted in ((extension, ACCEPT), (b"garbage", REJECT)):
            if self._draw.random() < 0.5:
                continue
            request = abci.RequestVerifyVoteExtension(
                height=self.height + 1,
                hash=self._hash(),
                validator_address=voter,
                vote_extension=data,
            )
            answer = await self._call(self.consensus, "verify_vote_extension", request)
            _hold(answer.status == wanted, "answer.status == wanted")

    async def _around(self) -> None:
        """CheckTx sent ahead, and a query."""
        txs = list(self._candidates(self.height + 1))
        sent = [
            abci.RequestCheckTx(tx=tx, type=self._draw.choice((abci.NEW, abci.RECHECK)))
            for tx in self._draw.sample(txs, self._draw.randrange(len(txs)))
        ]
        for request in sent:
            self.mempool.send("check_tx", request)
        self.mempool.send("flush", abci.RequestFlush())
        if self._draw.random() < 0.3:
            answer = await self._call(
                self.queries, "query", abci.RequestQuery(path="/state", data=b"c/chain", prove=True)
            )
            _hold(answer.value == self._genesis.chain_id, "answer.value == self._genesis.chain_id")
            _hold(answer.height == self.height, "answer.height == self.height")
        for _ in sent:
            await self.mempool.receive("check_tx")
        await self.mempool.receive("flush")
        self.calls += len(sent)

    def _hash(self) -> bytes:
        return self._draw.randbytes(32)
