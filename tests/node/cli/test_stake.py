"""`chiaro validator bond | unbond | withdraw | stake | evidence`."""

from __future__ import annotations

import dataclasses

import msgspec
import pytest

from node.core.genesis import Allocation
from node.core.ids import NATIVE, AccountId
from node.core.stake import GenesisBond, StakeParameters
from node.lane.validator import identity
from node.rpc.client import NodeClient
from node.stake import state as entries
from node.stake.transaction import MAX_EVIDENCE
from node.testing.nodes import VALIDATOR, development_genesis, memory_node, serving

OWN = "0x" + VALIDATOR.public.hex()
BOND, PURSE = 5_000_000, 50_000_000
EPOCH = 4


@pytest.fixture
def chain(offline):
    """The command line of a wallet that owns the only validator's bond."""
    account = offline.wallet("alice")["account"]
    owner = AccountId(bytes.fromhex(account[2:]))
    bonds = (GenesisBond(VALIDATOR.public, owner, BOND),)
    plain = development_genesis()
    genesis = dataclasses.replace(
        plain,
        lane=None,
        stake=StakeParameters(bonds, epoch_heights=EPOCH, unbonding_epochs=2),
        allocations=tuple(sorted((*plain.allocations, Allocation(owner, NATIVE, PURSE)))),
    )
    node = memory_node(genesis)
    with serving(node) as client:
        offline.url, offline.node, offline.client, offline.owner = client.url, node, client, account
        yield offline


def to(chain, height: int) -> None:
    while chain.client.status().height < height:
        chain.client.make_block()


def test_bond_unbond_withdraw(chain) -> None:
    made = chain.pay("validator", "bond", "2", "--validator", OWN, "--fee", "0.01")
    assert made.code == 0, made.out
    assert made.data == {
        "tx_id": made.data["tx_id"],
        "status": "included",
        "height": 1,
        "code": "ok",
        "validator": OWN,
        "owner": chain.owner,
        "amount": {"amount": "2", "unit": "native"},
        "fee": {"amount": "0.01", "unit": "native"},
    }
    seen = chain.json("chain", "tx", made.data["tx_id"])
    assert (seen.code, seen.data["environment"]) == (0, "stake"), seen.out
    assert chain("chain", "tx", made.data["tx_id"]).code == 0
    gone = chain.pay("validator", "unbond", "3", "--validator", OWN)
    assert (gone.code, gone.data["status"]) == (0, "included")
    seen = chain.json("validator", "stake").data
    assert (seen["height"], seen["epoch"], seen["until"]) == (2, 0, EPOCH)
    assert (seen["unit"], seen["weight_unit"], seen["held"]) == ("base units", "1000000", "7000000")
    (row,) = seen["validators"]
    due = EPOCH * 3 + 1
    assert row == {
        "key": OWN, "owner": chain.owner, "bonded": "4000000", "weight": 5, "next": 5, "power": 5,
        "fault": 0, "notices": [{"epoch": 0, "amount": "3000000", "due": due}],
    }  # fmt: skip
    shown = chain("validator", "stake").out
    assert "4" in shown
    assert f"3, from block {due}" in shown
    early = chain.pay("validator", "withdraw", "--validator", OWN)
    assert early.code == 5
    assert early.error["code"] == "ST-14"
    to(chain, due - 1)
    have = chain.client.account(bytes.fromhex(chain.owner[2:])).balance(NATIVE)
    back = chain.pay("validator", "withdraw", "--validator", OWN)
    assert (back.code, back.data["status"]) == (0, "included")
    after = chain.client.account(bytes.fromhex(chain.owner[2:])).balance(NATIVE)
    assert after == have + 3_000_000 - chain.node.genesis.parameters.fee_floor
    supply = chain.json("chain", "supply").data
    native = next(row for row in supply["kinds"] if row["asset"] == "native")
    assert (native["stake"], supply["balanced"]) == ("4000000", True)


def test_the_first_bond_takes_the_key_file(chain) -> None:
    new = "0x" + bytes(range(32)).hex()
    refused = chain.pay("validator", "bond", "2", "--validator", new)
    assert (refused.code, refused.error["code"]) == (2, "USE-001")
    assert chain.pay("validator", "bond", "2").code == 2
    own = chain.json("validator", "init").data["validator"]
    assert chain.pay("validator", "bond", "2").data["validator"] == own
    record = entries.validator(chain.node.store.reader(), bytes.fromhex(own[2:]))
    assert record == entries.Validator(AccountId(bytes.fromhex(chain.owner[2:])), 2_000_000)
    again = chain.pay("validator", "bond", "1")
    assert (again.code, again.data["status"]) == (0, "included")
    secret = identity.load(chain.home / "node" / identity.KEY_FILE).secret().hex()
    assert not any(secret in text for text in chain.printed)


def test_a_development_faucet_pays_in_what_a_bond_lacks(chain) -> None:
    made = chain.pay("validator", "bond", "5000", "--validator", OWN)
    assert (made.code, made.data["status"]) == (0, "included"), made.out
    left = chain.client.account(bytes.fromhex(chain.owner[2:])).balance(NATIVE)
    assert left == 0
    notice = chain.pay("validator", "unbond", "1", "--validator", OWN)
    assert (notice.code, notice.data["status"]) == (0, "included"), notice.out
    (row,) = chain.json("validator", "stake").data["validators"]
    assert row["bonded"] == str(BOND + 4_999_000_000)


def test_without_a_faucet_a_bond_says_what_lacks(chain, monkeypatch) -> None:
    status = chain.client.status()
    monkeypatch.setattr(
        NodeClient, "status", lambda _: msgspec.structs.replace(status, faucet=None)
    )
    refused = chain.pay("validator", "bond", "5000", "--validator", OWN)
    assert (refused.code, refused.error["code"]) == (5, "WOP-005")
    assert "lacks 4950.001 native" in refused.error["message"]
    assert "unshield" in refused.error["hint"]


def test_what_the_chain_refuses_is_said(chain) -> None:
    assert chain.pay("validator", "unbond", "4.5", "--validator", OWN).error["code"] == "ST-13"
    chain.wallet("bob")
    other = chain.pay("validator", "unbond", "1", "--validator", OWN, "--wallet", "bob")
    assert other.error["code"] == "ST-10"
    assert chain.pay("validator", "bond", "0", "--validator", OWN).code == 2


def test_evidence(chain, tmp_path) -> None:
    file = tmp_path / "evidence"
    assert chain.json("validator", "evidence", "duplicate-vote", str(file)).code == 2
    file.write_bytes(bytes(MAX_EVIDENCE + 1))
    assert chain.json("validator", "evidence", "duplicate-vote", str(file)).code == 2
    file.write_bytes(b"nothing")
    assert chain.json("validator", "evidence", "theft", str(file)).code == 2
    found = chain.json("validator", "evidence", "two-roots", str(file))
    assert (found.code, found.error["code"]) == (5, "ST-21")
    assert chain.json("validator", "evidence", "duplicate-vote", str(file)).code == 3
    to(chain, 2)
    file.write_bytes(votes(chain.node.genesis).to_bytes())
    made = chain.json("validator", "evidence", "duplicate-vote", str(file))
    assert made.code == 0, made.out
    assert (made.data["status"], made.data["kind"]) == ("included", "duplicate-vote")
    (row,) = chain.json("validator", "stake").data["validators"]
    assert (row["fault"], row["bonded"]) == (made.data["height"], str(BOND * 95 // 100))
    assert "block 3" in chain("validator", "stake").out


def votes(genesis):
    from node.testing.stake import double_vote
    from transparent.signature import SigningKey

    return double_vote(genesis, SigningKey(VALIDATOR.secret()), 1)


def test_a_chain_without_stake(offline) -> None:
    with serving(memory_node()) as client:
        offline.url = client.url
        found = offline.json("validator", "stake")
        assert "RPC-46" in found.error["message"]
