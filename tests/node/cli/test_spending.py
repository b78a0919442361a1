"""`shield`, `send`, `unshield`, `balance`, `tx …` over a node that believes proofs."""

from __future__ import annotations

import json

import pytest
from filelock import FileLock

from node.cli import keystore, wallets
from node.cli.session import Places
from node.core.genesis import DEV_FAUCET_SEED
from node.rpc.client import NodeClient
from transparent.signature import SigningKey

FOREIGN_ACCOUNT = "0x" + SigningKey(DEV_FAUCET_SEED).account.hex()


def amounts(result, asset="native"):
    """(spendable, pending, transparent) of one asset."""
    found = next(item for item in result.data["assets"] if item["asset"] == asset)
    assert found["spendable"]["unit"] == asset
    return tuple(found[name]["amount"] for name in ("spendable", "pending", "transparent"))


@pytest.fixture
def funded(cli):
    """Wallet `alice` with 10 shielded."""
    cli.wallet("alice")
    shielded = cli.pay("shield", "10")
    assert shielded.code == 0, shielded.out
    return cli


def test_shield_send_unshield_move_what_they_say(funded) -> None:
    bob = funded.wallet("bob")
    assert amounts(funded.json("balance", "--wallet", "alice")) == ("10", "0", "0")

    sent = funded.pay("send", "4.25", bob["address"], "--memo", "rent", "--wallet", "alice").data[
        "operation"
    ]
    assert (sent["state"], sent["amount"], sent["memo"]) == (
        "included",
        {"amount": "4.25", "unit": "native"},
        "rent",
    )
    assert amounts(funded.json("balance", "--wallet", "alice")) == ("5.749", "0", "0")
    assert amounts(funded.json("balance", "--wallet", "bob")) == ("4.25", "0", "0")

    out = funded.pay("unshield", "1", "--wallet", "bob").data["operation"]
    assert out["to"] == bob["account"]
    assert amounts(funded.json("balance", "--wallet", "bob")) == ("3.249", "0", "1")


def test_the_receiver_reads_the_memo_and_strangers_see_no_amount(funded) -> None:
    bob = funded.wallet("bob")
    sent = funded.pay("send", "2", bob["address"], "--memo", "for tea", "--wallet", "alice").data
    tx_id = sent["operation"]["tx_id"]
    seen = funded.json("sync", "--wallet", "bob")
    assert seen.data["movements"] == 1
    known = funded.json("tx", "show", tx_id, "--wallet", "bob").data["known"]
    assert [(k["direction"], k["amount"], k["memo"]) for k in known] == [
        ("received", "2", "for tea")
    ]
    funded.wallet("stranger")
    public = funded.json("tx", "show", tx_id, "--wallet", "stranger").data
    assert public["known"] == []
    assert public["public_values"] == []
    assert public["fee"] == {"amount": "0.001", "unit": "native"}
    assert "for tea" not in json.dumps(public)


def test_the_draft_says_what_is_revealed_and_sends_nothing(funded) -> None:
    before = funded.json("tx", "list").data["operations"]
    to = funded.json("address", "list").data["addresses"][0]["address"]
    draft = funded.json("send", "1", to, "--dry-run").data
    assert draft["shape"] == "shielded → shielded"
    assert draft["sent"] is False
    height = funded.json("balance").data["height"]
    assert draft["anonymity_set"] == anonymity_set(funded, height)
    assert draft["change"]["amount"] == "8.999"
    assert any("fee" in line for line in draft["reveals"])
    out = funded.json("unshield", "1", "--dry-run").data
    assert any("leaves to the transparent account" in line for line in out["reveals"])
    assert funded.json("tx", "list").data["operations"] == before


def anonymity_set(cli, height: int) -> int:
    """How many notes the node's tree holds."""
    with NodeClient(cli.url) as client:
        return client.anchor(height).notes


def test_people_are_shown_the_draft_before_they_are_asked(funded, monkeypatch) -> None:
    monkeypatch.setattr("node.cli.prompts.can_ask", lambda _session: True)
    asked = []
    monkeypatch.setattr("typer.confirm", lambda question, **_: asked.append(question))
    result = funded("unshield", "1")
    assert (result.code, result.out) == (130, "")
    assert asked == ["Continue on dev?"]
    for label in ("pay", "fee", "change", "shape", "reveals", "set"):
        assert f"  {label} " in result.err
    assert len(funded.json("tx", "list").data["operations"]) == 1


def test_without_a_yes_nothing_is_sent(funded) -> None:
    refused = funded.json("unshield", "1")
    assert (refused.code, refused.error["code"]) == (2, "USE-002")
    assert len(funded.json("tx", "list").data["operations"]) == 1


def test_a_wrong_password_sends_nothing(funded, tmp_path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("battery staple")
    refused = funded.json("unshield", "1", "--yes", "--password-file", str(wrong))
    assert (refused.code, refused.error["code"]) == (4, "KST-004")
    assert len(funded.json("tx", "list").data["operations"]) == 1


def test_insufficient_funds_name_have_need_fee_and_reason(funded) -> None:
    refused = funded.pay("unshield", "10")
    assert (refused.code, refused.error["code"]) == (5, "WOP-005")
    assert "have 10 native spendable, need 10.001 (fee 0.001)" in refused.error["message"]
    assert "were scanned" in refused.error["why"]


def test_the_whole_balance_can_leave(funded) -> None:
    assert funded.pay("unshield", "9.999").code == 0
    assert amounts(funded.json("balance")) == ("0", "0", "9.999")


def test_named_assets_pay_their_fee_in_native(funded) -> None:
    assert funded.pay("shield", "3", "--asset", "gold").code == 0
    bob = funded.wallet("bob")
    sent = funded.pay("send", "1", bob["address"], "--asset", "gold", "--wallet", "alice")
    assert sent.data["operation"]["amount"] == {"amount": "1", "unit": "gold"}
    assert sent.data["operation"]["fee"] == {"amount": "0.002", "unit": "native"}
    mine = funded.json("balance", "--wallet", "alice")
    assert amounts(mine, "gold")[0] == "2"
    assert amounts(mine)[0] == "9.998"
    theirs = funded.json("balance", "--wallet", "bob")
    assert amounts(theirs, "gold")[0] == "1"


def test_an_unknown_asset_lists_the_known(funded) -> None:
    refused = funded.pay("shield", "1", "--asset", "tin")
    assert (refused.code, refused.error["code"]) == (2, "WOP-007")
    assert "gold, native, silver" in refused.error["message"]


def test_many_notes_become_several_actions(cli) -> None:
    cli.wallet("alice")
    for _ in range(3):
        cli.pay("shield", "1")
    out = cli.pay("unshield", "2.5").data["operation"]
    assert out["fee"]["amount"] == "0.002"
    shown = cli.json("tx", "show", str(out["id"]))
    assert len(shown.data["actions"]) == 2


def test_unshielding_to_another_account(funded) -> None:
    paid = funded.pay("unshield", "1", "--to", FOREIGN_ACCOUNT).data["operation"]
    assert paid["to"] == FOREIGN_ACCOUNT
    public = funded.json("tx", "show", str(paid["id"])).data["public_values"]
    assert public == [
        {
            "environment": "transparent",
            "account": FOREIGN_ACCOUNT,
            "direction": "leaves",
            "amount": "1",
            "unit": "native",
        }
    ]


def test_the_faucet_is_named_where_it_helps(cli, capsys) -> None:
    cli.wallet("alice")
    result = cli("shield", "1", "--yes", "--password-file", str(cli.password_file))
    assert result.code == 0
    assert "the account lacks 1.001 native: the development faucet pays it in" in result.err


def test_a_view_only_wallet_sees_and_does_not_spend(funded, tmp_path) -> None:
    key = tmp_path / "key"
    funded.json("wallet", "viewkey", "export", "full", "--out", str(key))
    funded.json("wallet", "viewkey", "import", "watcher", str(key))
    seen = funded.json("balance", "--wallet", "watcher").data["assets"][0]
    assert (seen["spendable"]["amount"], seen["transparent"]) == ("10", None)
    to = funded.json("address", "list", "--wallet", "alice").data["addresses"][0]["address"]
    refused = funded.pay("send", "1", to, "--wallet", "watcher")
    assert (refused.code, refused.error["code"]) == (5, "KST-005")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("send", "1", "chiaro_main1qqqq"), "WOP-008", "network 'main'"),
        (("send", "1", "0x" + "ab" * 32), "WOP-008", "transparent account"),
        (("send", "1", "bob"), "WOP-008", "Bech32m"),
        (("unshield", "1", "--to", "0x12"), "WOP-008", "64 hexadecimal digits"),
        (("unshield", "1", "--to", "00" * 32), "WOP-008", "Ed25519"),
        (("shield", "0"), "USE-001", "zero"),
        (("shield", "1.1234567"), "USE-001", "6 decimals"),
        (("shield", "1e3"), "USE-001", "not an amount"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_asked(offline, words, code, said) -> None:
    offline.wallet("alice")
    refused = offline.pay(*words)
    assert refused.error["code"] == code
    assert said in refused.error["message"]


def test_a_viewing_key_is_not_an_address(offline) -> None:
    offline.wallet("alice")
    key = offline.json("wallet", "viewkey", "export", "full").data["viewing_key"]
    refused = offline.pay("send", "1", key)
    assert "viewing key" in refused.error["message"]


def test_a_damaged_address_is_refused(offline) -> None:
    address = offline.wallet("alice")["address"]
    changed = address[:-1] + ("q" if address[-1] != "q" else "p")
    assert offline.json("address", "inspect", changed).error["code"] == "WOP-008"
    mine = offline.json("address", "inspect", address).data
    assert (mine["mine"], mine["index"]) == (True, 0)
    other = offline.wallet("bob")["address"]
    assert offline.json("address", "inspect", other, "--wallet", "alice").data["mine"] is False


def test_addresses_are_numbered_and_all_reach_the_wallet(funded) -> None:
    second = funded.json("address", "new").data
    assert second["index"] == 1
    assert funded.pay("send", "1", second["address"]).code == 0
    assert amounts(funded.json("balance")) == ("9.999", "0", "0")


# --- pending operations ---------------------------------------------------------------------------


@pytest.fixture
def pending(slow_cli, slow_node):
    """Wallet `alice` with 10 shielded and an operation that waits for a block."""
    slow_cli.wallet("alice")
    slow_cli.pay("shield", "10", "--no-wait")
    slow_node.make_block()
    sent = slow_cli.pay("unshield", "2", "--no-wait")
    assert sent.data["operation"]["state"] == "submitted"
    return slow_cli


def test_notes_of_a_pending_operation_are_reserved(pending) -> None:
    assert amounts(pending.json("balance")) == ("0", "7.999", "0")
    refused = pending.pay("unshield", "1")
    assert refused.code == 5
    assert "7.999 is pending" in refused.error["why"]
    assert "10 is reserved" in refused.error["why"]


def test_waiting_ends_with_exit_7_and_names_the_operation(pending, slow_node) -> None:
    late = pending.json("tx", "status", "2", "--wait", "--timeout", "0.1")
    assert (late.code, late.error["code"]) == (7, "NET-004")
    assert "operation 2" in late.error["message"]
    assert pending.json("tx", "status", "2").data["operation"]["state"] == "submitted"
    slow_node.make_block()
    done = pending.json("tx", "status", "2", "--wait")
    assert done.data["operation"]["state"] == "included"
    assert amounts(pending.json("balance")) == ("7.999", "0", "2")


def test_a_payment_that_no_block_takes_in_time_ends_with_exit_7(slow_cli, slow_node) -> None:
    slow_cli.wallet("alice")
    late = slow_cli.pay("shield", "1", "--timeout", "0.1")
    assert (late.code, late.error["code"]) == (7, "NET-004")
    assert "`chiaro tx status 1 --wait`" in late.error["hint"]
    slow_node.make_block()
    assert slow_cli.json("tx", "list").data["operations"][0]["state"] == "included"


def test_an_operation_expires_and_frees_its_notes(pending, slow_node, monkeypatch) -> None:
    from node.rpc import schema

    def unknown(self, tx_id):
        tip = self.status().height
        return schema.TransactionView(tx_id="0x" + tx_id.hex(), status="unknown", tip=tip)

    last = pending.json("tx", "status", "2").data["operation"]["expiry"]
    with monkeypatch.context() as patched:
        # A node that never heard of it: it was lost on the way.
        patched.setattr("node.rpc.client.NodeClient.transaction", unknown)
        assert pending.json("tx", "status", "2").data["operation"]["state"] == "submitted"
        while slow_node.status().height < last:
            slow_node.make_block()
        expired = pending.json("tx", "status", "2")
    assert (expired.code, expired.data["operation"]["state"]) == (1, "expired")


def test_submitting_again_does_not_pay_twice(pending, slow_node) -> None:
    again = pending.json("tx", "submit", "2")
    assert again.data["operation"]["state"] == "submitted"
    slow_node.make_block()
    assert pending.json("tx", "submit", "2").data["operation"]["state"] == "included"
    slow_node.make_block()
    assert amounts(pending.json("balance"))[2] == "2"


def test_what_the_node_refuses_is_rejected_and_frees_its_notes(funded, monkeypatch) -> None:
    from node.core.errors import InvalidTransaction

    def refuse(_self, _tx):
        raise InvalidTransaction("SH-12", "the anchor is no recent root")

    with monkeypatch.context() as patched:
        patched.setattr("node.rpc.client.NodeClient.submit", refuse)
        refused = funded.pay("unshield", "1")
    assert (refused.code, refused.error["code"]) == (5, "SH-12")
    last = funded.json("tx", "status", "2")
    assert (last.code, last.data["operation"]["state"]) == (1, "rejected")
    assert "SH-12" in last.data["operation"]["error"]
    assert amounts(funded.json("balance")) == ("10", "0", "0")


def test_a_node_that_goes_away_leaves_a_proved_operation_to_submit(funded, monkeypatch) -> None:
    from node.core.errors import Unreachable

    def gone(_self, _tx):
        raise Unreachable("no answer")

    with monkeypatch.context() as patched:
        patched.setattr("node.rpc.client.NodeClient.submit", gone)
        assert funded.pay("unshield", "1").code == 6
    listed = funded.json("tx", "list").data["operations"][0]
    assert listed["state"] == "proved"
    assert "tx submit 2" in listed["next"]
    assert amounts(funded.json("balance"))[0] == "0"
    assert funded.json("tx", "submit", "2").code == 0
    assert funded.json("tx", "status", "2", "--wait").data["operation"]["state"] == "included"


def test_two_commands_do_not_use_a_wallet_at_once(offline, monkeypatch) -> None:
    offline.wallet("alice")
    monkeypatch.setattr(wallets, "LOCK_SECONDS", 0.05)
    folder = keystore.folder(Places.of(str(offline.home)), "alice")
    with FileLock(folder / wallets.LOCK_FILE):
        refused = offline.json("address", "new")
        assert (refused.code, refused.error["code"]) == (5, "WOP-001")
        assert offline.json("tx", "list").code == 0  # the log is read without the lock
    assert offline.json("address", "new").code == 0


def test_operations_are_found_by_number_id_and_prefix(funded) -> None:
    operation = funded.json("tx", "status", "1").data["operation"]
    tx_id = operation["tx_id"].removeprefix("0x")
    for identity in (tx_id, "0x" + tx_id, tx_id[:9], "tx:" + tx_id):
        assert funded.json("tx", "show", identity).data["tx_id"] == "0x" + tx_id
    missing = funded.json("tx", "show", "ffffffff")
    assert (missing.code, missing.error["code"]) == (1, "NOD-003")
    unknown = funded.json("tx", "show", "00" * 32)
    assert (unknown.code, unknown.error["code"]) == (1, "NOD-003")
    odd = funded.json("tx", "status", "not-an-id")
    assert (odd.code, odd.error["code"]) == (2, "WOP-009")


# --- disclosures, exports -------------------------------------------------------------------------


def test_a_disclosure_proves_one_payment_and_a_changed_one_does_not(funded, tmp_path) -> None:
    bob = funded.wallet("bob")
    funded.pay("send", "3", bob["address"], "--memo", "deposit", "--wallet", "alice")
    made = funded.json("tx", "disclose", "2", "--wallet", "alice").data["disclosure"]
    path = tmp_path / "disclosure.json"
    path.write_text(json.dumps(made))
    (funded.home / "wallets").rename(tmp_path / "away")  # an auditor has no wallet
    good = funded.json("tx", "verify-disclosure", str(path)).data
    assert (good["valid"], good["amount"], good["memo"]) == (True, "3", "deposit")
    assert good["to"] == bob["address"]
    path.write_text(json.dumps({**made, "quantity": made["quantity"] + 1}))
    bad = funded.json("tx", "verify-disclosure", str(path))
    assert (bad.code, bad.data["valid"]) == (1, False)
    assert bad.data["code"]
    path.write_text("[" * 100_000)
    assert funded.json("tx", "verify-disclosure", str(path)).code == 3


def test_only_outputs_that_are_ours_can_be_disclosed(funded) -> None:
    funded.wallet("stranger")
    tx_id = funded.json("tx", "status", "1", "--wallet", "alice").data["operation"]["tx_id"]
    refused = funded.json("tx", "disclose", tx_id, "--wallet", "stranger")
    assert refused.code == 1
    for number in ("0", "1", "7"):
        command = ("tx", "disclose", tx_id, "--output", number, "--wallet", "stranger")
        assert funded.json(*command).error["code"] == "SH-57"


def test_an_exported_transaction_is_what_verify_reads(funded, tmp_path) -> None:
    """The stub's proof has every form of a proof, and is refused by the equation alone."""
    shown = funded.json("tx", "show", "1", "--export", str(tmp_path / "out"))
    assert shown.data["exported"] == [str(tmp_path / "out")]
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["proof.json", "public.json", "verification_key.json"]
    from_files = funded.json("verify", str(tmp_path / "out" / "proof.json"))
    from_chain = funded.json("verify", "1")
    for result in (from_files, from_chain):
        assert (result.code, result.data["valid"]) == (1, False)
        assert [c["id"] for c in result.data["checks"] if not c["ok"]] == ["pairing"]


def test_several_actions_are_exported_apart(cli, tmp_path) -> None:
    cli.wallet("alice")
    for _ in range(3):
        cli.pay("shield", "1")
    cli.pay("unshield", "2.5")
    shown = cli.json("tx", "show", "4", "--export", str(tmp_path / "out")).data
    assert shown["exported"] == [str(tmp_path / "out" / f"action-{i}") for i in range(2)]
    assert (tmp_path / "out" / "action-1" / "public.json").is_file()
