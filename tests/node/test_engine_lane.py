"""The sealed lane on CometBFT's calls: four nodes, shares in votes, no gossip of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from node.app import development
from node.app.options import Options
from node.app.validator import Belongings
from node.consensus.cometbft import abci_pb2 as abci
from node.consensus.cometbft import mapping
from node.core.genesis import DEV_FAUCET_SEED
from node.core.lane import LaneDomain, LaneParameters
from node.lane import layout
from node.lane.layout import Stage
from node.lane.payload import SealTx, Tag, tag_of_wire, wire
from node.lane.validator.extension import decode
from node.testing.clock import EPOCH_MS
from node.testing.keepers import consensus_keys
from node.testing.nodes import memory_node
from private_exec.envelope import Terms, seal_intent
from private_exec.shares import ShareMessage
from transparent.signature import SigningKey

LANE = LaneParameters((LaneDomain(0, "main", period=2, solve_period=2),), epoch_heights=40)
ACCEPT = abci.ResponseVerifyVoteExtension.VerifyStatus.ACCEPT
COMMIT = abci.BlockIDFlag.BLOCK_ID_FLAG_COMMIT


class Chain:
    """CometBFT's part, by hand: it decides what the first node proposes, and delivers all votes."""

    def __init__(self, n: int) -> None:
        self.keys = consensus_keys(n)
        self.genesis = development.genesis(
            EPOCH_MS, validators=tuple(key.public for key in self.keys), lane=LANE
        )
        self.nodes = [
            memory_node(
                self.genesis,
                validator=Belongings.in_memory(key),
                options=Options(port=0, engine=Path("unused")),
            )
            for key in self.keys
        ]
        for node in self.nodes:
            node.start()
        self.votes: list[bytes] = [b""] * n
        self.carried: dict[int, list[tuple[ShareMessage, ...]]] = {}

    @property
    def height(self) -> int:
        return self.nodes[0].store.height

    @property
    def state(self):
        return self.nodes[0].store.reader()

    def _stamp(self, request):
        request.height = self.height + 1
        request.time.FromMilliseconds(EPOCH_MS + 10 * (self.height + 1))
        return request

    def step(self, proposer: int = 0) -> list[bytes]:
        """A height; what the mempools hold is gossiped before it."""
        pending = [tx for node in self.nodes for tx in node.pool.pending(1 << 20)]
        for node in self.nodes:
            node.engine.bridge.check([abci.RequestCheckTx(tx=tx) for tx in pending])
        request = self._stamp(abci.RequestPrepareProposal(max_tx_bytes=1 << 20))
        for key, extension in zip(self.keys, self.votes, strict=True):
            vote = request.local_last_commit.votes.add(
                vote_extension=extension, block_id_flag=COMMIT
            )
            vote.validator.address = mapping.address_of(key.public)
        txs = list(self.nodes[proposer].engine.bridge.prepare_proposal(request).txs)
        process = self._stamp(abci.RequestProcessProposal(txs=txs))
        for node in self.nodes:
            assert node.engine.bridge.process_proposal(process).status == ACCEPT
        self._vote(txs)
        finalize = self._stamp(abci.RequestFinalizeBlock(txs=txs))
        answers = [node.engine.bridge.finalize_block(finalize) for node in self.nodes]
        assert len({answer.app_hash for answer in answers}) == 1
        for node in self.nodes:
            node.engine.bridge.commit(abci.RequestCommit())
        return txs

    def _vote(self, txs: list[bytes]) -> None:
        extend = self._stamp(abci.RequestExtendVote(txs=txs))
        self.votes = [node.engine.bridge.extend_vote(extend).vote_extension for node in self.nodes]
        self.carried[self.height + 1] = [decode(vote) for vote in self.votes]
        for key, extension in zip(self.keys, self.votes, strict=True):
            verify = abci.RequestVerifyVoteExtension(
                height=self.height + 1,
                validator_address=mapping.address_of(key.public),
                vote_extension=extension,
            )
            for node in self.nodes:
                assert node.engine.bridge.verify_vote_extension(verify).status == ACCEPT

    def close(self) -> None:
        for node in self.nodes:
            node.close()


@pytest.fixture
def chain():
    found = Chain(4)
    yield found
    found.close()


def test_cl7_votes_carry_shares_of_lower_heights_only_and_a_batch_is_opened(chain) -> None:
    while layout.key_of(chain.state, 0, 0) is None:
        chain.step(chain.height % 4)
        assert chain.height < 20
    while chain.height % 2:
        chain.step()
    payer = SigningKey(DEV_FAUCET_SEED)
    terms = Terms(payer.account, 1, 10_000, 1, 40, 0)
    key = layout.key_of(chain.state, 0, 0)
    sealed = wire(SealTx(0, seal_intent(key, terms, b"nothing", payer, b"\x01" * 32)))
    assert chain.nodes[2].pool.add(sealed).error is None
    while not chain.step(1) or not layout.live(chain.state):
        assert chain.height < 30
    while layout.live(chain.state)[0].stage is not Stage.CLOSED:
        chain.step(2)
    closed = chain.height
    assert chain.carried[closed] == [()] * 4, "the vote for the block that closes it carries none"
    assert chain.step(3) == [], "nothing stands before the opening (P1-1)"
    assert [len(messages) for messages in chain.carried[closed + 1]] == [1] * 4
    opened = chain.step(0)
    assert tag_of_wire(opened[0]) is Tag.REVEAL
    (item,) = layout.live(chain.state)
    assert layout.plaintexts(chain.state, item.ref) == {0: b"nothing"}
    while layout.live(chain.state):
        chain.step(1)
    for height, votes in chain.carried.items():
        assert all(message.height < height for messages in votes for message in messages)
