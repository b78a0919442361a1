"""What a node says of stake over RPC, and what it refuses to go on with."""

from __future__ import annotations

import dataclasses

import pytest

from node.core.errors import ConsensusFault, NotFound
from node.core.genesis import DEV_FAUCET_SEED
from node.core.ids import NATIVE, EnvironmentId, Height
from node.core.stake import GenesisBond, StakeParameters
from node.execution import turnstile
from node.stake.faults import FaultKind
from node.stake.transaction import BondTx, EvidenceTx, Tag, sign, wire
from node.testing.nodes import VALIDATOR, development_genesis, memory_node, serving
from transparent.signature import SigningKey
from zk.errors import ChiaroError

FAUCET = SigningKey(DEV_FAUCET_SEED)
BOND = 5_000_000


def staked(epoch_heights: int = 3):
    bond = GenesisBond(VALIDATOR.public, FAUCET.account, BOND)
    stake = StakeParameters((bond,), epoch_heights=epoch_heights, unbonding_epochs=2)
    return dataclasses.replace(development_genesis(), lane=None, stake=stake)


def tx(node, tag: Tag, amount: int, who: SigningKey | None = None) -> bytes:
    key = VALIDATOR.public if who is None else who.account
    expiry = Height(node.store.height + 10)
    bare = BondTx(tag, node.genesis.chain_id, key, FAUCET.account, amount, 1000, expiry)
    return wire(sign(bare, FAUCET, who))


def test_rpc46_a_chain_without_stake_has_no_document_of_it():
    with serving(memory_node()) as client, pytest.raises(NotFound, match="RPC-46"):
        client.stake()


def test_rpc47_bonds_weights_notice_and_faults_are_those_behind_the_last_block():
    node = memory_node(staked())
    with serving(node) as client:
        found = client.stake()
        assert (found.height, found.epoch, found.until) == (0, 0, 3)
        assert (found.held, found.lost) == (str(BOND), "0")
        assert found.fractions == {
            "duplicate-vote": 50_000, "two-roots": 50_000, "wrong-share": 10_000,
            "key-generation": 10_000,
        }  # fmt: skip
        (mine,) = found.validators
        assert mine.key == "0x" + VALIDATOR.public.hex()
        assert mine.owner == "0x" + FAUCET.account.hex()
        assert (mine.bonded, mine.weight, mine.next, mine.power) == (str(BOND), 5, 5, 5)
        assert (mine.fault, mine.notices) == (0, [])
        client.submit(tx(node, Tag.UNBOND, 2_000_000))
        while client.status().height < 4:
            client.make_block()
        found = client.stake()
        assert (found.height, found.epoch, found.until) == (client.status().height, 1, 6)
        (mine,) = found.validators
        assert (mine.bonded, mine.weight, mine.next, mine.power) == ("3000000", 5, 3, 5)
        (notice,) = mine.notices
        assert (notice.epoch, notice.amount, notice.due) == (0, "2000000", 10)
        (row,) = [row for row in client.supply().kinds if row.kind.kind == NATIVE]
        assert row.stake == found.held == str(BOND)
        assert row.balanced
        while client.status().height < 9:
            client.make_block()
        client.submit(tx(node, Tag.WITHDRAW, 0))
        client.make_block()
        assert client.stake().validators[0].notices == []
        held = turnstile.totals(node.store.reader(), EnvironmentId.STAKE, NATIVE).held
        assert client.stake().held == str(held) == "3000000"


def test_ch26_the_embedded_engine_stops_when_somebody_else_votes():
    node = memory_node(staked(1))
    other = SigningKey(b"\x07" * 32)

    def go_on() -> None:
        with serving(node) as client:
            client.submit(tx(node, Tag.BOND, 2_000_000, other))
            for _ in range(4):
                client.make_block()

    with pytest.raises(ConsensusFault, match="CH-26"):
        go_on()


def test_evidence_that_proves_nothing_takes_no_place():
    node = memory_node(staked())
    with serving(node) as client:
        for kind, rule in ((FaultKind.DUPLICATE_VOTE, "ENC"), (FaultKind.TWO_ROOTS, "ST-21")):
            with pytest.raises(ChiaroError) as caught:
                client.submit(wire(EvidenceTx(node.genesis.chain_id, kind, b"x")))
            assert caught.value.id.startswith(rule)
        assert client.mempool().txs == 0
