"""`chiaro intent` and `chiaro solver`: two people, one machine, from the order to the end."""

from __future__ import annotations

import json
import stat

import pytest

from node.cli import intent_files
from node.cli.session import Places
from node.core.errors import NotFound
from node.core.ids import NATIVE
from node.testing.intending import (
    address,
    blocks_until,
    both_ordered,
    order_of,
    send,
    spendable,
    start_of_a_batch,
    swap,
)


def test_a_swap_of_two_wallets_from_the_order_to_the_balances(people, still) -> None:
    cli = people
    both_ordered(cli, still)
    found = cli.json("intent", "status", "1", "--wallet", "alice").data["intent"]
    assert (found["stage"], found["waits_for"]) == ("ordered", "the batch to close")
    assert found["batch"] == 0
    blocks_until(still, "closed")
    found = cli.json("intent", "status", "i-1", "--wallet", "bob").data["intent"]
    assert (found["stage"], found["waits_for"]) == ("closed", "the validators")
    blocks_until(still, "solving")
    found = cli.json("intent", "status", found["id"][:12], "--wallet", "bob").data["intent"]
    assert (found["stage"], found["waits_for"]) == ("opened", "solvers")
    cli.wallet("solver")
    solved = cli.pay("solver", "run", "--once", "--wallet", "solver")
    (result,) = solved.data["batches"]
    assert (result["submitted"], result["intents"], result["error"]) == (True, 2, None)
    blocks_until(still, "settled")
    for who, gold, silver in (("alice", "8", "5"), ("bob", "2", "5")):
        done = cli.json("intent", "status", "1", "--wait", "--wallet", who)
        assert (done.code, done.data["intent"]["stage"]) == (0, "settled")
        held = spendable(cli, who)
        assert (held["gold"], held["silver"]) == (gold, silver)
    won = cli.json("solver", "solutions", "main/0").data
    assert [item["won"] for item in won["solutions"]] == [True]
    assert [item["code"] for item in won["components"]] == ["ok"]
    told = cli.json("solver", "explain", "0").data
    assert [entry["fate"] for entry in told["entries"]] == ["ok", "ok"]
    assert len(told["settled"]) == 2
    assert "2 exact swaps" in told["components"][0]["text"]
    assert cli("solver", "explain", "0").code == cli("solver", "solutions", "0").code == 0


def test_the_file_of_an_intent_is_private_and_its_notes_are_reserved(people) -> None:
    cli = people
    made = swap(cli, "alice", "2 gold", "5 silver")
    assert made["stage"] == "kept"
    path = intent_files.folder(Places.of(str(cli.home)), "alice") / "1.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert spendable(cli, "alice")["gold"] == "0"
    refused = cli.pay("send", "1", address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
    assert refused.error["code"] == "WOP-005"
    told = cli.json("intent", "explain", str(path)).data
    assert told["intent"]["gives"] == [{"amount": "2", "unit": "gold"}]
    assert told["sees"][0]["when"] == "kept"
    assert "nullifiers" in next(s["what"] for s in told["sees"] if s["when"] == "opened")


def test_a_number_is_never_taken_for_the_beginning_of_an_id(people) -> None:
    cli = people
    made = swap(cli, "alice", "2 gold", "5 silver")
    digits = made["id"].removeprefix("0x")
    places = Places.of(str(cli.home))
    for name in ("1", "i-1", "I-1", digits[:8], made["id"]):
        assert intent_files.find(places, "alice", name).number == 1
    for name in ("2", "i-2", digits[:7], "0x", "", "i-", digits + "00", "zz" * 8):
        with pytest.raises(NotFound):
            intent_files.find(places, "alice", name)


def test_a_kept_intent_is_cancelled_and_its_notes_are_free(people) -> None:
    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    done = cli.pay("intent", "cancel", "1", "--wallet", "alice")
    assert (done.code, done.data["intent"]["stage"]) == (0, "cancelled")
    assert spendable(cli, "alice")["gold"] == "10"
    assert cli.pay("intent", "submit", "1", "--wallet", "alice").code == 5
    assert cli.pay("intent", "cancel", "1", "--wallet", "alice").code == 5
    listed = cli.json("intent", "list", "--wallet", "alice").data["intents"]
    assert [(item["intent"], item["stage"]) for item in listed] == [("i-1", "cancelled")]


def test_an_ordered_intent_cannot_be_taken_back_and_an_unsettled_one_can_be_ended(
    people, still
) -> None:
    """Alone in its batch it expires; then anybody could order it again, until its notes move."""
    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    send(cli, "alice")
    still.wait_for_tx(bytes.fromhex(order_of(cli, "alice")), timeout=20)
    refused = cli.pay("intent", "cancel", "1", "--wallet", "alice")
    assert (refused.code, refused.error["code"]) == (5, "WOP-026")
    blocks_until(still, "unsolved")
    ended = cli.json("intent", "status", "1", "--wallet", "alice")
    assert (ended.code, ended.data["intent"]["stage"]) == (1, "expired")
    assert "no solver" in ended.data["intent"]["why"]
    assert spendable(cli, "alice")["gold"] == "0"  # its terms are public: still reserved
    cli.pay("shield", "1", "--wallet", "alice")
    done = cli.pay("intent", "cancel", "1", "--wallet", "alice")
    assert done.code == 0, done.out
    assert spendable(cli, "alice")["gold"] == "10"
    again = cli.pay("intent", "submit", "1", "--wallet", "alice")
    assert "spent meanwhile" in again.error["message"]


def test_an_unsettled_intent_is_ordered_once_more(people, still) -> None:
    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    first = send(cli, "alice")
    still.wait_for_tx(bytes.fromhex(order_of(cli, "alice")), timeout=20)
    blocks_until(still, "unsolved")
    assert cli.json("intent", "status", "1", "--wallet", "alice").code == 1
    second = send(cli, "alice")
    assert second["id"] == first["id"]
    assert second["sealed_id"] != first["sealed_id"]
    still.wait_for_tx(bytes.fromhex(order_of(cli, "alice")), timeout=20)
    found = cli.json("intent", "status", "1", "--wallet", "alice").data["intent"]
    assert (found["stage"], found["batch"]) == ("ordered", 1)


def test_a_one_time_account_pays_and_nothing_of_the_wallet_is_in_the_order(
    parts, tmp_path, capsys, ticking, stub_prover, assembled
) -> None:
    cli = parts.Cli(tmp_path / "home", capsys, ticking.url)
    cli.wallet("alice")
    assert cli.pay("shield", "10", "--asset", "gold", "--wallet", "alice").code == 0
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    swap(cli, "alice", "2 gold", "5 silver")
    sent = cli.pay("intent", "submit", "1", "--pay", "shielded", "--timeout", "60")
    assert sent.code == 0, sent.out
    found = sent.data["intent"]
    account = cli.json("wallet", "show", "alice").data["account"]
    assert found["one_time"] is True
    assert found["payer"] != account
    kept = intent_files.find(Places.of(str(cli.home)), "alice", "1")
    assert bytes.fromhex(account[2:]) not in kept.sent.wire
    assert ticking.account(bytes.fromhex(found["payer"][2:])).balance(NATIVE) == 0
    done = cli.json("intent", "status", "1", "--wait", "--timeout", "60")
    assert (done.code, done.data["intent"]["stage"]) == (1, "expired")


def test_an_interrupted_funding_is_not_paid_twice(
    parts, tmp_path, capsys, ticking, stub_prover, assembled, monkeypatch
) -> None:
    from node.cli import intent_send
    from node.core.errors import Unreachable

    cli = parts.Cli(tmp_path / "home", capsys, ticking.url)
    cli.wallet("alice")
    assert cli.pay("shield", "10", "--asset", "gold", "--wallet", "alice").code == 0
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    swap(cli, "alice", "2 gold", "5 silver")
    with monkeypatch.context() as patched:

        def gone(*_):
            raise Unreachable("no answer")

        patched.setattr(intent_send, "seal", gone)
        assert cli.pay("intent", "submit", "1", "--pay", "shielded").code == 6
    held = spendable(cli, "alice")["native"]
    kept = intent_files.find(Places.of(str(cli.home)), "alice", "1")
    assert kept.one_time
    assert kept.sent is None
    sent = cli.pay("intent", "submit", "1", "--pay", "shielded", "--timeout", "60")
    assert sent.code == 0, sent.out
    assert sent.data["intent"]["one_time"] is True
    assert spendable(cli, "alice")["native"] == held


def test_limit_orders_trade_at_one_price_and_are_quoted(people, still) -> None:
    cli = people
    for who, asset in (("alice", "gold"), ("bob", "silver")):
        account = cli.json("wallet", "show", who).data["account"]
        still.faucet(bytes.fromhex(account[2:]), 10**7, asset)
    limits = {"alice": ("4", "gold", "8", "silver"), "bob": ("10", "silver", "4", "gold")}
    start_of_a_batch(still)
    for who, (give, sold, want, bought) in limits.items():
        words = ("--give", give, sold, "--want", want, bought, "--partial", "--wallet", who)
        made = cli.pay("intent", "new", "limit", *words)
        assert made.code == 0, made.out
    for who in limits:
        send(cli, who)
        still.wait_for_tx(bytes.fromhex(order_of(cli, who)), timeout=20)
    assert cli.json("solver", "quote", "--give", "1", "gold", "--want", "1", "silver").code == 1
    blocks_until(still, "solving")
    words = ("--give", "1", "gold", "--want", "1", "silver")
    quoted = cli.json("solver", "quote", *words)
    assert quoted.code == 0, quoted.out
    assert quoted.data["sold"] == {"amount": "1", "unit": "gold"}
    assert float(quoted.data["bought"]["amount"]) >= 1
    dear = cli.json("solver", "quote", "--give", "1", "gold", "--want", "900", "silver", "main/0")
    assert (dear.code, dear.data["sold"]["amount"]) == (1, "0")
    assert cli.pay("solver", "run", "--once", "--wallet", "bob").data["batches"][0]["submitted"]
    blocks_until(still, "settled")
    for who in limits:
        done = cli.json("intent", "status", "1", "--wait", "--wallet", who)
        assert done.data["intent"]["stage"] == "settled", done.out
        assert " sold" in done.data["intent"]["text"]


def test_a_whole_payment_is_ordered_sealed(people, still) -> None:
    cli = people
    assert cli.pay("shield", "2", "--wallet", "alice").code == 0
    made = cli.pay("intent", "new", "tx", "1.5", address(cli, "bob"), "--wallet", "alice")
    assert made.code == 0, made.out
    send(cli, "alice")
    still.wait_for_tx(bytes.fromhex(order_of(cli, "alice")), timeout=20)
    blocks_until(still, "solving")
    assert cli.pay("solver", "run", "--once", "--wallet", "bob").data["batches"][0]["submitted"]
    blocks_until(still, "settled")
    done = cli.json("intent", "status", "1", "--wait", "--wallet", "alice")
    assert done.data["intent"]["stage"] == "settled"
    assert spendable(cli, "bob")["native"] == "1.5"


def test_what_cannot_become_an_intent_is_refused_by_name(people) -> None:
    cli = people
    cases = (
        (("--give", "2", "gold", "--want", "5", "gold"), 5, "POL-001"),
        (("--give", "0", "gold", "--want", "5", "silver"), 2, "USE-001"),
        (("--give", "2", "tin", "--want", "5", "silver"), 2, "WOP-007"),
        (("--give", "200", "gold", "--want", "5", "silver"), 5, "WOP-005"),
        (("--give", "2", "gold", "--want", "5", "silver", "--domain", "moon"), 5, "POL-001"),
        (("--give", "2", "gold", "--want", "5", "silver", "--expires", "1"), 5, "POL-001"),
    )
    for words, code, name in cases:
        refused = cli.pay("intent", "new", "swap", *words, "--wallet", "alice")
        assert (refused.code, refused.error["code"]) == (code, name), words
    assert cli.json("intent", "status", "7", "--wallet", "alice").code == 1
    assert cli.json("intent", "submit", "1", "--pay", "later", "--wallet", "alice").code == 2
    assert cli.json("solver", "explain", "moon/1").code == 2
    assert cli.json("solver", "explain", "main/99").code == 1


def test_a_damaged_file_is_named_and_never_sent(people) -> None:
    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    path = intent_files.folder(Places.of(str(cli.home)), "alice") / "1.json"
    document = json.loads(path.read_text())
    for change in ({"version": 2}, {"intent": "zz"}, {"outcome": "won"}, {"sent": {}}):
        path.write_text(json.dumps({**document, **change}))
        refused = cli.pay("intent", "submit", "1", "--wallet", "alice")
        assert (refused.code, refused.error["code"]) == (3, "WOP-022"), change


def test_an_interrupted_submission_sends_the_same_bytes(people, still, monkeypatch) -> None:
    from node.core.errors import Unreachable
    from node.rpc.client import NodeClient

    cli = people
    swap(cli, "alice", "2 gold", "5 silver")
    with monkeypatch.context() as patched:

        def gone(self, tx):
            raise Unreachable("no answer")

        patched.setattr(NodeClient, "submit", gone)
        assert cli.pay("intent", "submit", "1", "--wallet", "alice").code == 6
    places = Places.of(str(cli.home))
    before = intent_files.find(places, "alice", "1").sent
    assert before.taken is False
    waits = cli.json("intent", "status", "1", "--wallet", "alice").data["intent"]
    assert (waits["stage"], waits["waits_for"]) == ("pending", "you")
    send(cli, "alice")
    after = intent_files.find(places, "alice", "1").sent
    assert (after.wire, after.id, after.taken) == (before.wire, before.id, True)
    still.wait_for_tx(after.tx_id, timeout=20)
    assert send(cli, "alice")["stage"] == "ordered"  # once more changes nothing
    assert len(still.lane.batch(0, 0).entries) == 1


def test_an_intent_is_found_however_many_batches_came_after_it(people, still, monkeypatch) -> None:
    """Its transaction names its batch; a search that gives up would call it never ordered."""
    from node.rpc import lane

    cli = people
    swap(cli, "alice", "2 gold", "5 silver", "--domain", "main")
    send(cli, "alice")
    still.wait_for_tx(bytes.fromhex(order_of(cli, "alice")), timeout=20)
    blocks_until(still, "unsolved")
    monkeypatch.setattr(lane, "MOST_SEARCHED", 0)
    found = cli.json("intent", "status", "1", "--wallet", "alice").data["intent"]
    assert (found["stage"], found["batch"]) == ("expired", 0)
    assert "no solver" in found["why"]


def test_solver_run_waits_for_a_batch_and_says_when_none_came(people) -> None:
    late = people.pay("solver", "run", "--once", "--timeout", "0", "--wallet", "bob")
    assert (late.code, late.error["code"]) == (7, "NET-004")


def test_a_pending_swap_is_cancelled_by_spending_its_notes(people, still, monkeypatch) -> None:
    from node.core.errors import Unreachable
    from node.rpc.client import NodeClient

    cli = people
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    swap(cli, "alice", "2 gold", "5 silver")
    with monkeypatch.context() as patched:

        def gone(self, tx):
            raise Unreachable("no answer")

        patched.setattr(NodeClient, "submit", gone)
        cli.pay("intent", "submit", "1", "--wallet", "alice")
    done = cli.pay("intent", "cancel", "1", "--wallet", "alice")
    assert (done.code, done.data["intent"]["stage"]) == (0, "cancelled"), done.out
    assert spendable(cli, "alice")["gold"] == "10"
    sealed = intent_files.find(Places.of(str(cli.home)), "alice", "1").sent
    still.submit(sealed.wire)  # whoever got hold of it orders it all the same
    still.wait_for_tx(sealed.tx_id, timeout=20)
    blocks_until(still, "solving")
    assert [entry.fate for entry in still.lane.batch(0, 0).entries] != ["ok"]


def test_an_intent_whose_note_was_spent_elsewhere_is_refused_when_it_is_opened(
    people, still
) -> None:
    cli = people
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    words = cli.home / "words"
    shown = cli.pay("wallet", "backup", "--show-words", "--wallet", "alice").data["words"]
    words.write_text(" ".join(shown))
    words.chmod(0o600)
    assert cli.pay("wallet", "restore", "twin", "--from-words-file", str(words)).code == 0
    swap(cli, "alice", "2 gold", "5 silver")
    send(cli, "alice")
    still.wait_for_tx(bytes.fromhex(order_of(cli, "alice")), timeout=20)
    paid = cli.pay("send", "1", address(cli, "bob"), "--asset", "gold", "--wallet", "twin")
    assert paid.code == 0, paid.out
    blocks_until(still, "solving")
    found = cli.json("intent", "status", "1", "--wallet", "alice")
    assert (found.code, found.data["intent"]["stage"]) == (1, "refused")
    assert found.data["intent"]["why"].startswith("IN-10")
    refused = cli.pay("intent", "cancel", "1", "--wallet", "alice")
    assert (refused.code, refused.error["code"]) == (5, "POL-001")


def test_a_solver_that_watches_tells_each_batch_in_a_document(people, still, monkeypatch) -> None:
    from node.rpc.client import NodeClient

    cli = people
    both_ordered(cli, still)
    blocks_until(still, "solving")

    def stop(self, after, timeout=0):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(NodeClient, "events", stop)
        watched = cli.pay("solver", "run", "--domain", "main", "--wallet", "bob")
    assert watched.code == 130
    event = watched.document
    assert (event["schema"], event["data"]["submitted"]) == ("chiaro.solver.event/1", True)
    still.make_block()
    (found,) = cli.json("solver", "solutions", "main/0").data["solutions"]
    assert (found["best"], found["won"], found["code"]) == (True, False, "ok")
    assert float(found["score"]) == 2
