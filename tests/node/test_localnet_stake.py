"""Real CometBFT: a validator of four votes twice and loses its power; a fifth bonds and votes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from node.app import development, localnet
from node.app.node import ENGINE_FOLDER
from node.consensus.cometbft.home import RPC_SOCKET, Timing, binary
from node.consensus.cometbft.query import Query, base64_bytes, integer, member
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import Height
from node.core.lane import LaneDomain, LaneParameters
from node.core.stake import MILLION
from node.lane import domains, payload
from node.lane.payload import SealTx
from node.rpc.stake_schema import StakedView
from node.stake.transaction import BondTx, Tag, sign, wire
from node.testing.localnets import WAIT_S, Localnet, until
from private_exec.envelope import Terms, seal_intent, size_class_of, size_of
from transparent.signature import SigningKey

needs_engine = pytest.mark.skipif(
    binary() is None, reason="CometBFT is not here: `make cometbft`, which needs Go"
)
FAUCET = SigningKey(DEV_FAUCET_SEED)
EPOCH = 12
MARKET = LaneDomain(1, "market", period=6, fee=100, solve_period=10)
LANE = LaneParameters((MARKET,), epoch_heights=300, lead=20, round_heights=3)
TIMING = Timing(propose=600, vote=200, more=100)


class Net(Localnet):
    """Four validators with equal bonds."""

    def __init__(self, lane: LaneParameters | None = None) -> None:
        epoch = lane.epoch_heights if lane else EPOCH
        super().__init__(
            4,
            block_ms=150,
            more=2,
            timing=TIMING,
            lane=lane,
            stake=lambda keys: development.stake(keys, epoch),
        )

    def signer(self, number: int) -> SigningKey:
        """A node's own key, as that of an account."""
        return SigningKey(self.key(number).secret())

    def height(self) -> int:
        return self.clients[1].status().height

    def powers(self, number: int = 1) -> dict[bytes, int]:
        """Who votes next, as this node's CometBFT has it."""
        query = Query(self.home(number) / ENGINE_FOLDER / RPC_SOCKET)
        return {
            base64_bytes(member(item, "pub_key", "value")): integer(member(item, "voting_power"))
            for item in member(query.ask("validators", per_page=100), "validators")
        }

    def at_fault(self, number: int, key: bytes) -> StakedView | None:
        """A validator whose fault this node's state knows."""
        found = self.clients[number].stake().validators
        return next((v for v in found if v.key == f"0x{key.hex()}" and v.fault), None)


@pytest.fixture
def net() -> Iterator[Net]:
    with Net() as found:
        found.up()
        yield found


@needs_engine
@pytest.mark.oracle_cometbft
def test_st5_who_votes_twice_loses_its_power_and_its_bond_and_a_fifth_takes_part(net: Net) -> None:
    start = until(lambda: net.height() >= 1 and net.powers(), "there is a block")
    assert set(start.values()) == {development.BOND // net.genesis.stake.unit}
    liar = net.signer(0).account
    fifth = net.signer(net.add())
    net.add(net.key(0))  # a second CometBFT with the key of node 0, which remembers no vote
    net.up()
    bond = BondTx(
        Tag.BOND,
        net.genesis.chain_id,
        fifth.account,
        FAUCET.account,
        2 * development.BOND,
        1000,
        Height(net.height() + 60),
    )
    net.clients[2].submit(wire(sign(bond, FAUCET, fifth)))
    until(lambda: liar not in net.powers(), "the power of who voted twice is 0")
    assert set(net.powers()) - {fifth.account} == set(start) - {liar}  # it may vote by now
    for number in range(5):
        found = until(lambda n=number: net.at_fault(n, liar), "punished on every node")
        assert int(found.bonded) == development.BOND - development.BOND * 50_000 // MILLION
        assert found.power == 0
    both = until(lambda: fifth.account in net.powers() and net.powers(), "the fifth votes")
    assert both[fifth.account] == 2 * development.BOND // net.genesis.stake.unit
    until(lambda: net.powers(4) == net.powers(1), "and knows it")
    # 2 of the remaining 5 units are the fifth's: without its votes there is no block
    before = net.height()
    until(lambda: net.height() >= before + 3, "others go on, and the fifth with them")


@needs_engine
@pytest.mark.slow
@pytest.mark.oracle_cometbft
def test_st21_whose_shares_are_wrong_is_punished_and_the_batch_opens_all_the_same() -> None:
    """Three honest nodes hear the fourth's shares in its votes, and send the evidence."""
    with Net(lane=LANE) as net:
        cometbft = localnet.binary()
        lying = ("node.testing.lying_node", "WRONG_SHARES")
        localnet.start_one(net.homes[3], 0, cometbft, lying)
        net.up()
        client, liar = net.clients[1], net.signer(3).account
        key = client.lane.wait_for_key(net.genesis, MARKET.number, WAIT_S)
        client.submit(sealed(net, key))
        for number in range(3):
            found = until(lambda n=number: net.at_fault(n, liar), "punished on every honest node")
        cut = net.genesis.stake.wrong_share
        assert int(found.bonded) == development.BOND - development.BOND * cut // MILLION
        until(lambda: liar not in net.powers(), "its power is 0")
        before = net.height()
        until(lambda: net.height() >= before + 5, "three of three go on")


def sealed(net: Net, key) -> bytes:
    """An intent of the faucet's, as a transaction."""
    data = b"to nobody"
    size_class = size_class_of(len(data))
    fee = domains.least_fee(net.genesis, MARKET.number, size_of(size_class), 0)
    last = LANE.last_height(key.epoch)
    terms = Terms(FAUCET.account, 0, fee, 0, last, size_class)
    envelope = seal_intent(key, terms, data, FAUCET, bytes(32))
    return payload.wire(SealTx(MARKET.number, envelope))
