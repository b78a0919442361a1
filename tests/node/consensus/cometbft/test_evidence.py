"""What an engine's decision is evidence of, and when; and late votes' extensions."""

from __future__ import annotations

import pytest

from node.consensus.application import LedgerApplication
from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.finality import DecidedBlock
from node.core.errors import StoreError
from private_exec.errors import NotFinal
from zk.errors import NonCanonical

ROOT = b"\x01" * 32


def finalize(host, *txs: bytes) -> None:
    request = abci.RequestFinalizeBlock(txs=txs, height=host.app.info().height + 1)
    request.time.FromMilliseconds(5_000)
    host.bridge.finalize_block(request)


def test_cl7_final_is_what_the_engine_had_us_commit(host) -> None:
    evidence = DecidedBlock(host.app.chain, lambda _: (ROOT,))
    finalize(host, b"add k 5 ok")
    block_hash = host.app.finalized.block.header.hash

    def refused(height: int, hash_: bytes, root: bytes) -> str:
        with pytest.raises(NotFinal, match="CL-7") as caught:
            evidence.confirm(height, hash_, root)
        assert caught.value.rule == "PX-1"
        return caught.value.message

    assert "not on this node's disk" in refused(1, block_hash, ROOT)  # executed, not committed
    host.bridge.commit(abci.RequestCommit())
    evidence.confirm(1, block_hash, ROOT)
    assert "not on this node's disk" in refused(0, block_hash, ROOT)
    assert "not on this node's disk" in refused(2, block_hash, ROOT)
    assert "another block" in refused(1, ROOT, ROOT)
    assert "does not order" in refused(1, block_hash, b"\x02" * 32)


class Lane:
    """`SealedLane` that can read one extension only."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.read: list[bytes] = []

    def lead(self, state, height):
        return (), True

    def passes(self, data: bytes) -> bool:
        return True

    def check_lead(self, txs, state, height) -> None:
        pass

    def receive(self, extension: bytes) -> None:
        if extension == b"unreadable":
            raise self.error
        self.read.append(extension)


@pytest.mark.parametrize(
    ("error", "stops"), [(NonCanonical("no"), False), (StoreError("no"), True)]
)
def test_ch43_unreadable_extensions_of_late_votes_are_left_out(host, error, stops) -> None:
    lane = Lane(error)
    app = LedgerApplication(host.genesis, host.executor, host.store, lane=lane)
    extensions = (b"first", b"unreadable", b"last")
    if stops:
        with pytest.raises(StoreError):
            app.prepare_proposal(1, (b"add k 5 ok",), 1000, extensions)
        return
    assert app.prepare_proposal(1, (b"add k 5 ok",), 1000, extensions) == (b"add k 5 ok",)
    assert lane.read == [b"first", b"last"]
