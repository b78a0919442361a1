"""`chiaro intent` and `chiaro solver`: two people, one machine, from the order to the end."""

from __future__ import annotations

import json
import stat

import pytest

from node.app.node import Options
from node.cli import intent_files
from node.cli.session import Places
from node.core.errors import NotFound
from node.core.ids import NATIVE
from node.testing.nodes import memory_node, serving

FOREVER = 3_600_000


@pytest.fixture
def still(parts):
    """A node that makes blocks for transactions at once, and counts heights only when told."""
    options = Options(port=0, delay_ms=1, lane_tick_ms=FOREVER)
    with serving(memory_node(verifier=parts.Believes(), options=options)) as client:
        yield client


@pytest.fixture
def ticking(parts):
    """A node whose heights go by quickly while the lane has something to do."""
    options = Options(port=0, delay_ms=1, lane_tick_ms=20)
    with serving(memory_node(verifier=parts.Believes(), options=options)) as client:
        yield client


@pytest.fixture
def people(parts, tmp_path, capsys, still, stub_prover, assembled):
    """Alice has gold, Bob has silver, both in the pool; the domain's key is made."""
    cli = parts.Cli(tmp_path / "home", capsys, still.url)
    for name, asset in (("alice", "gold"), ("bob", "silver")):
        cli.wallet(name)
        assert cli.pay("shield", "10", "--asset", asset, "--wallet", name).code == 0
    make_key(still)
    return cli


def make_key(client) -> None:
    client.lane.want_key(0)
    for _ in range(12):
        if client.lane.key_state(0).state == "made":
            return
        client.make_block()
    pytest.fail("no key")


def start_of_a_batch(client) -> None:
    """The next block is the first that adds to a new batch."""
    period = client.lane.state().domains[0].period
    while client.status().height % period:
        client.make_block()


def blocks_until(client, stage: str, number: int = 0) -> None:
    for _ in range(40):
        if client.lane.batch(0, number).stage == stage:
            return
        client.make_block()
    pytest.fail(f"never {stage}")


def swap(cli, who: str, give: str, want: str, *more: str):
    words = ("--give", *give.split(), "--want", *want.split(), "--wallet", who, *more)
    made = cli.pay("intent", "new", "swap", *words)
    assert made.code == 0, made.out
    return made.data["intent"]


def send(cli, who: str, number: str = "1", *more: str):
    sent = cli.pay("intent", "submit", number, "--no-wait", "--wallet", who, *more)
    assert sent.code == 0, sent.out
    return sent.data["intent"]


def spendable(cli, who: str) -> dict[str, str]:
    found = cli.json("balance", "--wallet", who).data["assets"]
    return {item["asset"]: item["spendable"]["amount"] for item in found}


def both_ordered(cli, client) -> None:
    """Both swaps in one batch, which begins when the last one is over."""
    swap(cli, "alice", "2 gold", "5 silver")
    swap(cli, "bob", "5 silver", "2 gold")
    start_of_a_batch(client)
    for who in ("alice", "bob"):
        send(cli, who)
        client.wait_for_tx(bytes.fromhex(_tx_id(cli, who)), timeout=20)


def _tx_id(cli, who: str) -> str:
    kept = intent_files.find(Places.of(str(cli.home)), who, "1")
    return kept.sent.tx_id.hex()


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
    refused = cli.pay("send", "1", _address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
    assert refused.error["code"] == "WOP-005"
    told = cli.json("intent", "explain", str(path)).data
    assert told["intent"]["gives"] == [{"amount": "2", "unit": "gold"}]
    assert told["sees"][0]["when"] == "kept"
    assert "nullifiers" in next(s["what"] for s in told["sees"] if s["when"] == "opened")


def _address(cli, who: str) -> str:
    return cli.json("address", "list", "--wallet", who).data["addresses"][0]["address"]


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
    still.wait_for_tx(bytes.fromhex(_tx_id(cli, "alice")), timeout=20)
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
    still.wait_for_tx(bytes.fromhex(_tx_id(cli, "alice")), timeout=20)
    blocks_until(still, "unsolved")
    assert cli.json("intent", "status", "1", "--wallet", "alice").code == 1
    second = send(cli, "alice")
    assert second["id"] == first["id"]
    assert second["sealed_id"] != first["sealed_id"]
    still.wait_for_tx(bytes.fromhex(_tx_id(cli, "alice")), timeout=20)
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
        still.wait_for_tx(bytes.fromhex(_tx_id(cli, who)), timeout=20)
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
    made = cli.pay("intent", "new", "tx", "1.5", _address(cli, "bob"), "--wallet", "alice")
    assert made.code == 0, made.out
    send(cli, "alice")
    still.wait_for_tx(bytes.fromhex(_tx_id(cli, "alice")), timeout=20)
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
    still.wait_for_tx(bytes.fromhex(_tx_id(cli, "alice")), timeout=20)
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
    still.wait_for_tx(bytes.fromhex(_tx_id(cli, "alice")), timeout=20)
    address = _address(cli, "bob")
    paid = cli.pay("send", "1", address, "--asset", "gold", "--wallet", "twin")
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


def test_a_payment_of_two_actions_fits_in_no_envelope(people) -> None:
    cli = people
    assert cli.pay("shield", "1", "--wallet", "alice").code == 0
    words = ("1", _address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
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
    refused = cli.pay("send", "3", _address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
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
    still.wait_for_tx(bytes.fromhex(_tx_id(cli, "alice")), timeout=20)
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
    words = ("3", _address(cli, "bob"), "--asset", "gold", "--wallet", "alice")
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
