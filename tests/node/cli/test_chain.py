"""`chiaro chain …`: public data, without a wallet, over a small node."""

from __future__ import annotations

import json
from dataclasses import dataclass

import msgspec
import pytest

from node.cli import chain
from node.core.ids import NATIVE
from node.rpc import schema
from node.rpc.client import NodeClient


@pytest.fixture
def story(cli):
    """Alice shields ten and sends a little to herself: blocks 1 (faucet), 2 and 3."""
    cli.wallet("alice")
    shielded = cli.pay("shield", "10").data["operation"]
    address = cli.json("address", "list").data["addresses"][0]["address"]
    sent = cli.pay("send", "1.234567", address, "--memo", "for nobody else").data["operation"]
    return shielded, sent


def test_head_and_block_agree(cli, story) -> None:
    head = cli.json("chain", "head")
    assert head.document["freshness"] == {"height": head.data["height"]}
    tip = cli.json("chain", "block").data
    assert (tip["height"], tip["hash"]) == (head.data["height"], head.data["block_hash"])
    assert tip["state_root"] == head.data["state_root"]
    before = cli.json("chain", "block", str(tip["height"] - 1)).data
    assert tip["previous"] == before["hash"]
    assert tip["state_root_before"] == before["state_root"]
    assert [item["tx_id"] for item in tip["transactions"]] == [story[1]["tx_id"]]


def test_block_for_people_lists_its_transactions(cli, story) -> None:
    shown = cli("chain", "block")
    assert shown.code == 0
    assert story[1]["tx_id"] in shown.out


@pytest.mark.parametrize("height", ["x", "-1", "9" * 5000, "１"])
def test_what_is_no_height_is_a_usage_error(cli, height: str) -> None:
    assert cli.json("chain", "block", "--", height).code == 2


def test_a_block_that_is_not_there_is_a_no(cli) -> None:
    found = cli.json("chain", "block", "77")
    assert (found.code, found.error["code"]) == (1, "NOD-003")


def test_a_private_transfer_shows_no_amount_and_no_memo(cli, story) -> None:
    found = cli.json("chain", "tx", story[1]["tx_id"])
    data = found.data
    assert (data["state"], data["environment"]) == ("included", "shielded")
    assert data["crossings"] == []
    action = data["actions"][0]
    assert len(action["nullifiers"]) == len(action["commitments"]) == 2
    assert len(bytes.fromhex(action["proof"][2:])) == 128
    for shown in (found.out, cli("chain", "tx", story[1]["tx_id"]).out):
        assert "for nobody else" not in shown
        assert "1.234567" not in shown
        assert "1234567" not in shown


def test_a_shielding_shows_account_and_amount(cli, story) -> None:
    data = cli.json("chain", "tx", story[0]["tx_id"]).data
    account = cli.json("wallet", "show").data["account"]
    crossing = data["crossings"][0]
    assert crossing["account"].removeprefix("0x") == account.removeprefix("0x")
    assert crossing["direction"] == "enters the pool"
    assert crossing["unit"] == "native"
    assert float(crossing["amount"]) == pytest.approx(10, abs=0.1)
    assert crossing["account"] in cli("chain", "tx", story[0]["tx_id"]).out


def test_a_transparent_transaction_shows_all_of_it(cli, story) -> None:
    faucet = cli.json("chain", "block", "1").data["transactions"][0]
    data = cli.json("chain", "tx", "tx:" + faucet["tx_id"]).data
    assert data["environment"] == "transparent"
    assert data["transfers"][0]["unit"] == "native"
    assert data["sender"] in cli("chain", "tx", faucet["tx_id"]).out


def test_an_unknown_transaction_is_a_no_and_a_wrong_id_is_usage(cli) -> None:
    assert cli.json("chain", "tx", "00" * 32).code == 1
    for wrong in ("00" * 31, "zz" * 32, "1", " ".join(["00"] * 32)):
        assert cli.json("chain", "tx", wrong).code == 2


def test_root_is_the_anchor_that_the_next_transfer_uses(cli, story) -> None:
    root = cli.json("chain", "root").data
    assert root["notes"] == 4
    address = cli.json("address", "list").data["addresses"][0]["address"]
    later = cli.pay("send", "1", address).data["operation"]
    action = cli.json("chain", "tx", later["tx_id"]).data["actions"][0]
    assert action["anchor"] == root["anchor"]


def test_nullifiers_are_found_in_either_form(cli, story) -> None:
    spent = cli.json("chain", "tx", story[1]["tx_id"]).data["actions"][0]["nullifiers"][0]
    found = cli.json("chain", "nullifier", spent)
    assert found.code == 0
    assert found.data["spent"] is True
    assert cli.json("chain", "nullifier", found.data["bytes"]).data == found.data
    unknown = cli.json("chain", "nullifier", "12")
    assert (unknown.code, unknown.data["spent"]) == (1, False)


@pytest.mark.parametrize("value", ["9" * 77, "9" * 5000, "0x00", "nothing"])
def test_what_is_no_nullifier_is_a_usage_error(cli, value: str) -> None:
    assert cli.json("chain", "nullifier", value).code == 2


def test_supply_adds_up_and_says_where_it_is(cli, story) -> None:
    found = cli.json("chain", "supply")
    assert found.code == 0
    native = next(kind for kind in found.data["kinds"] if kind["asset"] == "native")
    parts = (int(native[part]) for part in ("transparent", "shielded", "private"))
    assert sum(parts) == int(native["issued"])
    assert int(native["shielded"]) > 0
    assert {kind["asset"] for kind in found.data["kinds"]} >= {"native", "gold", "silver"}
    assert "the supply adds up" in cli("chain", "supply").out


@dataclass
class Liar:
    """A node that says `balanced` over sums that are not."""

    report: schema.SupplyReport

    def supply(self) -> schema.SupplyReport:
        kinds = [
            msgspec.structs.replace(kind, shielded=str(int(kind.shielded) + 1))
            for kind in self.report.kinds
        ]
        return msgspec.structs.replace(self.report, kinds=kinds, balanced=True)


def test_sums_are_done_here_again_and_a_wrong_one_is_exit_1(cli, node, monkeypatch) -> None:
    liar = Liar(node.supply())
    monkeypatch.setattr(NodeClient, "supply", lambda _self: liar.supply())
    found = cli.json("chain", "supply")
    assert found.code == 1
    assert found.data["balanced"] is False
    assert "DOES NOT ADD UP" in cli("chain", "supply").out


def test_ex41_the_supply_says_where_amounts_moved_in_the_dark(cli, node, monkeypatch) -> None:
    report = node.supply()
    (native,) = [kind for kind in report.kinds if kind.kind.kind == NATIVE]
    both = int(native.shielded) + int(native.private)
    dark = msgspec.structs.replace(
        native, shielded=str(both + 7_500_000), private="-7500000", hidden_into=2, hidden_out_of=1
    )
    kinds = [dark if kind is native else kind for kind in report.kinds]
    shown = msgspec.structs.replace(report, kinds=kinds)
    assert "nobody sees" not in cli("chain", "supply").out
    monkeypatch.setattr(NodeClient, "supply", lambda _self: shown)
    found = cli.json("chain", "supply")
    assert found.code == 0
    (row,) = [row for row in found.data["kinds"] if row["asset"] == "native"]
    assert (row["private"], row["hidden_into"], row["hidden_out_of"]) == ("-7500000", 2, 1)
    assert int(row["joint"]) == both
    out = " ".join(cli("chain", "supply").out.split())
    assert "the private pool 2 times, back 1 times" in out
    assert "-7.5" in out


def test_a_kind_without_a_name_is_shown_by_its_label() -> None:
    view = schema.KindView(logic="0", label="255")
    assert chain.asset_name(view) == "0x" + "0" * 62 + "ff"
    native = schema.KindView(logic="0", label=str(NATIVE.label))
    assert chain.asset_name(native) == "native"


def test_without_a_node_every_command_says_so(offline) -> None:
    for words in (["head"], ["block"], ["root"], ["supply"], ["nullifier", "1"], ["tx", "00" * 32]):
        found = offline.json("chain", *words)
        assert (found.code, found.error["code"]) == (6, "NOD-002"), words
        json.loads(found.out)
