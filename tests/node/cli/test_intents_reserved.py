"""What intents reserve, what is refused before it costs, and what a person is told."""

from __future__ import annotations

import stat

from node.cli import intent_files
from node.cli.session import Places
from node.testing.intending import (
    address,
    blocks_until,
    both_ordered,
    order_of,
    send,
    spendable,
    swap,
)


def test_a_payment_of_two_actions_fits_in_no_envelope(people) -> None:
    cli = people
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    words = ("1", address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
    refused = cli.pay("intent", "new", "tx", *words)
    assert (refused.code, refused.error["code"]) == (5, "WOP-023")
    assert spendable(cli, "alice")["gold"] == "10"  # nothing was reserved


def test_a_swap_of_another_epoch_is_not_sent(people) -> None:
    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    places = Places.of(str(cli.home))
    kept = intent_files.find(places, "alice", "1")
    intent_files.save(places, "alice", kept.with_(epoch=7))
    refused = cli.pay("intent", "submit", "1", "--wallet", "alice")
    assert (refused.code, refused.error["code"]) == (5, "WOP-024")
    assert intent_files.find(places, "alice", "1").sent is None


def test_without_a_faucet_the_account_must_have_the_fee(people, monkeypatch) -> None:
    import msgspec

    from node.rpc.client import NodeClient

    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    status = NodeClient.status

    def poor(self):
        return msgspec.structs.replace(status(self), faucet=None)

    monkeypatch.setattr(NodeClient, "status", poor)
    refused = cli.pay("intent", "submit", "1", "--wallet", "alice")
    assert (refused.code, refused.error["code"]) == (5, "WOP-025")


def table(cli, *words: str) -> str:
    found = cli(*words)
    return found.out + found.err


def test_what_an_intent_reserves_is_named_and_shown(people) -> None:
    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    refused = cli.pay("send", "3", address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
    assert (refused.code, refused.error["code"]) == (5, "WOP-005")
    assert "10 is reserved for intent i-1" in refused.error["why"]
    assert "chiaro intent cancel i-1" in refused.error["hint"]
    shown = table(cli, "balance", "--wallet", "alice")
    assert "reserved for intent i-1: 10 gold, up to block" in shown
    found = cli.json("balance", "--wallet", "alice").data
    assert found["intents"][0]["reserved"] == [{"amount": "10", "unit": "gold"}]
    assert cli.pay("intent", "cancel", "1", "--wallet", "alice").code == 0
    assert cli.json("balance", "--wallet", "alice").data["intents"] == []


def test_a_rescan_forgets_no_reservation(people, monkeypatch) -> None:
    """Also one that is interrupted, and begun again."""
    from node.cli import wallet_sync

    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    with monkeypatch.context() as patched:

        def gone(*_):
            raise KeyboardInterrupt

        patched.setattr(wallet_sync, "_scan_to", gone)
        assert cli.json("sync", "--rescan", "--wallet", "alice").code == 130
    assert cli.json("sync", "--rescan", "--wallet", "alice").code == 0
    assert spendable(cli, "alice")["gold"] == "0"
    assert cli.json("balance", "--wallet", "alice").data["intents"][0]["intent"] == "i-1"


def test_an_intent_that_is_over_releases_no_note_of_the_next_one(people, still) -> None:
    """The first expires unnoticed, and its note serves the second."""
    cli = people
    first = swap(cli, "alice", "2 gold", "5 silver", "--expires", "30")
    while still.status().height < first["expiry"]:
        still.make_block()
    swap(cli, "alice", "3 gold", "5 silver")
    assert cli.json("intent", "status", "1", "--wallet", "alice").code == 1
    assert spendable(cli, "alice")["gold"] == "0"
    assert cli.json("balance", "--wallet", "alice").data["intents"][0]["intent"] == "i-2"
    assert cli.pay("intent", "cancel", "1", "--wallet", "alice").code == 0
    assert spendable(cli, "alice")["gold"] == "0"


def test_an_interrupted_cancellation_leaves_the_notes_reserved(people, still, monkeypatch) -> None:
    from node.cli import wallet_spend
    from node.core.errors import Unreachable

    cli = people
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    swap(cli, "alice", "2 gold", "5 silver")
    send(cli, "alice")
    still.wait_for_tx(bytes.fromhex(order_of(cli, "alice")), timeout=20)
    blocks_until(still, "unsolved")
    cli.json("intent", "status", "1", "--wallet", "alice")
    for error in (KeyboardInterrupt(), Unreachable("no answer")):
        with monkeypatch.context() as patched:

            def gone(*_args, error=error):
                raise error

            patched.setattr(wallet_spend, "_prove", gone)
            assert cli.pay("intent", "cancel", "1", "--wallet", "alice").code in {6, 130}
        assert spendable(cli, "alice")["gold"] == "0"
    assert cli.pay("intent", "cancel", "1", "--wallet", "alice").code == 0
    assert spendable(cli, "alice")["gold"] == "10"


def test_an_intent_whose_notes_are_gone_is_not_paid_for(people, still) -> None:
    """Two intents of one note, as of a wallet that was put back from a copy of its folder."""
    cli = people
    places = Places.of(str(cli.home))
    swap(cli, "alice", "2 gold", "5 silver")
    kept = intent_files.find(places, "alice", "1")
    assert cli.pay("intent", "cancel", "1", "--wallet", "alice").code == 0
    words = ("3", address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    assert cli.pay("send", *words).code == 0
    intent_files.save(places, "alice", kept)
    refused = cli.pay("intent", "submit", "1", "--wallet", "alice")
    assert refused.code == 5
    assert "spent meanwhile" in refused.error["message"]


def test_a_node_that_tells_of_another_chain_seals_nothing(people, still, monkeypatch) -> None:
    """Who the validators are follows from genesis: another one names other readers."""
    import dataclasses

    from node.rpc.client import NodeClient

    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    true = still.genesis()
    false = dataclasses.replace(true, validators=(b"\x01" * 32,))
    monkeypatch.setattr(NodeClient, "genesis", lambda _self: false)
    for words in (
        ("intent", "submit", "1"),
        ("intent", "new", "swap", "--give", "2", "gold", "--want", "5", "silver"),
    ):
        refused = cli.pay(*words, "--wallet", "alice")
        assert (refused.code, refused.error["code"]) == (5, "WOP-003")


def test_a_wrong_amount_is_refused_before_the_password(people) -> None:
    for amount in ("x", "-1", "1e3", "9" * 40):
        words = ("--give", amount, "gold", "--want", "5", "silver", "--wallet", "alice")
        refused = people.json("intent", "new", "swap", *words)
        assert refused.code == 2, refused.out


def test_sealed_into_a_file_nothing_is_sent(people, still, tmp_path) -> None:
    cli, path = people, tmp_path / "a.seal"
    swap(cli, "alice", "2 gold", "5 silver")
    words = ("intent", "submit", "1", "--out", str(path), "--wallet", "alice")
    sealed = cli.pay(*words)
    assert (sealed.code, sealed.data["intent"]["stage"]) == (0, "pending")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    kept = intent_files.find(Places.of(str(cli.home)), "alice", "1")
    assert path.read_bytes() == kept.sent.wire
    assert still.transaction(kept.sent.tx_id).status == "unknown"
    assert cli.pay(*words).code == 2  # not overwritten
    assert cli.pay(*words[:3], "--open", *words[3:-3], str(tmp_path / "b"), *words[-2:]).code == 2
    blob = tmp_path / "one.blob"
    assert cli.json("da", "pack", str(path), "-o", str(blob)).data["entries"] == 1
    send(cli, "alice")
    refused = cli.pay("intent", "submit", "1", "--out", str(tmp_path / "c"), "--wallet", "alice")
    assert (refused.code, (tmp_path / "c").exists()) == (5, False)


def test_who_submits_is_told_where_no_solver_was_seen(people, still) -> None:
    cli = people
    both_ordered(cli, still)
    listed = cli.json("intent", "status", "1", "--wallet", "alice")
    assert listed.document["warnings"] == []
    words = ("intent", "submit", "1", "--no-wait", "--wallet")
    said = cli.pay(*words, "alice").document["warnings"]
    assert "chiaro solver run" in said[0]
    blocks_until(still, "solving")
    cli.wallet("solver")
    assert cli.pay("solver", "run", "--once", "--wallet", "solver").code == 0
    blocks_until(still, "settled")
    swap(cli, "alice", "1 gold", "1 silver")
    assert cli.pay(*words[:2], "2", *words[3:], "alice").document["warnings"] == []


def test_explain_hides_nothing_that_colluding_validators_can_read(people) -> None:
    swap(people, "alice", "2 gold", "5 silver")
    sees = people.json("intent", "explain", "1", "--wallet", "alice").data["sees"]
    (found,) = [row for row in sees if row["who"] == "enough validators together"]
    assert found["when"] == "sent"
    assert "at once" in found["what"]
    assert not any("only from then on" in row["what"] for row in sees)


def test_a_key_of_another_epoch_seals_nothing(people, still, monkeypatch) -> None:
    import dataclasses

    from node.cli import intent_send

    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    old = dataclasses.replace(still.lane.key(still.genesis(), 0, 0), epoch=3)
    monkeypatch.setattr(intent_send, "key_for", lambda *_: old)
    refused = cli.pay("intent", "submit", "1", "--wallet", "alice")
    assert (refused.code, refused.error["code"]) == (5, "WOP-024")
    kept = intent_files.find(Places.of(str(cli.home)), "alice", "1")
    assert kept.sent is None
